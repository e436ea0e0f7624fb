"""The writer of answers, in front of a Slack that keeps messages, on a clock that the test moves."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.answer_parts import PART_LIMIT, SHOWN_LIMIT
from bot.ids import Action
from bot.once import Spot
from bot.reply import EDIT_SECONDS, SlackReply
from bot.sender import Sender, SlackUnavailableError
from bot.views.answer import build_thinking
from core.people.model import PersonId
from core.talk.model import Answered, EndReason, Part, Turn, TurnKind, TurnState
from tests.clock import ManualClock
from tests.posted import THREAD, Slack, posting

RITA = PersonId("T1", "U1")
DONE = Answered(
    state=TurnState.DONE,
    server="llama",
    model="meta/Llama-3",
    generated_tokens=10,
    seconds=2.0,
    redactions=0,
    left_out=0,
    end=EndReason.STOP,
    failure="",
)


@dataclass
class World:
    slack: Slack
    sender: Sender
    clock: ManualClock
    noted: list[Sequence[Part]] = field(default_factory=list[Sequence[Part]])

    def reply(self, number: int = 1, *, look: bool = False) -> SlackReply:
        ts = self.slack.post({"blocks": build_thinking(number, "llama")[1], "text": "", "metadata": {}})
        turn = Turn(
            id=number,
            conversation_id=1,
            kind=TurnKind.PROMPT,
            state=TurnState.RUNNING,
            author=RITA,
            prompt_ts=THREAD,
            created_at=self.clock.now(),
            parts=[Part(ts=ts, start=0)],
        )
        reply = SlackReply(
            self.sender,
            self.clock,
            turn,
            Spot(channel="C1", thread_ts=THREAD),
            server="llama",
            before_showing=self._note,
            shown=build_thinking(number, "llama"),
            look=look,
        )
        reply.begin()
        return reply

    async def _note(self, parts: Sequence[Part]) -> None:
        self.noted.append(parts)

    async def until(self, is_so: Callable[[], bool], *, step: float = 0.1) -> None:
        """Lets time pass until then."""
        async with asyncio.timeout(20):
            while not is_so():
                await self.clock.advance(step)
                await asyncio.sleep(0.002)

    async def finished(self, reply: SlackReply, answered: Answered = DONE) -> list[str]:
        """The messages that the answer came to."""
        turn = replace(reply._turn, state=answered.state)
        task = asyncio.create_task(reply.finish(answered, turn))
        await self.until(task.done)
        return [part.ts for part in task.result()]

    def answer(self, found: Sequence[str]) -> str:
        return "".join(map(self.slack.words, found))


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[World]:
    async with posting(clock) as (slack, sender):
        yield World(slack, sender, clock)


async def test_shows_the_first_words_at_once_and_then_edits_every_three_seconds(world: World) -> None:
    reply = world.reply()
    begun = world.clock.now().timestamp()
    for number in range(100):
        reply.add(f"word{number} ")
        await world.clock.advance(0.1)
        await asyncio.sleep(0.005)
    found = await world.finished(reply)
    times = [at for at, _, _ in world.slack.edits]
    assert times[0] - begun < 0.5
    assert all(later - earlier > EDIT_SECONDS - 0.3 for earlier, later in itertools.pairwise(times[:-1]))
    assert 4 <= len(times) <= 6
    assert world.answer(found) == "".join(f"word{number} " for number in range(100))


async def test_each_edit_shows_a_beginning_of_the_answer_with_a_stop_button_and_one_text(world: World) -> None:
    reply = world.reply()
    texts: set[str] = set()
    for number in range(12):
        reply.add(f"word{number} <@U1> ")
        await world.until(lambda number=number: len(world.slack.edits) > number, step=0.5)
        [message] = world.slack.messages.values()
        texts.add(message["text"])
        assert world.slack.buttons(message["ts"]) == [Action.TALK_STOP]
        assert "<@U1>" not in str(message["blocks"])
    found = await world.finished(reply)
    assert all(world.answer(found).startswith(words) for _, _, words in world.slack.edits)
    assert len(texts) == 1
    assert Action.TALK_RETAKE in world.slack.buttons(found[0])
    assert Action.TALK_STOP not in world.slack.buttons(found[0])
    assert "10 tokens" in world.slack.told(found[0])


async def test_writes_down_before_each_edit(world: World) -> None:
    reply = world.reply()
    reply.add("Hello")
    await world.until(lambda: world.slack.reading == 1)
    assert len(world.noted) == 1
    await world.finished(reply)
    assert len(world.noted) == 1  # an answer that has ended is written down


async def test_makes_no_edit_that_shows_nothing_new(world: World) -> None:
    reply = world.reply()
    reply.add("Hello")
    await world.until(lambda: len(world.slack.edits) == 1)
    reply.add("")
    await world.clock.advance(60)
    assert len(world.slack.edits) == 1
    await world.finished(reply)


async def test_the_place_in_line_gives_way_to_the_first_words_at_once(world: World) -> None:
    reply = world.reply()
    reply.queue(2)
    await world.until(lambda: len(world.slack.edits) == 1)
    [ts] = world.slack.messages
    assert "number 2 in line" in world.slack.told(ts)
    at = world.clock.now().timestamp()
    reply.add("Hello")
    await world.until(lambda: len(world.slack.edits) == 2)
    assert world.slack.edits[1][0] - at < 0.5
    assert "writing" in world.slack.told(ts)
    await world.finished(reply)


async def test_the_end_does_not_wait_for_an_edit_in_the_line_nor_overtake_one_under_way(world: World) -> None:
    world.slack.held = asyncio.Event()
    reply = world.reply()
    reply.add("Hello")
    await world.until(lambda: world.slack.reading == 1)
    reply.add(" world")
    finishing = asyncio.create_task(reply.finish(DONE, reply._turn))
    await world.clock.advance(5)
    await asyncio.sleep(0.02)
    assert world.slack.reading == 1
    world.slack.held.set()
    await world.until(finishing.done)
    assert [words for _, _, words in world.slack.edits] == ["Hello", "Hello world"]


async def test_a_long_answer_goes_on_in_further_messages(world: World) -> None:
    reply = world.reply()
    whole = "".join(f"Sentence number {number} of a long answer.\n\n" for number in range(700))
    for at in range(0, len(whole), 1500):
        reply.add(whole[at : at + 1500])
        await world.clock.advance(1)
        await asyncio.sleep(0.005)
    found = await world.finished(reply)
    assert len(found) == 3
    assert world.answer(found) == whole
    assert [world.slack.told(ts) for ts in found[:-1]] == ["continued below"] * 2
    assert [bool(world.slack.buttons(ts)) for ts in found] == [False, False, True]
    assert [world.slack.messages[ts]["metadata"]["event_payload"]["key"] for ts in found[1:]] == [
        "turn/1/1",
        "turn/1/2",
    ]
    assert [part.ts for part in world.noted[-1]] == found
    assert all(
        len(block["text"]) <= PART_LIMIT + 500 for ts in found for block in world.slack.messages[ts]["blocks"][:1]
    )


async def test_what_comes_at_once_is_cut_into_messages_too(world: World) -> None:
    reply = world.reply()
    whole = "word " * 5000
    reply.add(whole)
    found = await world.finished(reply)
    assert len(found) == 3
    assert world.answer(found) == whole


async def test_the_rest_of_a_very_long_answer_comes_as_a_file(world: World) -> None:
    reply = world.reply()
    whole = "".join(f"Line {number} of very many.\n" for number in range(2500))
    reply.add(whole)
    found = await world.finished(reply)
    [file] = world.slack.files
    assert world.answer(found) + file == whole
    assert len(whole) - len(file) <= SHOWN_LIMIT + 1000
    assert "file" in world.slack.told(found[-1])
    assert len(await world.finished(reply)) == len(found)
    assert len(world.slack.files) == 1


async def test_where_slack_takes_no_files_the_rest_comes_as_messages(world: World) -> None:
    world.slack.refuses["files.getUploadURLExternal"] = ["missing_scope"]
    reply = world.reply()
    whole = "".join(f"Line {number} of very many.\n" for number in range(2500))
    reply.add(whole)
    found = await world.finished(reply)
    assert not world.slack.files
    assert world.answer(found) == whole


async def test_an_answer_whose_message_was_deleted_is_posted_anew(world: World) -> None:
    world.slack.refuses["chat.update"] = ["message_not_found"]
    reply = world.reply()
    [deleted] = world.slack.messages
    reply.add("Hello")
    [ts] = await world.finished(reply)
    assert ts != deleted
    assert world.slack.words(ts) == "Hello"
    assert Action.TALK_RETAKE in world.slack.buttons(ts)


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived"])
async def test_ends_quietly_where_the_channel_is_gone(world: World, error: str) -> None:
    world.slack.refuses["chat.update"] = [error]
    reply = world.reply()
    reply.add("Hello")
    assert len(await world.finished(reply)) == 1
    assert not world.slack.edits


async def test_markdown_that_slack_refuses_is_shown_as_plain_text(world: World) -> None:
    world.slack.refuses["chat.update"] = ["invalid_blocks"]
    reply = world.reply()
    reply.add("Hello " * 1000)
    [ts] = await world.finished(reply)
    assert world.slack.words(ts) == "Hello " * 1000
    assert {block["type"] for block in world.slack.messages[ts]["blocks"]} == {"section", "context", "actions"}


async def test_what_slack_refuses_in_every_form_comes_as_a_file(world: World) -> None:
    world.slack.refuses["chat.update"] = ["msg_blocks_too_long", "msg_blocks_too_long"]
    reply = world.reply()
    reply.add("Hello")
    [ts] = await world.finished(reply)
    assert world.slack.files == ["Hello"]
    assert Action.TALK_RETAKE in world.slack.buttons(ts)


async def test_the_end_can_be_shown_later_if_slack_is_away(world: World) -> None:
    reply = world.reply()
    reply.add("Hello")
    await world.until(lambda: len(world.slack.edits) == 1)
    world.slack.refuses["chat.update"] = ["500"] * 3
    finishing = asyncio.create_task(reply.finish(DONE, reply._turn))
    await world.until(finishing.done)
    assert isinstance(finishing.exception(), SlackUnavailableError)
    [ts] = await world.finished(reply)
    assert Action.TALK_RETAKE in world.slack.buttons(ts)


async def test_a_part_that_may_stand_is_looked_for_before_it_is_posted_again(world: World) -> None:
    reply = world.reply()
    first = next(iter(world.slack.messages))
    stands = world.slack.post(
        {"blocks": [], "text": "", "metadata": {"event_type": "prime_news", "event_payload": {"key": "turn/1/1"}}}
    )
    world.slack.refuses["chat.postMessage"] = ["500"]
    whole = "word " * 4000
    reply.add(whole)
    await world.until(lambda: not world.slack.refuses["chat.postMessage"])
    found = await world.finished(reply)
    assert found == [first, stands]
    assert world.answer(found) == whole


async def test_fifty_answers_that_end_at_once_are_all_whole_within_75_seconds(world: World) -> None:
    replies = [world.reply(number) for number in range(1, 51)]
    for reply in replies:
        reply.add(f"Answer {reply._turn.id} ")
    await world.clock.advance(0)
    await asyncio.sleep(0.05)
    for reply in replies:
        reply.add("is whole.")
    begun = world.clock.now()
    ends = [asyncio.create_task(reply.finish(DONE, reply._turn)) for reply in replies]
    await world.until(lambda: all(end.done() for end in ends), step=0.5)
    assert (world.clock.now() - begun).total_seconds() <= 75
    for end in ends:
        [part] = end.result()
        assert world.slack.words(part.ts).endswith("is whole.")
