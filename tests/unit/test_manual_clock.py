"""The tests' own clock."""

import asyncio
from datetime import timedelta

from tests.clock import ManualClock


async def test_sleepers_wake_in_order_and_each_sees_its_own_time(clock: ManualClock) -> None:
    start, seen = clock.now(), list[tuple[str, float]]()

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            seen.append((name, (clock.now() - start).total_seconds()))

    tasks = [asyncio.create_task(sleeper("a", 3, 3)), asyncio.create_task(sleeper("b", 2, 2, 100))]
    await clock.advance(10)

    assert seen == [("b", 2), ("a", 3), ("b", 4), ("a", 6)]
    assert clock.now() == start + timedelta(seconds=10)
    assert clock.sleepers == 1
    tasks[1].cancel()
    await clock.advance(1000)
    assert clock.sleepers == 0
    assert tasks[0].done()
