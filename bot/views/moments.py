"""Moments as Slack shows them: in the reader's own time zone, with a fallback for clients that cannot."""

from datetime import datetime, timedelta


def moment(at: datetime) -> str:
    """A date and time, such as "Nov 22, 2026 at 3:33 PM"."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def day(at: datetime) -> str:
    """A date, such as "Nov 22, 2026"."""
    return f"<!date^{int(at.timestamp())}^{{date_short}}|{at:%Y-%m-%d}>"


def until(end: datetime | None) -> str:
    return "without an end date" if end is None else f"until {moment(end)}"


def span(passed: timedelta) -> str:
    """How long something took or lasts, to the two largest units: `45 s`, `3 min 5 s`, `2 h 10 min`, `4 d 1 h`."""
    seconds = max(0, int(passed.total_seconds()))
    units = [("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60)]
    first = next((number for number, (_, count) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2] if count) or "0 s"
