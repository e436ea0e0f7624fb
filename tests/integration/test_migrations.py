"""Up, no drift, down; and many at once."""

import asyncio
import subprocess
import sys
from dataclasses import replace

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from core.audit.rules import EMPTY_HEAD
from core.errors import ConfigurationError, DatabaseUnavailableError
from core.servers.model import ServerState
from db.engine import driver_url
from db.migrate import current_revision, downgrade, head_revision, older_revisions, upgrade
from db.models import Base
from db.storage import PostgresStorage
from tests.servers import SPEC, server


def test_up_leads_to_the_models_and_down_to_nothing(empty_database_url: str) -> None:
    assert current_revision(empty_database_url) is None

    upgrade(empty_database_url)
    upgrade(empty_database_url)

    assert current_revision(empty_database_url) == head_revision()
    assert differences(empty_database_url) == []

    downgrade(empty_database_url, "base")

    assert current_revision(empty_database_url) is None
    with psycopg.connect(empty_database_url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert left == [("alembic_version",), ("alembic_version_pkc",)]

    upgrade(empty_database_url)
    assert differences(empty_database_url) == []


async def test_servers_from_before_costs_were_counted_cost_from_the_upgrade_on(
    storage: PostgresStorage, database_url: str
) -> None:
    async with storage.transaction() as stores:
        for number, state in enumerate((ServerState.READY, ServerState.STOPPED, ServerState.GONE), 1):
            spec = replace(SPEC, name=f"s{number}", static_address=number == 1)
            machine = {"machine_name": spec.name, "machine_id": f"ps{number}"}
            await stores.servers.add(server(id=number, spec=spec, state=state, **machine), key="k")

    await asyncio.to_thread(downgrade, database_url, "c3a9e17b5d40")
    await asyncio.to_thread(upgrade, database_url)

    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT server_id, kind FROM server_charge WHERE until IS NULL ORDER BY 1, 2")
        assert found.fetchall() == [(1, "address"), (1, "disk"), (1, "machine"), (2, "disk")]


def test_the_comparison_with_the_models_would_find_a_difference(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP INDEX ix_audit_actor")
        connection.execute("ALTER TABLE inbox ALTER holder SET NOT NULL")

    assert len(differences(database_url)) == 2


def test_replicas_that_start_together_migrate_once(empty_database_url: str) -> None:
    program = "import sys; from db.migrate import upgrade; upgrade(sys.argv[1])"
    replicas = [subprocess.Popen([sys.executable, "-c", program, empty_database_url]) for _ in range(3)]

    assert [replica.wait(timeout=30) for replica in replicas] == [0, 0, 0]
    assert current_revision(empty_database_url) == head_revision()


def test_a_migration_that_fails_leaves_nothing_and_lets_the_next_one_in(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE budget ()")  # in the way of the revision's last step
        with pytest.raises(Exception, match="budget"):
            upgrade(empty_database_url)
        assert connection.execute("SELECT to_regclass('inbox')").fetchone() == (None,)
        connection.execute("DROP TABLE budget")

    upgrade(empty_database_url)


def test_a_lock_that_somebody_holds_ends_the_migration_with_a_sentence(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.migrate._LIMITS", ("SET lock_timeout = '100ms'",))
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE alembic_version")
        with pytest.raises(DatabaseUnavailableError):
            downgrade(database_url, "base")
    assert current_revision(database_url) == head_revision()


def test_a_database_of_a_newer_prime_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from the future'")

    with pytest.raises(ConfigurationError, match="newest"):
        upgrade(database_url)


async def test_an_older_schema_does_not_fit_and_a_newer_one_does(storage: PostgresStorage, database_url: str) -> None:
    assert await storage.schema_fits()
    for revision, fits in ((min(older_revisions()), False), ("of the next version", True)):
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
        assert await storage.schema_fits() is fits

    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM alembic_version")
    assert not await storage.schema_fits()

    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert not await storage.schema_fits()


async def test_the_first_head_is_the_one_of_the_rules(storage: PostgresStorage) -> None:
    async with storage.transaction() as stores:
        assert await stores.audit.head() == EMPTY_HEAD


def differences(url: str) -> list[object]:
    engine = create_engine(driver_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))
