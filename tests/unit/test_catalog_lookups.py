"""Slow questions, and those who do not wait for them."""

import asyncio

import pytest
import structlog.testing

from core.catalog.lookups import Lookups
from core.errors import UnavailableError


class Oracle:
    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def ask(self, key: str) -> str:
        self.asked.append(key)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return key.upper()


async def test_everybody_who_waits_gets_the_one_answer() -> None:
    oracle = Oracle()
    lookups = Lookups(oracle.ask)
    waiting = [asyncio.create_task(lookups.answer(key, patience_seconds=None)) for key in ("a", "a", "b")]
    await asyncio.sleep(0)
    oracle.gate.set()
    assert await asyncio.gather(*waiting) == ["A", "A", "B"]
    assert sorted(oracle.asked) == ["a", "b"]
    assert await lookups.answer("a", patience_seconds=None) == "A"
    assert sorted(oracle.asked) == ["a", "a", "b"]


async def test_who_does_not_wait_gets_nothing_and_the_question_goes_on() -> None:
    oracle = Oracle()
    lookups = Lookups(oracle.ask)
    assert await lookups.answer("a", patience_seconds=0) is None
    assert await lookups.answer("a", patience_seconds=0.001) is None
    oracle.gate.set()
    assert await lookups.answer("a", patience_seconds=None) == "A"
    assert oracle.asked == ["a"]


async def test_who_goes_away_does_not_end_the_question_for_others() -> None:
    oracle = Oracle()
    lookups = Lookups(oracle.ask)
    first = asyncio.create_task(lookups.answer("a", patience_seconds=None))
    second = asyncio.create_task(lookups.answer("a", patience_seconds=None))
    await asyncio.sleep(0)
    first.cancel()
    oracle.gate.set()
    assert await second == "A"


async def test_trouble_is_told_to_those_who_wait() -> None:
    oracle = Oracle()
    oracle.error = UnavailableError("away")
    oracle.gate.set()
    with pytest.raises(UnavailableError):
        await Lookups(oracle.ask).answer("a", patience_seconds=None)


@pytest.mark.parametrize(("error", "logged"), [(KeyError("x"), ["KeyError"]), (UnavailableError("away"), [])])
async def test_a_mistake_that_nobody_waited_for_is_logged(error: Exception, logged: list[str]) -> None:
    oracle = Oracle()
    oracle.error = error
    lookups = Lookups(oracle.ask)
    with structlog.testing.capture_logs() as lines:
        assert await lookups.answer("a", patience_seconds=0) is None
        oracle.gate.set()
        await asyncio.wait(lookups._running.values(), timeout=5)
        await asyncio.sleep(0)
    assert [line["error"] for line in lines] == logged


async def test_closing_ends_what_still_runs() -> None:
    oracle = Oracle()
    lookups = Lookups(oracle.ask)
    await lookups.answer("a", patience_seconds=0)
    await lookups.aclose()
    assert not lookups._running
