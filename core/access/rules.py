"""Who holds which role. Pure: facts in, role out."""

from datetime import datetime

from core.access.model import Facts, Holder, Holding, Role, Source
from core.people.model import Standing


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
