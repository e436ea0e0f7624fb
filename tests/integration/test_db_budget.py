"""Budgets that several replicas spend at once."""

import asyncio
from collections import Counter
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from core.pacing.model import Rate
from db.budget import PostgresBudgets
from tests.clock import ManualClock


async def test_replicas_at_once_never_get_the_same_slot(engine: AsyncEngine, clock: ManualClock) -> None:
    replicas = [PostgresBudgets(engine), PostgresBudgets(engine)]

    asked = [replicas[n % 2].reserve("chat.update", Rate(1.0, burst=3), now=clock.now()) for n in range(20)]
    slots = await asyncio.gather(*asked)

    taken = Counter((slot.at - clock.now()).total_seconds() for slot in slots)
    assert taken == {0.0: 3} | {float(second): 1 for second in range(1, 18)}


async def test_each_name_has_a_budget_of_its_own(engine: AsyncEngine, clock: ManualClock) -> None:
    budgets = PostgresBudgets(engine)

    for name in ("one", "two"):
        assert (await budgets.reserve(name, Rate(1.0), now=clock.now())).at == clock.now()


async def test_a_block_holds_back_every_later_slot_and_is_never_shortened(
    engine: AsyncEngine, clock: ManualClock
) -> None:
    budgets, now = PostgresBudgets(engine), clock.now()
    assert await budgets.blocked_until("a") is None
    await budgets.reserve("a", Rate(1.0), now=now)
    assert await budgets.blocked_until("a") is None

    await budgets.block("a", until=now + timedelta(seconds=30))
    await budgets.block("a", until=now + timedelta(seconds=10))
    slot = await budgets.reserve("a", Rate(1.0), now=now)

    assert slot.at == slot.blocked_until == await budgets.blocked_until("a") == now + timedelta(seconds=30)
    await budgets.block("a", until=now + timedelta(seconds=40))
    assert (await budgets.reserve("a", Rate(1.0), now=now)).at == now + timedelta(seconds=40)


async def test_a_budget_that_was_only_blocked_starts_with_its_burst(engine: AsyncEngine, clock: ManualClock) -> None:
    budgets = PostgresBudgets(engine)
    await budgets.block("a", until=clock.now())

    slots = [await budgets.reserve("a", Rate(1.0, burst=2), now=clock.now()) for _ in range(3)]

    assert [(slot.at - clock.now()).total_seconds() for slot in slots] == [0, 0, 1]
