"""What App Home needs from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.people.model import PersonId


class HomeStore(Protocol):
    """Who has opened App Home, inside the caller's transaction. Only theirs are kept up to date."""

    async def opened(self, person: PersonId, *, now: datetime) -> None: ...

    async def openers(self, *, since: datetime) -> Sequence[PersonId]:
        """Everybody who opened it after then."""
        ...
