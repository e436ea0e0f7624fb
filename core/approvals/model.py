"""Requests for access."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.access.model import Role
from core.people.model import PersonId


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """What somebody asked for, frozen when they asked, and what became of it."""

    id: int
    asker: PersonId
    role: Role
    duration: timedelta | None
    """None: without end."""
    reason: str
    state: RequestState
    created_at: datetime
    settled_at: datetime | None = None
    settled_by: PersonId | None = None
    given_role: Role | None = None
    """What was approved, which may differ from what was asked."""
    given_until: datetime | None = None
    denial_reason: str = ""
