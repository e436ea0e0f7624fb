"""The audit chain in the database: it grows in one line, refuses changes, and tells of every change that was forced."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from core.audit.model import AuditBrokenError, AuditEntry, AuditRecord
from core.audit.service import chain_state, verify
from core.errors import DatabaseUnavailableError
from core.inbox.model import Delivery, DeliveryKind
from core.storage import Storage
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.clock import ManualClock

TABLES = ("audit", "audit_head", "audit_checkpoint")


class Outside:
    """Somebody who has all rights in the database, so that no trigger stops them, but no key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.run("SET session_replication_role = replica")
        self.save()

    def run(self, statement: str) -> None:
        self._connection.execute(statement.encode())

    def save(self) -> None:
        for table in TABLES:
            self.run(f"DROP TABLE IF EXISTS saved_{table}; CREATE TABLE saved_{table} AS TABLE {table}")

    def restore(self) -> None:
        for table in TABLES:
            self.run(f"DELETE FROM {table}; INSERT INTO {table} TABLE saved_{table}")

    def contents(self) -> list[list[tuple[Any, ...]]]:
        return [sorted(self._connection.execute(f"TABLE {table}".encode()).fetchall()) for table in TABLES]


@pytest.fixture
def outside(database_url: str) -> Iterator[Outside]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Outside(connection)


@pytest.fixture
async def written(storage: PostgresStorage, clock: ManualClock) -> PostgresStorage:
    """Rows 1 to 6, of which retention has taken 1 and 2."""
    for number in range(1, 7):
        await append(storage, entry(clock.now(), number=number))
        await clock.advance(60)
    async with storage.transaction() as stores:
        assert await stores.audit.retain(keep_from=clock.now() - timedelta(minutes=4)) == 2
    return storage


async def test_what_was_written_is_read_back_and_verifies(
    storage: PostgresStorage, secret_keys: SecretKeys, clock: ManualClock
) -> None:
    detail = {"role": "READ", "é": [1.0, 1e300, -0.0, None, {"b": 1, "a": "\x00\ud800"}]}
    record = await append(storage, entry(clock.now(), **detail))

    async with storage.transaction() as stores:
        assert [each async for each in stores.audit.records()] == [record]
        assert await stores.audit.recent(limit=10) == [record]
    assert (await verify(storage, secret_keys.audit)).problems == ()


async def test_a_new_chain_verifies(storage: PostgresStorage, secret_keys: SecretKeys) -> None:
    report = await verify(storage, secret_keys.audit)

    assert (report.rows, report.problems) == (0, ())


async def test_a_hundred_writers_at_once_make_one_chain(
    storage: PostgresStorage, secret_keys: SecretKeys, clock: ManualClock
) -> None:
    await asyncio.gather(*(append_patiently(storage, entry(clock.now(), number=number)) for number in range(100)))

    report = await verify(storage, secret_keys.audit)

    assert (report.rows, report.problems) == (100, ())


async def test_the_row_stands_and_falls_with_the_change(storage: PostgresStorage, clock: ManualClock) -> None:
    async def change() -> None:
        async with storage.transaction() as stores:
            await stores.inbox.add(Delivery(kind=DeliveryKind.NOTICE, payload={}), now=clock.now())
            await stores.audit.append(entry(clock.now()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()

    async with storage.transaction() as stores:
        assert (await stores.audit.count(), await stores.inbox.depth()) == (0, 0)


async def test_verification_sees_one_moment_while_others_write(
    storage: PostgresStorage, secret_keys: SecretKeys, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.audit.BATCH", 3)
    for _ in range(10):
        await append(storage, entry(clock.now()))

    async def write() -> None:
        for _ in range(20):
            await append(storage, entry(clock.now()))

    writing = asyncio.create_task(write())
    while not writing.done():
        assert (await verify(storage, secret_keys.audit)).problems == ()
    await writing


@pytest.mark.parametrize("table", ["audit", "audit_checkpoint"])
@pytest.mark.parametrize("change", ["UPDATE {} SET key_id = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_tables_refuse_changes(written: PostgresStorage, database_url: str, table: str, change: str) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(InsufficientPrivilege, match="append-only"):
        connection.execute(change.format(table).encode())


async def test_retention_leaves_the_log_as_closed_as_before(written: PostgresStorage, clock: ManualClock) -> None:
    async with written.transaction() as stores:
        await stores.audit.retain(keep_from=clock.now() - timedelta(minutes=3))
        with pytest.raises(Exception, match="append-only"):
            await stores.audit._connection.exec_driver_sql("DELETE FROM audit")  # pyright: ignore[reportAttributeAccessIssue]


async def test_retention_keeps_from_the_first_row_that_is_young_enough(
    written: PostgresStorage, secret_keys: SecretKeys, clock: ManualClock
) -> None:
    async with written.transaction() as stores:
        head = await stores.audit.head()
        (checkpoint,) = await stores.audit.checkpoints()
        assert await stores.audit.retain(keep_from=clock.now() - timedelta(minutes=4)) == 0
    assert (head.seq, head.first_seq) == (6, 3)
    assert (checkpoint.from_seq, checkpoint.through_seq) == (1, 2)

    report = await verify(written, secret_keys.audit)
    assert (report.rows, report.problems) == (4, ())


async def test_retention_of_everything_lets_the_chain_go_on(
    written: PostgresStorage, secret_keys: SecretKeys, clock: ManualClock
) -> None:
    async with written.transaction() as stores:
        assert await stores.audit.retain(keep_from=clock.now() + timedelta(days=1)) == 4
        assert await stores.audit.retain(keep_from=clock.now() + timedelta(days=1)) == 0
    assert (await verify(written, secret_keys.audit)).problems == ()

    assert (await append(written, entry(clock.now()))).seq == 7
    report = await verify(written, secret_keys.audit)
    assert (report.rows, report.problems) == (1, ())


async def test_a_row_with_an_older_time_behind_a_younger_one_is_kept(
    storage: PostgresStorage, clock: ManualClock
) -> None:
    for minutes in (0, 10, 1):
        await append(storage, entry(clock.now() + timedelta(minutes=minutes)))

    async with storage.transaction() as stores:
        assert await stores.audit.retain(keep_from=clock.now() + timedelta(minutes=5)) == 1


async def test_a_chain_goes_on_under_a_new_key_and_needs_the_old_one(
    storage: PostgresStorage, database_url: str, clock: ManualClock
) -> None:
    await append(storage, entry(clock.now()))
    engine = create_engine(database_url)
    both = SecretKeys([b"n" * 32, b"k" * 32])
    await append(PostgresStorage(engine, both), entry(clock.now()))

    assert (await verify(storage, both.audit)).problems == ()
    (missing,) = (await verify(storage, SecretKeys([b"n" * 32]).audit)).problems
    assert "Row 1" in missing
    assert "PRIME_SECRET_KEY" in missing
    await engine.dispose()


COPY = "INSERT INTO audit SELECT {to}, at, actor, action, target, detail, key_id, mac FROM audit WHERE seq = {{}}"
CHANGES = {
    "edited actor": "UPDATE audit SET actor = 'T1/U2' WHERE seq = {}",
    "edited time": "UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = {}",
    "edited action": "UPDATE audit SET action = action || ' ' WHERE seq = {}",
    "edited target": "UPDATE audit SET target = '' WHERE seq = {}",
    "edited detail": "UPDATE audit SET detail = '{{}}' WHERE seq = {}",
    "respelled detail": "UPDATE audit SET detail = detail || ' ' WHERE seq = {}",
    "detail that is no JSON": "UPDATE audit SET detail = 'x' WHERE seq = {}",
    "detail that is no object": "UPDATE audit SET detail = '[]' WHERE seq = {}",
    "edited key id": "UPDATE audit SET key_id = 'x' WHERE seq = {}",
    "edited mac": "UPDATE audit SET mac = decode(repeat('00', 32), 'hex') WHERE seq = {}",
    "renumbered": "UPDATE audit SET seq = seq + 100 WHERE seq = {}",
    "deleted": "DELETE FROM audit WHERE seq = {}",
    "deleted from there on": "DELETE FROM audit WHERE seq >= {}",
    "deleted up to there": "DELETE FROM audit WHERE seq <= {}",
    "swapped with another": "UPDATE audit SET seq = seq + 100 WHERE seq IN ({0}, 9 - {0}); "
    "UPDATE audit SET seq = 109 - seq WHERE seq > 100",
    "copied to where retention was": COPY.format(to=2),
    "copied to before all": COPY.format(to=-1),
    "copied to the end": COPY.format(to=7),
    "head turned back": "UPDATE audit_head SET seq = {0}, mac = (SELECT mac FROM audit WHERE seq = {0})",
    "tail cut and head turned back": "WITH cut AS (DELETE FROM audit WHERE seq > {0}) "
    "UPDATE audit_head SET seq = {0}, mac = (SELECT mac FROM audit WHERE seq = {0})",
    "head sealed otherwise": "UPDATE audit_head SET seal = sha256(seal || '{}')",
    "head with another first row": "UPDATE audit_head SET first_seq = {}",
    "head as if new": "UPDATE audit_head SET (seq, mac, first_seq, key_id, seal) = "
    "(0, decode(repeat('00', 32), 'hex'), 1, '', '')",
    "head gone": "DELETE FROM audit_head",
    "checkpoint gone": "DELETE FROM audit_checkpoint",
    "checkpoint for other rows": "UPDATE audit_checkpoint SET through_seq = {}",
    "checkpoint of another row": "UPDATE audit_checkpoint SET through_mac = (SELECT mac FROM audit WHERE seq = {})",
}
"""What somebody could do who has the database but not the key, each to row 3, 4, 5 or 6."""


async def test_every_change_that_was_forced_is_found(
    written: PostgresStorage, secret_keys: SecretKeys, outside: Outside
) -> None:
    outside.save()
    original = outside.contents()
    for name, statement in CHANGES.items():
        for seq in (3, 4, 5, 6):
            outside.run(statement.format(seq))
            if outside.contents() != original:
                assert (await verify(written, secret_keys.audit)).problems, (name, seq)
            outside.restore()
            assert (await verify(written, secret_keys.audit)).problems == ()


@pytest.mark.parametrize(
    "name", ["copied to the end", "tail cut and head turned back", "head sealed otherwise", "head gone"]
)
async def test_nothing_is_written_on_top_of_a_forged_end(
    written: PostgresStorage, outside: Outside, clock: ManualClock, name: str
) -> None:
    outside.run(CHANGES[name].format(5))

    with pytest.raises(AuditBrokenError, match="audit verify"):
        await append(written, entry(clock.now()))


async def test_the_state_to_export_shows_a_tail_that_was_cut_with_the_key_holders_own_older_head(
    storage: PostgresStorage, secret_keys: SecretKeys, outside: Outside, clock: ManualClock
) -> None:
    await append(storage, entry(clock.now(), number=1))
    outside.save()
    before = await chain_state(storage)
    await append(storage, entry(clock.now(), number=2))
    exported = await chain_state(storage)
    assert (exported.seq, exported.rows) == (2, 2)
    assert exported.mac != before.mac

    outside.restore()

    assert (await verify(storage, secret_keys.audit)).problems == ()
    assert await chain_state(storage) == before


class TestRecent:
    @pytest.fixture(autouse=True)
    async def rows(self, storage: PostgresStorage, clock: ManualClock) -> None:
        for actor, action, target in (
            ("T/U1", "access.grant.add", "T/U2"),
            ("T/U2", "access.grant.add", "T/U2"),
            ("T/U1", "accessory.x.y", "server:a"),
            ("T/U3", "servers_x.y", "T/U1"),
            ("T/U3", "servers.x.y", "server:b"),
        ):
            await append(storage, AuditEntry(at=clock.now(), actor=actor, action=action, target=target))

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({}, [5, 4, 3, 2, 1]),
            ({"limit": 2}, [5, 4]),
            ({"before_seq": 4, "limit": 2}, [3, 2]),
            ({"actor_or_target": "T/U1"}, [4, 3, 1]),
            ({"actor_or_target": "T/U1", "limit": 2}, [4, 3]),
            ({"actor_or_target": "T/U2"}, [2, 1]),
            ({"actor_or_target": "T/U"}, []),
            ({"action_prefix": "access."}, [2, 1]),
            ({"action_prefix": "servers_"}, [4]),
            ({"action_prefix": "access", "actor_or_target": "T/U1", "before_seq": 3}, [1]),
        ],
    )
    async def test_gives_the_newest_that_match(
        self, storage: PostgresStorage, wanted: dict[str, Any], expected: list[int]
    ) -> None:
        async with storage.transaction() as stores:
            found = await stores.audit.recent(**{"limit": 10, **wanted})
        assert [record.seq for record in found] == expected


async def append(storage: Storage, entry: AuditEntry) -> AuditRecord:
    async with storage.transaction() as stores:
        return await stores.audit.append(entry)


async def append_patiently(storage: Storage, entry: AuditEntry) -> None:
    """A hundred writers share ten connections, and each waits for one no longer than the pool lets it."""
    while True:
        try:
            await append(storage, entry)
        except DatabaseUnavailableError:
            continue
        return


def entry(at: datetime, **detail: Any) -> AuditEntry:
    return AuditEntry(at=at, actor="T1/U1", action="servers.server.start", target="server:a", detail=detail)
