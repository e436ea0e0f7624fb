"""Turns under two replicas, one of which was frozen, and what is left behind."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from core.clock import SystemClock
from core.errors import ConflictError
from core.inbox.model import Delivery, DeliveryKind
from core.redaction.model import Disposition, Redaction
from core.redaction.ports import Rules
from core.redaction.redactor import Redactor
from core.redaction.rules_detector import RulesDetector
from core.redaction.vault import Vault
from core.talk.answering import Answering, EngineMemory, Wiring
from core.talk.line import Line
from core.talk.model import Thread, Turn, TurnKind, TurnState
from core.talk.ports import Reply
from core.talk.redacting import Redacting
from db.storage import PostgresStorage
from providers.engines.registry import InstalledEngines
from providers.front import Front
from tests.integration.test_db_talk import CARL, RITA, Replica
from tests.rulebooks import FixedRules
from tests.servers import NOW, server

LEASE = timedelta(seconds=15)
OVER = LEASE + timedelta(seconds=1)


class FrozenRedactor(Redactor):
    """The process stands still here, until another has the turn and has ended it."""

    def __init__(self, other: Replica) -> None:
        super().__init__(RulesDetector())
        self._other = other

    async def redact(
        self, texts: Sequence[str], vault: Vault, rules: Rules, *, decided: Disposition | None = None
    ) -> Sequence[Redaction]:
        redacted = await super().redact(texts, vault, rules, decided=decided)
        [taken] = await self._other.claims(at=OVER)
        async with self._other.storage.transaction() as stores:
            later = Vault({"[EMAIL_1]": "first@acme.com", "[EMAIL_2]": "later@acme.com"})
            await stores.talk.save_vault(taken.conversation_id, later)
        return redacted


@pytest.fixture
def a(storage: PostgresStorage) -> Replica:
    return Replica(storage, "a")


@pytest.fixture
def b(storage: PostgresStorage) -> Replica:
    return Replica(storage, "b")


async def answering(replica: Replica, turn: Turn, redactor: Redactor) -> Answering:
    async with replica.storage.transaction() as stores:
        conversation = await stores.talk.get(turn.conversation_id)
    assert conversation is not None
    clock = SystemClock()
    wiring = Wiring(
        storage=replica.storage,
        clock=clock,
        models=InstalledEngines(),
        front=Front(scheme="http", port=1),
        redacting=Redacting(storage=replica.storage, redactor=redactor, rulebook=FixedRules()),
        stall_seconds=1,
    )
    memory = EngineMemory(line=Line(clock))
    return Answering(wiring, turn, conversation, server(id=1), holder=replica.name, memory=memory)


async def taken(replica: Replica) -> Turn:
    async with replica.storage.transaction() as stores:
        await stores.servers.add(server(id=1), key="k")
    await replica.asks(await replica.conversation(), "100.0", prompt="mail to other@acme.com")
    [turn] = await replica.claims()
    return turn


async def test_a_replica_that_was_frozen_shows_nothing_more_once_another_answers(a: Replica, b: Replica) -> None:
    turn = await taken(a)
    frozen = await answering(a, turn, Redactor(RulesDetector()))
    await frozen.note(turn.parts)
    assert len(await b.claims(at=OVER)) == 1
    with pytest.raises(ConflictError):
        await frozen.note(turn.parts)


async def test_how_an_answer_ended_is_not_undone_by_a_note_that_comes_late(a: Replica) -> None:
    turn = await taken(a)
    answer = await answering(a, turn, Redactor(RulesDetector()))
    ended = replace(await answer.close(), ended_at=NOW, answer="all of it")
    async with a.storage.transaction() as stores:
        assert await stores.talk.write(ended, holder=a.name)
    await answer.note(turn.parts)
    async with a.storage.transaction() as stores:
        assert await stores.talk.turn(turn.id) == ended


async def test_a_replica_that_was_frozen_takes_no_placeholder_back(a: Replica, b: Replica) -> None:
    turn = await taken(a)
    frozen = await answering(a, turn, FrozenRedactor(b))
    with pytest.raises(ConflictError):
        await frozen.run(cast("Reply", None))  # it does not come to that
    async with b.storage.transaction() as stores:
        vault = await stores.talk.vault(turn.conversation_id)
    assert vault.values == {"[EMAIL_1]": "first@acme.com", "[EMAIL_2]": "later@acme.com"}


async def test_what_somebody_stopped_waits_for_no_other_to_be_told_so(a: Replica) -> None:
    conversation = await a.conversation()
    await a.asks(conversation, "100.0")
    await a.asks(await a.conversation("101.0"), "101.0")
    assert len(await a.claims()) == 2
    behind = await a.asks(conversation, "102.0")
    one_too_many = await a.asks(await a.conversation("103.0"), "103.0")
    assert not await a.claims()
    async with a.storage.transaction() as stores:
        for turn in (behind, one_too_many):
            assert await stores.talk.change(replace(turn, stopped_by=RITA))
    assert [turn.id for turn in await a.claims()] == [behind.id, one_too_many.id]


async def test_a_thread_is_not_heard_any_more_when_what_was_asked_there_came_to_nothing(a: Replica) -> None:
    thread = Thread(team=RITA.team, channel="C1", ts="100.0")
    delivery = Delivery(kind=DeliveryKind.EVENT, payload={}, event_id="E1", order_key="thread/T1/C1/100.0")
    async with a.storage.transaction() as stores:
        await stores.inbox.add(delivery, now=NOW)
        [claim] = await stores.inbox.claim(holder="a", now=NOW, lease_until=NOW + LEASE, limit=1)
        assert await stores.talk.is_heard(thread)
        await stores.inbox.finish(claim.id, holder="a", failed=True, now=NOW)
        assert not await stores.talk.is_heard(thread)


async def test_what_was_left_before_it_began_is_found(a: Replica) -> None:
    conversation = await a.conversation()
    new = await a.asks(conversation, "100.0", state=TurnState.NEW)
    offered = await a.asks(conversation, "101.0", state=TurnState.OFFERED)
    await a.asks(conversation, "102.0", state=TurnState.OFFERED, kind=TurnKind.EDIT)
    await a.asks(conversation, "103.0", author=CARL)
    async with a.storage.transaction() as stores:
        later = NOW + LEASE
        assert not await stores.talk.left(new_before=NOW, offered_before=NOW)
        assert [one.id for one in await stores.talk.left(new_before=later, offered_before=NOW)] == [new.id]
        found = await stores.talk.left(new_before=later, offered_before=later)
        assert [one.id for one in found] == [new.id, offered.id]


async def test_a_later_question_does_not_overtake_one_that_is_about_to_be_woken(a: Replica) -> None:
    conversation = await a.conversation()
    await a.asks(conversation, "100.0", state=TurnState.WAKING)
    await a.asks(conversation, "101.0")
    assert not await a.claims()


async def test_an_offer_that_nobody_took_keeps_no_thread_from_being_forgotten_in_time(a: Replica) -> None:
    conversation = await a.conversation()
    await a.asks(conversation, "200.0", state=TurnState.DONE)
    await a.asks(conversation, "200.0", key="edit/200.0", kind=TurnKind.EDIT, state=TurnState.OFFERED)
    async with a.storage.transaction() as stores:
        assert await stores.talk.forgettable(before=NOW + timedelta(days=1), limit=9) == [conversation.id]


@pytest.mark.parametrize("state", [TurnState.WARNED, TurnState.WAKING])
async def test_what_is_stopped_while_it_is_put_off_is_told_so(a: Replica, state: TurnState) -> None:
    """As while its author is asked what is to be sent: Stop was heard too late to cut that short."""
    await a.asks(await a.conversation(), "200.0")
    [turn] = await a.claims()
    async with a.storage.transaction() as stores:
        await stores.talk.ask_stop(turn.id, by=RITA)
    async with a.storage.transaction() as stores:
        await stores.talk.release(turn.id, holder=a.name, state=state)
    assert [one.stopped_by for one in await a.claims()] == [RITA]
