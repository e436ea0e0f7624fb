"""What pacing needs from outside."""

from datetime import datetime
from typing import Protocol

from core.pacing.model import Rate, Slot


class BudgetStore(Protocol):
    """One budget per name, shared by every replica. Each method is a short transaction of its own."""

    async def reserve(self, name: str, rate: Rate, *, now: datetime) -> Slot:
        """Takes the next slot of the budget (GCRA: a theoretical arrival time per name). A slot is spent when it is
        given, whether or not the call is made. Never earlier than a block's end.

        Raises DatabaseUnavailableError."""
        ...

    async def block(self, name: str, *, until: datetime) -> None:
        """Holds every later slot of the budget back until then; an earlier end never shortens a longer block."""
        ...

    async def blocked_until(self, name: str) -> datetime | None:
        """The end of the block, which may be past; None if there never was one."""
        ...
