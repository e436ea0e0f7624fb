"""Taking deliveries in, and working on them under a lease."""

from core.clock import Clock
from core.inbox.model import Claim, Delivery
from core.inbox.rules import KEEP_FINISHED, LEASE, WAITING_LIMIT
from core.storage import Storage


class Inbox:
    """What is stored here is worked on once, also when the process that stored it dies."""

    def __init__(self, storage: Storage, clock: Clock, *, holder: str) -> None:
        """`holder` names this replica in its leases; it is unique among the living ones."""
        self._storage = storage
        self._clock = clock
        self._holder = holder

    async def accept(self, delivery: Delivery) -> bool:
        """Stores the delivery; False if it, or the work it asks for, is known already.

        Raises DatabaseUnavailableError: then it must not be acknowledged."""
        async with self._storage.transaction() as stores:
            return await stores.inbox.add(delivery, now=self._clock.now())

    async def claim(self, limit: int) -> list[Claim]:
        """Up to `limit` deliveries to work on, oldest first."""
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            return await stores.inbox.claim(holder=self._holder, now=now, lease_until=now + LEASE, limit=limit)

    async def prolong(self, claim: Claim) -> bool:
        """False if the claim is lost: somebody else works on it now, so stop."""
        async with self._storage.transaction() as stores:
            return await stores.inbox.extend(claim.id, holder=self._holder, lease_until=self._clock.now() + LEASE)

    async def finish(self, claim: Claim, *, failed: bool = False) -> bool:
        """Wipes the payload; False if the claim was lost before."""
        async with self._storage.transaction() as stores:
            return await stores.inbox.finish(claim.id, holder=self._holder, failed=failed, now=self._clock.now())

    async def hand_over(self, claim: Claim) -> bool:
        """Gives unfinished work back at once, for a shutdown."""
        async with self._storage.transaction() as stores:
            return await stores.inbox.release(claim.id, holder=self._holder)

    async def put_off(self, claim: Claim) -> bool:
        """For work that waits for somebody else: it comes again when its lease is over, as often as it takes."""
        async with self._storage.transaction() as stores:
            return await stores.inbox.put_off(claim.id, holder=self._holder)

    async def tidy(self) -> int:
        """Expires what waited too long and drops what ended long ago; how many expired. Safe to run twice."""
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            expired = await stores.inbox.expire(received_before=now - WAITING_LIMIT, now=now)
            await stores.inbox.purge(finished_before=now - KEEP_FINISHED)
        return expired
