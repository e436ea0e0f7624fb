"""Engines fail in every way they can: what came stays, people read what happened, and may ask again."""

from collections.abc import AsyncIterator

import pytest

from lab.engine.faults import FaultName
from lab.engine.launch import Launch
from lab.slack.driver import Person
from tests.engines import KEY, MODEL, tgi, vllm
from tests.prime import Database, eventually
from tests.scenario.talking import TalkOffice, messages_of, open_talk_office, sent

STALL_SECONDS = 1
ENGINES = {"tgi": tgi(MODEL, "--api-key", KEY), "vllm": vllm(MODEL, "--api-key", KEY)}
BROKEN = {
    FaultName.ERROR_FRAME: "failed",
    FaultName.STALL: "silent",
    FaultName.CUT_STREAM: "broke",
}
"""What goes wrong in the middle, and a word of the sentence that tells so."""
WORDS = "one two three four five six seven eight nine ten eleven twelve"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url, prime_stall_seconds=STALL_SECONDS) as world:
        yield world


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    return await world.office.person("U0RITA")


@pytest.mark.parametrize("launch", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize(("fault", "word"), BROKEN.items(), ids=[one.name for one in BROKEN])
async def test_an_answer_that_breaks_keeps_what_came_and_can_be_asked_again(
    world: TalkOffice, rita: Person, fault: FaultName, word: str, launch: Launch
) -> None:
    engine = await world.serve(launch=launch)
    engine.answer = lambda _: WORDS
    engine.faults.switch(fault)
    ts, broken = await world.asks(rita, "@Prime count")
    assert broken.text.strip() == "one two three four five"
    assert word in broken.notes
    assert "Retry" in broken.buttons
    engine.faults.switch(fault, on=False)
    await rita.presses("Retry", in_message=broken.ts)
    await world.answered(rita, ts, until=lambda answer: WORDS in answer.text and answer.is_over)
    assert messages_of(sent(engine)[-1]) == [("user", "count")]


async def test_an_engine_that_is_not_there_is_told_of(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    await engine.stop()
    _, failed = await world.asks(rita, "@Prime count")
    assert not failed.text
    assert "Retry" in failed.buttons
    assert "does not answer" in failed.notes or "not reach" in failed.notes


@pytest.mark.parametrize("launch", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("fault", [FaultName.SPLIT_UTF8, FaultName.LINE_SEPARATOR], ids=lambda one: one.name)
async def test_every_character_arrives_however_it_was_cut(
    world: TalkOffice, rita: Person, fault: FaultName, launch: Launch
) -> None:
    engine = await world.serve(launch=launch)
    engine.answer = lambda _: "naïve 🦙🏽 über “quoted” 語"
    engine.faults.switch(fault)
    _, answer = await world.asks(rita, "@Prime say something odd")
    front = "Žluťoučký kůň 語 🦙 " if fault is FaultName.SPLIT_UTF8 else "One line\u2028another line. "
    assert answer.text == front + "naïve 🦙🏽 über “quoted” 語"


class TestAFullEngine:
    async def test_is_waited_for_with_the_place_in_line_shown(self, world: TalkOffice, rita: Person) -> None:
        engine = await world.serve()
        engine.faults.switch(FaultName.OVERLOADED)
        ts = await rita.says("#general", "@Prime count")
        await world.answered(rita, ts, until=lambda answer: "next" in answer.notes or "line" in answer.notes)
        engine.faults.switch(FaultName.OVERLOADED, on=False)
        answer = await world.answered(rita, ts)
        assert "“count”" in answer.text
        assert "Retry" not in answer.buttons

    async def test_answers_everybody_in_the_end(self, world: TalkOffice, rita: Person) -> None:
        launch = tgi(MODEL, "--api-key", KEY, "--max-concurrent-requests", "1")
        engine = await world.serve(launch=launch, tokens_per_second=60)
        people = [rita, *[await world.office.person(user) for user in ("U0BEA", "U0ADAM")]]
        asked = [(one, await one.says("#general", f"@Prime I am {one.id}")) for one in people]
        for one, ts in asked:
            answer = await world.answered(one, ts)
            assert f"“I am {one.id}”" in answer.text
        assert engine.dropped == 0


async def test_what_does_not_fit_is_left_out_from_the_oldest_on_with_a_mark(world: TalkOffice, rita: Person) -> None:
    launch = tgi(MODEL, "--api-key", KEY, "--max-input-tokens", "300", "--max-total-tokens", "512")
    engine = await world.serve(launch=launch)
    engine.answer = lambda _: "noted"
    filler = " ".join(["llama"] * 60)
    ts, answer = await world.asks(rita, f"@Prime number 0 {filler}")
    for number in range(1, 8):
        _, answer = await world.asks(rita, f"number {number} {filler}", thread_ts=ts)
    said = messages_of(sent(engine)[-1])
    assert said[-1][1].startswith("number 7")
    assert "number 0" not in str(said)
    assert [role for role, _ in said] == ["user", "assistant"] * (len(said) // 2) + ["user"]
    assert len(said) > 1
    assert "left out" in answer.notes.lower() or "oldest" in answer.notes.lower() or "earlier" in answer.notes.lower()


async def test_a_prompt_that_is_too_long_is_told_of(world: TalkOffice, rita: Person) -> None:
    launch = tgi(MODEL, "--api-key", KEY, "--max-input-tokens", "300", "--max-total-tokens", "512")
    engine = await world.serve(launch=launch)
    _, answer = await world.asks(rita, "@Prime " + " ".join(["llama"] * 500))
    assert "too long" in answer.notes
    assert not sent(engine)


async def test_turns_of_a_thread_run_one_at_a_time_in_their_order(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve(tokens_per_second=100)
    engine.answer = lambda messages: f"answer to {messages[-1].text}"
    ts, _ = await world.asks(rita, "@Prime zero")
    first, second = [await rita.says("#general", text, thread_ts=ts) for text in ("one", "two")]
    done = await world.answered(rita, second, thread_ts=ts, until=lambda found: "answer to two" in found.text)
    assert first < second < done.ts
    assert [text for _, text in messages_of(sent(engine)[-1])][-4:] == ["answer to zero", "one", "answer to one", "two"]


async def test_an_answer_goes_on_while_the_database_is_away(world: TalkOffice, rita: Person, database_url: str) -> None:
    engine = await world.serve(tokens_per_second=20)
    engine.answer = lambda _: WORDS
    ts = await rita.says("#general", "@Prime count")
    await world.answered(rita, ts, until=lambda answer: bool(answer.text))
    database = Database(database_url)
    database.lock_out(away=True)
    try:
        await world.hastened(eventually(lambda: engine.running == 0, within_seconds=20))
    finally:
        database.lock_out(away=False)
    answer = await world.answered(rita, ts)
    assert answer.text == WORDS
    assert "Regenerate" in answer.buttons
    assert engine.dropped == 0
