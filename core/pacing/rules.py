"""How a budget is spent: the generic cell rate algorithm.

A budget remembers one time, when its bucket would be full again were nothing more to come (the theoretical arrival time
of ITU-T I.371). Every call moves it on by `seconds_between`, and a call must wait until it is less than a burst ahead.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from core.pacing.model import Rate, Slot


class Budget(NamedTuple):
    """What is remembered between two calls; both None for a budget that was never used."""

    full_at: datetime | None
    blocked_until: datetime | None


def spend(budget: Budget, rate: Rate, *, now: datetime) -> tuple[Slot, datetime]:
    """The next slot, and the `full_at` to remember. For a `now` that does not run backwards, no span of time holds more
    than `burst` slots and one more for every `seconds_between` in it."""
    between = timedelta(seconds=rate.seconds_between)
    full_at = budget.full_at or now
    at = max(now, full_at - (rate.burst - 1) * between, budget.blocked_until or now)
    return Slot(at=at, blocked_until=budget.blocked_until), max(full_at, at) + between
