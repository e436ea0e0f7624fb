"""Waiting lines in front of budgets: whoever matters most goes next, and nobody goes before the budget allows it."""

import asyncio
import heapq
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import count

from core.clock import Clock
from core.errors import UnavailableError
from core.pacing.model import Rate
from core.pacing.ports import BudgetStore


class Priority(IntEnum):
    """Who goes first; within one priority, who came first."""

    INTERACTIVE = 0
    """Somebody waits in front of a modal or a button."""
    FINAL_TEXT = 1
    """Of an answer: with it a person can go on."""
    FIRST_WORDS = 2
    """The first sign that a prompt is being answered."""
    NORMAL = 3
    BACKGROUND = 4
    """Nobody waits: syncs, App Home after a change."""


class TooLateError(UnavailableError):
    """The call would go out when it is worth nothing any more."""

    def __init__(self) -> None:
        super().__init__("Slack lets Prime do only so much at once, and just now that is used up. Please try again.")


_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.NORMAL)


@contextmanager
def sending(priority: Priority) -> Generator[None]:
    """Calls to Slack within this block have this priority."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)


@dataclass(order=True, slots=True)
class _Waiter:
    priority: Priority
    number: int
    deadline: datetime | None = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)

    def is_late(self, at: datetime) -> bool:
        return self.deadline is not None and self.deadline < at


@dataclass(slots=True)
class _Line:
    budget: str
    rate: Rate
    waiters: list[_Waiter] = field(default_factory=list[_Waiter])
    next_at: datetime | None = None
    """When the next turn is, once that is known."""
    server: asyncio.Task[None] | None = None


class Pacer:
    def __init__(self, budgets: BudgetStore, clock: Clock) -> None:
        self._budgets = budgets
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._numbers = count()

    async def turn(self, budget: str, rate: Rate, *, worth_until: datetime | None = None) -> None:
        """Returns when a call under this budget may be made, at once.

        Raises TooLateError as soon as it is known that this will be after `worth_until`."""
        line = self._lines.get(budget)
        if line is None:
            line = self._lines[budget] = _Line(budget, rate)
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(_priority.get(), next(self._numbers), worth_until, turn)
        if line.next_at is not None and waiter.is_late(line.next_at):
            raise TooLateError
        heapq.heappush(line.waiters, waiter)
        if line.server is None:
            line.server = asyncio.create_task(self._serve(line), name=f"line {budget}")
        await turn

    async def block(self, budget: str, *, seconds: float) -> None:
        """Nobody's turn under this budget comes before so many seconds have passed."""
        await self._budgets.block(budget, until=self._clock.now() + timedelta(seconds=seconds))

    async def close(self) -> None:
        """Turns everybody away."""
        servers = [line.server for line in self._lines.values() if line.server is not None]
        for server in servers:
            server.cancel()
        await asyncio.gather(*servers, return_exceptions=True)

    async def _serve(self, line: _Line) -> None:
        """Slots are taken from the budget with no name on them; each goes to whoever is first when its time comes."""
        try:
            while await self._slot_comes(line):
                _next(line).turn.set_result(None)
        except Exception as error:  # noqa: BLE001 it is handed on to who waits, or they would wait for ever
            for waiter in line.waiters:
                if not waiter.turn.done():
                    waiter.turn.set_exception(error)
        finally:
            del self._lines[line.budget]
            for waiter in line.waiters:
                waiter.turn.cancel()

    async def _slot_comes(self, line: _Line) -> bool:
        """False if nobody waits any more."""
        while _drop_gone(line):
            slot = await self._budgets.reserve(line.budget, line.rate, now=self._clock.now())
            line.next_at = slot.at
            _refuse_late(line, slot.at)
            wait = (slot.at - self._clock.now()).total_seconds()
            if wait <= 0:
                return _drop_gone(line)
            await self._clock.sleep(wait)
            # Meanwhile somebody, maybe of another replica, may have been told to wait.
            blocked_until = await self._budgets.blocked_until(line.budget)
            if blocked_until is None or blocked_until <= self._clock.now():
                return _drop_gone(line)
        return False


def _next(line: _Line) -> _Waiter:
    line.next_at = None
    return heapq.heappop(line.waiters)


def _drop_gone(line: _Line) -> bool:
    """Forgets who has left or was refused; whether anybody still waits."""
    line.waiters = [waiter for waiter in line.waiters if not waiter.turn.done()]
    heapq.heapify(line.waiters)
    return bool(line.waiters)


def _refuse_late(line: _Line, at: datetime) -> None:
    for waiter in line.waiters:
        if waiter.is_late(at) and not waiter.turn.done():
            waiter.turn.set_exception(TooLateError())
