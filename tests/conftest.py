"""One Postgres for a run of the tests, and for each test that asks a fresh database in it."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.migrate import upgrade
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.clock import ManualClock
from tests.profiles import LONG

FOLDER = "PRIME_TEST_POSTGRES"
"""Tells the workers of pytest-xdist where the run's Postgres is."""

QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


REAL_TIME = ("scenario", "browser", "integration", "chaos", "hostile")
"""Folders of tests in which Slack's three seconds, leases and limits run by the clock on the wall."""
AGAIN = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where time is real, a machine that others share can be too slow. What is wrong stays so, however often it is
    asked; what was right only at a second look is told at the end of the run. In the long form nothing is asked again,
    since chance may ask something else."""
    for item in items:
        if not LONG and item.path.parent.name in REAL_TIME:
            item.add_marker(pytest.mark.flaky(reruns=AGAIN))


def pytest_configure(config: pytest.Config) -> None:
    os.environ["PRIME_REDACTION_ENGINE"] = "rules"  # which starts in no time; tests of names say otherwise
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="prime-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The run's Postgres: the first worker starts it, the last one stops it."""
    with EmbeddedPostgres.open(Path(os.environ[FOLDER]), settings=QUICK) as postgres:
        yield postgres.url


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    """The name of a database at the newest schema, from which others are copied."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'template_prime'").fetchone() is None:
            connection.execute("CREATE DATABASE template_making")
            upgrade(_with_name(postgres_url, "template_making"))
            connection.execute("ALTER DATABASE template_making RENAME TO template_prime")
    return "template_prime"


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A fresh database without a schema."""
    yield from _database(postgres_url, template="template0")


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A fresh database at the newest schema."""
    yield from _database(postgres_url, template=template_database)


@pytest.fixture
def secret_keys() -> SecretKeys:
    return SecretKeys([b"k" * 32])


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def storage(engine: AsyncEngine, secret_keys: SecretKeys) -> PostgresStorage:
    return PostgresStorage(engine, secret_keys)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def _database(server: str, *, template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # pyright: ignore[reportArgumentType, reportCallIssue]: the name is ours
        yield _with_name(server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # pyright: ignore[reportArgumentType, reportCallIssue]: the name is ours


def _with_name(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
