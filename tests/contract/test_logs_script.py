"""The part of the startup script that sends the engine's log, run by a real bash on a machine of stand-ins."""

import re
from pathlib import Path

import pytest

from core.logs.model import LogTarget
from providers.startup.logs import IMAGE, configuration
from tests.contract.test_startup_script import check_shell
from tests.machine import DOCKER, Machine, following
from tests.unit.test_startup_text import KEY, TOKEN, launch, startup

TARGET = LogTarget(
    host="logs.example.org",
    port=5432,
    database="logs",
    ssl_mode="require",
    role="prime-ab12cd-000001-llama",
    password="s3cretPassword",
)
LOG_PATH = "/var/lib/docker/containers/ab/ab-json.log"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.stand_in("docker", f'case "$*" in *LogPath*) echo {LOG_PATH}; exit ;; esac\n{DOCKER}')
    return machine


def first_boot() -> str:
    return startup().build(launch(), key=KEY, hub_token=TOKEN, log=TARGET)


def test_runs_beside_the_engine_with_its_secrets_in_files_for_root_alone(machine: Machine) -> None:
    boot = machine.boot(first_boot())
    assert boot.returncode == 0, boot.stderr
    engine, logs = machine.docker("run")
    assert following(engine, "--name") == ["prime-engine"]
    assert following(logs, "--name") == ["prime-logs"]
    folder = machine.path("/etc/prime/logs")
    assert following(logs, "-v") == [
        f"{folder}:/prime:ro",
        "/var/lib/docker/containers/ab:/engine:ro",
        "prime-logs:/state",
    ]
    assert following(logs, "-e") == ["PGSSLMODE=require"]
    assert logs[-3:] == [IMAGE, "-c", "/prime/fluent-bit.conf"]
    assert TARGET.password.encode() not in machine.all_calls()
    assert (folder / "fluent-bit.conf").read_text() == configuration(TARGET, secrets=[KEY, TOKEN])
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_later_boots_go_on_with_the_files_of_the_first(machine: Machine) -> None:
    machine.boot(first_boot())
    files = {name: content for name, (_, _, content) in machine.files().items() if "logs" in name}
    machine.forget_calls()
    assert machine.boot(startup().without_secrets(launch(), log=TARGET)).returncode == 0
    assert following(machine.docker("run")[-1], "--name") == ["prime-logs"]
    assert {name: content for name, (_, _, content) in machine.files().items() if "logs" in name} == files


def test_a_machine_that_was_never_told_where_sends_nothing(machine: Machine) -> None:
    machine.boot(startup().build(launch(), key=KEY, hub_token=None))
    machine.forget_calls()
    assert machine.boot(startup().without_secrets(launch(), log=TARGET)).returncode == 0
    assert all("prime-logs" not in call for call in machine.docker("run"))


def test_a_log_that_cannot_be_sent_fails_nothing(machine: Machine) -> None:
    refusing = 'case "$*" in *prime-logs*) exit 125 ;; esac'
    machine.stand_in("docker", f"{refusing}\n{DOCKER}")
    boot = machine.boot(first_boot())
    assert boot.returncode == 0, boot.stderr
    assert "is not sent" in boot.stdout
    assert machine.progress["stage"] == "loading"


@pytest.mark.parametrize("secrets", [True, False])
def test_shellcheck_finds_nothing(*, secrets: bool, tmp_path: Path) -> None:
    packed = first_boot() if secrets else startup().without_secrets(launch(), log=TARGET)
    unpack = re.sub(r"exec bash <\((.*)\n\)\n$", r"\1\n", packed, flags=re.DOTALL)
    (tmp_path / "script.sh").write_text(Machine(tmp_path).boot(unpack).stdout)
    assert check_shell(tmp_path, "script.sh") == ""
