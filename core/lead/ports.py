"""What the lead needs from outside."""

from datetime import datetime
from typing import Protocol


class LeadStore(Protocol):
    """The one row that says who leads, inside the caller's transaction."""

    async def take(self, *, holder: str, now: datetime, until: datetime) -> int | None:
        """Renews the lead, or takes one that is over under the next epoch, once no guarded transaction of the last one
        is open any more. The epoch; None while somebody else leads.

        Over is also one that ends a whole lease later than `until`: a clock that was wrong gave that."""
        ...

    async def release(self, *, holder: str, now: datetime) -> None:
        """Ends it at once, for a shutdown. Nothing if this holder does not lead."""
        ...

    async def check(self, epoch: int) -> None:
        """Makes the transaction a guarded one: until it ends nobody else can take the lead. Raises LeadLostError if
        somebody has."""
        ...
