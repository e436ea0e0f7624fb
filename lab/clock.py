"""The lab's time: the machine's, plus the jumps that somebody asked for."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")


class LabClock:
    """Runs like the machine's clock and can be moved ahead; that wakes whoever waits for a moment now past."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._jumped = asyncio.Event()

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def jump(self, seconds: float) -> None:
        self._ahead += seconds
        jumped, self._jumped = self._jumped, asyncio.Event()
        jumped.set()

    async def sleep(self, seconds: float) -> None:
        due = self.time() + seconds
        while (left := due - self.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._jumped.wait()
            except TimeoutError:
                continue

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """The work's result; cancels it and raises TimeoutError when `seconds` have passed on this clock first."""
        task = asyncio.ensure_future(work)
        alarm = asyncio.create_task(self.sleep(seconds))
        try:
            await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            alarm.cancel()
            task.cancel()
