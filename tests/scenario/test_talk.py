"""People talk to a model: where its answers stand, what it gets to read, and who is answered."""

from collections.abc import AsyncIterator

import pytest

from core.servers.model import ServerState
from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.screen import words
from tests.engines import KEY, MODEL, vllm
from tests.scenario.conftest import eventually
from tests.scenario.talking import TalkOffice, is_primes, messages_of, open_talk_office, sent
from tests.scenario.wire import Wire

STORY = "\n\n".join(f"Paragraph {number} tells of llamas & of 1 < 2, in *plain* words." for number in range(40))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    return await world.office.person("U0RITA")


@pytest.fixture
async def bea(world: TalkOffice) -> Person:
    return await world.office.person("U0BEA")


class TestAnAnswer:
    async def test_grows_in_the_message_that_stood_in_for_it(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve(tokens_per_second=60)
        engine.answer = lambda _: STORY
        ts = await rita.says("#general", "@Prime tell me of llamas")
        placeholder = await world.answered(rita, ts, until=lambda answer: bool(answer.messages))
        found = await world.answered(rita, ts)
        assert [one["ts"] for one in found.messages] == [placeholder.ts]
        assert found.text == STORY
        shown = world.shown(found.ts)
        assert len({*shown}) > 3, "it was shown as it grew"
        assert all(STORY.startswith(text.rstrip()) for text in shown)
        assert "llama" in found.notes
        assert "tokens" in found.notes
        assert "Regenerate" in found.buttons

    async def test_comes_within_a_second_as_a_message_that_says_so(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve(tokens_per_second=1)
        asked_at = world.clock.time()
        ts = await rita.says("#general", "@Prime tell me of llamas")
        answer = await world.answered(rita, ts, until=lambda answer: bool(answer.messages))
        posted = next(one for one in world.office.lab.record.called("chat.postMessage") if one.error is None)
        assert posted.at - asked_at < 1.0 * 3  # the lab's clock was hastened a little
        assert "llama is thinking" in words(answer.messages[0])
        await eventually(lambda: engine.running == 1)

    async def test_gives_the_model_what_was_typed_and_no_more(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        await world.asks(rita, "@Prime is 1 < 2 && 3 > 2? *bold* #general `<code>`")
        [request] = sent(engine)
        [(role, text)] = messages_of(request)
        assert role == "user"
        assert text.startswith("is 1 < 2 && 3 > 2? *bold*")
        assert "`<code>`" in text
        assert "U0PRIME" not in text

    async def test_never_pings_anybody(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        engine.answer = lambda _: "Ask <@U0ADAM> or <!channel> or @here or <!subteam^S0READERS>."
        ts, answer = await world.asks(rita, "@Prime whom do I ask?")
        raw = str(answer.messages)
        assert "<@U0ADAM>" not in raw.replace("<@U0RITA>", "")
        assert "<!" not in raw
        assert "ADAM" in answer.text
        assert ts

    async def test_of_a_vllm_server_comes_too(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve("kiwi", vllm(MODEL, "--api-key", KEY))
        _, answer = await world.asks(rita, "@Prime how are you?")
        assert answer.text == "Happy to help! You wrote: “how are you?” I received 1 message with this request."
        assert len(sent(engine)) == 1


class TestAThread:
    async def test_goes_on_without_a_mention(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        engine = await world.serve()
        engine.answer = lambda messages: f"answer to {messages[-1].text}"
        ts, _ = await world.asks(rita, "@Prime one")
        await world.asks(rita, "two", thread_ts=ts)
        _, last = await world.asks(bea, "three", thread_ts=ts)
        assert last.text == "answer to three"
        assert messages_of(sent(engine)[-1]) == [
            ("user", "one"),
            ("assistant", "answer to one"),
            ("user", "two"),
            ("assistant", "answer to two"),
            ("user", "three"),
        ]

    async def test_of_twenty_turns_stays_coherent(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        engine.answer = lambda messages: f"Answer {len(messages) // 2}"
        ts, _ = await world.asks(rita, "@Prime Question 0")
        for number in range(1, 20):
            _, answer = await world.asks(rita, f"Question {number}", thread_ts=ts)
            assert answer.text == f"Answer {number}"
        said = messages_of(sent(engine)[-1])
        assert [text for role, text in said if role == "user"] == [f"Question {number}" for number in range(20)]
        assert [text for role, text in said if role == "assistant"] == [f"Answer {number}" for number in range(19)]
        assert [role for role, _ in said] == ["user", "assistant"] * 19 + ["user"]

    async def test_takes_what_is_said_to_somebody_else_as_context(
        self, world: TalkOffice, rita: Person, bea: Person
    ) -> None:
        engine = await world.serve()
        ts, _ = await world.asks(rita, "@Prime which day suits us?")
        await bea.says("#general", "@Rita Moreau I am away on Monday", thread_ts=ts)
        _, answer = await world.asks(rita, "so which?", thread_ts=ts)
        said = messages_of(sent(engine)[-1])
        assert len(sent(engine)) == 2, "what was said to Rita was not answered"
        assert said[-1] == ("user", "[PERSON_1]: <@U0RITA> I am away on Monday\n\nso which?")
        assert [role for role, _ in said] == ["system", "user", "assistant", "user"]
        assert answer.is_over

    async def test_that_prime_has_no_part_in_is_left_alone(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        ts = await rita.says("#general", "between us")
        await rita.says("#general", "and only us", thread_ts=ts)
        await world.asks(rita, "@Prime but this is for you")
        assert len(sent(engine)) == 1
        assert not [one for one in await world.thread(rita, "#general", ts) if is_primes(one)]

    async def test_in_a_direct_message_needs_no_mention_at_all(self, world: TalkOffice, rita: Person) -> None:
        await world.serve()
        _, answer = await world.asks(rita, "good morning", channel="app")
        assert "“good morning”" in answer.text


class TestOneAnswerPerPrompt:
    async def test_though_a_mention_comes_as_two_events(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        ts, answer = await world.asks(rita, "@Prime hello")
        record = world.office.lab.record
        assert record.delivered("app_mention")
        assert record.delivered("message")
        await world.office.settled()
        assert len(sent(engine)) == 1
        assert len((await world.answer(rita, ts)).messages) == len(answer.messages) == 1

    async def test_though_all_comes_twice_at_once(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        wire = Wire(world.office.lab.platform.socket_mode)
        with wire.doubling():
            ts, _ = await world.asks(rita, "@Prime hello")
            await world.asks(rita, "again", thread_ts=ts)
        await world.office.settled()
        assert len(sent(engine)) == 2
        assert len((await world.answer(rita, ts)).messages) == 2

    async def test_though_acknowledgements_are_lost(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        lab = world.office.lab
        lab.faults.switch(FaultName.LOST_ACKS)
        ts, _ = await world.asks(rita, "@Prime hello")
        world.clock.jump(4)
        await eventually(lambda: len(lab.record.delivered("app_mention")) == 2)
        world.clock.jump(4)
        await eventually(lambda: lab.record.delivered("app_mention")[-1].failure)
        lab.faults.switch(FaultName.LOST_ACKS, on=False)
        world.clock.jump(70)
        await eventually(lambda: lab.record.delivered("app_mention")[-1].acked_at)
        assert len(lab.record.delivered("app_mention")) == 3
        await world.office.settled()
        assert len(sent(engine)) == 1
        assert len((await world.answer(rita, ts)).messages) == 1


async def test_somebody_without_a_role_is_told_so_alone(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    nils = await world.office.person("U0NILS")
    ts = await nils.says("#general", "@Prime hello")
    refusal = await nils.sees(lambda one: one.get("ephemeral", False))
    assert "READ" in words(refusal)
    await nils.presses("Ask for access", in_message=refusal["ts"])
    await nils.sees_modal("Ask for access")
    await world.office.settled()
    assert not await world.thread(rita, "#general", ts)
    assert not sent(engine)


class TestWhichServer:
    async def test_the_only_one_that_runs(self, world: TalkOffice, rita: Person) -> None:
        await world.serve("sleeper", state=ServerState.STOPPED)
        engine = await world.serve("runner")
        await world.asks(rita, "@Prime hello")
        assert len(sent(engine)) == 1

    async def test_the_one_that_is_named(self, world: TalkOffice, rita: Person) -> None:
        llama, kiwi = await world.serve("llama"), await world.serve("kiwi")
        ts, _ = await world.asks(rita, "@Prime on kiwi: hello")
        await world.asks(rita, "and again", thread_ts=ts)
        assert not sent(llama)
        assert messages_of(sent(kiwi)[0]) == [("user", "hello")]
        assert len(sent(kiwi)) == 2, "a thread stays with its server"

    async def test_the_channels_default(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        llama, kiwi = await world.serve("llama"), await world.serve("kiwi")
        assert (await bea.types("/prime default kiwi", channel="#general"))["ok"]
        await world.office.settled()
        await world.asks(rita, "@Prime hello")
        assert (len(sent(llama)), len(sent(kiwi))) == (0, 1)

    async def test_the_one_that_is_chosen(self, world: TalkOffice, rita: Person, bea: Person) -> None:
        llama, kiwi = await world.serve("llama"), await world.serve("kiwi")
        ts = await rita.says("#general", "@Prime hello")
        offer = await world.answered(rita, ts, until=lambda answer: bool(answer.messages))
        assert not sent(llama) + sent(kiwi)
        await choose(rita, offer.ts, "kiwi")
        answer = await world.answered(rita, ts)
        assert answer.ts == offer.ts
        assert messages_of(sent(kiwi)[0]) == [("user", "hello")]
        assert not sent(llama)

    async def test_with_a_wrong_name_the_asker_is_told(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve("llama")
        await rita.says("#general", "@Prime on lama2: hello")
        shown = await rita.sees(lambda one: is_primes(one) and "no such server" in words(one))
        assert shown
        assert not sent(engine)


async def choose(person: Person, ts: str, name: str) -> None:
    message = next(one for one in person.screen.newest_first() if one["ts"] == ts)
    selects = [
        element
        for block in message["blocks"]
        for element in [*block.get("elements", []), block.get("accessory") or {}]
        if element.get("type") == "static_select"
    ]
    option = next(one for one in selects[0]["options"] if name in one["text"]["text"])
    await person.chooses(selects[0]["action_id"], option["value"], in_message=ts)
