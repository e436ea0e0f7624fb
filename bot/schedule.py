"""When jobs run. The only importer of APScheduler."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import metrics
from bot.log import log_unexpected
from core.errors import PrimeError

GRACE_SECONDS = 5.0
APART_SECONDS = 0.04
"""Between two jobs' first runs: all at once they would take every connection to the database when people come first."""
LEAD_SECONDS = 1.0
"""How soon after this replica took the lead its jobs run."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job may run on every replica at the same time, and at any time again."""

    name: str
    """No two jobs have the same."""
    run: Callable[[], Awaitable[object]]
    seconds: float
    leads: bool = False
    """Only the replica that leads runs it. Now and then two do, where the lead goes over in the middle of a run."""


@asynccontextmanager
async def scheduled(jobs: Sequence[Job], *, is_leading: Callable[[], bool]) -> AsyncGenerator[None]:
    """Runs each job now, in their order, and then every so often while the block runs; none beside itself. One of the
    leader's comes soon after the lead is taken, however long its time is."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    running: set[asyncio.Task[None]] = set()

    async def run(job: Job) -> None:
        if is_leading() or not job.leads:
            await _run(job, running)
        else:
            again = datetime.now(UTC) + timedelta(seconds=min(LEAD_SECONDS, job.seconds))
            scheduler.modify_job(job.name, next_run_time=again)

    start = datetime.now(UTC)
    for number, job in enumerate(jobs):
        scheduler.add_job(
            run,
            "interval",
            id=job.name,
            args=[job],
            seconds=job.seconds,
            next_run_time=start + timedelta(seconds=number * APART_SECONDS),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        if running:
            await asyncio.wait(running, timeout=GRACE_SECONDS)
        ending = set(running)
        scheduler.shutdown()  # cancels what runs, and does not wait for it
        await asyncio.gather(*ending)


async def _run(job: Job, running: set["asyncio.Task[None]"]) -> None:
    task = asyncio.current_task()
    assert task is not None
    running.add(task)
    fate = "done"
    try:
        await job.run()
    except asyncio.CancelledError:
        fate = "cut_short"
        _log.info("job_cut_short", job=job.name)  # APScheduler would call it a failure
    except PrimeError as error:
        fate = "put_off"
        _log.warning("job_put_off", job=job.name, error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 a job that failed runs again at its next time
        fate = "failed"
        log_unexpected("job_failed", error, job=job.name)
    finally:
        running.discard(task)
        metrics.jobs.labels(name=job.name, fate=fate).inc()
