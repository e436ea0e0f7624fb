"""People steer a conversation: they stop, ask again, go on, take back, and say how they want to be answered."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from bot.ids import Action
from core.servers.model import ServerState
from lab.engine.server import LabEngine
from lab.engine.tokens import tokens
from lab.slack.driver import Person
from lab.slack.screen import words
from tests.engines import KEY, tgi
from tests.scenario.conftest import eventually
from tests.scenario.talking import CHAT, Answer, TalkOffice, buttons_of, messages_of, open_talk_office, sent

STOP_SECONDS = 1.0
"""surface.md: within which the engine's socket is closed."""
SLOW = 30.0
"""Tokens a second: an answer that can be stopped."""
BASE = "mistralai/Mistral-7B-v0.3"
LONG = " ".join(f"word{number}" for number in range(4000))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    """READ, who asks."""
    return await world.office.person("U0RITA")


@pytest.fixture
async def bea(world: TalkOffice) -> Person:
    """READ_WRITE."""
    return await world.office.person("U0BEA")


@pytest.fixture
async def adam(world: TalkOffice) -> Person:
    """ADMIN."""
    return await world.office.person("U0ADAM")


async def speaking(world: TalkOffice, person: Person, engine: LabEngine) -> tuple[str, Answer]:
    """An answer that goes on for long, once some of it can be read."""
    engine.answer = lambda _: LONG
    ts = await person.says("#general", "@Prime count for me")
    return ts, await world.answered(person, ts, until=lambda answer: "word3" in answer.text)


async def drops(engine: LabEngine) -> float:
    """Seconds until the engine sees its client go."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await eventually(lambda: engine.dropped == 1, within_seconds=3)
    return loop.time() - began


class TestStop:
    async def test_closes_the_engines_connection_and_keeps_what_came(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve(tokens_per_second=SLOW)
        ts, answer = await speaking(world, rita, engine)
        assert (await rita.presses("Stop", in_message=answer.ts))["ok"]
        assert await drops(engine) < STOP_SECONDS
        stopped = await world.answered(rita, ts)
        assert "word3" in stopped.text
        assert LONG.startswith(stopped.text.rstrip())
        assert "stopped" in stopped.notes.lower()

    async def test_can_be_said(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve(tokens_per_second=SLOW)
        ts, _ = await speaking(world, rita, engine)
        await rita.says("#general", "stop", thread_ts=ts)
        assert await drops(engine) < STOP_SECONDS
        stopped = await world.answered(rita, ts)
        assert len(stopped.messages) == 1
        assert len(sent(engine)) == 1, "the word itself was not asked"

    async def test_is_for_the_author_the_owner_and_admins(
        self, world: TalkOffice, rita: Person, bea: Person, adam: Person
    ) -> None:
        engine = await world.serve(owner="U0ADAM", tokens_per_second=SLOW)
        ts, answer = await speaking(world, rita, engine)
        await bea.sees(lambda one: one.get("ts") == answer.ts)
        await bea.presses("Stop", in_message=answer.ts)
        refused = await bea.sees(lambda one: one.get("ephemeral", False))
        assert "stop" in words(refused).lower()
        assert engine.dropped == 0
        await adam.sees(lambda one: one.get("ts") == answer.ts and "Stop" in buttons_of(one))
        await adam.presses("Stop", in_message=answer.ts)
        assert await drops(engine) < STOP_SECONDS
        assert (await world.answered(rita, ts)).is_over

    async def test_by_the_servers_owner_works(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        engine = await world.serve(owner="U0BEA", tokens_per_second=SLOW)
        _, answer = await speaking(world, rita, engine)
        await bea.sees(lambda one: one.get("ts") == answer.ts and "Stop" in buttons_of(one))
        await bea.presses("Stop", in_message=answer.ts)
        assert await drops(engine) < STOP_SECONDS


class TestAnotherAnswer:
    async def test_is_asked_without_the_old_one_which_stays(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        numbers = count(1)
        engine.answer = lambda _: f"answer {next(numbers)}"
        ts, _ = await world.asks(rita, "@Prime one")
        _, second = await world.asks(rita, "two", thread_ts=ts)
        await rita.presses("Regenerate", in_message=second.ts)
        await world.answered(rita, ts, until=lambda answer: "answer 3" in answer.text and answer.is_over)
        assert messages_of(sent(engine)[-1]) == [("user", "one"), ("assistant", "answer 1"), ("user", "two")]
        assert "answer 2" in (await world.answer(rita, ts)).text, "the older answer can still be read"
        await world.asks(rita, "three", thread_ts=ts)
        assert ("assistant", "answer 3") in messages_of(sent(engine)[-1])
        assert ("assistant", "answer 2") not in messages_of(sent(engine)[-1])

    async def test_pressed_twice_is_one(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        engine = await world.serve()
        ts, first = await world.asks(rita, "@Prime one")
        await bea.sees(lambda one: one.get("ts") == first.ts and "Regenerate" in buttons_of(one))
        await asyncio.gather(
            rita.presses("Regenerate", in_message=first.ts), bea.presses("Regenerate", in_message=first.ts)
        )
        await world.hastened(eventually(lambda: len(sent(engine)) == 2))
        await world.answered(rita, ts)
        await world.office.settled()
        assert len(sent(engine)) == 2

    async def test_is_offered_once_for_an_edited_prompt(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        ts, _ = await world.asks(rita, "@Prime how old are lamas?")
        await rita.edits("#general", ts, "@Prime how old are llamas?")
        offer = await rita.sees(lambda one: bool(find(one, Action.TALK_ASK_EDITED)))
        await rita.presses(Action.TALK_ASK_EDITED, in_message=offer["ts"])
        await world.hastened(eventually(lambda: len(sent(engine)) == 2))
        assert messages_of(sent(engine)[-1]) == [("user", "how old are llamas?")]
        await world.answered(rita, ts, until=lambda answer: "llamas" in answer.text and answer.is_over)
        before = len(rita.screen.messages)
        await rita.edits("#general", ts, "@Prime how old are alpacas?")
        await world.office.settled()
        assert len(sent(engine)) == 2
        assert len(rita.screen.messages) == before, "nothing is offered again"

    async def test_goes_on_where_the_room_was_out(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        engine.answer = lambda _: LONG
        await set_person(rita, max_tokens="16")
        ts, cut = await world.asks(rita, "@Prime count for me")
        assert "Continue" in cut.buttons
        await rita.presses("Continue", in_message=cut.ts)
        more = await world.answered(rita, ts, until=lambda answer: "word31" in answer.text and answer.is_over)
        assert messages_of(sent(engine)[-1]) == [("user", "count for me"), ("assistant", cut.text)]
        assert more.text == LONG.partition(" word32")[0]

    async def test_goes_on_in_the_middle_of_a_placeholder(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        engine.answer = lambda _: "Write to [EMAIL_1] soon."
        cut_at = next(at for at, one in enumerate(tokens("Write to [EMAIL_1]"), 1) if "[" in one.text) + 1
        await set_person(rita, max_tokens=str(cut_at))
        ts, cut = await world.asks(rita, "@Prime whom at kim@example.org do I ask?")
        assert cut.text == "Write to "
        await set_person(rita, max_tokens="50")
        await rita.presses("Continue", in_message=cut.ts)
        more = await world.answered(rita, ts, until=lambda answer: "soon" in answer.text and answer.is_over)
        assert messages_of(sent(engine)[-1])[-1] == ("assistant", "Write to ")
        assert more.text == "Write to kim@example.org soon."


class TestTakingBack:
    async def test_undo_drops_the_last_turn(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        engine.answer = lambda messages: f"answer to {messages[-1].text}"
        ts, _ = await world.asks(rita, "@Prime one")
        _, second = await world.asks(rita, "two", thread_ts=ts)
        await press(rita, Action.TALK_UNDO, second.ts)
        await world.office.settled()
        await world.asks(rita, "three", thread_ts=ts)
        said = [text for _, text in messages_of(sent(engine)[-1])]
        assert said == ["one", "answer to one", "three"]

    async def test_clear_starts_afresh(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        ts, _ = await world.asks(rita, "@Prime one")
        _, second = await world.asks(rita, "two", thread_ts=ts)
        await press(rita, Action.TALK_CLEAR, second.ts)
        await world.office.settled()
        await world.asks(rita, "three", thread_ts=ts)
        assert messages_of(sent(engine)[-1]) == [("user", "three")]


class TestVotes:
    async def test_are_counted_on_the_servers_card(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        await world.serve()
        _, answer = await world.asks(rita, "@Prime one")
        await press(rita, Action.TALK_UP, answer.ts)
        await bea.sees(lambda one: one.get("ts") == answer.ts and bool(find(one, Action.TALK_DOWN)))
        await press(bea, Action.TALK_DOWN, answer.ts)
        await world.office.settled()
        assert sorted(world.office.rows("SELECT is_up FROM turn_vote")) == [(False,), (True,)]
        card = await world.office.answer_to(rita, "/prime server llama")
        assert "1" in words(card)

    async def test_given_twice_is_taken_back(self, world: TalkOffice, rita: Person) -> None:
        await world.serve()
        _, answer = await world.asks(rita, "@Prime one")
        for _ in range(2):
            await press(rita, Action.TALK_UP, answer.ts)
            await world.office.settled()
        assert not world.office.rows("SELECT is_up FROM turn_vote")


class TestSettings:
    async def test_of_a_person_reach_the_engine(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        given = {"max_tokens": "200", "temperature": "0.3", "top_p": "0.9", "repetition_penalty": "1.1", "seed": "7"}
        await set_person(rita, **given)
        await world.asks(rita, "@Prime hello")
        body = sent(engine)[-1].body
        assert body["max_tokens"] == 200
        assert body["temperature"] == pytest.approx(0.3)
        assert body["top_p"] == pytest.approx(0.9)
        assert body["seed"] == 7

    async def test_that_make_no_sense_are_refused(self, world: TalkOffice, rita: Person) -> None:
        await world.serve()
        assert (await rita.types("/prime settings", channel="#general"))["ok"]
        await rita.sees_modal()
        await rita.fills("temperature", "hot")
        assert not (await rita.submits())["ok"]


class TestWhereElse:
    async def test_a_command_opens_a_thread(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve("llama")
        await world.serve("kiwi")
        assert (await rita.types("/prime chat llama how are you?", channel="#general"))["ok"]
        await world.hastened(eventually(lambda: len(sent(engine)) == 1))
        assert messages_of(sent(engine)[0]) == [("user", "how are you?")]
        shown = await rita.sees(lambda one: "I received 1 message" in words(one), channel="#general")
        await world.answered(rita, shown["ts"], thread_ts=shown["thread_ts"], until=lambda _: True)
        await world.asks(rita, "and now?", thread_ts=shown["thread_ts"])
        assert len(messages_of(sent(engine)[1])) == 3

    async def test_where_prime_is_no_member_it_answers_directly(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        assert (await rita.types("/prime chat llama how are you?", channel="#random"))["ok"]
        await world.hastened(eventually(lambda: len(sent(engine)) == 1))
        shown = await rita.sees(lambda one: "I received 1 message" in words(one))
        assert shown["channel"] == rita.channel("app")
        assert not [one for one in await rita.messages("#random") if "I received" in words(one)]

    async def test_a_shortcut_asks_about_a_message(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        engine = await world.serve()
        ts = await bea.says("#general", "Llamas are camelids.")
        await rita.uses_shortcut("talk.message.ask", channel="#general", ts=ts)
        await rita.sees_modal()
        await rita.fills("prompt", "Is this true?")
        assert (await rita.submits())["ok"]
        await world.hastened(eventually(lambda: len(sent(engine)) == 1))
        text = messages_of(sent(engine)[0])[-1][1]
        assert "Llamas are camelids." in text
        assert "Is this true?" in text

    async def test_a_text_file_is_read_and_another_kind_is_told_of(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        notes = await rita.uploads("notes.txt", b"Llamas hum.")
        ts = await rita.says("#general", "@Prime what do llamas do?", file_ids=(notes["id"],))
        await world.answered(rita, ts)
        assert "notes.txt" in messages_of(sent(engine)[0])[-1][1]
        assert "Llamas hum." in messages_of(sent(engine)[0])[-1][1]
        picture = await rita.uploads("llama.png", b"\x89PNG\r\n\x1a\n\0\0")
        await rita.says("#general", "@Prime and here?", file_ids=(picture["id"],))
        await rita.sees(lambda one: "llama.png" in words(one) and "text" in words(one).lower())


class TestABaseModel:
    async def test_gets_a_transcript_and_stops_before_it_speaks_for_people(
        self, world: TalkOffice, rita: Person
    ) -> None:
        engine = await world.serve("base", tgi(BASE, "--api-key", KEY))
        engine.answer = lambda _: " An animal.\nUser: and then I say"
        ts, answer = await world.asks(rita, "@Prime What is a llama?")
        assert answer.text == "An animal."
        await world.asks(rita, "Where does it live?", thread_ts=ts)
        assert not [one for one in sent(engine, CHAT) if one.body.get("stream")][1:], "asked once for a template"
        inputs = sent(engine, "/generate_stream")[-1].body["inputs"]
        assert inputs == "User: What is a llama?\nAssistant: An animal.\nUser: Where does it live?\nAssistant:"

    async def test_can_simply_carry_a_text_on(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve("base", tgi(BASE, "--api-key", KEY))
        engine.answer = lambda _: " there was a llama."
        assert (await rita.types("/prime settings", channel="#general"))["ok"]
        await rita.sees_modal()
        await rita.chooses("mode", "completion")
        assert (await rita.submits())["ok"]
        _, answer = await world.asks(rita, "@Prime Once upon a time")
        assert sent(engine, "/generate_stream")[-1].body["inputs"] == "Once upon a time"
        assert answer.text.strip() == "there was a llama."


async def test_where_there_is_no_server_somebody_who_asks_is_told_so(world: TalkOffice, rita: Person) -> None:
    await world.serve("llama", state=ServerState.GONE)
    await rita.says("#general", "@Prime hello")
    shown = await rita.sees(lambda one: one.get("ephemeral", False) or one.get("user") == "U0PRIME")
    assert "no server" in words(shown)


async def set_person(person: Person, **given: str) -> None:
    assert (await person.types("/prime settings", channel="#general"))["ok"]
    await person.sees_modal()
    for name, value in given.items():
        await person.fills(name, value)
    assert await person.submits() == {"ok": True}
    await person.sees_no_modal()


async def press(person: Person, action: str, ts: str) -> None:
    """A button, or an entry of the answer's menu."""
    await person.presses(action, in_message=ts)


def find(message: dict[str, object], action: str) -> bool:
    return action in str(message.get("blocks"))
