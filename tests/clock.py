"""A clock that stands until a test moves it."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count


class ManualClock:
    """Implements core.clock.Clock. Nothing here takes real time."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._numbers), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Lets `seconds` pass. Sleepers wake in the order of their time, those of one time in the order they lay down,
        and each sees its own time on the clock and runs until it waits for something before the next one wakes. Sleeps
        that begin meanwhile count too. What waits for real input or output is not waited for."""
        await self.settle()
        end = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():  # else its task was cancelled
                woken.set_result(None)
                await self.settle()
        self._now = end

    async def settle(self, rounds: int = 50) -> None:
        """Lets every task run until it waits for time, or for input or output."""
        for _ in range(rounds):
            await asyncio.sleep(0)

    @property
    def sleepers(self) -> int:
        """How many wait for the clock now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)
