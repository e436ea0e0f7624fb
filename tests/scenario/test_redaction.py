"""Redaction as people meet it: a prompt that waits for a word of its author, one that is refused, what a model saw,
answers that keep their placeholders, threads that are forgotten."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.ids import Action
from lab.engine.server import LabEngine
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from tests.scenario.access import interactive_elements
from tests.scenario.conftest import eventually
from tests.scenario.talking import Answer, TalkOffice, messages_of, open_talk_office, sent

EMAIL = "ada.lovelace@example.org"
PROMPT = f"@Prime write to {EMAIL}"
SECRET = "AKIA" + "Q7SCENARIOKEY4AB"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def engine(world: TalkOffice) -> LabEngine:
    """Says again what it was told."""
    engine = await world.serve()
    engine.answer = lambda messages: f"You said: {messages[-1].text}"
    return engine


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


async def opens_policy(person: Person, *, channel: str = "#general") -> Json:
    assert (await person.types("/prime redaction", channel=channel))["ok"]
    return await person.sees_modal("Redaction")


async def sets(admin: Person, **chosen: str) -> None:
    """The policy, by label."""
    await opens_policy(admin)
    for label, word in chosen.items():
        await admin.chooses(label, word)
    assert await admin.submits() == {"ok": True}
    await admin.sees_no_modal()


async def is_warned(
    world: TalkOffice, person: Person, text: str = PROMPT, *, thread_ts: str | None = None
) -> tuple[str, Json]:
    """Asks, and is asked back; the prompt's ts and what they alone read."""
    ts = await person.says("#general", text, thread_ts=thread_ts)
    warning = await person.sees(lambda one: one.get("ephemeral", False) and "may hold something personal" in words(one))
    await world.comes(person, ts, thread_ts=thread_ts or "", until=waits)
    await eventually(lambda: ("warned",) in world.office.rows("SELECT state FROM turn"))
    return ts, warning


def waits(answer: Answer) -> bool:
    return "decides first what is sent" in answer.notes


def prompts(engine: LabEngine) -> list[str]:
    return [messages_of(one)[-1][1] for one in sent(engine)]


def audited(world: TalkOffice, action: str) -> int:
    return world.office.audited().count(action)


class TestWarning:
    async def test_nothing_moves_before_the_author_has_decided(
        self, world: TalkOffice, engine: LabEngine, rita: Person, bea: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, warning = await is_warned(world, rita)
        assert interactive_elements(warning) == ["Send redacted", "Send as is", "Not personal...", "Cancel"]
        assert f"`{EMAIL}`" in words(warning)
        assert "The risk is 50 of 100" in words(warning)
        assert sent(engine) == []
        waiting = await world.answer(bea, ts)
        assert EMAIL not in waiting.notes
        assert not any(one.get("ephemeral") for one in await world.thread(bea, "#general", ts))

        await rita.presses("Send redacted", in_message=warning["ts"])
        answer = await world.answered(rita, ts)

        assert prompts(engine) == ["write to [EMAIL_1]"]
        assert answer.text == f"You said: write to {EMAIL}"
        done = await rita.sees(lambda one: one.get("ts") == warning["ts"] and "placeholders in place" in words(one))
        assert EMAIL not in words(done)
        assert interactive_elements(done) == []
        assert audited(world, "redaction.warning.redacted") == 1
        assert EMAIL not in str(world.office.rows("SELECT * FROM audit"))

    async def test_what_is_sent_as_it_is_is_not_asked_about_again(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, warning = await is_warned(world, rita)
        await rita.presses("Send as is", in_message=warning["ts"])
        await world.answered(rita, ts)
        assert prompts(engine) == [f"write to {EMAIL}"]
        _, again = await world.asks(rita, f"and to {EMAIL} once more", thread_ts=ts)
        assert again.is_over
        assert prompts(engine)[-1] == f"and to {EMAIL} once more"

    async def test_what_is_taken_back_is_not_sent(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, warning = await is_warned(world, rita)
        await rita.presses("Cancel", in_message=warning["ts"])
        answer = await world.answered(rita, ts)
        assert "took this back" in answer.notes
        assert sent(engine) == []

    async def test_two_presses_are_one_decision(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, warning = await is_warned(world, rita)
        await asyncio.gather(
            rita.presses("Send redacted", in_message=warning["ts"]),
            rita.presses("Send as is", in_message=warning["ts"]),
        )
        await world.answered(rita, ts)
        await world.office.settled()
        assert len(sent(engine)) == 1
        assert audited(world, "redaction.warning.redacted") + audited(world, "redaction.warning.as_is") == 1

    async def test_is_for_its_author_alone_and_shown_again_on_demand(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, warning = await is_warned(world, rita)
        waiting = await world.answer(rita, ts)
        await adam.sees(lambda one: one.get("ts") == waiting.ts and "Show me" in interactive_elements(one))
        await adam.presses("Show me", in_message=waiting.ts)
        refused = await adam.sees(lambda one: one.get("ephemeral", False))
        assert "Only whoever asked" in words(refused)
        assert EMAIL not in words(refused)

        await rita.presses("Show me", in_message=waiting.ts)
        again = await rita.sees(lambda one: one.get("ephemeral", False) and one["ts"] != warning["ts"])
        assert f"`{EMAIL}`" in words(again)
        await rita.presses("Send redacted", in_message=again["ts"])
        await world.answered(rita, ts)
        assert prompts(engine) == ["write to [EMAIL_1]"]

    async def test_can_be_stopped_by_an_admin(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, _ = await is_warned(world, rita)
        waiting = await world.answer(rita, ts)
        await adam.sees(lambda one: one.get("ts") == waiting.ts and "Stop" in interactive_elements(one))
        await adam.presses("Stop", in_message=waiting.ts)
        answer = await world.answered(rita, ts)
        assert "stopped" in answer.notes
        assert sent(engine) == []


class TestNotPersonal:
    async def test_an_admin_decides_and_the_term_is_not_asked_about_again(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        ts, warning = await is_warned(world, rita)
        await self.proposes(rita, warning)
        request = await adam.sees("says that this is not personal", channel="#prime-approvals")
        assert interactive_elements(request) == ["Approve", "Deny"]
        assert EMAIL in words(request)

        await adam.presses("Approve", in_message=request["ts"])

        settled = await adam.sees(lambda one: one.get("ts") == request["ts"] and "approved by" in words(one))
        assert interactive_elements(settled) == []
        assert EMAIL not in str(settled)
        told = await rita.sees("was approved by <@U0ADAM>", channel="app")
        assert EMAIL not in words(told)
        await rita.presses("Send redacted", in_message=warning["ts"])
        await world.answered(rita, ts)
        _, answer = await world.asks(rita, PROMPT)
        assert prompts(engine)[-1] == f"write to {EMAIL}"
        assert answer.is_over

    async def test_a_denial_changes_nothing_and_two_decisions_are_one(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await sets(adam, Email="Warn")
        _, warning = await is_warned(world, rita)
        await self.proposes(rita, warning)
        request = await adam.sees("says that this is not personal", channel="#prime-approvals")
        await asyncio.gather(
            adam.presses("Deny", in_message=request["ts"]), adam.presses("Deny", in_message=request["ts"])
        )
        await rita.sees("was denied by <@U0ADAM>", channel="app")
        await world.office.settled()
        told = [one for one in await rita.messages("app") if "was denied" in words(one)]
        assert len(told) == 1
        await is_warned(world, rita)
        assert sent(engine) == []

    async def proposes(self, person: Person, warning: Json) -> None:
        await person.presses("Not personal...", in_message=warning["ts"])
        await person.sees(lambda one: "What of this is not personal?" in words(one))
        await person.chooses("Email", EMAIL)
        assert await person.submits() == {"ok": True}
        await person.sees("It was proposed")
        await person.cancels()


class TestBlocking:
    async def test_the_author_alone_reads_the_type_and_nobody_the_value(
        self, world: TalkOffice, engine: LabEngine, rita: Person, bea: Person
    ) -> None:
        ts = await rita.says("#general", f"@Prime is {SECRET} a good key?")
        told = await rita.sees(lambda one: one.get("ephemeral", False))
        answer = await world.answered(rita, ts)
        assert "password or key" in words(told)
        assert SECRET not in words(told)
        assert "password" not in answer.notes
        assert sent(engine) == []
        assert "Retry" in answer.buttons
        assert not any(one.get("ephemeral") for one in await world.thread(bea, "#general", ts))


class TestSeen:
    async def test_its_author_sees_what_was_sent_and_what_stood_for_what(
        self, world: TalkOffice, engine: LabEngine, rita: Person, bea: Person
    ) -> None:
        _, answer = await world.asks(rita, PROMPT)
        assert prompts(engine) == ["write to [EMAIL_1]"]
        await rita.presses("What the model saw", in_message=answer.ts)
        shown = words(await rita.sees_modal("What the model saw"))
        for part in ("write to [EMAIL_1]", "*Risk:* 50 of 100", f"`[EMAIL_1]` → `{EMAIL}`"):
            assert part in shown
        await bea.sees(lambda one: one.get("ts") == answer.ts and "What the model saw" in interactive_elements(one))
        await bea.presses("What the model saw", in_message=answer.ts)
        refused = await bea.sees(lambda one: one.get("ephemeral", False))
        assert EMAIL not in words(refused)
        assert bea.modal is None


class TestMasking:
    async def test_where_a_guest_reads_along_values_are_revealed_to_members_alone(
        self, world: TalkOffice, engine: LabEngine, rita: Person, bea: Person
    ) -> None:
        general = world.office.lab.workspace.channels["C0GENERAL"]
        world.office.lab.workspace.join(general, "U0GUS")
        gus = await world.office.person("U0GUS")
        ts, answer = await world.asks(rita, PROMPT)
        assert answer.text == "You said: write to [EMAIL_1]"
        assert "keeps its placeholders" in answer.notes

        await bea.sees(lambda one: one.get("ts") == answer.ts and "Reveal to me" in interactive_elements(one))
        await bea.presses("Reveal to me", in_message=answer.ts)
        revealed = await bea.sees(lambda one: one.get("ephemeral", False))
        assert f"You said: write to {EMAIL}" in words(revealed)
        assert audited(world, "redaction.answer.reveal") == 1

        await gus.sees(lambda one: one.get("ts") == answer.ts and "Reveal to me" in interactive_elements(one))
        await gus.presses("Reveal to me", in_message=answer.ts)
        refused = await gus.sees(lambda one: one.get("ephemeral", False))
        assert EMAIL not in words(refused)
        for one in await world.thread(gus, "#general", ts):
            assert EMAIL not in words(one)


class TestForgetting:
    async def test_asks_first_and_leaves_nothing_to_see_or_go_on_from(
        self, world: TalkOffice, engine: LabEngine, rita: Person
    ) -> None:
        ts, answer = await world.asks(rita, PROMPT)
        await rita.presses("Settings", in_message=answer.ts)
        settings = await rita.sees_modal("Settings of answers")
        [element] = [
            element
            for block in settings["blocks"]
            for element in block.get("elements", [])
            if element.get("action_id") == Action.THREAD_FORGET
        ]
        assert "Nobody can bring it back" in element["confirm"]["text"]["text"]
        await rita.presses("Forget this thread")
        await rita.sees_modal("Forgotten")
        await rita.cancels()
        await rita.sees(lambda one: one.get("ts") == answer.ts and "This thread was forgotten" in words(one))
        assert audited(world, "redaction.thread.forget") == 1
        await world.asks(rita, "what did I say?", thread_ts=ts)
        assert messages_of(sent(engine)[-1]) == [("user", "what did I say?")]

    async def test_is_not_offered_to_others_nor_done_while_something_is_open(
        self, world: TalkOffice, engine: LabEngine, rita: Person, bea: Person, adam: Person
    ) -> None:
        olga = await world.office.newcomer()
        world.office.give(olga.id, "READ")
        ts, answer = await world.asks(rita, "@Prime hello")
        await olga.sees(lambda one: one.get("ts") == answer.ts and "Settings" in interactive_elements(one))
        await olga.presses("Settings", in_message=answer.ts)
        assert "Forget this thread" not in words(await olga.sees_modal("Settings of answers"))

        await sets(adam, Email="Warn")
        await is_warned(world, rita, f"mail {EMAIL}", thread_ts=ts)
        await rita.presses("Settings", in_message=answer.ts)
        await rita.sees_modal("Settings of answers")
        await rita.presses("Forget this thread")
        refused = await rita.sees_modal("That did not work")
        assert "still open" in words(refused)
        assert audited(world, "redaction.thread.forget") == 0


class TestPolicy:
    async def test_is_read_by_all_and_changed_by_admins(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        shown = await opens_policy(rita)
        assert "*Email:* Redact" in words(shown)
        assert not [block for block in shown["blocks"] if block["type"] == "input"]
        await rita.cancels()

        await sets(adam, Email="Passthrough")
        await world.asks(rita, PROMPT)
        assert prompts(engine) == [f"write to {EMAIL}"], "it holds from the next prompt on"
        assert "*Email:* Passthrough" in words(await opens_policy(rita))

    async def test_app_home_tells_it_in_a_line(self, world: TalkOffice, rita: Person) -> None:
        await rita.opens_home()
        assert "*Redaction* blocks password or key" in words(await rita.sees("`/prime redaction` shows more"))

    async def test_a_builder_makes_a_channel_stricter_and_only_an_admin_laxer(
        self, world: TalkOffice, engine: LabEngine, rita: Person, bea: Person, adam: Person
    ) -> None:
        await opens_policy(bea)
        await bea.presses("This channel...")
        await bea.sees_modal("This channel")
        await bea.chooses("Email", "Block")
        assert await bea.submits() == {"ok": True}
        ts = await rita.says("#general", PROMPT)
        assert "email" in words(await rita.sees(lambda one: one.get("ephemeral", False)))
        assert (await world.answered(rita, ts)).is_over
        assert sent(engine) == []

        await opens_policy(adam)
        await adam.presses("This channel...")
        await adam.sees_modal("This channel")
        await adam.chooses("Email", "Passthrough")
        assert not (await adam.submits()).get("ok") or (adam.modal or {}).get("callback_id") == "problem"
        assert sent(engine) == []

    async def test_an_admin_signs_for_a_laxer_channel(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await opens_policy(adam)
        await adam.presses("This channel...")
        await adam.sees_modal("This channel")
        await adam.chooses("Email", "Passthrough")
        await adam.chooses("Laxer than elsewhere", "I sign this")
        assert await adam.submits() == {"ok": True}
        await world.asks(rita, PROMPT)
        assert prompts(engine) == [f"write to {EMAIL}"]

    async def test_the_teams_lists_are_typed_or_uploaded_and_undone(
        self, world: TalkOffice, engine: LabEngine, rita: Person, adam: Person
    ) -> None:
        await opens_policy(adam)
        await adam.presses("Your team's lists...")
        await adam.sees_modal("Your team's lists")
        file = await adam.uploads("customers.txt", b"# customers\nKumquat Rocketry\n\nGlobex Fruit\n")
        await adam.attaches("Or a text file", file)
        assert await adam.submits() == {"ok": True}
        assert "2 replaced" in words(await adam.sees("2 added; 0 were there before"))
        await world.asks(rita, "@Prime who is kumquat rocketry?")
        assert prompts(engine) == ["who is [TERM_1]?"]

        await adam.fills("Terms", "KUMQUAT rocketry")
        await adam.chooses("What to do with them", "Remove from the lists")
        assert await adam.submits() == {"ok": True}
        await adam.sees("1 removed")
        await world.asks(rita, "@Prime who is Kumquat Rocketry?")
        assert prompts(engine)[-1] == "who is Kumquat Rocketry?"
        assert "umquat" not in str(world.office.rows("SELECT * FROM audit"))

    async def test_a_text_can_be_tried_and_leaves_no_trace(
        self, world: TalkOffice, engine: LabEngine, rita: Person
    ) -> None:
        before = world.office.state()
        await opens_policy(rita)
        await rita.presses("Try a text...")
        await rita.sees_modal("Try a text")
        await rita.fills("Text", f"write to {EMAIL}")
        assert await rita.submits() == {"ok": True}
        shown = words(await rita.sees("The model would get"))
        assert f"Email: `{EMAIL}` → Redact" in shown
        assert "write to [EMAIL_1]" in shown
        assert world.office.state() == before
        assert sent(engine) == []
