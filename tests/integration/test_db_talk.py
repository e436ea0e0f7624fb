"""Conversations and turns on their tables, under several replicas."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from core.errors import NotFoundError
from core.inbox.model import Delivery, DeliveryKind
from core.people.model import PersonId
from core.redaction.vault import Vault
from core.servers.model import ServerState
from core.talk.model import (
    Conversation,
    EndReason,
    Mode,
    NewTurn,
    Part,
    ServerTalk,
    Settings,
    Thread,
    Turn,
    TurnKind,
    TurnState,
    Votes,
)
from core.talk.ports import TalkStore
from db.rotation import Rotation, rotate
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.servers import NOW, server

TEAM = "T1"
RITA, BEA, CARL = (PersonId(TEAM, user) for user in ("URITA", "UBEA", "UCARL"))
LEASE = timedelta(seconds=15)

SEALED: dict[LiteralString, tuple[LiteralString, ...]] = {
    "conversation": ("settings", "next_settings", "vault"),
    "turn": ("prompt", "answer", "settings"),
    "person_talk": ("settings",),
    "server_talk": ("system_prompt", "settings"),
}

WAITING_HERE = (
    "SELECT 1 FROM pg_locks WHERE NOT granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Replica:
    def __init__(self, storage: PostgresStorage, name: str = "a") -> None:
        self.storage, self.name = storage, name

    async def conversation(self, ts: str = "100.0") -> Conversation:
        thread = Thread(team=TEAM, channel="C1", ts=ts)
        async with self.storage.transaction() as stores:
            return await stores.talk.open_conversation(thread, starter=RITA, in_thread=False, now=NOW)

    async def asks(self, conversation: Conversation, ts: str, *, author: PersonId = RITA, **changes: Any) -> Turn:
        new = NewTurn(
            key=f"prompt/{ts}",
            conversation_id=conversation.id,
            kind=TurnKind.PROMPT,
            state=TurnState.WAITING,
            author=author,
            prompt_ts=ts,
            prompt=f"prompt of {ts}",
            parts=(Part(ts=f"{ts}9", start=0),),
        )
        async with self.storage.transaction() as stores:
            turn, _ = await stores.talk.add(replace(new, **changes), now=NOW)
        return turn

    async def claims(self, *, at: timedelta = timedelta(), limit: int = 10, per_person: int = 2) -> Sequence[Turn]:
        async with self.storage.transaction() as stores:
            return await self.claims_in(stores.talk, at=at, limit=limit, per_person=per_person)

    async def claims_in(
        self, talk: TalkStore, *, at: timedelta = timedelta(), limit: int = 10, per_person: int = 2
    ) -> Sequence[Turn]:
        now = NOW + at
        return await talk.claim(holder=self.name, now=now, lease_until=now + LEASE, limit=limit, per_person=per_person)

    async def writes(self, turn: Turn) -> bool:
        async with self.storage.transaction() as stores:
            return await stores.talk.write(turn, holder=self.name)

    async def turn(self, turn: Turn) -> Turn:
        async with self.storage.transaction() as stores:
            found = await stores.talk.turn(turn.id)
        assert found is not None
        return found


@pytest.fixture
def a(storage: PostgresStorage) -> Replica:
    return Replica(storage, "a")


@pytest.fixture
def b(storage: PostgresStorage) -> Replica:
    return Replica(storage, "b")


async def test_a_thread_has_one_conversation_however_often_it_is_opened(a: Replica) -> None:
    opened = await asyncio.gather(*(a.conversation() for _ in range(5)))
    assert len({one.id for one in opened}) == 1
    assert opened[0].starter == RITA


async def test_a_conversation_comes_back_as_it_was_saved(a: Replica) -> None:
    conversation = replace(
        await a.conversation(),
        settings=Settings(temperature=0.5, stop=("a", "b"), mode=Mode.COMPLETION),
        next_settings=Settings(seed=2**62, max_tokens=5),
        cleared_ts="99.0",
        began_in_thread=True,
    )
    async with a.storage.transaction() as stores:
        await stores.talk.save(conversation)
        await stores.talk.save_vault(conversation.id, Vault({"[EMAIL_1]": "al@acme.example"}))
    async with a.storage.transaction() as stores:
        assert await stores.talk.get(conversation.id) == conversation
        assert await stores.talk.lock(conversation.id) == conversation
        assert await stores.talk.find(conversation.thread) == conversation
        assert (await stores.talk.vault(conversation.id)).values == {"[EMAIL_1]": "al@acme.example"}
        assert await stores.talk.get(999) is None
        with pytest.raises(NotFoundError):
            await stores.talk.lock(999)


async def test_a_turn_comes_back_as_it_was_written(a: Replica) -> None:
    asked = await a.asks(await a.conversation(), "100.0", settings=Settings(top_p=0.5))
    [held] = await a.claims()
    assert (held.id, held.tries, held.state) == (asked.id, 1, TurnState.RUNNING)
    ended = replace(
        held,
        state=TurnState.DONE,
        prompt="redacted",
        is_redacted=True,
        answer="an answer \ud800 with half a character".encode(errors="replace").decode(),
        parts=(Part(ts="1.1", start=0), Part(ts="1.2", start=11_000)),
        started_at=NOW,
        first_token_at=NOW,
        ended_at=NOW,
        prompt_tokens=3,
        generated_tokens=4,
        end=EndReason.LENGTH,
        redactions=2,
        left_out=1,
        failure="It failed.",
    )
    assert await a.writes(ended)
    assert await a.turn(asked) == ended
    assert not await a.writes(ended), "it has ended"


async def test_the_last_turns_come_in_the_order_of_what_was_said(a: Replica) -> None:
    conversation = await a.conversation()
    for ts in ("103.0", "101.0", "102.0"):
        await a.asks(conversation, ts)
    again = await a.asks(conversation, "101.0", key="retake/2")
    async with a.storage.transaction() as stores:
        turns = await stores.talk.turns(conversation.id)
        assert [turn.prompt_ts for turn in turns] == ["101.0", "101.0", "102.0", "103.0"]
        assert turns[1] == again, "of the same message, the later turn comes later"
        assert await stores.talk.turns(conversation.id, limit=2) == turns[2:]


async def test_the_same_key_gives_the_same_turn(a: Replica) -> None:
    conversation = await a.conversation()
    first = await a.asks(conversation, "100.0")
    assert await a.asks(conversation, "100.0", prompt="something else") == first


class TestClaiming:
    async def test_one_turn_of_a_conversation_at_a_time_in_their_order(self, a: Replica, b: Replica) -> None:
        conversation = await a.conversation()
        second = await a.asks(conversation, "102.0", author=BEA)
        first = await a.asks(conversation, "101.0", author=RITA)
        [held] = await a.claims()
        assert held.id == first.id
        assert not await b.claims()
        early = await a.asks(conversation, "100.5", author=CARL)
        assert not await b.claims(), "what was begun comes to its end first"
        assert await a.writes(replace(held, state=TurnState.DONE))
        [held] = await b.claims()
        assert held.id == early.id
        assert await b.writes(replace(held, state=TurnState.FAILED))
        assert [one.id for one in await a.claims()] == [second.id]

    async def test_so_many_of_a_person_at_once(self, a: Replica, b: Replica) -> None:
        for number in range(5):
            await a.asks(await a.conversation(f"{number}.0"), f"{number}.5", author=RITA)
        await a.asks(await a.conversation("9.0"), "9.5", author=BEA)
        held = await a.claims()
        assert [one.prompt_ts for one in held] == ["0.5", "1.5", "9.5"]
        assert not await b.claims()
        assert await a.writes(replace(held[0], state=TurnState.STOPPED))
        assert [one.prompt_ts for one in await b.claims()] == ["2.5"]

    async def test_what_a_dead_replica_held_is_taken_over_and_it_writes_no_more(self, a: Replica, b: Replica) -> None:
        await a.asks(await a.conversation(), "100.0")
        [held] = await a.claims()
        assert not await b.claims(at=LEASE / 2)
        [taken] = await b.claims(at=LEASE)
        assert (taken.id, taken.tries) == (held.id, 2)
        assert not await a.writes(replace(held, answer="too late"))
        async with a.storage.transaction() as stores:
            assert not await stores.talk.extend([held.id], holder="a", lease_until=NOW + 3 * LEASE)
            assert not await stores.talk.release(held.id, holder="a", state=TurnState.WAITING)
            assert list(await stores.talk.extend([held.id], holder="b", lease_until=NOW + 3 * LEASE)) == [held.id]
        assert not await a.claims(at=2 * LEASE)

    async def test_what_is_given_back_did_not_count(self, a: Replica, b: Replica) -> None:
        await a.asks(await a.conversation(), "100.0")
        [held] = await a.claims()
        async with a.storage.transaction() as stores:
            assert await stores.talk.release(held.id, holder="a", state=TurnState.WAITING)
        [again] = await b.claims()
        assert again.tries == 1
        async with a.storage.transaction() as stores:
            assert await stores.talk.release(held.id, holder="b", state=TurnState.WAKING)
        assert not await a.claims(), "its server is asleep"

    async def test_one_that_appears_while_another_replica_claims_is_not_taken_beside_it(
        self, a: Replica, b: Replica
    ) -> None:
        conversation = await a.conversation()
        await a.asks(conversation, "101.0")
        async with AsyncExitStack() as stack:
            stores = await stack.enter_async_context(a.storage.transaction())
            assert len(await a.claims_in(stores.talk)) == 1
            await b.asks(conversation, "100.5", author=BEA)
            claiming = asyncio.create_task(b.claims())
            await asyncio.sleep(0.05)

        assert not await claiming

    async def test_many_replicas_at_once_never_take_too_much(self, storage: PostgresStorage, a: Replica) -> None:
        for number in range(30):
            conversation = await a.conversation(f"{number % 10}.0")
            await a.asks(conversation, f"{number}.5", author=(RITA, BEA, CARL)[number % 3])
        replicas = [Replica(storage, f"r{number}") for number in range(6)]
        left = 30
        while left:
            taken = [
                turn for turns in await asyncio.gather(*(one.claims(limit=3) for one in replicas)) for turn in turns
            ]
            assert taken
            assert len({one.id for one in taken}) == len(taken)
            assert len({one.conversation_id for one in taken}) == len(taken)
            assert all([one.author for one in taken].count(person) <= 2 for person in (RITA, BEA, CARL))
            ended = [await replica.writes(replace(one, state=TurnState.DONE)) for replica in replicas for one in taken]
            assert ended.count(True) == len(taken)
            left -= len(taken)

    async def test_what_changes_while_it_is_being_claimed_is_left_alone(
        self, a: Replica, b: Replica, database_url: str
    ) -> None:
        first, held, asked = [
            await a.asks(await a.conversation(f"{number}.0"), f"{number}.5", author=author)
            for number, author in enumerate((RITA, BEA, CARL))
        ]
        await b.claims(limit=2)
        async with held_up_at(RITA, database_url) as find_waiting:
            claiming = asyncio.create_task(a.claims(at=LEASE))
            await find_waiting()
            async with b.storage.transaction() as stores:
                assert await stores.talk.extend([held.id], holder="b", lease_until=NOW + 2 * LEASE)
                assert await stores.talk.change(replace(asked, state=TurnState.STOPPED))

        assert [one.id for one in await claiming] == [first.id]
        assert await b.writes(replace(held, state=TurnState.DONE))
        assert (await a.turn(asked)).state is TurnState.STOPPED

    async def test_a_turn_whose_key_is_missing_holds_up_no_other(self, a: Replica, engine: AsyncEngine) -> None:
        before = Replica(PostgresStorage(engine, SecretKeys([b"o" * 32])))
        await before.asks(await before.conversation("1.0"), "1.5")
        second = await a.asks(await a.conversation("2.0"), "2.5")

        assert [one.id for one in await a.claims()] == [second.id]
        assert not await a.claims()

    async def test_nor_does_one_that_waits_for_its_server(self, a: Replica, engine: AsyncEngine) -> None:
        async with a.storage.transaction() as stores:
            await stores.servers.add(server(id=1, state=ServerState.STOPPED), key="k")
        before = Replica(PostgresStorage(engine, SecretKeys([b"o" * 32])))
        for replica, ts in ((before, "1.0"), (a, "2.0")):
            conversation = await replica.conversation(ts)
            await replica.asks(conversation, ts, state=TurnState.WAKING)
            async with replica.storage.transaction() as stores:
                await stores.talk.save(replace(conversation, server_id=1))

        async with a.storage.transaction() as stores:
            assert [turn.prompt_ts for turn, _ in await stores.talk.waking()] == ["2.0"]


class TestStopping:
    async def test_is_asked_of_whoever_runs_it(self, a: Replica) -> None:
        await a.asks(await a.conversation(), "100.0")
        [held] = await a.claims()
        async with a.storage.transaction() as stores:
            assert not await stores.talk.stops(holder="a")
            asked = await stores.talk.ask_stop(held.id, by=BEA)
            assert asked is not None
            assert asked.stopped_by == BEA
            await stores.talk.ask_stop(held.id, by=RITA)
            assert await stores.talk.stops(holder="a") == {held.id: BEA}
            assert not await stores.talk.stops(holder="b")

    async def test_what_ended_meanwhile_stays_ended(self, a: Replica) -> None:
        asked = await a.asks(await a.conversation(), "100.0")
        [held] = await a.claims()
        ended = replace(held, state=TurnState.DONE, answer="all of it")
        assert await a.writes(ended)
        async with a.storage.transaction() as stores:
            assert not await stores.talk.change(replace(asked, stopped_by=BEA))
            assert await stores.talk.ask_stop(asked.id, by=BEA) == ended
            assert await stores.talk.change(replace(ended, is_seen=False)), "it can still be dropped"
        assert await a.turn(asked) == replace(ended, is_seen=False)

    async def test_people_change_what_nobody_runs(self, a: Replica) -> None:
        asked = await a.asks(await a.conversation(), "100.0")
        async with a.storage.transaction() as stores:
            assert await stores.talk.change(replace(asked, is_seen=False, stopped_by=BEA))
        assert (await a.turn(asked)).stopped_by == BEA
        await a.claims()
        async with a.storage.transaction() as stores:
            assert not await stores.talk.change(replace(asked, is_seen=True))
        assert not (await a.turn(asked)).is_seen


async def test_what_waits_for_a_server_goes_on_when_that_is_ready(a: Replica) -> None:
    conversation = await a.conversation()
    asked = await a.asks(conversation, "100.0", state=TurnState.WAKING)
    sleeper = server(id=1, state=ServerState.STOPPED)
    async with a.storage.transaction() as stores:
        await stores.servers.add(sleeper, key="k")
        await stores.talk.save(replace(conversation, server_id=1))
        assert [(turn.id, number) for turn, number in await stores.talk.waking()] == [(asked.id, 1)]
        assert await stores.talk.wake() == 0
        await stores.servers.save(replace(sleeper, state=ServerState.READY), due_at=None)
        assert await stores.talk.wake() == 1
        assert await stores.talk.open_turns(RITA) == 1
    assert (await a.turn(asked)).state is TurnState.WAITING


async def test_a_thread_is_heard_as_soon_as_prime_was_asked_in_it(a: Replica) -> None:
    thread = Thread(team=TEAM, channel="C1", ts="100.0")
    delivery = Delivery(kind=DeliveryKind.EVENT, payload={}, event_id="E1", order_key="thread/T1/C1/100.0")
    async with a.storage.transaction() as stores:
        assert not await stores.talk.is_heard(thread)
        await stores.inbox.add(delivery, now=NOW)
        assert await stores.talk.is_heard(thread)
        assert not await stores.talk.is_heard(replace(thread, ts="101.0"))
    await a.conversation("101.0")
    async with a.storage.transaction() as stores:
        assert await stores.talk.is_heard(replace(thread, ts="101.0"))


async def test_threads_in_which_somebody_asked_lately_are_known_with_their_last_prompt(a: Replica) -> None:
    conversation = await a.conversation()
    await a.asks(conversation, "100.0")
    await a.asks(conversation, "105.0")
    async with a.storage.transaction() as stores:
        assert await stores.talk.active(since=NOW, known_before=NOW + 2 * LEASE, limit=5) == [
            (conversation.thread, "105.0")
        ]
        assert not await stores.talk.active(since=NOW + LEASE, known_before=NOW + 2 * LEASE, limit=5)
        note = NewTurn(
            key="note/106.0",
            conversation_id=conversation.id,
            kind=TurnKind.NOTE,
            state=TurnState.NOTED,
            author=BEA,
            prompt_ts="106.0",
            prompt="to somebody else",
        )
        await stores.talk.add(note, now=NOW + LEASE)
        assert not await stores.talk.active(since=NOW + LEASE, known_before=NOW + 2 * LEASE, limit=5), (
            "a note asks nothing"
        )
        await stores.talk.add(replace(note, key="prompt/107.0", kind=TurnKind.PROMPT), now=NOW + LEASE)
        assert len(await stores.talk.active(since=NOW + LEASE, known_before=NOW + 2 * LEASE, limit=5)) == 1


async def test_votes_and_what_people_set_are_kept(a: Replica) -> None:
    conversation = await a.conversation()
    asked = await a.asks(conversation, "100.0")
    talk = ServerTalk(system_prompt="Be kind.", settings=Settings(temperature=0))
    async with a.storage.transaction() as stores:
        await stores.servers.add(server(id=1), key="k")
        await stores.talk.save(replace(conversation, server_id=1))
        for person, up in ((RITA, True), (BEA, False), (CARL, False), (BEA, True)):
            await stores.talk.vote(asked.id, person, up=up)
        assert await stores.talk.votes(1) == Votes(up=2, down=1)
        await stores.talk.vote(asked.id, RITA, up=None)
        assert await stores.talk.vote_of(asked.id, RITA) is None
        assert await stores.talk.vote_of(asked.id, BEA) is True
        assert await stores.talk.personal(RITA) == Settings()
        await stores.talk.save_personal(RITA, Settings(seed=1))
        assert await stores.talk.personal(RITA) == Settings(seed=1)
        assert await stores.talk.of_server(1) == ServerTalk()
        await stores.talk.save_of_server(1, talk)
        assert await stores.talk.of_server(1) == talk
        assert await stores.talk.channel_server(TEAM, "C1") is None
        await stores.talk.set_channel_server(TEAM, "C1", 1)
        assert await stores.talk.channel_server(TEAM, "C1") == 1
        await stores.talk.set_channel_server(TEAM, "C1", None)
        assert await stores.talk.channel_server(TEAM, "C1") is None


class TestSealing:
    async def test_a_dump_holds_nothing_that_was_said(self, a: Replica, database_url: str) -> None:
        await says(a, "zebra")
        with psycopg.connect(database_url) as connection:
            for table, columns in SEALED.items():
                shown = ", ".join(f"encode({column}, 'escape')" for column in columns)
                rows = connection.execute(f"SELECT {table}::text, {shown} FROM {table}").fetchall()
                assert rows
                assert "zebra" not in str(rows)

    async def test_rotation_puts_it_under_the_first_key(self, engine: AsyncEngine) -> None:
        old, new = b"o" * 32, b"n" * 32
        said = await says(Replica(PostgresStorage(engine, SecretKeys([old]))), "zebra")

        rotation = await rotate(engine, SecretKeys([new, old]))

        assert rotation == Rotation(changed=5, unreadable=0), (
            "of the server, the conversation, Rita, and two of the server's answers"
        )
        after = Replica(PostgresStorage(engine, SecretKeys([new])))
        assert await after.turn(said) == said
        async with after.storage.transaction() as stores:
            conversation = await stores.talk.get(said.conversation_id)
            assert conversation is not None
            assert (conversation.settings.stop, conversation.next_settings.stop) == (("zebra",), ("zebra",))
            assert "zebra" in (await stores.talk.vault(said.conversation_id)).values.values()
            assert (await stores.talk.personal(RITA)).stop == ("zebra",)
            assert await stores.talk.of_server(1) == ServerTalk(
                system_prompt="zebra", settings=Settings(stop=("zebra",))
            )

    async def test_half_a_character_does_not_keep_text_from_being_kept(self, a: Replica) -> None:
        asked = await a.asks(await a.conversation(), "100.0", prompt="half \ud83d")
        assert asked.prompt == "half ?"
        async with a.storage.transaction() as stores:
            await stores.servers.add(server(id=1), key="k")
            await stores.talk.save_of_server(1, ServerTalk(system_prompt="half \ud83d"))
            assert (await stores.talk.of_server(1)).system_prompt == "half ?"


async def says(replica: Replica, word: str) -> Turn:
    """The word, in everything that is sealed."""
    settings = Settings(stop=(word,))
    conversation = replace(await replica.conversation(), settings=settings, next_settings=settings)
    await replica.asks(conversation, "100.0", prompt=word, settings=settings)
    [held] = await replica.claims()
    said = replace(held, answer=word)
    assert await replica.writes(said)
    async with replica.storage.transaction() as stores:
        await stores.servers.add(server(id=1), key="k")
        await stores.talk.save(conversation)
        await stores.talk.save_vault(conversation.id, Vault({"[SECRET_1]": word}))
        await stores.talk.save_personal(RITA, settings)
        await stores.talk.save_of_server(1, ServerTalk(system_prompt=word, settings=settings))
    return said


@asynccontextmanager
async def held_up_at(author: PersonId, database_url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Meanwhile what changes a turn of this author's waits; the function waits until something does."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(1)")
        await connection.execute(
            "CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$"
        )
        when = sql.SQL("WHEN (OLD.author_user = {})").format(author.user)
        made = sql.SQL("CREATE TRIGGER hold_up BEFORE UPDATE ON turn FOR EACH ROW {} EXECUTE FUNCTION hold_up()")
        await connection.execute(made.format(when))

        async def find_waiting() -> None:
            async with asyncio.timeout(5):
                while await (await connection.execute(WAITING_HERE)).fetchone() is None:  # noqa: ASYNC110 nobody tells
                    await asyncio.sleep(0.01)

        yield find_waiting
        await connection.execute("SELECT pg_advisory_unlock(1)")
