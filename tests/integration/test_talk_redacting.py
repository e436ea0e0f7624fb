"""What goes out with a turn, as it goes out and as it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from core.redaction.errors import GateError, RedactionFailedError
from core.redaction.lexicon import Lexicon
from core.redaction.model import Disposition, EntityType, Finding
from core.redaction.policy import default_policy
from core.redaction.ports import Detector, Rules
from core.redaction.redactor import Redactor
from core.redaction.vault import Vault
from core.talk.model import Conversation, Settings, Turn, TurnKind, TurnState
from core.talk.redacting import NotSentError, Redacted, Redacting, WarnedError
from db.storage import PostgresStorage
from tests.integration.test_db_talk import BEA, Replica
from tests.redacting import Planted
from tests.rulebooks import FixedRules

WARNING = Rules(policy=default_policy().changed({EntityType.ORGANIZATION: Disposition.WARN}), lexicon=Lexicon())
DORA, ACME, KEY = "Dora Novak", "Acme Rockets", "s3cr3t-k3y"
BORIS = "Boris Hall"
FOUND = Planted(
    {DORA: EntityType.PERSON, BORIS: EntityType.PERSON, ACME: EntityType.ORGANIZATION, KEY: EntityType.SECRET}
)


class Broken(Detector):
    @property
    def is_ready(self) -> bool:
        return False

    async def watch(self) -> None:
        raise NotImplementedError

    async def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        raise RedactionFailedError


@dataclass
class World:
    replica: Replica
    conversation: Conversation
    rulebook: FixedRules = field(default_factory=FixedRules)
    detector: Detector = field(default_factory=lambda: FOUND)

    async def asks(self, prompt: str, *, ts: str = "200.0", **changes: Any) -> Turn:
        return await self.replica.asks(self.conversation, ts, prompt=prompt, **changes)

    async def run(self, *, system_prompt: str = "", settings: Settings | None = None) -> Redacted:
        """Of the one turn that can be claimed."""
        [turn] = await self.replica.claims()
        async with self.replica.storage.transaction() as stores:
            turns = await stores.talk.turns(self.conversation.id)
            vault = await stores.talk.vault(self.conversation.id)
        redacting = Redacting(storage=self.replica.storage, redactor=Redactor(self.detector), rulebook=self.rulebook)
        return await redacting.run(
            turn,
            self.conversation,
            turns=turns,
            settings=settings or Settings(),
            system_prompt=system_prompt,
            vault=vault,
            model="meta/llama",
            holder=self.replica.name,
        )

    async def kept(self, turn: Turn) -> Turn:
        return await self.replica.turn(turn)

    async def vault(self) -> Vault:
        async with self.replica.storage.transaction() as stores:
            return await stores.talk.vault(self.conversation.id)


@pytest.fixture
async def world(storage: PostgresStorage) -> World:
    replica = Replica(storage, "a")
    return World(replica, await replica.conversation())


async def test_what_was_typed_is_replaced_in_the_database_before_it_leaves(world: World) -> None:
    turn = await world.asks(f"who is {DORA}?")
    redacted = await world.run()
    assert redacted.turn.prompt == "who is [PERSON_1]?"
    assert (await world.kept(turn)).prompt == "who is [PERSON_1]?"
    assert (redacted.turn.redactions, redacted.turn.risk) == (1, 25)
    assert (await world.vault()).values == {"[PERSON_1]": DORA}


async def test_where_detection_fails_nothing_is_changed_and_nothing_leaves(world: World) -> None:
    turn = await world.asks(f"who is {DORA}?")
    world.detector = Broken()
    with pytest.raises(RedactionFailedError):
        await world.run()
    assert not (await world.kept(turn)).is_redacted
    assert not (await world.vault()).values


async def test_a_blocked_prompt_is_not_kept(world: World) -> None:
    turn = await world.asks(f"why does {KEY} not work, {DORA}?")
    with pytest.raises(NotSentError) as raised:
        await world.run()
    assert KEY not in raised.value.told
    assert raised.value.found == {EntityType.SECRET}
    kept = await world.kept(turn)
    assert (kept.prompt, kept.is_redacted) == ("", True)
    assert not (await world.vault()).values


class TestWarning:
    async def test_nothing_is_given_out_before_somebody_decided(self, world: World) -> None:
        world.rulebook.of_all = WARNING
        turn = await world.asks(f"does {DORA} work for {ACME}?")
        with pytest.raises(WarnedError) as raised:
            await world.run()
        assert raised.value.found == {EntityType.ORGANIZATION: [ACME]}
        assert raised.value.risk == 25
        assert not (await world.kept(turn)).is_redacted
        assert not (await world.vault()).values

    @pytest.mark.parametrize(
        ("decided", "sent"),
        [
            (Disposition.REDACT, "does [PERSON_1] work for [ORGANIZATION_1]?"),
            (Disposition.PASSTHROUGH, f"does [PERSON_1] work for {ACME}?"),
        ],
    )
    async def test_does_what_was_decided_also_for_the_next_prompt(
        self, world: World, decided: Disposition, sent: str
    ) -> None:
        world.rulebook.of_all = WARNING
        turn = await world.asks(f"does {DORA} work for {ACME}?")
        async with world.replica.storage.transaction() as stores:
            await stores.talk.change(replace(turn, decided=decided, warned={EntityType.ORGANIZATION: 1}))
        first = await world.run()
        assert first.turn.prompt == sent
        await world.replica.writes(replace(first.turn, state=TurnState.DONE, answer="yes"))
        await world.asks(f"and who else is at {ACME}?", ts="300.0")
        second = await world.run()
        assert second.turn.prompt == f"and who else is at {sent.split(' for ')[1]}"

    async def test_as_it_is_goes_only_what_its_author_was_asked_about(self, world: World) -> None:
        world.rulebook.of_all = replace(WARNING, policy=WARNING.policy.changed({EntityType.PERSON: Disposition.WARN}))
        turn = await world.asks(f"does {DORA} work for {ACME}?")
        async with world.replica.storage.transaction() as stores:
            asked_about = {EntityType.ORGANIZATION: 1}
            await stores.talk.change(replace(turn, decided=Disposition.PASSTHROUGH, warned=asked_about))
        first = await world.run()
        assert first.turn.prompt == f"does [PERSON_1] work for {ACME}?"
        await world.replica.writes(replace(first.turn, state=TurnState.DONE, answer="yes"))
        turn = await world.asks(f"does {BORIS} work for {ACME}?", ts="300.0")
        async with world.replica.storage.transaction() as stores:
            asked_about = {EntityType.PERSON: 1}
            await stores.talk.change(replace(turn, decided=Disposition.PASSTHROUGH, warned=asked_about))
        assert (await world.run()).turn.prompt == f"does {BORIS} work for {ACME}?", "somebody said so before"

    async def test_nobody_is_asked_about_what_was_said_in_passing(self, world: World) -> None:
        world.rulebook.of_all = WARNING
        note = await world.asks(
            f"Bea: {ACME} called", ts="100.0", kind=TurnKind.NOTE, state=TurnState.NOTED, author=BEA
        )
        await world.asks("what did they want?")
        await world.run()
        assert (await world.kept(note)).prompt == "Bea: [ORGANIZATION_1] called"

    async def test_an_admin_s_own_words_pass(self, world: World) -> None:
        world.rulebook.of_all = WARNING
        await world.asks("hello")
        redacted = await world.run(system_prompt=f"You work for {ACME}.")
        assert redacted.system is not None
        assert redacted.system.text == f"You work for {ACME}."


class TestHistory:
    async def test_what_a_model_once_wrote_does_not_leave_once_it_is_somebodys(self, world: World) -> None:
        old = await world.asks("tell me a name", ts="100.0")
        [claimed] = await world.replica.claims()
        answer = f"How about {DORA}? Or ada@example.com?"
        await world.replica.writes(replace(claimed, state=TurnState.DONE, is_redacted=True, answer=answer))
        await world.asks(f"funny, {DORA} is my boss", ts="200.0")
        redacted = await world.run()
        [before] = [one for one in redacted.turns if one.id == old.id]
        assert before.answer == "How about [PERSON_1]? Or ada@example.com?"
        assert (await world.kept(old)).answer == answer, "kept as the model saw and said it"

    async def test_a_key_that_a_model_made_up_does_not_come_back_to_it(self, world: World) -> None:
        await world.asks("show me an AWS key", ts="100.0")
        [claimed] = await world.replica.claims()
        made_up = "AKIA" + "QWERTZUIOPASDFGH"
        await world.replica.writes(replace(claimed, state=TurnState.DONE, is_redacted=True, answer=f"Here: {made_up}"))
        await world.asks("thanks", ts="200.0")
        redacted = await world.run()
        assert redacted.turns[0].answer == "Here: [SECRET_1]"
        redacted.gate.check(b'{"messages": ["Here: [SECRET_1]"]}')
        assert (await world.vault()).values == {"[SECRET_1]": made_up}


async def test_the_gate_knows_all_values_of_the_thread_and_the_name_of_the_model(world: World) -> None:
    await world.asks(f"who is {DORA}?")
    redacted = await world.run()
    redacted.gate.check(b'{"model": "meta/llama", "content": "who is [PERSON_1]?"}')
    with pytest.raises(GateError):
        redacted.gate.check(f'{{"content": "who is {DORA}?"}}'.encode())


async def test_models_are_told_about_placeholders_only_where_there_are_some(world: World) -> None:
    await world.asks("hello", ts="100.0")
    first = await world.run(system_prompt="Be brief.")
    assert first.system is not None
    assert first.system.text == "Be brief."
    await world.replica.writes(replace(first.turn, state=TurnState.DONE, answer="hi"))
    await world.asks(f"who is {DORA}?", ts="200.0")
    second = await world.run(system_prompt="Be brief.")
    assert second.system is not None
    assert second.system.text.startswith("Be brief.\n\nTokens in square brackets")


async def test_where_outsiders_read_along_the_answer_is_masked(world: World) -> None:
    world.rulebook.outsiders = True
    turn = await world.asks(f"who is {DORA}?")
    redacted = await world.run()
    assert redacted.turn.is_masked
    assert (await world.kept(turn)).is_masked


async def test_stop_sequences_are_looked_through_too(world: World) -> None:
    await world.asks(f"write a play about {DORA}")
    redacted = await world.run(settings=Settings(stop=(f"{DORA}:",)))
    assert redacted.settings.stop == ("[PERSON_1]:",)


async def test_a_prompt_that_is_asked_again_goes_out_with_what_is_known_since(world: World) -> None:
    """As of "Read the thread above": the gate would close on what the notes tell."""
    await world.asks(
        f"Bea: {DORA} called", ts="100.0", key="note/100.0", kind=TurnKind.NOTE, state=TurnState.NOTED, author=BEA
    )
    asked = await world.asks("what did Dora want?", is_redacted=True)
    redacted = await world.run()
    assert redacted.turn.prompt == "what did [PERSON_1_B] want?"
    assert (await world.kept(asked)).prompt == redacted.turn.prompt, "What the model saw tells it"


async def test_long_notes_do_not_close_a_thread_for_good(world: World) -> None:
    """Two files that people showed each other are more than is looked through at once."""
    notes = [
        await world.asks(f"Bea: {DORA}{'.' * 300_000}", ts=ts, kind=TurnKind.NOTE, state=TurnState.NOTED, author=BEA)
        for ts in ("100.0", "101.0")
    ]
    await world.asks("who is that?")
    redacted = await world.run()
    assert redacted.turn.prompt == "who is that?"
    for note in notes:
        assert (await world.kept(note)).prompt.startswith("Bea: [PERSON_1].")
