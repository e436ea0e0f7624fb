"""Answers before their first word, and those that end without a writer."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from bot.ids import Action
from bot.replies import SlackReplies
from bot.sender import Sender
from core.people.model import PersonId
from core.redaction.model import EntityType
from core.servers.model import Server, ServerCard, ServerState
from core.talk.model import Answered, Asked, Choice, Conversation, EndReason, Fate, Part, Thread, Turn, TurnKind
from core.talk.model import TurnState as State
from core.watch.model import Vitals
from tests.clock import ManualClock
from tests.posted import THREAD, Slack, posting
from tests.servers import server

RITA = PersonId("T1", "U1")
LLAMA = server(state=ServerState.READY)
CONVERSATION = Conversation(
    id=1,
    thread=Thread(team="T1", channel="C1", ts=THREAD),
    server_id=1,
    starter=RITA,
    created_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
)
TURN = Turn(
    id=12,
    conversation_id=1,
    kind=TurnKind.PROMPT,
    state=State.WAITING,
    author=RITA,
    prompt_ts=THREAD,
    created_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
)
INTERRUPTED = Answered(
    state=State.INTERRUPTED,
    server="llama",
    model="meta/Llama-3",
    generated_tokens=10,
    seconds=2.0,
    redactions=0,
    left_out=0,
    end=None,
    failure="Prime was interrupted while this was being answered.",
)


class Cards:
    async def card(self, server_id: int) -> ServerCard:
        return ServerCard(
            server=server(id=server_id),
            url=None,
            expected_seconds=(180.0, 300.0),
            still_costs="",
            alternatives=(),
            vitals=Vitals(pulse=None, end=None, spent_usd=Decimal(0), is_spent_certain=True),
        )


@dataclass
class World:
    slack: Slack
    sender: Sender
    replies: SlackReplies
    clock: ManualClock

    async def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(work)
        async with asyncio.timeout(10):
            while not task.done():
                await self.clock.advance(0.1)
                await asyncio.sleep(0.002)
        return task.result()

    def key(self, ts: str) -> str:
        return self.slack.messages[ts]["metadata"]["event_payload"]["key"]

    def standing(self, key: str) -> str:
        metadata = {"event_type": "prime_news", "event_payload": {"key": key}}
        return self.slack.post({"blocks": [], "text": "", "metadata": metadata})


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[World]:
    async with posting(clock) as (slack, sender):
        yield World(slack, sender, SlackReplies(sender, Cards(), clock), clock)


def asked(fate: Fate = Fate.ACCEPTED, llama: Server = LLAMA, **changes: Any) -> Asked:
    return Asked(fate=fate, conversation=CONVERSATION, turn=TURN, server=llama, **changes)


async def answering(given: bool) -> bool:
    return given


async def test_a_placeholder_stands_in_the_thread_under_the_key_of_its_turn(world: World) -> None:
    ts = await world.done(world.replies.placeholder(asked(), look_since=None))
    assert "thinking" in world.slack.told(ts)
    assert world.slack.messages[ts]["thread_ts"] == THREAD
    assert world.key(ts) == "turn/12"


async def test_a_placeholder_that_stands_is_not_posted_again(world: World) -> None:
    stands = world.standing("turn/12")
    ts = await world.done(world.replies.placeholder(asked(), look_since=world.clock.now()))
    assert ts == stands


async def test_a_placeholder_that_slack_may_have_taken_is_looked_for_before_it_is_posted_again(world: World) -> None:
    world.slack.refuses["chat.postMessage"] = ["500"]
    stands = world.standing("turn/12")
    assert await world.done(world.replies.placeholder(asked(), look_since=None)) == stands
    world.slack.messages.clear()
    world.slack.refuses["chat.postMessage"] = ["500"]
    ts = await world.done(world.replies.placeholder(asked(), look_since=None))
    assert list(world.slack.messages) == [ts]


async def test_says_that_it_waits_for_other_answers(world: World) -> None:
    ts = await world.done(world.replies.placeholder(asked(is_behind=True), look_since=None))
    assert "thinking" not in world.slack.told(ts)
    assert world.slack.buttons(ts) == [Action.TALK_STOP]


async def test_asks_which_server(world: World) -> None:
    choice = Choice(server_id=3, name="llama", model="meta/Llama-3", is_ready=True)
    choose = Asked(fate=Fate.CHOOSE, conversation=CONVERSATION, turn=TURN, choices=[choice])
    ts = await world.done(world.replies.placeholder(choose, look_since=None))
    assert Action.TALK_CHOOSE in world.slack.buttons(ts)
    assert "12|3" in str(world.slack.messages[ts]["blocks"])


async def test_offers_to_start_a_server_with_its_price_and_how_long_that_takes(world: World) -> None:
    asleep = asked(Fate.ASLEEP, server(state=ServerState.STOPPED))
    ts = await world.done(world.replies.placeholder(asleep, look_since=None))
    assert Action.TALK_START in world.slack.buttons(ts)
    assert "$0.76" in world.slack.told(ts)
    assert "3 min" in world.slack.told(ts)


async def test_is_none_where_slack_lets_prime_not_write(world: World) -> None:
    world.slack.refuses["chat.postMessage"] = ["not_in_channel"]
    assert await world.done(world.replies.placeholder(asked(), look_since=None)) is None


@pytest.mark.parametrize("waits", [True, False])
async def test_shows_what_a_turn_waits_for_after_a_choice_unless_it_waits_no_more(world: World, waits: bool) -> None:
    ts = world.standing("turn/12")
    chosen = replace(asked(), turn=replace(TURN, parts=[Part(ts=ts, start=0)]))
    await world.done(world.replies.show_waiting(chosen, still_waits=partial(answering, waits)))
    assert ("thinking" in world.slack.told(ts)) is waits


@pytest.mark.parametrize("waits", [True, False])
async def test_shows_how_a_server_comes_up_unless_its_turn_waits_no_more(world: World, waits: bool) -> None:
    turn = replace(TURN, parts=[Part(ts=world.standing("turn/12"), start=0)])
    loading = server(state=ServerState.LOADING)
    still_waits = partial(answering, waits)
    await world.done(world.replies.show_asleep(turn, CONVERSATION, loading, still_waits=still_waits))
    assert ("loading" in world.slack.told(turn.parts[0].ts)) is waits


@pytest.mark.parametrize(("channel", "method"), [("C1", "chat.postEphemeral"), ("D1", "chat.postMessage")])
async def test_tells_the_author_alone(world: World, channel: str, method: str) -> None:
    there = replace(CONVERSATION, thread=replace(CONVERSATION.thread, channel=channel))
    await world.done(world.replies.tell_author(TURN, there, "No <!here>."))
    texts = [asked["text"] for _, asked in world.slack.asked] + [one["text"] for one in world.slack.messages.values()]
    assert texts == ["No &lt;!here&gt;."]
    assert [called for called, _ in world.slack.asked] == [method] * (method == "chat.postEphemeral")


async def test_warns_the_author_alone_and_tells_everybody_else_nothing_but_that_it_waits(world: World) -> None:
    ts = world.standing("turn/12")
    turn = replace(TURN, parts=[Part(ts=ts, start=0)])
    await world.done(world.replies.warn(turn, CONVERSATION, {EntityType.EMAIL: ["a@b.c"]}, risk=50))
    assert "decides first" in world.slack.told(ts)
    assert world.slack.buttons(ts) == [Action.WARNING_SHOW, Action.TALK_STOP]
    assert "a@b.c" not in str(world.slack.messages)
    [told] = [given for method, given in world.slack.asked if method == "chat.postEphemeral"]
    assert (told["channel"], told["user"], told["thread_ts"]) == ("C1", "U1", THREAD)
    assert "a@b.c" in str(told["blocks"])
    assert Action.WARNING_REDACTED in str(told["blocks"])


async def test_closes_an_answer_whose_replica_died_with_the_parts_that_were_not_noted(world: World) -> None:
    first = world.standing("turn/12")
    second = world.standing("turn/12/1")
    world.standing("turn/121")
    text = "word " * 3500
    turn = replace(TURN, state=State.INTERRUPTED, parts=[Part(ts=first, start=0)])
    parts = await world.done(world.replies.close(turn, CONVERSATION, LLAMA, text, INTERRUPTED))
    assert [part.ts for part in parts] == [first, second]
    assert world.slack.words(first) + world.slack.words(second) == text
    assert "interrupted" in world.slack.told(second)
    assert world.slack.buttons(first) == []
    assert Action.TALK_RETRY in world.slack.buttons(second)


async def test_closes_an_answer_that_never_began(world: World) -> None:
    turn = replace(TURN, state=State.INTERRUPTED)
    [part] = await world.done(world.replies.close(turn, CONVERSATION, None, "", INTERRUPTED))
    assert world.key(part.ts) == "turn/12"
    assert Action.TALK_RETRY in world.slack.buttons(part.ts)


async def test_an_answer_that_waited_says_first_that_it_is_thought_about(world: World) -> None:
    turn = replace(TURN, parts=[Part(ts=world.standing("turn/12"), start=0)])
    turn = replace(turn, created_at=world.clock.now() - timedelta(minutes=4))

    async def nothing(parts: object) -> None:
        pass

    async def answer() -> None:
        async with world.replies.open(turn, CONVERSATION, LLAMA, before_showing=nothing) as reply:
            while not world.slack.edits:  # noqa: ASYNC110 Slack tells nobody
                await asyncio.sleep(0.001)
            assert "thinking" in world.slack.told(turn.parts[0].ts)
            reply.add("Yes.")
            done = replace(INTERRUPTED, state=State.DONE, end=EndReason.STOP, failure="")
            await reply.finish(done, turn)

    await world.done(answer())
    assert world.slack.words(turn.parts[0].ts) == "Yes."
