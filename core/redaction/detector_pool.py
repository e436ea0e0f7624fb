"""The processes that look for personal data, kept ready: what kills one does not take Prime down, nor gets past it."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import structlog

from core.clock import Clock
from core.errors import ConfigurationError
from core.redaction.detector_child import DetectorChild
from core.redaction.errors import DetectorsBusyError, RedactionFailedError
from core.redaction.model import Finding
from core.redaction.ports import Detector

LINE_LENGTH = 200
"""Texts that wait for a process."""
BACK_OFF_SECONDS = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Before the next start, after so many in a row that came to nothing."""

_log = structlog.get_logger(__name__)

Command = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds."""

    load: float = 60.0
    base: float = 5.0
    """What looking through a text may take, from when a process has it,"""
    a_thousand: float = 0.1
    """and for each 1,000 characters of it."""
    line: float = 20.0
    """How long a text waits for a process."""
    ping: float = 2.5
    """How often one that has nothing to do is asked for a sign of life,"""
    pong: float = 2.5
    """and for how long that is waited for."""


class DetectorPool(Detector):
    def __init__(
        self,
        command: Command,
        clock: Clock,
        *,
        workers: int,
        seen: Callable[[float], object] = bool,
        environment: Mapping[str, str],
        limits: Limits = Limits(),
    ) -> None:
        """`command` starts one process (core/redaction/detector_process.py) with this environment, which is to hold
        none of Prime's secrets. `seen` is told how long each call took."""
        self.command = command
        self.clock = clock
        self.environment = environment
        self.limits = limits
        self.line: asyncio.Queue[_Job] = asyncio.Queue(LINE_LENGTH)
        self._seen = seen
        self._workers = [_Worker(self, number) for number in range(workers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._open: set[_Job] = set()
        self._is_closed = False

    @property
    def is_ready(self) -> bool:
        return self.ready > 0

    @property
    def ready(self) -> int:
        """How many processes have loaded."""
        return sum(one.is_ready for one in self._workers)

    @property
    def restarts(self) -> int:
        return sum(one.restarts for one in self._workers)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(one.run(), name=f"detector {one.number}") for one in self._workers]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in self._open:
            job.fail()

    async def watch(self) -> None:
        await asyncio.gather(*map(asyncio.shield, self._tasks))

    async def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        if not any(texts):
            return [[] for _ in texts]
        if self._is_closed:
            raise RedactionFailedError
        loop = asyncio.get_running_loop()
        begun = loop.time()
        seconds = self.limits.base + self.limits.a_thousand * sum(map(len, texts)) / 1000
        try:
            async with asyncio.timeout(self.limits.line) as patience:
                job = _Job(texts, seconds, patience, loop.create_future())
                self.line.put_nowait(job)
                self._open.add(job)
                try:
                    return await job.answer
                finally:
                    self._open.discard(job)
                    self._seen(loop.time() - begun)
        except (TimeoutError, asyncio.QueueFull):
            raise DetectorsBusyError from None


@dataclass(slots=True, eq=False)
class _Job:
    texts: Sequence[str]
    seconds: float
    """That a process may take."""
    patience: asyncio.Timeout
    """With the line."""
    answer: asyncio.Future[Sequence[Sequence[Finding]]]
    """Done early: nobody waits for it any more."""

    def fail(self) -> None:
        if not self.answer.done():
            self.answer.set_exception(RedactionFailedError())


class _Worker:
    """One process after the other."""

    def __init__(self, pool: DetectorPool, number: int) -> None:
        self._pool = pool
        self.number = number
        self.is_ready = False
        self.restarts = 0

    async def run(self) -> None:
        """Raises ConfigurationError if none can ever work."""
        failures = 0
        while True:
            await self._pool.clock.sleep(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
            failures = 0 if await self._live() else failures + 1
            self.restarts += 1

    async def _live(self) -> int:
        """As long as one process lives; how many texts it looked through."""
        done, child, cause, log = 0, None, "spent", _log.info
        try:
            child = await DetectorChild.start(self._pool.command, self._pool.environment)
            async with asyncio.timeout(self._pool.limits.load):
                await child.load()
            self.is_ready = True
            _log.info("detector_ready", worker=self.number)
            while not child.is_spent:
                job = await self._next_job(child)
                if job is not None:
                    await self._do(job, child)
                    done += 1
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 a process that is broken may say anything
            cause, log = type(error).__name__, _log.warning
        finally:
            self.is_ready = False
            code = None if child is None else await child.end()
        log("detector_ended", worker=self.number, cause=cause, exit_code=code, texts=done)
        return done

    async def _next_job(self, child: DetectorChild) -> "_Job | None":
        """The one that waited longest. None came for a while: None, and the process has given a sign of life."""
        getting = asyncio.create_task(self._pool.line.get())
        try:
            await asyncio.wait(
                {getting, child.reading}, timeout=self._pool.limits.ping, return_when=asyncio.FIRST_COMPLETED
            )
            if getting.done():
                return getting.result()
        finally:
            getting.cancel()
        async with asyncio.timeout(self._pool.limits.pong):
            await child.ask([])
        return None

    async def _do(self, job: _Job, child: DetectorChild) -> None:
        if job.answer.done():
            return
        job.patience.reschedule(None)
        try:
            async with asyncio.timeout(job.seconds):
                found = await child.ask(job.texts)
        except BaseException:
            job.fail()  # not tried again: it may be what kills
            raise
        if not job.answer.done():
            job.answer.set_result(found)


def process_command(engine: str, model: str) -> Command:
    return (sys.executable, "-m", "core.redaction.detector_process", engine, model)
