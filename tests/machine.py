"""A machine for the startup script: its own root folder, and a PATH on which nothing but stand-ins and plain tools are.

A stand-in is a line or two of bash that writes down how it was called. What it answers depends on files in `world`."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REAL = tuple(
    "base64 bash cat chmod cmp cut date env gzip mkdir mv nohup openssl paste rm sha256sum tr".split()  # noqa: SIM905
)

DOCKER = """\
case "$1 $2" in
"image inspect") [ -e "$WORLD/image" ] ;;
"pull "*) cat "$WORLD/layers"; [ ! -e "$WORLD/pull-fails" ] && : >"$WORLD/image" ;;
"inspect "*) cat "$WORLD/container" ;;
"rm "*) rm -f "$WORLD/container" ;;
"run "*)
    if [ -e "$WORLD/run-fails" ]; then cat "$WORLD/run-fails" >&2; exit 125; fi
    echo "running 0" >"$WORLD/container"; echo 0123456789ab ;;
"start "*) [ -e "$WORLD/container" ] ;;
"logs "*) cat "$WORLD/log" ;;
esac"""

APT_GET = """\
umask >"$WORLD/umask"
case "$*" in *install*)
    for name; do :; done
    /bin/cp "$WORLD/packages/$name"/* "${0%/*}" ;;
esac"""

STAND_INS = {
    "docker": DOCKER,
    "curl": 'case "$*" in */health) [ -e "$WORLD/healthy" ] ;; *) echo "a public key" ;; esac',
    "nginx": "",
    "systemctl": "",
    "iptables": '[ "$3" != -C ]',
    "nvidia-smi": "",
    "nvidia-ctk": "",
    "apt-get": APT_GET,
    "setsid": "",
    "sleep": "",
}


class Machine:
    def __init__(self, folder: Path) -> None:
        self.root, self._bin, self.world = folder / "root", folder / "bin", folder / "world"
        self._calls = folder / "calls"
        for path in (self.root, self._bin, self.world / "packages", self._calls):
            path.mkdir(parents=True)
        for name in REAL:
            (self._bin / name).symlink_to(shutil.which(name) or f"/missing/{name}")
        self.stand_in("python3", f'exec {sys.executable} "$@"', noted=False)
        for name, answer in STAND_INS.items():
            self.stand_in(name, answer)
        self.say("layers", "3.3.5: Pulling from x\n")
        self.say("log", "")

    def stand_in(self, name: str, answer: str, *, folder: Path | None = None, noted: bool = True) -> None:
        note = f'{{ [ $# = 0 ] || printf "%s\\0" "$@"; }} >"{self._calls}/$EPOCHREALTIME $$ {name}"\n' if noted else ""
        path = (folder or self._bin) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\nWORLD='{self.world}'\n{note}{answer}\n")
        path.chmod(0o755)

    def package(self, package: str, program: str) -> None:
        """Takes a program away; installing the package brings it back."""
        (self.world / "packages" / package).mkdir()
        (self._bin / program).rename(self.world / "packages" / package / program)

    def without(self, program: str) -> None:
        (self._bin / program).unlink()

    def say(self, name: str, text: str = "") -> None:
        """Puts a file into the world of the stand-ins."""
        (self.world / name).write_text(text)

    def boot(self, script: str) -> subprocess.CompletedProcess[str]:
        return self.bash("-s", text=script)

    def bash(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("bash") or "bash", *arguments],
            input=text,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self._bin), "PRIME_ROOT": str(self.root), "LC_ALL": "C.UTF-8"}

    def calls(self, program: str) -> list[list[str]]:
        """The arguments of each call, in their order."""
        files = sorted(path for path in self._calls.iterdir() if path.name.split(" ")[2] == program)
        return [path.read_bytes().decode().split("\0")[:-1] for path in files]

    def all_calls(self) -> bytes:
        return b"".join(path.read_bytes() for path in self._calls.iterdir())

    def forget_calls(self) -> None:
        for path in self._calls.iterdir():
            path.unlink()

    def docker(self, word: str) -> list[list[str]]:
        return [call for call in self.calls("docker") if call[0] == word]

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    @property
    def progress(self) -> dict[str, Any]:
        return json.loads(self.path("/run/prime/progress.json").read_text())

    def files(self) -> dict[str, tuple[int, int, bytes]]:
        """Mode, time of the last write and content of every file but progress.json, which tells each run anew."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
            for path in self.root.rglob("*")
            if path.is_file() and path.name != "progress.json"
        }


def following(words: Sequence[str], flag: str) -> list[str]:
    """What stands after each occurrence of a flag."""
    return [words[index + 1] for index, word in enumerate(words) if word == flag]
