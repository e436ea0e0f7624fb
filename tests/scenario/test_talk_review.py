"""What is left behind by crashes and refusals, and what people do at awkward moments."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.people.model import PersonId
from core.servers.model import ServerState
from core.talk.model import NewTurn, Settings, Thread, Turn, TurnKind, TurnState
from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.people import TEAM_ID
from lab.slack.screen import words
from tests.prime import eventually
from tests.scenario.talking import TalkOffice, messages_of, open_talk_office, sent

RITA = PersonId(TEAM_ID, "U0RITA")
SLOW = 30.0
LONG = " ".join(f"word{number}" for number in range(4000))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    return await world.office.person("U0RITA")


async def left_behind(
    world: TalkOffice, thread: Thread, *, server: str | None = "llama", age: timedelta = timedelta(), **given: Any
) -> Turn:
    """A turn as a replica that died left it, in a thread of its own."""
    now = world.clock.now() - age
    async with world.models.storage.transaction() as stores:
        conversation = await stores.talk.open_conversation(thread, starter=RITA, in_thread=False, now=now)
        if server is not None:
            [found], _ = await stores.servers.search(server, after=None, limit=1)
            await stores.talk.save(replace(conversation, server_id=found.id))
        facts: dict[str, Any] = {
            "key": f"prompt/{thread.ts}",
            "conversation_id": conversation.id,
            "kind": TurnKind.PROMPT,
            "state": TurnState.NEW,
            "author": RITA,
            "prompt_ts": thread.ts,
            "prompt": "how old are llamas?",
        }
        turn, _ = await stores.talk.add(NewTurn(**(facts | given)), now=now)
    return turn


async def thread_of(world: TalkOffice, person: Person) -> Thread:
    """Of a message that Prime did not hear."""
    await world.asks(person, "@Prime hello")
    channel = str(world.office.lab.record.called("chat.postMessage")[-1].arguments["channel"])
    return Thread(team=TEAM_ID, channel=channel, ts=await person.says("#general", "a quiet message"))


async def test_a_question_whose_message_was_never_posted_fails_visibly(world: TalkOffice, rita: Person) -> None:
    await world.serve()
    thread = await thread_of(world, rita)
    await left_behind(world, thread, age=timedelta(hours=1))
    answer = await world.answered(rita, thread.ts)
    assert "Retry" in answer.buttons
    await rita.presses("Retry", in_message=answer.ts)
    await world.answered(rita, thread.ts, until=lambda one: "how old are llamas" in one.text)


async def test_a_question_for_which_nobody_chose_a_server_ends_after_a_day(world: TalkOffice, rita: Person) -> None:
    await world.serve()
    thread = await thread_of(world, rita)
    await left_behind(world, thread, server=None, age=timedelta(hours=25), state=TurnState.OFFERED)
    answer = await world.answered(rita, thread.ts)
    assert "day" in answer.notes


async def test_a_refused_question_is_not_asked_without_its_words_after_a_crash(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    thread = await thread_of(world, rita)
    asked = len(sent(engine))
    await left_behind(world, thread, state=TurnState.WAITING, prompt="", is_redacted=True)
    answer = await world.answered(rita, thread.ts)
    assert len(sent(engine)) == asked
    assert "not sent" in answer.notes


async def test_a_value_in_a_stop_sequence_does_not_leave(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    async with world.models.storage.transaction() as stores:
        await stores.talk.save_personal(RITA, Settings(stop=("END", "mail to alice@acme.com")))
    await world.asks(rita, "@Prime what did alice@acme.com write?")
    assert sent(engine)[0].body["stop"] == ["END", "mail to [EMAIL_1]"]


async def test_a_question_that_is_edited_while_it_is_answered_can_be_asked_again(
    world: TalkOffice, rita: Person
) -> None:
    engine = await world.serve(tokens_per_second=SLOW)
    engine.answer = lambda _: LONG
    ts = await rita.says("#general", "@Prime how old are lamas?")
    answer = await world.answered(rita, ts, until=lambda one: "word3" in one.text)
    await rita.edits("#general", ts, "@Prime how old are llamas?")
    offer = await rita.sees("You edited your question")
    await rita.presses("Answer again", in_message=offer["ts"])
    assert await rita.sees("still being answered")
    await rita.presses("Stop", in_message=answer.ts)
    await world.answered(rita, ts)
    engine.answer = lambda _: "Very old."
    await rita.presses("Answer again", in_message=offer["ts"])
    await world.answered(rita, ts, until=lambda one: "Very old." in one.text)
    assert messages_of(sent(engine)[-1]) == [("user", "how old are llamas?")]


async def test_who_was_refused_once_is_left_alone_in_a_thread_without_prime(world: TalkOffice, rita: Person) -> None:
    await world.serve()
    nils = await world.office.person("U0NILS")
    ts = await rita.says("#general", "lunch?")
    await nils.says("#general", "@Prime what is for lunch?", thread_ts=ts)
    await nils.sees(lambda one: "Ask for access" in words(one) or "access" in words(one).lower())
    await world.office.settled()
    told = len(world.office.lab.record.called("chat.postEphemeral"))
    await nils.says("#general", "pizza, it seems", thread_ts=ts)
    await world.asks(rita, "@Prime how old are llamas?")
    await world.office.settled()
    assert len(world.office.lab.record.called("chat.postEphemeral")) == told


async def test_a_reply_in_a_gap_is_heard_though_a_later_one_came_first(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    ts, _ = await world.asks(rita, "@Prime how old are llamas?")
    faults = world.office.lab.faults
    faults.switch(FaultName.LOST_EVENTS)
    await rita.says("#general", "and alpacas?", thread_ts=ts)
    faults.switch(FaultName.LOST_EVENTS, on=False)
    gap_over = world.clock.now()
    await world.asks(rita, "and camels?", thread_ts=ts)
    async with world.models.storage.transaction() as stores:
        since = gap_over - timedelta(hours=1)
        [(_, last)] = await stores.talk.active(since=since, known_before=gap_over, limit=5)
    assert last == ts
    assert len(sent(engine)) == 2


async def test_the_end_of_an_answer_is_shown_though_slack_was_away_for_an_hour(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve(tokens_per_second=SLOW)
    engine.answer = lambda _: "word " * 60
    ts = await rita.says("#general", "@Prime count")
    await world.answered(rita, ts, until=lambda one: "word" in one.text)
    faults = world.office.lab.faults
    faults.switch(FaultName.API_500S, share=1.0)
    back_at = world.clock.now() + timedelta(hours=1)

    async def is_back() -> bool:
        return world.clock.now() > back_at

    await world.hastened(eventually(lambda: not engine.running), haste=10)
    await world.hastened(eventually(is_back, within_seconds=60), haste=300)
    faults.switch(FaultName.API_500S, on=False)
    answer = await world.hastened(world.comes(rita, ts), haste=100)
    assert answer.text.split() == ["word"] * 60


async def test_stop_ends_a_question_that_waits_behind_another(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve(tokens_per_second=SLOW)
    engine.answer = lambda _: LONG
    ts = await rita.says("#general", "@Prime count")
    await world.answered(rita, ts, until=lambda one: "word3" in one.text)
    second = await rita.says("#general", "and again", thread_ts=ts)
    waiting = await world.answered(rita, second, thread_ts=ts, until=lambda one: "Stop" in one.buttons)
    await rita.presses("Stop", in_message=waiting.ts)
    stopped = await world.answered(rita, second, thread_ts=ts)
    assert "stopped" in stopped.notes
    assert engine.running == 1


async def test_what_is_asked_again_goes_to_another_server_where_its_own_is_gone(
    world: TalkOffice, rita: Person
) -> None:
    await world.serve()
    _, answer = await world.asks(rita, "@Prime hello")
    async with world.models.storage.transaction() as stores:
        [llama], _ = await stores.servers.search("llama", after=None, limit=1)
        await stores.servers.save(replace(llama, state=ServerState.DELETED), due_at=None)
    other = await world.serve("kiwi")
    await rita.presses("Regenerate", in_message=answer.ts)
    await eventually(lambda: len(sent(other)) == 1)


async def test_what_was_held_back_is_shown_when_an_answer_breaks(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    engine.answer = lambda _: "I write to [EMA and more words"
    engine.faults.switch("engine: error frame", after=6)
    _, answer = await world.asks(rita, "@Prime write to alice@acme.com")
    assert "Retry" in answer.buttons
    assert "I write to [EMA and more words".startswith(answer.text.strip())
    assert "[" in answer.text
