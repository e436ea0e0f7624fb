"""Rate limits of the Web API (slack-platform.md section 8)."""

import math
from collections import defaultdict, deque
from enum import Enum

from lab.clock import LabClock

WINDOW_SECONDS = 60.0
CHANNEL_SECONDS_BETWEEN = 1.0
CHANNEL_BURST = 4


class Tier(Enum):
    """Calls a minute of one method in the workspace. Slack promises at least so many; the lab gives no more."""

    T1 = 1
    T2 = 20
    T3 = 50
    T4 = 100
    POSTING = 300
    """chat.postMessage: one a second in each channel with short bursts, and several hundred a minute in all."""
    HIGH = 1200
    """Unpublished and high."""


class Limits:
    def __init__(self, clock: LabClock, *, enabled: bool) -> None:
        self._clock = clock
        self.enabled = enabled
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self._channel_due: dict[str, float] = {}
        self._blocked_until: dict[tuple[str, str], float] = {}

    def admit(self, method: str, tier: Tier, *, channel: str) -> int | None:
        """Counts the call and gives None; or, if it is over the limit, the seconds to wait (`Retry-After`).

        A call before that has passed is refused again."""
        key = (method, channel if tier is Tier.POSTING else "")
        wait = self._blocked_until.get(key, 0.0) - self._clock.time()
        if wait <= 0 and not self.enabled:
            return None
        if wait <= 0:
            wait = max(self._window_wait(method, tier), self._channel_wait(channel) if tier is Tier.POSTING else 0.0)
        if wait > 0:
            return self.block(method, tier, channel=channel, seconds=wait)
        self._recent[method].append(self._clock.time())
        if tier is Tier.POSTING:
            self._channel_due[channel] = max(self._due(channel), self._clock.time()) + CHANNEL_SECONDS_BETWEEN
        return None

    def block(self, method: str, tier: Tier, *, channel: str, seconds: float) -> int:
        """Refuses the method (chat.postMessage: in this channel) for so long; the whole seconds to tell the app."""
        key = (method, channel if tier is Tier.POSTING else "")
        now = self._clock.time()
        self._blocked_until[key] = max(self._blocked_until.get(key, 0.0), now + seconds)
        return max(1, math.ceil(self._blocked_until[key] - now))

    def _window_wait(self, method: str, tier: Tier) -> float:
        recent, now = self._recent[method], self._clock.time()
        while recent and recent[0] <= now - WINDOW_SECONDS:
            recent.popleft()
        return recent[0] + WINDOW_SECONDS - now if len(recent) >= tier.value else 0.0

    def _channel_wait(self, channel: str) -> float:
        return self._due(channel) - (CHANNEL_BURST - 1) * CHANNEL_SECONDS_BETWEEN - self._clock.time()

    def _due(self, channel: str) -> float:
        return self._channel_due.get(channel, 0.0)
