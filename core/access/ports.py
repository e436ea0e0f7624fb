"""What access needs from outside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.access.model import Facts, Grant, Role
from core.people.model import PersonId


class AccessStore(Protocol):
    """Grants, and the facts that decide roles, inside the caller's transaction."""

    async def lock(self) -> None:
        """Lets one change of access happen at a time: waits for the others' transactions to end. Taken first; the time
        of the change is read after it, so that changes have the order of their times."""
        ...

    async def facts(self, people: Collection[PersonId], *, now: datetime) -> dict[PersonId, Facts]:
        """For each person asked for: profile if known, live grants, mapped roles. The configuration is not in it."""
        ...

    async def admin_candidates(self, *, now: datetime) -> Sequence[PersonId]:
        """Everybody with a live ADMIN grant or an ADMIN mapping."""
        ...

    async def holders(
        self, configured: Collection[PersonId], *, now: datetime, after: PersonId | None, limit: int
    ) -> Sequence[PersonId]:
        """The configured and everybody with a live grant or mapping, by id, from behind `after`."""
        ...

    async def count_holders(self, configured: Collection[PersonId], *, now: datetime) -> int: ...

    async def last_active(self, people: Collection[PersonId]) -> dict[PersonId, datetime]: ...

    async def add_grant(
        self,
        *,
        person: PersonId,
        role: Role,
        granted_by: str,
        reason: str,
        since: datetime,
        until: datetime | None,
    ) -> Grant: ...

    async def end_grants(self, person: PersonId, *, now: datetime) -> Sequence[Grant]:
        """Ends every grant of the person that is not over, also one that another replica's clock dates a little ahead;
        which."""
        ...

    async def configured(self) -> frozenset[PersonId]:
        """Who was ADMIN by configuration when Prime last looked."""
        ...

    async def set_configured(self, people: Collection[PersonId]) -> None: ...

    async def take_ending(self, *, now: datetime, before: datetime) -> Sequence[Grant]:
        """Live grants that end before then and were not announced, marked as announced."""
        ...
