"""What mappings need from outside."""

from collections.abc import Collection, Sequence
from typing import Protocol

from core.access.model import Role
from core.mappings.model import Group, Mapping
from core.people.model import PersonId


class GroupDirectory(Protocol):
    """Slack's user groups, read over the network: never inside a transaction."""

    async def groups(self) -> Sequence[Group]:
        """All that are not disabled. Raises UnavailableError (also where the workspace's plan has no groups)."""
        ...

    async def members(self, group_id: str) -> frozenset[str]:
        """User ids of one group, all of them. Raises NotFoundError if it is disabled or gone, UnavailableError."""
        ...


class MappingStore(Protocol):
    """Mappings and the last known members of mapped groups, inside the caller's transaction."""

    async def list(self) -> Sequence[Mapping]: ...

    async def put(self, mapping: Mapping) -> None:
        """Adds it or replaces the subject's role."""
        ...

    async def remove(self, subject: str) -> bool:
        """False if there is none. Forgets the group's members too."""
        ...

    async def members(self, subject: str) -> frozenset[PersonId]:
        """Who is the subject, as far as known: a group's kept members, or people by Slack's flags."""
        ...

    async def set_members(self, group_id: str, members: Collection[PersonId]) -> None:
        """Replaces the kept members of a group."""
        ...

    async def role_of(self, subject: str) -> Role | None: ...
