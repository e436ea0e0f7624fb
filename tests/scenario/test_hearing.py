"""What Prime hears beside plain questions: edits, gaps of the connection, words that are nothing."""

from collections.abc import AsyncIterator

import pytest

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.screen import words
from tests.prime import eventually
from tests.scenario.talking import TalkOffice, messages_of, open_talk_office, sent


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    return await world.office.person("U0RITA")


async def test_a_message_that_is_edited_to_mention_prime_is_a_question(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    ts = await rita.says("#general", "how old are llamas?")
    await rita.edits("#general", ts, "@Prime how old are llamas?")
    await world.answered(rita, ts)
    assert messages_of(sent(engine)[0]) == [("user", "how old are llamas?")]
    assert len(sent(engine)) == 1


async def test_an_edit_among_others_is_nothing(world: TalkOffice, rita: Person) -> None:
    ts = await rita.says("#general", "how old are llamas?")
    await rita.edits("#general", ts, "how old are alpacas?")
    await world.office.settled()
    assert len(await rita.messages("#general", thread_ts=ts)) == 1


async def test_a_bare_mention_is_greeted_alone(world: TalkOffice, rita: Person) -> None:
    await world.serve()
    ts = await rita.says("#general", "@Prime")
    assert (await rita.sees("Hello! I am Prime"))["ephemeral"]
    assert len(await rita.messages("#general", thread_ts=ts)) == 1


async def test_a_reply_that_a_gap_swallowed_is_answered_when_the_connection_is_back(
    world: TalkOffice, rita: Person
) -> None:
    engine = await world.serve()
    ts, _ = await world.asks(rita, "@Prime how old are llamas?")
    faults = world.office.lab.faults
    faults.switch(FaultName.LOST_EVENTS)
    await rita.says("#general", "and alpacas?", thread_ts=ts)
    faults.switch(FaultName.LOST_EVENTS, on=False)
    await world.office.settled()
    assert len(sent(engine)) == 1
    faults.switch(FaultName.SOCKET_DROP)
    await world.hastened(eventually(lambda: len(sent(engine)) == 2))
    assert messages_of(sent(engine)[1])[-1] == ("user", "and alpacas?")


async def test_what_was_heard_before_a_gap_is_not_answered_again(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    ts, _ = await world.asks(rita, "@Prime how old are llamas?")
    await world.asks(rita, "and alpacas?", thread_ts=ts)
    opened = len(world.office.lab.record.called("conversations.replies"))
    world.office.lab.faults.switch(FaultName.SOCKET_DROP)
    await world.hastened(eventually(lambda: len(world.office.lab.record.called("conversations.replies")) > opened))
    await world.office.settled()
    assert len(sent(engine)) == 2


async def test_what_stood_above_is_read_on_request(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    bea = await world.office.person("U0BEA")
    ts = await bea.says("#general", "Llamas & alpacas are camelids.")
    reply = await rita.says("#general", "@Prime is that so?", thread_ts=ts)
    found = await world.answered(rita, reply, thread_ts=ts)
    assert "camelids" not in str(messages_of(sent(engine)[0]))
    await rita.presses("Read the thread above", in_message=found.ts)
    await world.hastened(eventually(lambda: len(sent(engine)) == 2))
    told = str(messages_of(sent(engine)[1]))
    assert "Llamas & alpacas are camelids." in told
    assert words(await rita.sees(lambda one: one.get("ts") == found.ts and "Replaced" in words(one)))
