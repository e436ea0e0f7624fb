"""The Dockerfile carried out without Docker. Each stage is an overlay over this machine's files, which stand in for the
base image; a container is a process in name spaces of its own with that overlay as its root."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

_ENTER = """\
set -eu
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$LAYER/upper,workdir=$LAYER/work" "$LAYER/root"
mount --rbind /dev "$LAYER/root/dev"
mount -t proc proc "$LAYER/root/proc"
if [ -n "${VOLUME:-}" ]; then
    mount --bind "$VOLUME" "$LAYER/root$MOUNT"
    mount -o remount,ro overlay "$LAYER/root"
fi
exec chroot "$LAYER/root" "$@"
"""
_NAME_SPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
_OF_THE_BUILDER = re.compile(r"PATH|(PIP|UV|SSL)_\w+|\w+_(proxy|PROXY)")
"""What a build here needs of this machine's environment: where its package mirror is."""


@dataclass(slots=True)
class Image:
    layer: Path
    """Has what the stage adds to this machine's files in `upper`."""
    variables: dict[str, str]
    workdir: str = "/"
    user: str = "0:0"
    volume: str = ""
    entrypoint: list[str] = field(default_factory=list[str])
    command: list[str] = field(default_factory=list[str])
    healthcheck: str = ""

    @property
    def files(self) -> Path:
        return self.layer / "upper"

    def container(self, *, volume: Path, **given: str) -> Sequence[str]:
        """What to start: the image's command as process 1 of the image's user, with no privileges, on a root that is
        read-only but for the volume."""
        return self._process([*self.entrypoint, *self.command], volume=volume, given=given)

    def shell(self, line: str, *, volume: Path, **given: str) -> Sequence[str]:
        """The same with a line of shell in the command's place, as health checks have it."""
        return self._process(["sh", "-c", line], volume=volume, given=given)

    def _process(self, words: Sequence[str], *, volume: Path, given: Mapping[str, str]) -> Sequence[str]:
        uid, gid = self.user.split(":")
        shutil.chown(volume, int(uid), int(gid))
        unprivileged = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
        unprivileged += ["--inh-caps=-all", "--bounding-set=-all"]
        settings = [f"{name}={value}" for name, value in {**self.variables, **given}.items()]
        return [
            *("env", f"LAYER={self.layer}", f"VOLUME={volume}", f"MOUNT={self.volume}"),
            *(*_NAME_SPACES, "sh", "-c", _ENTER, "sh"),
            *(*unprivileged, "env", "-i", *settings, *words),
        ]

    def run(self, line: str) -> None:
        """As the builder does: as root, and what it writes stays."""
        given = {name: value for name, value in os.environ.items() if _OF_THE_BUILDER.fullmatch(name)}
        subprocess.run(
            [*_NAME_SPACES, "sh", "-c", _ENTER, "sh", "sh", "-c", f"cd {self.workdir} && {line}"],
            env={"HOME": "/root", **given, **self.variables, "LAYER": str(self.layer)},
            check=True,
        )


def build(folder: Path) -> Image:
    """Skips the test where this machine does not allow it."""
    try:
        _base(folder / "trial").run("true")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody lay an overlay over its files: that takes root, and unshare")
    stages: dict[str, Image] = {}
    image = None
    for word, rest in _instructions((ROOT / "Dockerfile").read_text()):
        if word == "ARG":
            continue  # it names the base image
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            stages[name] = image = _base(folder / name)
            continue
        assert image is not None
        match word:
            case "WORKDIR":
                image.workdir = rest
                (image.files / rest.lstrip("/")).mkdir(parents=True)
            case "COPY" if rest == ". .":
                _copy_checkout(image.files / image.workdir.lstrip("/"))
            case "COPY":
                match_ = re.fullmatch(r"--from=(\w+) /(\S+) /(\S+)", rest)
                assert match_, rest
                (image.files / match_[3]).parent.mkdir(parents=True, exist_ok=True)
                (stages[match_[1]].files / match_[2]).rename(image.files / match_[3])
            case "RUN":
                image.run(rest)
            case "ENV":
                for setting in shlex.split(rest):
                    name, _, value = setting.partition("=")
                    image.variables[name] = value.replace("$PATH", image.variables["PATH"])
            case "USER":
                image.user = rest
            case "VOLUME":
                image.volume = rest
            case "HEALTHCHECK":
                image.healthcheck = rest.partition("CMD ")[2]
            case "ENTRYPOINT":
                image.entrypoint = json.loads(rest)
            case "CMD":
                image.command = json.loads(rest)
            case _:
                assert word == "EXPOSE", word
    return stages["last"]


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def _base(layer: Path) -> Image:
    for name in ("upper", "work", "root"):
        (layer / name).mkdir(parents=True)
    image = Image(layer, {"PATH": os.environ["PATH"]})
    # The Python of a base image is for everybody, that of a developer may lie behind a door.
    for parent in reversed(Path(sys.base_prefix).parents):
        (image.files / parent.relative_to("/")).mkdir(exist_ok=True)
        (image.files / parent.relative_to("/")).chmod(0o755)
    return image


def _copy_checkout(target: Path) -> None:
    """What .dockerignore lets in."""
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, copy = ROOT / line[1:], target / line[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, copy)
