"""Roles that follow from what somebody is in Slack."""

from dataclasses import dataclass

from core.access.model import Role
from core.people.model import PersonId

WORKSPACE_ADMINS = "workspace:admins"
"""Admins and owners of the Slack workspace."""
WORKSPACE_OWNERS = "workspace:owners"


def group_subject(group_id: str) -> str:
    return f"group:{group_id}"


def group_of(subject: str) -> str | None:
    """The Slack user group that a subject names; None for the workspace's own roles."""
    kind, _, group_id = subject.partition(":")
    return group_id if kind == "group" and group_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Everybody who is `subject` (`group:<id>`, WORKSPACE_ADMINS or WORKSPACE_OWNERS) holds `role`."""

    subject: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group of Slack. `users` is None where Slack did not give all of them."""

    id: str
    handle: str
    name: str
    users: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    person: PersonId
    before: Role
    after: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What setting a mapping (role None: removing it) would do now."""

    subject: str
    role: Role | None
    changes: tuple[RoleChange, ...]

    @property
    def gains(self) -> tuple[RoleChange, ...]:
        return tuple(change for change in self.changes if change.after > change.before)

    @property
    def losses(self) -> tuple[RoleChange, ...]:
        return tuple(change for change in self.changes if change.after < change.before)
