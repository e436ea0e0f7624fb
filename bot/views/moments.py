"""Moments as Slack shows them: in the reader's own time zone, with a fallback for clients that cannot."""

from datetime import datetime


def moment(at: datetime) -> str:
    """A date and time, such as "Nov 22, 2026 at 3:33 PM"."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def day(at: datetime) -> str:
    """A date, such as "Nov 22, 2026"."""
    return f"<!date^{int(at.timestamp())}^{{date_short}}|{at:%Y-%m-%d}>"


def until(end: datetime | None) -> str:
    return "without an end date" if end is None else f"until {moment(end)}"
