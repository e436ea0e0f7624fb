"""What the inbox needs from outside."""

from datetime import datetime
from typing import Protocol

from core.inbox.model import Claim, Delivery


class InboxStore(Protocol):
    """Rows of the inbox, inside the caller's transaction."""

    async def add(self, delivery: Delivery, *, now: datetime) -> bool:
        """Stores it; False if its event id or work key is known already (then nothing is written)."""
        ...

    async def claim(self, *, holder: str, now: datetime, lease_until: datetime, limit: int) -> list[Claim]:
        """Takes up to `limit` waiting deliveries, or claimed ones whose lease is over, oldest first, skipping rows that
        others hold and all but the oldest unfinished one of each order key. While one of an order key is held, no other
        of it is given out, not even an older one that came late."""
        ...

    async def extend(self, claim_id: int, *, holder: str, lease_until: datetime) -> bool:
        """Prolongs a lease; False if this holder has it no more."""
        ...

    async def finish(self, claim_id: int, *, holder: str, failed: bool, now: datetime) -> bool:
        """Ends the work and wipes the payload; False if this holder has it no more."""
        ...

    async def release(self, claim_id: int, *, holder: str) -> bool:
        """Gives an unfinished claim back at once, for a shutdown that hands over its work. The attempt does not count;
        False if this holder has it no more."""
        ...

    async def put_off(self, claim_id: int, *, holder: str) -> bool:
        """It comes again when its lease is over, and this attempt does not count; False if this holder has it no
        more."""
        ...

    async def expire(self, *, received_before: datetime, now: datetime) -> int:
        """Ends deliveries that waited too long, those whose lease is over included, and wipes their payloads; how
        many."""
        ...

    async def purge(self, *, finished_before: datetime) -> int:
        """Deletes ended rows, which until then keep duplicates out; how many."""
        ...

    async def depth(self) -> int:
        """How many deliveries wait or are being worked on."""
        ...
