"""The watcher that keeps progress.json true, one look at a time."""

import json
import subprocess
from pathlib import Path

import pytest

from providers.startup.script import WATCH_FILES
from tests.machine import Machine

FOLDER = Path(__file__).parents[2] / "providers" / "startup"
ONE_LOOK = '/bin/rm -f "$PRIME_ROOT/var/lib/prime/watch.pid"'
"""What `sleep` does here: the watcher ends when it is no longer the newest."""

TGI_LOG = f"""\
{{"level":"INFO","fields":{{"message":"Args {{ model_id: \\"m\\", api_key: Some(\\"s3cret\\") }}"}}}}
{json.dumps({"fields": {"message": "Starting check and download process for m"}})}
{json.dumps({"fields": {"message": "Download: [1/4] -- ETA: 0:00:30"}})}
{json.dumps({"fields": {"message": "Download: [3/4] -- ETA: 0:00:10"}})}
{json.dumps({"fields": {"message": "Starting shard"}})}
{json.dumps({"fields": {"message": "Waiting for shard to be ready..."}})}
{json.dumps({"message": "Warming up model"})}
{json.dumps({"message": "Connected"})}
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.stand_in("sleep", ONE_LOOK)
    machine.path("/var/lib/prime").mkdir(parents=True)
    machine.path("/var/lib/prime/watch.sh").write_text("\n".join((FOLDER / name).read_text() for name in WATCH_FILES))
    machine.say("container", "running 0\n")
    return machine


def look(machine: Machine) -> tuple[str, str]:
    ended = machine.bash(str(machine.path("/var/lib/prime/watch.sh")), "8081")
    assert ended.returncode == 0, ended.stderr
    return machine.progress["stage"], machine.progress["detail"]


@pytest.mark.parametrize(
    ("lines", "detail"),
    [
        (0, "the engine starts"),
        (1, "the engine starts"),
        (2, "looking for the weights"),
        (3, "weights 1 of 4"),
        (4, "weights 3 of 4"),
        (6, "loading the weights"),
        (7, "warming up"),
        (8, "the engine is up"),
    ],
)
def test_reads_tgis_log(machine: Machine, lines: int, detail: str) -> None:
    machine.say("log", "".join(TGI_LOG.splitlines(keepends=True)[:lines]))
    assert look(machine) == ("loading", detail)


@pytest.mark.parametrize(
    ("log", "detail"),
    [
        ("INFO Starting to load model m...\n", "loading the weights"),
        (
            "Loading safetensors checkpoint shards:  0% Completed | 0/4 [0]\rcheckpoint shards: 50% | 2/4 [1]\r",
            "weights 2 of 4",
        ),
        ("Loading safetensors checkpoint shards: 100% Completed | 4/4 [0]\nCapturing CUDA graphs: 3%\n", "warming up"),
        ("INFO:     Application startup complete.\n", "the engine is up"),
    ],
)
def test_reads_vllms_log(machine: Machine, log: str, detail: str) -> None:
    machine.say("log", log)
    assert look(machine) == ("loading", detail)


def test_is_ready_when_health_answers(machine: Machine) -> None:
    machine.say("healthy")
    assert look(machine) == ("ready", "the engine answers")
    assert machine.calls("curl")[0][-1] == "http://127.0.0.1:8081/health"


def test_forgives_the_first_restarts(machine: Machine) -> None:
    machine.say("container", "restarting 2\n")
    assert look(machine)[0] == "loading"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory.", "the model does not fit into the GPU memory"),
        ('Error: ArgumentValidation("`num_shard` cannot be 0")', "the engine refused its options"),
        ("huggingface_hub.errors.GatedRepoError: 401 Client Error.", "the model hub refused access to the model"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("RuntimeError: No CUDA GPUs: no CUDA-capable device is detected", "no NVIDIA driver or container toolkit"),
        ("thread main panicked", "the reason is in the engine's log"),
    ],
)
def test_tells_the_kind_of_reason_of_a_crash_loop(machine: Machine, log: str, reason: str) -> None:
    machine.say("container", "restarting 3\n")
    machine.say("log", f"{TGI_LOG}{log}\n")
    stage, detail = look(machine)
    assert (stage, "ended 3 times" in detail, reason in detail) == ("failed", True, True)


def test_says_that_the_engine_stands_still(machine: Machine) -> None:
    machine.say("container", "exited 0\n")
    assert look(machine)[0] == "failed"


def test_says_that_the_container_is_gone(machine: Machine) -> None:
    (machine.world / "container").unlink()
    assert look(machine) == ("failed", "the engine's container is gone")


def test_recovers_from_a_failure(machine: Machine) -> None:
    machine.say("container", "restarting 5\n")
    assert look(machine)[0] == "failed"
    machine.say("healthy")
    assert look(machine)[0] == "ready"


def test_repeats_what_was_noted_at_the_boot(machine: Machine) -> None:
    machine.path("/var/lib/prime/notes").write_text("no NVIDIA driver here\n")
    assert look(machine) == ("loading", "the engine starts (no NVIDIA driver here)")


def test_nothing_of_the_log_is_told(machine: Machine) -> None:
    machine.say("container", "restarting 9\n")
    machine.say("log", f'{TGI_LOG}invalid value "s3cret" for --api-key\n')
    look(machine)
    assert "s3cret" not in machine.path("/run/prime/progress.json").read_text()


def test_is_one_line_of_json_that_everybody_may_read(machine: Machine) -> None:
    look(machine)
    path = machine.path("/run/prime/progress.json")
    assert set(json.loads(path.read_text())) == {"stage", "detail", "at"}
    assert path.stat().st_mode & 0o777 == 0o644


def test_gives_way_to_a_newer_one_and_ends_with_its_machine(machine: Machine) -> None:
    machine.stand_in("sleep", "exec /bin/sleep 0.01", noted=False)
    command = ["/bin/bash", str(machine.path("/var/lib/prime/watch.sh")), "8081"]
    both = {subprocess.Popen(command, env=machine.environment) for _ in range(2)}
    try:
        (newest,) = both - {_first_to_end(both)}
        assert machine.path("/var/lib/prime/watch.pid").read_text() == f"{newest.pid}\n"
        machine.path("/var/lib/prime/watch.pid").unlink()
        newest.wait(10)
    finally:
        for process in both:
            process.kill()
            process.wait()


def _first_to_end(processes: set[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    for _ in range(1000):
        for process in processes:
            try:
                process.wait(0.005)
            except subprocess.TimeoutExpired:
                continue
            return process
    raise AssertionError("both go on")
