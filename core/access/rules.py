"""Who holds which role. Pure: facts in, role out."""

from datetime import datetime, timedelta

from core.access.model import Facts, Grant, Holder, Holding, Role, Source
from core.durations import LONGEST
from core.errors import InvalidInputError
from core.people.model import Standing

SENT_TWICE_WITHIN = timedelta(seconds=30)
REASON_LIMIT = 1000
"""Characters; the approval message quotes it within one section block."""


def effective_role(facts: Facts, now: datetime) -> Role:
    """The highest among configuration, live grants and mappings; NONE for anybody not known to be a member."""
    if facts.profile is None or facts.profile.standing is not Standing.MEMBER:
        return Role.NONE
    return max((holding.role for holding in holdings(facts, now)), default=Role.NONE)


def holdings(facts: Facts, now: datetime) -> tuple[Holding, ...]:
    """Every reason for a role, the strongest and longest first, whether or not the person's standing lets it count."""
    found = [Holding(role=Role.ADMIN, source=Source.CONFIGURATION)] if facts.is_configured_admin else []
    found += [
        Holding(role=grant.role, source=Source.GRANT, until=grant.until) for grant in facts.grants if grant.is_live(now)
    ]
    found += [Holding(role=mapped.role, source=Source.MAPPING, subject=mapped.subject) for mapped in facts.mapped]
    return tuple(sorted(found, key=lambda h: (-h.role, h.until is not None, h.until.timestamp() if h.until else 0.0)))


def is_same(grant: Grant, role: Role, duration: timedelta | None, *, now: datetime) -> bool:
    """Whether giving the role for this long would only repeat the grant: a form or command that was sent twice. The
    same duration later on is a new one, with a later end."""
    given_for = grant.until - grant.since if grant.until else None
    just_given = grant.until is None or now - grant.since < SENT_TWICE_WITHIN
    return grant.is_live(now) and grant.role is role and given_for == duration and just_given


def is_permanent_admin(facts: Facts, now: datetime) -> bool:
    """Whether they count for the last-admin rule: ADMIN now, for a reason that has no end date."""
    return effective_role(facts, now) is Role.ADMIN and any(
        holding.role is Role.ADMIN and holding.until is None for holding in holdings(facts, now)
    )


def lasting_role(holder: Holder) -> Role:
    """What they would still hold if every grant with an end date were over."""
    if holder.role is Role.NONE:
        return Role.NONE
    return max((holding.role for holding in holder.holdings if holding.until is None), default=Role.NONE)


def end_of(duration: timedelta | None, now: datetime) -> datetime | None:
    """When what is given now ends; None is never. Raises InvalidInputError."""
    check_duration(duration)
    return None if duration is None else now + duration


def check_reason(reason: str) -> None:
    """Raises InvalidInputError."""
    if len(reason) > REASON_LIMIT:
        raise InvalidInputError(f"Please keep the reason under {REASON_LIMIT} characters.", field="reason")


def check_duration(duration: timedelta | None) -> None:
    """None is without end. Raises InvalidInputError for less than a second or over ten years."""
    if duration is not None and not timedelta(seconds=1) <= duration <= LONGEST:
        raise InvalidInputError("A role is given for at least a second and at most ten years.", field="duration")
