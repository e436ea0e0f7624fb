"""Data keys of conversations, and the policy and the team's lists on their tables."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from core.people.model import PersonId, Profile, Standing
from core.posted import PostedAt
from core.redaction.model import Disposition, EntityType
from core.redaction.policy import ChannelPolicy
from core.redaction.ports import Term
from core.redaction.vault import Vault
from core.talk.model import Conversation, NewTurn, Settings, Thread, Turn, TurnKind, TurnState
from db.rotation import Rotation, rotate, sealed_with_unknown_keys
from db.secrets import Cell, SecretBox, SecretKeys
from db.storage import PostgresStorage
from tests.servers import NOW

TEAM = "T1"
RITA, ADA = PersonId(TEAM, "URITA"), PersonId(TEAM, "UADA")
WORD = "zebra"
SETTINGS = Settings(stop=(WORD,))
OLD, NEW = b"o" * 32, b"n" * 32
DAY = timedelta(days=1)
WAITING_HERE = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

TEXTS: dict[LiteralString, Sequence[LiteralString]] = {
    "conversation": ("settings", "next_settings", "vault"),
    "turn": ("prompt", "answer", "settings"),
}


class Prime:
    def __init__(self, storage: PostgresStorage) -> None:
        self.storage = storage

    async def talks(self, ts: str = "100.0", *, state: TurnState = TurnState.DONE, at: datetime = NOW) -> Turn:
        """A turn in a thread of its own, with the word in all that is kept of both."""
        thread = Thread(team=TEAM, channel="C1", ts=ts)
        async with self.storage.transaction() as stores:
            opened = await stores.talk.open_conversation(thread, starter=RITA, in_thread=False, now=at)
            await stores.talk.save(replace(opened, settings=SETTINGS, next_settings=SETTINGS))
            await stores.talk.save_vault(opened.id, Vault({"[PERSON_1]": WORD}, [("LOCATION", WORD)]))
            asked = NewTurn(
                key=f"prompt/{ts}",
                conversation_id=opened.id,
                kind=TurnKind.PROMPT,
                state=state,
                author=RITA,
                prompt_ts=ts,
                prompt=WORD,
                settings=SETTINGS,
            )
            turn, _ = await stores.talk.add(asked, now=at)
            answered = replace(turn, answer=WORD)
            assert await stores.talk.change(answered)
        return answered

    async def kept(self, turn: Turn) -> tuple[Conversation, Vault, Turn]:
        async with self.storage.transaction() as stores:
            conversation = await stores.talk.get(turn.conversation_id)
            vault, found = await stores.talk.vault(turn.conversation_id), await stores.talk.turn(turn.id)
        assert conversation is not None
        assert found is not None
        return conversation, vault, found

    async def forgets(self, turn: Turn) -> bool:
        async with self.storage.transaction() as stores:
            await stores.talk.lock(turn.conversation_id)
            return await stores.talk.forget(turn.conversation_id)

    async def forgettable(self, *, before: datetime) -> Sequence[int]:
        async with self.storage.transaction() as stores:
            return await stores.talk.forgettable(before=before, limit=10)

    async def reads_all(self, turn: Turn) -> bool:
        """Whether all that was said comes back."""
        conversation, vault, found = await self.kept(turn)
        assert vault.released == {("LOCATION", WORD)}
        words = (found.prompt, found.answer, *vault.values.values())
        settings = (found.settings, conversation.settings, conversation.next_settings)
        return words == (WORD,) * 3 and settings == (SETTINGS,) * 3

    async def reads_nothing(self, turn: Turn) -> bool:
        """And fails at nothing."""
        conversation, vault, found = await self.kept(turn)
        assert (found.state, found.author, found.created_at) == (turn.state, turn.author, turn.created_at)
        is_empty = found.settings.is_empty and conversation.settings.is_empty and conversation.next_settings.is_empty
        return is_empty and not (found.prompt or found.answer or vault.values or vault.released)


@pytest.fixture
def prime(storage: PostgresStorage) -> Prime:
    return Prime(storage)


def dump(url: str) -> str:
    """Every row of every table, as text, and each sealed value as it would be found in a file."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text = 'public'"
        )
        tables = [name for (name,) in names.fetchall()]
        rows = [
            [
                value
                for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
                for value in row
            ]
            for table in tables
        ]
    return "\n".join(
        bytes(one).decode("latin-1") if isinstance(one, bytes) else str(one) for row in rows for one in row
    )


async def until_somebody_waits(url: str) -> None:
    """For a lock; or 5 s."""
    async with asyncio.timeout(5), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while await (await connection.execute(WAITING_HERE)).fetchone() is None:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.01)


def keep_a_copy(url: str) -> None:
    """As a full dump without the table `conversation_key` does."""
    with psycopg.connect(url) as connection:
        for table in TEXTS:
            names = sql.Identifier(table), sql.Identifier(f"old_{table}")
            connection.execute(sql.SQL("CREATE TABLE {1} AS SELECT * FROM {0}").format(*names))


def restore_the_copy(url: str) -> None:
    with psycopg.connect(url) as connection:
        for table, columns in TEXTS.items():
            pairs = sql.SQL(", ").join(sql.SQL("{0} = old.{0}").format(sql.Identifier(column)) for column in columns)
            names = sql.Identifier(table), sql.Identifier(f"old_{table}")
            connection.execute(sql.SQL("UPDATE {0} SET {2} FROM {1} old WHERE old.id = {0}.id").format(*names, pairs))


class TestTheKeyOfAConversation:
    async def test_seals_all_that_was_said_in_it(self, prime: Prime, database_url: str) -> None:
        turn = await prime.talks()

        assert await prime.reads_all(turn)
        assert WORD not in dump(database_url)
        with psycopg.connect(database_url) as connection:
            for table, columns in TEXTS.items():
                for column in columns:
                    form = sql.SQL("SELECT DISTINCT substring({}, 1, 1) FROM {}")
                    found = connection.execute(form.format(sql.Identifier(column), sql.Identifier(table)))
                    assert found.fetchall() == [(b"\x02",)], f"{table}.{column}"

    async def test_is_another_for_each(self, prime: Prime, database_url: str) -> None:
        turns = [await prime.talks("100.0"), await prime.talks("200.0")]
        await prime.forgets(turns[0])

        assert await prime.reads_nothing(turns[0])
        assert await prime.reads_all(turns[1])

    async def test_is_made_once_though_two_need_it_at_once(self, prime: Prime) -> None:
        thread = Thread(team=TEAM, channel="C1", ts="1.0")
        async with prime.storage.transaction() as stores:
            opened = await stores.talk.open_conversation(thread, starter=RITA, in_thread=False, now=NOW)

        async def saves(number: int) -> None:
            async with prime.storage.transaction() as stores:
                await stores.talk.save_vault(opened.id, Vault({f"[PERSON_{number}]": WORD}))

        await asyncio.gather(*(saves(number) for number in range(5)))
        async with prime.storage.transaction() as stores:
            assert list((await stores.talk.vault(opened.id)).values.values()) == [WORD]

    async def test_that_another_replica_makes_while_one_waits_is_known_to_it(
        self, prime: Prime, database_url: str
    ) -> None:
        """Otherwise it would read nothing, and write that back."""
        thread = Thread(team=TEAM, channel="C1", ts="1.0")
        async with prime.storage.transaction() as stores:
            opened = await stores.talk.open_conversation(thread, starter=RITA, in_thread=False, now=NOW)

        async def lock() -> Conversation:
            async with prime.storage.transaction() as stores:
                return await stores.talk.lock(opened.id)

        async with prime.storage.transaction() as stores:
            await stores.talk.lock(opened.id)
            waiting = asyncio.create_task(lock())
            await until_somebody_waits(database_url)
            await stores.talk.save(replace(opened, settings=SETTINGS))
        assert (await waiting).settings == SETTINGS

    async def test_opens_nothing_but_with_the_operator_s(self, prime: Prime, engine: AsyncEngine) -> None:
        turn = await prime.talks()
        other = Prime(PostgresStorage(engine, SecretKeys([NEW])))

        async with other.storage.transaction() as stores:
            assert not await stores.talk.left(new_before=NOW, offered_before=NOW)
            assert not await stores.talk.waking()
        assert await sealed_with_unknown_keys(engine, SecretKeys([NEW])) == 1, "the key of the conversation"
        assert await prime.reads_all(turn)

    async def test_leaves_what_was_sealed_before_there_was_one_readable(
        self, prime: Prime, database_url: str, secret_keys: SecretKeys
    ) -> None:
        turn = await prime.talks()
        sealed = SecretBox(secret_keys).seal(b"old words", Cell("turn", "prompt", (str(turn.id),)))
        vault = SecretBox(secret_keys).seal(
            b'{"[EMAIL_1]": "al@acme.example"}', Cell("conversation", "vault", (str(turn.conversation_id),))
        )
        with psycopg.connect(database_url) as connection:
            connection.execute("DELETE FROM conversation_key")
            connection.execute("UPDATE turn SET prompt = %s, answer = NULL, settings = NULL", [sealed.data])
            connection.execute("UPDATE conversation SET vault = %s, settings = NULL", [vault.data])

        _, read, found = await prime.kept(turn)
        assert (found.prompt, read.values) == ("old words", {"[EMAIL_1]": "al@acme.example"})


class TestRotation:
    async def test_brings_the_key_under_the_first_one_and_leaves_the_texts(
        self, engine: AsyncEngine, database_url: str
    ) -> None:
        turn = await Prime(PostgresStorage(engine, SecretKeys([OLD]))).talks()
        with psycopg.connect(database_url) as connection:
            before = connection.execute("SELECT prompt, answer, settings FROM turn").fetchall()

        assert await sealed_with_unknown_keys(engine, SecretKeys([NEW, OLD])) == 0
        assert await rotate(engine, SecretKeys([NEW, OLD])) == Rotation(changed=1, unreadable=0)

        assert await Prime(PostgresStorage(engine, SecretKeys([NEW]))).reads_all(turn)
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT prompt, answer, settings FROM turn").fetchall() == before

    async def test_has_no_trouble_with_what_was_forgotten(self, engine: AsyncEngine) -> None:
        prime = Prime(PostgresStorage(engine, SecretKeys([OLD])))
        turn = await prime.talks()
        await prime.forgets(turn)

        assert await rotate(engine, SecretKeys([NEW, OLD])) == Rotation(changed=0, unreadable=0)
        assert await sealed_with_unknown_keys(engine, SecretKeys([NEW])) == 0
        assert await prime.reads_nothing(turn)


class TestForgetting:
    async def test_leaves_nothing_of_what_was_said_and_all_of_that_something_was(self, prime: Prime) -> None:
        turn = await prime.talks()
        assert await prime.forgets(turn)

        assert await prime.reads_nothing(turn)
        conversation, _, _ = await prime.kept(turn)
        assert conversation.cleared_ts == turn.prompt_ts, "later turns see nothing of it"
        assert not await prime.forgets(turn), "there is nothing left"

    async def test_holds_against_the_operator_s_key_and_an_old_copy_of_the_rows(
        self, prime: Prime, database_url: str
    ) -> None:
        turn = await prime.talks()
        keep_a_copy(database_url)
        await prime.forgets(turn)
        restore_the_copy(database_url)

        assert await prime.reads_nothing(turn)

    async def test_holds_after_the_thread_went_on_with_a_new_key(self, prime: Prime, database_url: str) -> None:
        turn = await prime.talks()
        keep_a_copy(database_url)
        await prime.forgets(turn)
        restore_the_copy(database_url)
        async with prime.storage.transaction() as stores:
            await stores.talk.save_vault(turn.conversation_id, Vault({"[PERSON_1]": "a new one"}))

        _, vault, found = await prime.kept(turn)
        assert (found.prompt, found.answer) == ("", "")
        assert vault.values == {"[PERSON_1]": "a new one"}

    async def test_a_copy_with_the_key_brings_it_all_back(self, prime: Prime, database_url: str) -> None:
        """So the documented backup leaves that table out."""
        turn = await prime.talks()
        keep_a_copy(database_url)
        with psycopg.connect(database_url) as connection:
            connection.execute("CREATE TABLE old_key AS SELECT * FROM conversation_key")
        await prime.forgets(turn)
        restore_the_copy(database_url)
        with psycopg.connect(database_url) as connection:
            connection.execute("INSERT INTO conversation_key SELECT * FROM old_key")

        assert await prime.reads_all(turn)

    async def test_is_due_when_nobody_asked_anything_for_so_long_and_nothing_is_open(self, prime: Prime) -> None:
        old = await prime.talks("100.0")
        await prime.talks("200.0", at=NOW + DAY)
        for number, state in enumerate((TurnState.WARNED, TurnState.OFFERED, TurnState.WAKING, TurnState.WAITING)):
            await prime.talks(f"{number}.0", state=state)

        assert not await prime.forgettable(before=NOW)
        assert await prime.forgettable(before=NOW + DAY) == [old.conversation_id]
        await prime.forgets(old)
        assert not await prime.forgettable(before=NOW + DAY)

    async def test_passes_by_a_thread_in_which_somebody_asks_meanwhile(self, prime: Prime) -> None:
        old = await prime.talks()
        async with prime.storage.transaction() as stores:
            await stores.talk.lock(old.conversation_id)

            assert not await prime.forgettable(before=NOW + DAY)


async def test_a_prompt_that_waits_for_a_word_is_never_claimed_and_closed_in_time(prime: Prime) -> None:
    warned = await prime.talks(state=TurnState.WARNED)
    async with prime.storage.transaction() as stores:
        claimed = await stores.talk.claim(holder="a", now=NOW + DAY, lease_until=NOW + 2 * DAY, limit=9, per_person=9)
        assert not claimed
        assert not await stores.talk.left(new_before=NOW + DAY, offered_before=NOW)
        [left] = await stores.talk.left(new_before=NOW, offered_before=NOW + DAY)
    assert (left.id, left.prompt) == (warned.id, WORD)


async def test_what_was_found_and_decided_comes_back_with_the_turn(prime: Prime) -> None:
    turn = replace(
        await prime.talks(state=TurnState.WARNED),
        decided=Disposition.PASSTHROUGH,
        warned={EntityType.ORGANIZATION: 2},
        risk=75,
        is_masked=True,
    )
    async with prime.storage.transaction() as stores:
        assert await stores.talk.change(turn)
        assert await stores.talk.turn(turn.id) == turn


async def test_people_are_known_by_both_their_names(prime: Prime) -> None:
    def profile(user: str, name: str, real_name: str, standing: Standing = Standing.MEMBER) -> Profile:
        return Profile(
            id=PersonId(TEAM, user),
            standing=standing,
            name=name,
            real_name=real_name,
            is_workspace_admin=False,
            is_workspace_owner=False,
            checked_at=NOW,
        )

    rita = profile("URITA", "rita", "Rita Levi Montalcini")
    async with prime.storage.transaction() as stores:
        await stores.people.put(
            [
                rita,
                profile("UGUS", "Gus Guest", "", Standing.GUEST),
                profile("UBOT", "Prime", "Prime", Standing.BOT),
                profile("UOLD", "Olga Old", "", Standing.DEACTIVATED),
            ]
        )
        assert await stores.people.get([rita.id]) == {rita.id: rita}
        assert set(await stores.people.names(TEAM)) == {"rita", "Rita Levi Montalcini", "Gus Guest"}
        assert not await stores.people.names("T2")


class TestThePolicy:
    async def test_is_the_default_until_it_is_changed(self, prime: Prime) -> None:
        async with prime.storage.transaction() as stores:
            assert await stores.redaction.changes() == {}
            assert await stores.redaction.retention_days() is None
            assert await stores.redaction.terms_version() == 0

            changes = {EntityType.EMAIL: Disposition.BLOCK}
            await stores.redaction.set_changes(changes)
            await stores.redaction.set_retention_days(30)
            assert await stores.redaction.changes() == changes
            assert await stores.redaction.retention_days() == 30

    async def test_differs_in_a_channel(self, prime: Prime) -> None:
        own = ChannelPolicy(changes={EntityType.PERSON: Disposition.PASSTHROUGH}, is_signed=True)
        async with prime.storage.transaction() as stores:
            await stores.redaction.set_channel(TEAM, "C1", replace(own, is_signed=False), by=RITA)
            await stores.redaction.set_channel(TEAM, "C1", own, by=ADA)
            assert await stores.redaction.channel(TEAM, "C1") == own
            assert await stores.redaction.channel(TEAM, "C2") is None
            assert await stores.redaction.channels(TEAM) == {"C1": own}
            assert await stores.redaction.channels("T2") == {}

            await stores.redaction.set_channel(TEAM, "C1", None, by=ADA)
            assert await stores.redaction.channel(TEAM, "C1") is None


class TestTheLists:
    async def test_hold_each_term_once_and_as_it_was_said_last(self, prime: Prime) -> None:
        def term(digest: bytes, kind: EntityType | None) -> Term:
            return Term(digest=digest, type=kind, added_by=ADA, added_at=NOW)

        async with prime.storage.transaction() as stores:
            lists = stores.redaction
            assert await lists.add_terms([term(b"1", EntityType.TERM), term(b"2", EntityType.TERM)]) == 2
            version = await lists.terms_version()
            assert await lists.add_terms([term(b"2", None), term(b"3", None)]) == 1
            assert await lists.terms_version() != version
            found = sorted(await lists.terms(), key=lambda one: one.digest)
            assert found == [term(b"1", EntityType.TERM), term(b"2", None), term(b"3", None)]

            version = await lists.terms_version()
            assert await lists.remove_terms([b"1", b"9"]) == 1
            assert await lists.terms_version() != version
            assert len(await lists.terms()) == 2

    async def test_have_one_key_in_all_replicas(self, prime: Prime, engine: AsyncEngine) -> None:
        async def key() -> bytes:
            async with prime.storage.transaction() as stores:
                return await stores.redaction.list_key()

        keys = await asyncio.gather(*(key() for _ in range(5)))
        assert len(set(keys)) == 1
        assert len(keys[0]) == 32
        assert keys[0] != bytes(32)


class TestProposals:
    async def test_hold_their_term_sealed_until_they_are_decided(self, prime: Prime, database_url: str) -> None:
        async with prime.storage.transaction() as stores:
            made = await stores.redaction.propose(WORD, EntityType.PERSON, RITA, now=NOW)
            await stores.redaction.note_posted(made.id, PostedAt(channel="C9", ts="1.1"))
            await stores.redaction.note_posted(made.id, PostedAt(channel="C9", ts="1.1"))
        assert WORD not in dump(database_url)

        shown = replace(made, posted=(PostedAt(channel="C9", ts="1.1"),))
        async with prime.storage.transaction() as stores:
            assert await stores.redaction.proposal(made.id) == shown
            assert list(await stores.redaction.open_proposals()) == [shown]
            await stores.redaction.settle(made.id, by=ADA, is_approved=True, now=NOW)
            assert await stores.redaction.proposal(made.id) == replace(shown, term="", decided_by=ADA, is_approved=True)
            assert not await stores.redaction.open_proposals()
            assert await stores.redaction.proposal(999) is None

    async def test_survive_the_rotation_of_keys(self, engine: AsyncEngine) -> None:
        async with PostgresStorage(engine, SecretKeys([OLD])).transaction() as stores:
            made = await stores.redaction.propose(WORD, EntityType.PERSON, RITA, now=NOW)
            key = await stores.redaction.list_key()
        assert await rotate(engine, SecretKeys([NEW, OLD])) == Rotation(changed=2, unreadable=0)

        async with PostgresStorage(engine, SecretKeys([NEW])).transaction() as stores:
            assert await stores.redaction.proposal(made.id) == made
            assert await stores.redaction.list_key() == key
