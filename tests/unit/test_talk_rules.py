"""Who may steer a turn, and how it is asked."""

import asyncio

import pytest

from core.access.model import Principal, Role
from core.errors import InvalidInputError
from core.people.model import PersonId
from core.servers.errors import EngineOverloadedError
from core.talk.line import PATIENCE, Line
from core.talk.model import Mode, Settings
from core.talk.rules import check_settings, is_stop, may_steer, merge
from tests.clock import ManualClock
from tests.servers import server

RITA, BEA, ADAM = (PersonId("T1", user) for user in ("URITA", "UBEA", "UADAM"))


@pytest.mark.parametrize("text", ["stop", "Stop", " STOP. ", "stop!"])
def test_the_word_alone_stops(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize("text", ["stop it", "please stop", "", "non-stop", "stop, and why?"])
def test_more_than_the_word_does_not(text: str) -> None:
    assert not is_stop(text)


def test_an_answer_is_steered_by_whoever_asked_the_servers_owner_and_admins() -> None:
    of_bea = server(owner=BEA)
    assert may_steer(Principal(person=RITA, role=Role.READ), RITA, of_bea)
    assert may_steer(Principal(person=BEA, role=Role.READ), RITA, of_bea)
    assert may_steer(Principal(person=ADAM, role=Role.ADMIN), RITA, None)
    assert not may_steer(Principal(person=ADAM, role=Role.READ_WRITE), RITA, of_bea)


def test_the_narrowest_place_decides_each_setting() -> None:
    merged = merge(
        [Settings(temperature=0.0), Settings(temperature=1.0, stop=()), Settings(stop=("x",), mode=Mode.COMPLETION)]
    )
    assert merged == Settings(temperature=0.0, stop=(), mode=Mode.COMPLETION)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (Settings(max_tokens=0), "max_tokens"),
        (Settings(temperature=2.1), "temperature"),
        (Settings(top_p=0), "top_p"),
        (Settings(repetition_penalty=4), "repetition_penalty"),
        (Settings(seed=-1), "seed"),
        (Settings(stop=("a",) * 5), "stop"),
        (Settings(stop=("",)), "stop"),
    ],
)
def test_a_setting_that_no_engine_takes_is_named(settings: Settings, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_settings(settings)
    assert refused.value.field == field
    check_settings(Settings(max_tokens=1, temperature=0, top_p=1, repetition_penalty=1, seed=0, stop=("a",)))


class TestTheLine:
    async def test_moves_up_when_the_first_leaves(self) -> None:
        clock = ManualClock()
        line = Line(clock)
        assert line.is_empty
        shown: list[int] = []
        first, second = line.join(), line.join()
        waiting = asyncio.create_task(line.turn(second, tries=0, show=shown.append))
        await asyncio.sleep(0)
        assert shown == [2]
        line.leave(first)
        line.leave(first)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert shown == [2, 1]
        assert not waiting.done(), "it asks again after a while"
        await clock.advance(2)
        await waiting
        line.leave(second)
        assert line.is_empty

    async def test_gives_up_after_a_long_time(self) -> None:
        clock = ManualClock()
        line = Line(clock)
        ticket = line.join()
        await clock.advance(PATIENCE.total_seconds() + 1)
        with pytest.raises(EngineOverloadedError, match="Retry"):
            await line.turn(ticket, tries=3, show=lambda _: None)
