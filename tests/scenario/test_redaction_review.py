"""Redaction at awkward moments: edits, second thoughts, two admins at once."""

import json
from collections.abc import AsyncIterator

import pytest

from lab.engine.server import LabEngine
from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.screen import words
from tests.prime import eventually
from tests.scenario.talking import TalkOffice, buttons_of, open_talk_office, sent
from tests.scenario.test_redaction import EMAIL, SECRET, is_warned, opens_policy, prompts, sets


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def engine(world: TalkOffice) -> LabEngine:
    engine = await world.serve()
    engine.answer = lambda messages: f"You said: {messages[-1].text}"
    return engine


@pytest.fixture
async def adam(world: TalkOffice) -> Person:
    return await world.office.person("U0ADAM")


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    return await world.office.person("U0RITA")


async def prompt_kept(world: TalkOffice, turn_id: int) -> str:
    async with world.models.storage.transaction() as stores:
        turn = await stores.talk.turn(turn_id)
    assert turn is not None
    return turn.prompt


async def test_whoever_retries_anothers_prompt_does_not_decide_what_leaves(
    world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
) -> None:
    await sets(adam, Email="Warn")
    ts, _ = await is_warned(world, rita)
    answer = await world.answer(rita, ts)
    await rita.presses("Stop", in_message=answer.ts)
    stopped = await world.answered(rita, ts)
    await adam.sees(lambda one: one.get("ts") == stopped.ts and "Regenerate" in buttons_of(one))
    await adam.presses("Regenerate", in_message=stopped.ts)
    await eventually(lambda: ("warned",) in world.office.rows("SELECT state FROM turn"))
    await world.office.settled()
    private = [one for one in await world.thread(adam, "#general", ts) if one.get("ephemeral")]
    assert not any("may hold something personal" in words(one) for one in private)
    assert sent(engine) == []


async def test_of_a_blocked_prompt_nothing_is_kept(world: TalkOffice, engine: LabEngine, rita: Person) -> None:
    ts = await rita.says("#general", f"@Prime is {SECRET} a good key?")
    await world.answered(rita, ts)
    await world.office.settled()
    assert await prompt_kept(world, 1) == ""


async def test_a_blocked_prompt_that_is_edited_can_be_asked_again(
    world: TalkOffice, engine: LabEngine, rita: Person
) -> None:
    ts = await rita.says("#general", f"@Prime is {SECRET} a good key?")
    await world.answered(rita, ts)
    await rita.edits("#general", ts, "@Prime is that a good key?")
    offer = await rita.sees("You edited your question")
    await rita.presses("Answer again", in_message=offer["ts"])
    await world.answered(rita, ts, until=lambda one: "is that a good key" in one.text)


async def test_an_offer_that_nobody_took_keeps_no_thread_from_being_forgotten(
    world: TalkOffice, engine: LabEngine, rita: Person
) -> None:
    ts, answer = await world.asks(rita, "@Prime how old are lamas?")
    await rita.edits("#general", ts, "@Prime how old are llamas?")
    offer = await rita.sees("You edited your question")
    await rita.presses("Settings", in_message=answer.ts)
    await rita.sees_modal("Settings of answers")
    await rita.presses("Forget this thread")
    await rita.sees_modal("Forgotten")
    await rita.cancels()
    await rita.presses("Answer again", in_message=offer["ts"])
    await rita.sees("Say in a new message what you want")


async def test_an_answer_that_was_asked_for_again_tells_what_was_redacted(
    world: TalkOffice, engine: LabEngine, rita: Person
) -> None:
    ts, answer = await world.asks(rita, f"@Prime write to {EMAIL}")
    await rita.presses("Regenerate", in_message=answer.ts)
    again = await world.answered(rita, ts, until=lambda one: one.is_over and len(one.messages) == 2)
    assert "1 value redacted" in words(again.messages[-1])
    await rita.presses("What the model saw", in_message=again.ts)
    assert "*Risk:* 50 of 100" in words(await rita.sees_modal("What the model saw"))


async def test_of_two_admins_at_once_none_undoes_what_the_other_changed(world: TalkOffice, adam: Person) -> None:
    world.office.give("U0BEA", "ADMIN")
    bea = await world.office.person("U0BEA")
    await opens_policy(adam)
    await opens_policy(bea)
    await bea.chooses("Email", "Block")
    await bea.fills("Forget threads after (days)", "7")
    assert await bea.submits() == {"ok": True}
    await adam.chooses("Phone number", "Warn")
    assert await adam.submits() == {"ok": True}
    [(changes, days)] = world.office.rows("SELECT changes, retention_days FROM redaction_setting")
    assert (json.loads(changes), days) == ({"EMAIL": "block", "PHONE": "warn"}, 7)


async def test_a_list_of_ten_thousand_terms_is_undone_as_quickly_as_it_was_made(
    world: TalkOffice, adam: Person
) -> None:
    """Within the three seconds that Slack waits, and as one change."""
    terms = "\n".join(f"Project {number}" for number in range(10_000)).encode()
    await opens_policy(adam)
    await adam.presses("Your team's lists...")
    await adam.sees_modal("Your team's lists")
    for what, told in (("Replace as: Your team's own terms", "added"), ("Remove from the lists", "removed")):
        file = await adam.uploads("projects.txt", terms)
        await adam.attaches("Or a text file", file)
        await adam.chooses("What to do with them", what)
        assert await adam.submits() == {"ok": True}
        await adam.sees(lambda one, told=told: f"10,000 {told}" in words(one))
    assert world.office.rows("SELECT count(*) FROM redaction_term") == [(0,)]
    assert world.office.audited().count("redaction.terms.remove") == 1


async def test_who_wrote_above_is_no_name_for_the_model_though_they_left_the_channel(
    world: TalkOffice, engine: LabEngine, rita: Person
) -> None:
    bea = await world.office.person("U0BEA")
    ts = await bea.says("#general", "Llamas & alpacas are camelids.")
    world.office.lab.workspace.leave(world.office.lab.workspace.channels["C0GENERAL"], "U0BEA")
    reply = await rita.says("#general", "@Prime is that so?", thread_ts=ts)
    found = await world.answered(rita, reply, thread_ts=ts)
    await rita.presses("Read the thread above", in_message=found.ts)
    await world.hastened(eventually(lambda: len(sent(engine)) == 2))
    assert "[PERSON_1]: Llamas & alpacas are camelids." in prompts(engine)[-1]


async def test_of_a_forgotten_thread_nobody_is_told_that_nothing_was_sent(
    world: TalkOffice, engine: LabEngine, rita: Person
) -> None:
    ts, first = await world.asks(rita, f"@Prime write to {EMAIL}")
    _, last = await world.asks(rita, "and again", thread_ts=ts)
    await rita.presses("Settings", in_message=last.ts)
    await rita.sees_modal("Settings of answers")
    await rita.presses("Forget this thread")
    await rita.sees_modal("Forgotten")
    await rita.cancels()
    await rita.presses("What the model saw", in_message=first.ts)
    told = await rita.sees(lambda one: one.get("ephemeral", False))
    assert "Nothing of this is kept any more" in words(told)


async def test_a_prompt_that_was_taken_back_and_edited_can_be_asked(
    world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
) -> None:
    await sets(adam, Email="Warn")
    ts, warning = await is_warned(world, rita)
    await rita.presses("Cancel", in_message=warning["ts"])
    await world.answered(rita, ts)
    await rita.edits("#general", ts, "@Prime write to her")
    offer = await rita.sees("You edited your question")
    await rita.presses("Answer again", in_message=offer["ts"])
    await world.answered(rita, ts, until=lambda one: "You said: write to her" in one.text)


async def test_a_proposal_that_is_decided_while_other_admins_are_told_is_shown_to_none_any_longer(
    database_url: str,
) -> None:
    async with open_talk_office(database_url, prime_approval_channel=None) as world:
        world.office.give("U0OLIVIA", "ADMIN")
        rita, adam, olivia = [await world.office.person(user) for user in ("U0RITA", "U0ADAM", "U0OLIVIA")]
        await world.serve()
        await sets(adam, Email="Warn")
        _, warning = await is_warned(world, rita)
        await rita.presses("Not personal...", in_message=warning["ts"])
        await rita.sees(lambda one: "What of this is not personal?" in words(one))
        await rita.chooses("Email", EMAIL)
        world.office.lab.faults.switch(FaultName.SLOW_API)
        assert await rita.submits() == {"ok": True}
        shown = await adam.sees("says that this is not personal", channel="app", within_seconds=20)
        await adam.presses("Approve", in_message=shown["ts"])
        told = await olivia.sees("approved by <@U0ADAM>", channel="app", within_seconds=20)
        assert EMAIL not in words(told)
