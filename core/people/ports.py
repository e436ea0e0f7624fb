"""What people need from outside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.people.model import PersonId, Profile


class Directory(Protocol):
    """Slack's member directory, read over the network: never inside a transaction."""

    async def person(self, person: PersonId) -> Profile:
        """Raises NotFoundError if Slack does not know them, UnavailableError if it does not answer in time."""
        ...

    async def everybody(self) -> Sequence[Profile]:
        """The whole member list. Raises UnavailableError rather than give a part of it."""
        ...


class PeopleStore(Protocol):
    """The last known facts, inside the caller's transaction."""

    async def get(self, people: Collection[PersonId]) -> dict[PersonId, Profile]:
        """Those that are known."""
        ...

    async def put(self, profiles: Collection[Profile]) -> None:
        """Writes each unless a newer one stands there."""
        ...

    async def names(self, team: str) -> Collection[str]:
        """What members and guests are called and shown as."""
        ...

    async def touch(self, person: PersonId, *, now: datetime) -> None:
        """Notes that they used Prime, to the minute. Unknown people are left out."""
        ...
