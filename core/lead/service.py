"""The lead: held by one replica, taken over by another within 15 s of its death, and of no use to whoever lost it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from core.clock import Clock
from core.errors import ConflictError, PrimeError
from core.storage import Storage, Stores

LEASE = timedelta(seconds=10)
LOOK_SECONDS = 1.0
"""How often a replica tries to take the lead, or prolongs it. With the lease this is below the 15 s in which another
takes over."""

_log = structlog.get_logger(__name__)


class LeadLostError(ConflictError):
    """Another replica leads; whatever this one was about to write was not written."""

    def __init__(self) -> None:
        super().__init__("Another replica of Prime leads now.")


class Leadership:
    """This replica's part in it.

    Safety lies in the epoch, which guarded transactions check under a lock, and holds whatever the clocks say. That
    there is one leader most of the time lies in the lease, for which the replicas' clocks have to agree within
    seconds."""

    def __init__(self, storage: Storage, clock: Clock, *, holder: str, lease: timedelta = LEASE) -> None:
        """`holder` names this replica; it is unique among the living ones, and never used again. `lease` is the same
        for all of them."""
        self._storage = storage
        self._clock = clock
        self._holder = holder
        self._lease = lease
        self._epoch: int | None = None
        self._until: datetime | None = None

    @property
    def epoch(self) -> int | None:
        """None while this replica does not lead, for all that it knows."""
        if self._until is None or self._clock.now() >= self._until:
            return None
        return self._epoch

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Stores]:
        """A transaction that is only committed by whoever leads. Raises LeadLostError."""
        epoch = self.epoch
        if epoch is None:
            raise LeadLostError
        async with self._storage.transaction() as stores:
            await stores.lead.check(epoch)
            yield stores

    async def run(self) -> None:
        """Takes the lead when it is free and keeps it, until cancelled; then gives it back."""
        try:
            while True:
                await self.attempt()
                await self._clock.sleep(LOOK_SECONDS)
        finally:
            await self.resign()

    async def attempt(self) -> bool:
        """Takes or prolongs the lead; whether this replica leads now."""
        was_leading = self.epoch is not None
        now = self._clock.now()  # before the database is asked: the lease is never longer here than there
        try:
            async with self._storage.transaction() as stores:
                epoch = await stores.lead.take(holder=self._holder, now=now, until=now + self._lease)
        except PrimeError as error:
            _log.warning("lead_not_reached", error=type(error).__name__)
        else:
            self._epoch, self._until = epoch, None if epoch is None else now + self._lease
        leads = self.epoch is not None
        if leads is not was_leading:
            _log.info("lead_taken" if leads else "lead_lost", epoch=self._epoch)
        return leads

    async def resign(self) -> None:
        """Lets another replica take the lead at once; nothing if it is not this one's."""
        self._until = None  # first, so that no guarded transaction begins on what is given away
        try:
            async with self._storage.transaction() as stores:
                await stores.lead.release(holder=self._holder, now=self._clock.now())
        except PrimeError as error:  # then it ends with its lease
            _log.warning("lead_not_released", error=type(error).__name__)
