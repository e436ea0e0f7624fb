"""When jobs run. APScheduler's clock is the machine's, so the times here are short ones."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from bot import schedule
from bot.schedule import Job, scheduled
from core.errors import UnavailableError
from tests.prime import eventually

DAY = 86_400


class Runs:
    def __init__(self) -> None:
        self.count = 0

    async def one_more(self) -> None:
        self.count += 1


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LEAD_SECONDS", 0.02)


async def test_a_job_runs_at_once_and_again_and_again() -> None:
    often, daily = Runs(), Runs()
    jobs = [Job(name="often", run=often.one_more, seconds=0.02), Job(name="daily", run=daily.one_more, seconds=DAY)]
    async with scheduled(jobs, is_leading=lambda: False):
        await eventually(lambda: often.count > 2)
    assert daily.count == 1


async def test_a_job_of_the_leader_runs_soon_after_the_lead_is_taken_however_long_its_time_is() -> None:
    leads = False
    often, daily, anyones = Runs(), Runs(), Runs()
    jobs = [
        Job(name="often", run=often.one_more, seconds=0.02, leads=True),
        Job(name="daily", run=daily.one_more, seconds=DAY, leads=True),
        Job(name="anyone's", run=anyones.one_more, seconds=0.02),
    ]
    async with scheduled(jobs, is_leading=lambda: leads):
        await eventually(lambda: anyones.count > 5)
        assert (often.count, daily.count) == (0, 0)
        leads = True
        await eventually(lambda: often.count > 2)
        leads = False
        await asyncio.sleep(0)
        before, seen = often.count, anyones.count
        await eventually(lambda: anyones.count > seen + 5)
    assert (often.count, daily.count) == (before, 1)


async def test_how_runs_end_is_counted() -> None:
    async def is_put_off() -> None:
        raise UnavailableError("not now")

    async def fails() -> None:
        raise ValueError

    jobs = [Job(name="put off", run=is_put_off, seconds=DAY), Job(name="broken", run=fails, seconds=DAY)]
    async with scheduled(jobs, is_leading=lambda: False):
        await eventually(lambda: counted("put off", "put_off") == counted("broken", "failed") == 1)
    assert counted("broken", "done") == 0


def counted(job: str, fate: str) -> float:
    return REGISTRY.get_sample_value("prime_jobs_total", {"name": job, "fate": fate}) or 0
