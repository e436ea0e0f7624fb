"""What went over the wires, for tests to look at."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

KEPT = 100_000
"""So many of each; a demo may run for days."""


@dataclass(slots=True, kw_only=True)
class ApiCall:
    """One call of the Web API. Times are the lab's, in seconds since 1970."""

    method: str
    arguments: dict[str, Any]
    at: float
    status: int
    error: str | None
    """Slack's error code; None where the answer was ok."""
    retry_after: int | None = None


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try to deliver a payload."""

    kind: str
    """events_api, slash_commands or interactive."""
    name: str
    """The event's type, the command, or the type of the interaction."""
    payload: dict[str, Any]
    envelope_id: str
    number: int
    """0 for the first try, then 1 to 3."""
    sent_at: float
    retry_reason: str = ""
    acked_at: float | None = None
    ack: Any = None
    failure: str | None = None
    """Why it counts as not delivered; an acknowledgement may still have come, late."""

    @property
    def ack_seconds(self) -> float | None:
        return None if self.acked_at is None else self.acked_at - self.sent_at


@dataclass(slots=True)
class Record:
    calls: deque[ApiCall] = field(default_factory=lambda: deque(maxlen=KEPT))
    deliveries: deque[Attempt] = field(default_factory=lambda: deque(maxlen=KEPT))

    def called(self, method: str) -> list[ApiCall]:
        return [call for call in self.calls if call.method == method]

    def delivered(self, name: str) -> list[Attempt]:
        return [attempt for attempt in self.deliveries if attempt.name == name]

    def late_ack(self, envelope_id: str, at: float) -> None:
        for attempt in reversed(self.deliveries):
            if attempt.envelope_id == envelope_id:
                attempt.acked_at = at
                return
