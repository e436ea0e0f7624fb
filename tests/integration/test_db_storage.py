"""Transactions, and what they say when Postgres does not answer."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.errors import ConfigurationError, ConflictError, DatabaseUnavailableError
from core.inbox.model import Delivery, DeliveryKind
from core.pacing.model import Rate
from core.storage import Storage
from db import postmaster
from db.budget import PostgresBudgets
from db.embedded import EmbeddedPostgres
from db.engine import connected, create_engine, known_errors
from db.migrate import current_revision, upgrade
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.clock import ManualClock
from tests.conftest import QUICK
from tests.prime import eventually

DELIVERY = Delivery(kind=DeliveryKind.EVENT, payload={})


async def depth(storage: Storage) -> int:
    async with storage.transaction() as stores:
        return await stores.inbox.depth()


async def test_a_block_that_raises_leaves_nothing_behind(storage: PostgresStorage, clock: ManualClock) -> None:
    async def fail() -> None:
        async with storage.transaction() as stores:
            await stores.inbox.add(DELIVERY, now=clock.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await depth(storage) == 0


async def test_a_snapshot_sees_one_moment_and_writes_nothing(storage: PostgresStorage, clock: ManualClock) -> None:
    async with storage.transaction(snapshot=True) as before:
        assert await before.inbox.depth() == 0
        async with storage.transaction() as stores:
            await stores.inbox.add(DELIVERY, now=clock.now())
        assert await before.inbox.depth() == 0
    assert await depth(storage) == 1

    with pytest.raises(DatabaseUnavailableError):
        async with storage.transaction(snapshot=True) as stores:
            await stores.inbox.purge(finished_before=clock.now())


async def test_a_transaction_after_a_snapshot_is_an_ordinary_one_again(
    database_url: str, secret_keys: SecretKeys, clock: ManualClock
) -> None:
    engine = create_engine(database_url, pool_size=1)
    storage = PostgresStorage(engine, secret_keys)
    async with storage.transaction(snapshot=True):
        pass
    async with storage.transaction() as stores:
        assert await stores.inbox.add(DELIVERY, now=clock.now())
    await engine.dispose()


async def test_a_transaction_that_stood_still_for_too_long_is_told_as_the_database_being_away(
    engine: AsyncEngine,
) -> None:
    """As that of a process that was frozen."""

    async def stand_still() -> None:
        async with connected(engine) as connection, connected(engine) as other, connection.begin():
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            sessions = text("SELECT count(*) FROM pg_stat_get_activity(:pid)").bindparams(pid=pid)

            async def has_ended() -> bool:
                return (await other.execute(sessions)).scalar_one() == 0

            await eventually(has_ended)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailableError), known_errors():
        await stand_still()


async def test_every_connection_is_in_utc_with_limits_and_a_name(engine: AsyncEngine) -> None:
    names = ("timezone", "application_name", "statement_timeout", "idle_in_transaction_session_timeout")
    async with engine.connect() as connection:
        shown = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in names]
    assert shown == ["UTC", "prime", "15s", "8s"]


@pytest.mark.parametrize(
    "url", ["mysql://a:SECRET@b/c", "postgresql+asyncpg://a:SECRET@b/c", "SECRET", "http://[SECRET"]
)
def test_a_url_that_is_none_gives_a_sentence_without_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as raised:
        create_engine(url)
    assert "SECRET" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_nobody_listening_is_told_as_the_database_being_away(secret_keys: SecretKeys) -> None:
    url = "postgresql://prime@127.0.0.1:1/prime"
    engine = create_engine(url)
    with pytest.raises(DatabaseUnavailableError):
        await depth(PostgresStorage(engine, secret_keys))
    with pytest.raises(DatabaseUnavailableError):
        await PostgresStorage(engine, secret_keys).schema_fits()
    with pytest.raises(DatabaseUnavailableError):
        await PostgresBudgets(engine).blocked_until("a")
    with pytest.raises(DatabaseUnavailableError):
        current_revision(url)


async def test_a_transaction_whose_connection_is_ended_says_so_and_the_next_one_works(
    storage: PostgresStorage, database_url: str
) -> None:
    with pytest.raises(DatabaseUnavailableError):  # noqa: PT012 the block is the transaction
        async with storage.transaction() as stores:
            await stores.inbox.depth()
            end_all_others(database_url)
            await stores.inbox.depth()

    assert await depth(storage) == 0


async def test_a_connection_that_died_in_the_pool_is_not_noticed_by_anybody(
    storage: PostgresStorage, database_url: str
) -> None:
    assert await depth(storage) == 0
    end_all_others(database_url)

    assert await depth(storage) == 0


async def test_a_pool_that_is_used_up_says_so_in_time(
    database_url: str, secret_keys: SecretKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine.WAIT_SECONDS", 0.1)
    engine = create_engine(database_url, pool_size=1)
    storage = PostgresStorage(engine, secret_keys)
    async with storage.transaction():
        with pytest.raises(DatabaseUnavailableError):
            await depth(storage)
    await engine.dispose()


async def test_a_deadlock_is_told_as_a_conflict_and_one_side_goes_on(engine: AsyncEngine) -> None:
    budgets = PostgresBudgets(engine)
    now = ManualClock().now()
    for name in ("a", "b"):
        await budgets.block(name, until=now)
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> bool:
        try:
            with known_errors():
                async with engine.begin() as connection:
                    await connection.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
                    await connection.execute(text(f"UPDATE budget SET full_at = NULL WHERE name = '{first}'"))
                    await both_hold_one.wait()
                    await connection.execute(text(f"UPDATE budget SET full_at = NULL WHERE name = '{second}'"))
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(lock("a", "b"), lock("b", "a"))) == [False, True]


async def test_a_postgres_that_hangs_is_told_in_time_and_gets_its_connections_back(
    secret_keys: SecretKeys, own_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine.WAIT_SECONDS", 0.2)
    engine = create_engine(own_postgres.url, pool_size=2)
    storage = PostgresStorage(engine, secret_keys)
    assert await depth(storage) == 0
    with frozen(own_postgres):
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailableError):
                await depth(storage)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await depth(storage)
        assert time.monotonic() - began < 1.5

    async with asyncio.timeout(10):
        while await asyncio.gather(*(answers(storage) for _ in range(2))) != [True, True]:
            pass
    await engine.dispose()


async def test_postgres_ended_in_the_middle_is_told_and_found_again(
    secret_keys: SecretKeys, clock: ManualClock, own_postgres: EmbeddedPostgres
) -> None:
    engine = create_engine(own_postgres.url)
    storage = PostgresStorage(engine, secret_keys)
    with pytest.raises(DatabaseUnavailableError):  # noqa: PT012 the block is the transaction
        async with storage.transaction() as stores:
            await stores.inbox.add(DELIVERY, now=clock.now())
            postmaster.stop(own_postgres.folder / "data", patience_seconds=5)
            await stores.inbox.depth()
    with pytest.raises(DatabaseUnavailableError):
        await depth(storage)
    with pytest.raises(DatabaseUnavailableError):
        await PostgresBudgets(engine).reserve("a", Rate(1.0), now=clock.now())

    own_postgres.close()
    with EmbeddedPostgres.open(own_postgres.folder, settings=QUICK):
        assert await depth(storage) == 0
        await engine.dispose()


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """One that a test may ill-treat."""
    folder = Path(tempfile.mkdtemp(prefix="prime-storage-"))
    with EmbeddedPostgres.open(folder, settings=QUICK) as postgres:
        upgrade(postgres.url)
        yield postgres
    shutil.rmtree(folder)


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """The whole server stands still, as on a machine that swaps."""
    main = postmaster.find(postgres.folder / "data")
    assert main is not None
    children = Path(f"/proc/{main.pid}/task/{main.pid}/children").read_text().split()
    processes = [main.pid, *map(int, children)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


async def answers(storage: Storage) -> bool:
    try:
        await depth(storage)
    except DatabaseUnavailableError:
        return False
    return True


def end_all_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
