"""Waiting lines in front of budgets."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.budgets import LocalBudgets, SharedBudgets
from bot.pacer import Pacer, Priority, TooLateError, sending
from core.errors import DatabaseUnavailableError
from core.pacing.model import Rate, Slot
from core.pacing.ports import BudgetStore
from tests.clock import ManualClock
from tests.profiles import cases

RATE = Rate(seconds_between=1.0)


class Calls:
    """Callers of one budget, and when each had its turn."""

    def __init__(self, pacer: Pacer, clock: ManualClock) -> None:
        self._pacer = pacer
        self._clock = clock
        self._start = clock.now()
        self.made: list[tuple[str, float]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def call(
        self, name: str, priority: Priority = Priority.NORMAL, *, worth_seconds: float | None = None
    ) -> asyncio.Task[None]:
        async def wait() -> None:
            worth_until = None if worth_seconds is None else self._clock.now() + timedelta(seconds=worth_seconds)
            with sending(priority):
                await self._pacer.turn("method", RATE, worth_until=worth_until)
            self.made.append((name, (self._clock.now() - self._start).total_seconds()))

        task = asyncio.create_task(wait())
        self.tasks.append(task)
        await self._clock.settle()
        return task


@pytest.fixture
def budgets() -> LocalBudgets:
    return LocalBudgets()


@pytest.fixture
async def pacer(budgets: LocalBudgets, clock: ManualClock) -> AsyncIterator[Pacer]:
    pacer = Pacer(budgets, clock)
    yield pacer
    await pacer.close()


@pytest.fixture
def calls(pacer: Pacer, clock: ManualClock) -> Calls:
    return Calls(pacer, clock)


async def test_callers_of_one_priority_go_in_the_order_in_which_they_came(calls: Calls, clock: ManualClock) -> None:
    for name in "abc":
        await calls.call(name)
    await clock.advance(5)
    assert calls.made == [("a", 0), ("b", 1), ("c", 2)]


async def test_who_matters_more_overtakes_who_waits_but_not_the_budget(calls: Calls, clock: ManualClock) -> None:
    await calls.call("first")
    await calls.call("sync", Priority.BACKGROUND)
    await calls.call("edit")
    await clock.advance(0.9)
    await calls.call("modal", Priority.INTERACTIVE)
    await clock.advance(5)
    assert calls.made == [("first", 0), ("modal", 1), ("edit", 2), ("sync", 3)]


async def test_a_caller_who_leaves_costs_the_others_nothing(calls: Calls, clock: ManualClock) -> None:
    await calls.call("a")
    gone = await calls.call("b")
    await calls.call("c")
    gone.cancel()
    await clock.advance(5)
    assert calls.made == [("a", 0), ("c", 1)]


async def test_a_call_that_would_come_too_late_is_refused_as_soon_as_that_is_known(
    calls: Calls, clock: ManualClock
) -> None:
    await calls.call("a")
    await calls.call("b")
    late = await calls.call("modal", Priority.INTERACTIVE, worth_seconds=0.5)
    with pytest.raises(TooLateError):
        late.result()
    await clock.advance(5)
    assert calls.made == [("a", 0), ("b", 1)]


async def test_nobody_goes_before_a_block_has_ended(calls: Calls, pacer: Pacer, clock: ManualClock) -> None:
    await calls.call("a")
    await calls.call("b")  # waits for its slot at 1 when the block comes
    await pacer.block("method", seconds=30)
    await calls.call("c", Priority.INTERACTIVE)
    await clock.advance(29.9)
    assert calls.made == [("a", 0)]
    await clock.advance(5)
    assert calls.made == [("a", 0), ("c", 30), ("b", 31)]


async def test_a_block_set_by_another_replica_holds_too(
    calls: Calls, budgets: LocalBudgets, clock: ManualClock
) -> None:
    await calls.call("a")
    await calls.call("b")
    await budgets.block("method", until=clock.now() + timedelta(seconds=30))
    await clock.advance(29.9)
    assert calls.made == [("a", 0)]


async def test_lines_of_different_budgets_do_not_wait_for_each_other(pacer: Pacer, clock: ManualClock) -> None:
    await pacer.block("one", seconds=60)
    held = asyncio.create_task(pacer.turn("one", RATE))
    await pacer.turn("other", RATE)
    await clock.settle()
    assert not held.done()


async def test_closing_turns_everybody_away(calls: Calls, pacer: Pacer, clock: ManualClock) -> None:
    await calls.call("a")
    await calls.call("b")
    await pacer.close()
    await clock.settle()
    assert calls.tasks[1].cancelled()


async def test_an_error_of_the_budget_reaches_who_waits(clock: ManualClock) -> None:
    class Broken(LocalBudgets):
        async def reserve(self, name: str, rate: Rate, *, now: object) -> Slot:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Pacer(Broken(), clock).turn("method", RATE)


@settings(**cases(short=40, long=1000))
@given(
    st.lists(st.tuples(st.floats(0, 5), st.sampled_from(Priority)), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(0, 10), st.floats(1, 5)), max_size=2),
)
async def test_every_caller_has_one_turn_within_the_rate_and_outside_the_blocks(
    arrivals: list[tuple[float, Priority]], blocks: list[tuple[float, float]]
) -> None:
    clock = ManualClock()
    start = clock.now()
    pacer = Pacer(LocalBudgets(), clock)
    turns: list[float] = []
    closed: list[tuple[float, float]] = []

    def seconds() -> float:
        return (clock.now() - start).total_seconds()

    async def caller(after: float, priority: Priority) -> None:
        await clock.sleep(after)
        with sending(priority):
            await pacer.turn("method", RATE)
        turns.append(seconds())

    async def blocker(after: float, length: float) -> None:
        await clock.sleep(after)
        closed.append((seconds(), seconds() + length))
        await pacer.block("method", seconds=length)

    async with asyncio.TaskGroup() as tasks:
        for after, priority in arrivals:
            tasks.create_task(caller(after, priority))
        for after, length in blocks:
            tasks.create_task(blocker(after, length))
        await clock.advance(60)
    assert len(turns) == len(arrivals)
    assert all(later - earlier > 0.999 for earlier, later in pairwise(turns))
    assert not [turn for turn in turns for begin, end in closed if begin < turn < end - 0.001]


class Away(LocalBudgets):
    """A shared store that does not answer."""

    async def reserve(self, name: str, rate: Rate, *, now: object) -> Slot:
        raise DatabaseUnavailableError

    async def block(self, name: str, *, until: object) -> None:
        raise DatabaseUnavailableError

    async def blocked_until(self, name: str) -> None:
        raise DatabaseUnavailableError


class TestSharedBudgets:
    async def test_keeps_to_a_stricter_rate_of_its_own_while_the_store_is_away(self, clock: ManualClock) -> None:
        budgets = SharedBudgets(Away())
        burst = Rate(seconds_between=1.0, burst=10)
        slots = [await budgets.reserve("method", burst, now=clock.now()) for _ in range(3)]
        assert [(slot.at - clock.now()).total_seconds() for slot in slots] == [0, 4, 8]

    async def test_remembers_a_block_that_the_store_did_not_take(self, clock: ManualClock) -> None:
        until = clock.now() + timedelta(seconds=30)
        budgets = SharedBudgets(Away())
        await budgets.block("method", until=until)
        assert await budgets.blocked_until("method") == until
        assert (await budgets.reserve("method", RATE, now=clock.now())).at == until

    async def test_goes_back_to_the_store_when_it_answers(self, clock: ManualClock) -> None:
        class Flaky(LocalBudgets):
            away = True

            async def reserve(self, name: str, rate: Rate, *, now: object) -> Slot:
                if self.away:
                    raise DatabaseUnavailableError
                return Slot(at=until)

        until = clock.now() + timedelta(seconds=99)
        store: BudgetStore = (flaky := Flaky())
        budgets = SharedBudgets(store)
        assert (await budgets.reserve("method", RATE, now=clock.now())).at == clock.now()
        flaky.away = False
        await clock.advance(6)
        assert (await budgets.reserve("method", RATE, now=clock.now())).at == until
