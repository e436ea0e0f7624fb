"""What a mapping would change. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from core.access.model import Facts, MappedRole, Role
from core.access.rules import effective_role
from core.errors import InvalidInputError
from core.mappings.model import WORKSPACE_ADMINS, WORKSPACE_OWNERS, RoleChange, group_of
from core.people.model import PersonId

ASK_AGAIN_ABOVE = 50
"""Role changes that one mapping may make without a second question."""

MAPPABLE_ROLES = (Role.READ, Role.READ_WRITE, Role.ADMIN)


def check_mapping(subject: str, role: Role | None) -> None:
    """Raises InvalidInputError for a subject or role that came forged."""
    if subject not in (WORKSPACE_ADMINS, WORKSPACE_OWNERS) and group_of(subject) is None:
        raise InvalidInputError("Choose a user group, or the workspace's admins or owners.", field="group")
    if role is not None and role not in MAPPABLE_ROLES:
        raise InvalidInputError("Choose READ, READ_WRITE or ADMIN.", field="role")


def role_changes(
    facts: Iterable[Facts], *, subject: str, role: Role | None, members: Collection[PersonId], now: datetime
) -> tuple[RoleChange, ...]:
    """Whose role differs once `members` are the subject's and it maps to `role`. By person id."""
    changes = (
        RoleChange(
            person=one.person,
            before=effective_role(one, now),
            after=effective_role(with_mapping(one, subject, role if one.person in members else None), now),
        )
        for one in facts
    )
    return tuple(sorted((change for change in changes if change.before is not change.after), key=lambda c: c.person))


def with_mapping(facts: Facts, subject: str, role: Role | None) -> Facts:
    """The same person with the subject mapped to `role` for them, or not at all."""
    others = tuple(mapped for mapped in facts.mapped if mapped.subject != subject)
    own = (MappedRole(subject=subject, role=role),) if role is not None else ()
    return replace(facts, mapped=others + own)
