"""Rates that calls must keep to."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` calls at once, then one per `seconds_between`."""

    seconds_between: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """When the next call under a budget may go out, and until when nothing may, if the other side said so."""

    at: datetime
    blocked_until: datetime | None = None
