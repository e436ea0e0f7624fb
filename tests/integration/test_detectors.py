"""The processes that look for personal data: what becomes of them, and of what they were asked."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.detectors import harmless_environment
from bot.settings import Settings
from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
from core.redaction.detector_pool import LINE_LENGTH, DetectorPool, Limits, process_command
from core.redaction.errors import DetectorsBusyError, RedactionFailedError
from core.redaction.model import EntityType
from tests.clock import ManualClock
from tests.prime import ROOT, eventually
from tests.profiles import LONG

FAULTY = (sys.executable, "-m", "tests.faulty_detector")
NEVER_READY = (sys.executable, "-c", "import time; time.sleep(60)")
PRIME = """
import asyncio, os, pathlib, sys
from core.clock import SystemClock
from core.redaction.detector_pool import DetectorPool

async def main():
    command = (sys.executable, "-m", "tests.faulty_detector")
    async with DetectorPool(command, SystemClock(), workers=2, environment=os.environ) as pool:
        while pool.ready < 2:
            await asyncio.sleep(0.02)
        pathlib.Path(sys.argv[1]).touch()
        await asyncio.sleep(60)

asyncio.run(main())
"""
QUICK = Limits(base=0.6, line=20.0, ping=0.3, pong=0.6)
TEXT = "write to ada@example.com"


def children(parent: int | None = None) -> set[int]:
    """The detectors of this process, or of another."""
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == (parent or os.getpid()) and b"detector" in command:
            found.add(int(entry.name))
    return found


def is_running(process: int) -> bool:
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def pool_of(
    command: Sequence[str], *, workers: int = 1, limits: Limits = QUICK, clock: Clock | None = None
) -> DetectorPool:
    environment = {**harmless_environment(), "PYTHONPATH": str(ROOT)}
    return DetectorPool(command, clock or SystemClock(), workers=workers, limits=limits, environment=environment)


@pytest.fixture
async def pool() -> AsyncIterator[DetectorPool]:
    async with pool_of(FAULTY, workers=2) as pool:
        await eventually(lambda: pool.ready == 2, within_seconds=30)
        yield pool


async def found(pool: DetectorPool, text: str = TEXT) -> list[EntityType]:
    [findings] = await pool.find([text])
    return [one.type for one in findings]


async def test_finds_what_the_process_finds(pool: DetectorPool) -> None:
    assert await found(pool) == [EntityType.EMAIL]


async def test_takes_as_many_at_once_as_come(pool: DetectorPool) -> None:
    assert await asyncio.gather(*(found(pool) for _ in range(40))) == [[EntityType.EMAIL]] * 40


@pytest.mark.parametrize("fault", ["die", "hang", "raise", "babble", "flood", "nest", "interject", "miss", "lose"])
async def test_what_goes_wrong_refuses_the_text_and_no_other(pool: DetectorPool, fault: str) -> None:
    with pytest.raises(RedactionFailedError):
        await pool.find([f"please {fault}"])
    assert await found(pool) == [EntityType.EMAIL]
    await eventually(lambda: pool.ready == 2, within_seconds=30)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_one_that_is_killed_or_frozen_while_it_has_nothing_to_do_is_replaced(
    pool: DetectorPool, number: signal.Signals
) -> None:
    for process in children():
        os.kill(process, number)
    await eventually(lambda: pool.restarts == 2 and pool.ready == 2, within_seconds=30)
    assert await found(pool) == [EntityType.EMAIL]


async def test_is_told_none_of_primes_secrets(pool: DetectorPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    for process in children():
        os.kill(process, signal.SIGKILL)
    await eventually(lambda: pool.restarts == 2 and pool.ready == 2, within_seconds=30)
    [[finding]] = await pool.find(["please tell"])
    assert finding.end == 1


async def test_leaves_no_process() -> None:
    before = children()
    async with pool_of(FAULTY, workers=2) as pool:
        await eventually(lambda: pool.ready == 2, within_seconds=30)
        busy = asyncio.create_task(pool.find(["please hang"]))
        await asyncio.sleep(0.1)
    await eventually(lambda: children() <= before)
    with pytest.raises(RedactionFailedError):
        await busy


async def test_none_outlives_prime(tmp_path: Path) -> None:
    told = tmp_path / "ready"
    prime = await asyncio.create_subprocess_exec(sys.executable, "-c", PRIME, told, env={"PYTHONPATH": str(ROOT)})
    await eventually(told.exists, within_seconds=30)
    processes = children(prime.pid)
    assert len(processes) == 2
    prime.kill()
    await prime.wait()
    await eventually(lambda: not any(map(is_running, processes)))


async def test_nothing_is_left_open_by_those_that_ended() -> None:
    async with pool_of(FAULTY) as pool:
        await found(pool)
        before = open_files()
        for _ in range(4):
            with pytest.raises(RedactionFailedError):
                await pool.find(["please die"])
            await found(pool)
        assert open_files() <= before


async def test_one_that_did_enough_is_replaced_and_nobody_notices() -> None:
    async with pool_of((*FAULTY, "2")) as pool:
        for _ in range(5):
            assert await found(pool) == [EntityType.EMAIL]
        assert pool.restarts == 2


async def test_first_come_first_served() -> None:
    async with pool_of(FAULTY) as pool:
        served: list[int] = []

        async def ask(number: int) -> None:
            await pool.find([TEXT])
            served.append(number)

        await asyncio.gather(*map(ask, range(20)))
    assert served == list(range(20))


async def test_who_gives_up_holds_up_nobody(pool: DetectorPool) -> None:
    asked = [asyncio.create_task(pool.find([TEXT])) for _ in range(20)]
    await asyncio.sleep(0)
    for one in asked:
        one.cancel()
    assert await found(pool) == [EntityType.EMAIL]
    assert pool.restarts == 0


async def test_a_text_does_not_wait_for_ever() -> None:
    async with pool_of(NEVER_READY, limits=Limits(line=0.1)) as pool:
        with pytest.raises(DetectorsBusyError):
            await pool.find([TEXT])


async def test_a_line_that_is_too_long_is_told_at_once() -> None:
    async with pool_of(NEVER_READY) as pool:
        waiting = [asyncio.create_task(pool.find([TEXT])) for _ in range(LINE_LENGTH)]
        await asyncio.sleep(0)
        with pytest.raises(DetectorsBusyError):
            await pool.find([TEXT])
    for one in waiting:
        with pytest.raises(RedactionFailedError):
            await one


async def test_waiting_in_line_does_not_count_as_working() -> None:
    """The first one takes longer than the second would wait for the end of its own."""
    async with pool_of(FAULTY, limits=Limits(base=1.0, line=2.0)) as pool:
        await eventually(lambda: pool.is_ready, within_seconds=30)
        hung = asyncio.create_task(pool.find(["please hang"]))
        await asyncio.sleep(0)
        assert await found(pool) == [EntityType.EMAIL]
        with pytest.raises(RedactionFailedError):
            await hung


async def test_what_never_comes_up_is_tried_less_and_less_often() -> None:
    clock = ManualClock()
    async with pool_of((sys.executable, "-c", "raise SystemExit(3)"), clock=clock) as pool:
        for restarts, seconds in ((2, 1), (3, 2), (4, 5), (5, 10), (6, 30), (7, 30)):
            await eventually(lambda restarts=restarts: (pool.restarts, clock.sleepers) == (restarts, 1))
            await clock.advance(seconds)
        assert not pool.is_ready


async def test_how_one_ended_is_logged_without_its_text(pool: DetectorPool) -> None:
    with capture_logs() as logs:
        with pytest.raises(RedactionFailedError):
            await pool.find([f"please die, {TEXT}"])
        await eventually(lambda: pool.restarts == 1)
    [ended] = [one for one in logs if one["event"] == "detector_ended"]
    assert (ended["exit_code"], ended["cause"]) == (3, "IncompleteReadError")
    assert "ada" not in str(logs)


async def test_an_engine_that_cannot_be_had_is_told() -> None:
    async with pool_of(process_command("spacy", "no_such_model_at_all")) as pool:
        with pytest.raises(ConfigurationError, match="PRIME_REDACTION_MODEL is 'no_such_model_at_all'"):
            async with asyncio.timeout(60):
                await pool.watch()


async def test_the_default_engine_finds_names() -> None:
    async with pool_of(process_command("spacy", Settings().prime_redaction_model), limits=Limits()) as pool:
        await eventually(lambda: pool.is_ready, within_seconds=60)
        text = "Did Alice Smith write to bob@example.com?"
        [findings] = await pool.find([text])
    names = {text[one.start : one.end] for one in findings}
    assert {"Alice Smith", "bob@example.com"} <= names


async def test_whatever_happens_to_them_a_text_is_looked_through_or_refused(pool: DetectorPool) -> None:
    """Killed, hung, crashing and corrupted at random, by texts and from outside."""
    dice = random.Random(7)
    faults = ["die", "raise", "babble", "flood", "nest", "interject", "miss", "lose", "hang"]

    async def ask(number: int) -> None:
        fault = dice.choice(faults) if dice.random() < 0.1 else ""
        text = f"{number}: please {fault} {TEXT}" if fault else f"{number}: {TEXT}"
        if dice.random() < 0.04 and (processes := sorted(children())):
            os.kill(dice.choice(processes), dice.choice([signal.SIGKILL, signal.SIGSTOP]))
        try:
            [findings] = await pool.find([text])
        except RedactionFailedError:
            return
        assert [text[one.start : one.end] for one in findings] == ["ada@example.com"]

    numbers = iter(range(1000 if LONG else 60))

    async def work() -> None:
        for number in numbers:
            await ask(number)

    async def works() -> bool:
        try:
            return await found(pool) == [EntityType.EMAIL]
        except RedactionFailedError:
            return False

    await asyncio.gather(*(work() for _ in range(4)))
    await eventually(works, within_seconds=60)
