"""Roles, and how people come to hold them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum

from core.people.model import PersonId, Profile


class Role(IntEnum):
    """In rising order: each may do what those below it may."""

    NONE = 0
    READ = 1
    READ_WRITE = 2
    ADMIN = 3

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts, with the role they hold at this moment."""

    person: PersonId
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role given to a person, from one moment until another (None: without end)."""

    id: int
    person: PersonId
    role: Role
    granted_by: str
    """An audit actor: `<team>/<user>`, `cli:<os user>`."""
    reason: str
    since: datetime
    until: datetime | None

    def is_live(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRole:
    """A role that somebody holds through what they are in Slack."""

    subject: str
    """See core.mappings.model.Subject."""
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that decides one person's role."""

    person: PersonId
    profile: Profile | None
    grants: tuple[Grant, ...] = ()
    mapped: tuple[MappedRole, ...] = ()
    is_configured_admin: bool = False


class Source(Enum):
    """Where a role comes from."""

    CONFIGURATION = "configuration"
    GRANT = "grant"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One reason why somebody holds a role."""

    role: Role
    source: Source
    until: datetime | None = None
    subject: str | None = None
    """The mapping's subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A line of the list of users."""

    person: PersonId
    role: Role
    holdings: tuple[Holding, ...]
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """Some lines of the list of users; `next_after` pages on, None on the last page."""

    holders: Sequence[Holder]
    total: int
    next_after: PersonId | None
