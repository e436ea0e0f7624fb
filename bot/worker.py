"""Working on what is in the inbox, under leases."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import partial

import structlog

from bot import metrics
from bot.log import log_unexpected
from core.cancellation import to_its_end
from core.clock import Clock
from core.errors import PrimeError, UnavailableError
from core.inbox.model import Claim, DeliveryKind
from core.inbox.rules import LEASE
from core.inbox.service import Inbox

POLL_SECONDS = 1.0
PROLONG_SECONDS = LEASE.total_seconds() / 3
GRACE_SECONDS = 8.0

_log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    """It ended in an error that the person was told of."""
    AGAIN = "again"
    """It did not end. Another attempt begins when the lease is over."""


Work = Callable[[Claim], Awaitable[Outcome]]


class Worker:
    def __init__(
        self,
        inbox: Inbox,
        work: Work,
        clock: Clock,
        *,
        news: asyncio.Event | None = None,
        at_once: int = 16,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """`work` may be cancelled, when the claim is lost or at the end of a shutdown. `news` is set by whoever stores
        something new; what other replicas store is found by looking."""
        self._inbox = inbox
        self._work = work
        self._clock = clock
        self._at_once = at_once
        self._grace_seconds = grace_seconds
        self._running: dict[int, asyncio.Task[None]] = {}
        """By the delivery's id."""
        self._news = news or asyncio.Event()

    async def run(self) -> None:
        """Works until it is cancelled; then finishes what it can in `grace_seconds` and hands over the rest."""
        try:
            while True:
                self._news.clear()
                await to_its_end(self._take())
                await self._wait_for_news()
        finally:
            await self._hand_over()

    async def _take(self) -> None:
        free = self._at_once - len(self._running)
        if free <= 0:
            return
        try:
            claims = await self._inbox.claim(free)
        except PrimeError as error:
            _log.warning("inbox_not_reached", error=type(error).__name__)
            return
        for claim in claims:
            if claim.id in self._running:
                continue  # its lease ended while the database was away, and now it has a new one
            task = asyncio.create_task(self._hold(claim), name=f"delivery {claim.id}")
            self._running[claim.id] = task
            task.add_done_callback(partial(self._ended, claim.id))

    def _ended(self, delivery: int, task: asyncio.Task[None]) -> None:
        del self._running[delivery]
        self._news.set()  # there is room, and what waited behind this one is free
        if not task.cancelled() and (error := task.exception()):
            log_unexpected("worker_failed", error)

    async def _wait_for_news(self) -> None:
        alarm = asyncio.ensure_future(self._clock.sleep(POLL_SECONDS))
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({alarm, news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            news.cancel()

    async def _hold(self, claim: Claim) -> None:
        """Works on one claim and ends it."""
        started = self._clock.now()
        try:
            async with self._prolonged(claim):
                outcome = await self._attempt(claim)
                if outcome is not Outcome.AGAIN:
                    await self._finish(claim, failed=outcome is Outcome.FAILED)
        except asyncio.CancelledError:
            # A lost claim is not ours to give back, which the inbox knows; if it is out of reach, the lease will end.
            with suppress(PrimeError):
                await self._inbox.hand_over(claim)
            raise
        seconds = (self._clock.now() - started).total_seconds()
        metrics.deliveries.labels(kind=claim.kind, fate=outcome).inc()
        metrics.work_seconds.labels(kind=claim.kind).inc(seconds)
        _log.info("worked", delivery=claim.id, kind=claim.kind, attempt=claim.attempt, outcome=outcome, seconds=seconds)

    async def _attempt(self, claim: Claim) -> Outcome:
        try:
            return await self._work(claim)
        except UnavailableError as error:
            _log.warning("work_waits", delivery=claim.id, tries=claim.tries, error=type(error).__name__)
            # What is owed to people waits for as long as Slack is away; who waits for an answer is told in time.
            if claim.kind is DeliveryKind.NOTICE:
                with suppress(PrimeError):
                    await self._inbox.put_off(claim)
        except PrimeError as error:
            _log.warning("work_put_off", delivery=claim.id, attempt=claim.attempt, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 one delivery's failure must not end the others; attempts are counted
            log_unexpected("work_failed", error, delivery=claim.id, attempt=claim.attempt)
        return Outcome.AGAIN

    async def _finish(self, claim: Claim, *, failed: bool) -> None:
        """Notes the end, however long the database is away: the lease is prolonged meanwhile as soon as it can be."""
        while True:
            try:
                await self._inbox.finish(claim, failed=failed)
            except PrimeError:
                await self._clock.sleep(POLL_SECONDS)
            else:
                return

    @asynccontextmanager
    async def _prolonged(self, claim: Claim) -> AsyncGenerator[None]:
        """Keeps the claim while the block runs, and cancels the block if it is lost."""
        block = asyncio.current_task()
        assert block is not None

        async def keep() -> None:
            while True:
                await self._clock.sleep(PROLONG_SECONDS)
                with suppress(PrimeError):
                    if not await self._inbox.prolong(claim):
                        _log.warning("claim_lost", delivery=claim.id)
                        block.cancel()
                        return

        keeper = asyncio.create_task(keep(), name=f"lease of delivery {claim.id}")
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _hand_over(self) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running.values(), timeout=self._grace_seconds)
        for task in late:
            task.cancel()
        if late:
            _log.warning("work_handed_over", deliveries=len(late))
            await asyncio.wait(late, timeout=2.0)
