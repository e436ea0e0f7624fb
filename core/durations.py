"""Durations as people type them: `30m`, `12h`, `30d`, `2w`, `30 days`, `1 hour`."""

import re
from datetime import timedelta

from core.errors import InvalidInputError

LONGEST = timedelta(days=3650)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_WORDS = {
    **{unit: unit for unit in _SECONDS},
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
}
_FORM = re.compile(r"\s*(?P<count>[0-9]{1,9})\s*(?P<unit>[A-Za-z]+)\s*", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """One number and one unit. Raises InvalidInputError if it is not that, zero, or over ten years."""
    match = _FORM.fullmatch(text)
    unit = _WORDS.get(match["unit"].lower()) if match else None
    if match is None or unit is None:
        raise InvalidInputError(
            "That is not a duration I know. Write a number and a unit, such as 30m, 12h, 30d, 2w or 30 days.",
            field="duration",
        )
    seconds = int(match["count"]) * _SECONDS[unit]
    if not 0 < seconds <= LONGEST.total_seconds():
        raise InvalidInputError("A duration is at least 1s and at most 3650d (ten years).", field="duration")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """In words, in the largest unit that divides it: `30 days`, `90 minutes`. Parts of a second are dropped."""
    seconds = max(0, int(duration.total_seconds()))
    for word, size in (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" if count == 1 else f"{count} {word}s"
    return "0 seconds"
