"""Reading what was missed in a gap, on a clock that the test moves."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from bot.catch_up import AGAIN_SECONDS, CatchUp
from bot.inbox import Intake
from bot.sender import Sender
from core.errors import DatabaseUnavailableError
from core.talk.service import Talk
from tests.clock import ManualClock


class Threads:
    """core.talk.service.Talk, as far as it is asked here: away at first."""

    def __init__(self, *, failures: int) -> None:
        self.failures = failures
        self.asked = 0

    async def active(self, **_: Any) -> Sequence[Any]:
        self.asked += 1
        if self.asked <= self.failures:
            raise DatabaseUnavailableError
        return []


async def test_a_gap_is_read_once_it_can_be(clock: ManualClock) -> None:
    threads = Threads(failures=2)
    catch_up = CatchUp(cast("Sender", None), cast("Talk", threads), cast("Intake", None), clock)
    running = asyncio.create_task(catch_up.run())
    catch_up.begin()
    await clock.settle()
    assert threads.asked == 1
    await clock.advance(10 * AGAIN_SECONDS)
    assert threads.asked == 3
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
