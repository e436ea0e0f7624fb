"""Waiting for room at an engine that refuses more requests than it takes: the first in line asks again, ever less
often, and the others stay behind it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from random import Random

from core.clock import Clock
from core.servers.errors import EngineOverloadedError

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 8.0
PATIENCE = timedelta(minutes=10)


class Line:
    """Of one engine, in this process. Whoever joins has to leave."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, datetime] = {}
        """Since when, by ticket, in order."""
        self._tickets = count()
        self._moved = asyncio.Event()
        self._dice = Random()  # noqa: S311 only spreads requests in time

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def join(self) -> int:
        """A ticket."""
        ticket = next(self._tickets)
        self._waiting[ticket] = self._clock.now()
        return ticket

    async def turn(self, ticket: int, *, tries: int, show: Callable[[int], None]) -> None:
        """Returns when it is worth asking the engine. `show` is told the place in line, 1 for the first.

        Raises EngineOverloadedError after a long time."""
        while (position := list(self._waiting).index(ticket) + 1) > 1:
            show(position)
            await self._moved.wait()
        show(position)
        if self._clock.now() - self._waiting[ticket] > PATIENCE:
            raise EngineOverloadedError("The model had no room for ten minutes. Press Retry to ask once more.")
        wait = min(FIRST_WAIT_SECONDS * 2**tries, LONGEST_WAIT_SECONDS)
        await self._clock.sleep(wait * self._dice.uniform(0.7, 1.3))

    def leave(self, ticket: int) -> None:
        """Repeatable."""
        if self._waiting.pop(ticket, None) is not None:
            self._moved.set()
            self._moved = asyncio.Event()
