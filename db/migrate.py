"""Bringing a database to this version's schema. The revisions are in `migrations/`, which ships beside `db/`."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, text

from core.errors import ConfigurationError
from db.engine import CONNECT_SECONDS, driver_url, known_errors

_TURN = "SELECT pg_advisory_lock(hashtext('prime.migrate'))"
_LIMITS = ("SET lock_timeout = '5s'", "SET statement_timeout = '60s'")
"""A migration that waits for a lock makes everybody behind it wait, so it gives up soon and is run again."""


def upgrade(url: str) -> None:
    """Runs what is missing, each revision in a transaction of its own. Replicas that start together take turns, and
    all but the first find nothing to do. Blocks.

    Raises DatabaseUnavailableError if Postgres does not answer or is too busy, ConfigurationError if the database was
    made by a newer Prime."""
    with _turn(url) as config:
        command.upgrade(config, "head")


def downgrade(url: str, revision: str) -> None:
    """Goes back to a revision; "base" is before the first. Raises as `upgrade` does."""
    with _turn(url) as config:
        command.downgrade(config, revision)


def current_revision(url: str) -> str | None:
    """None for an empty database. Raises DatabaseUnavailableError."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def older_revisions() -> frozenset[str]:
    """Those of this version, but the newest."""
    known = {one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()}
    return frozenset(known - {head_revision()})


def head_revision() -> str:
    """The newest revision of this version."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


@contextmanager
def _turn(url: str) -> Generator[Config]:
    with _connection(url) as connection:
        connection.execute(text("SET lock_timeout = '10min'"))
        connection.execute(text(_TURN))  # the session's, and so released with the connection
        for limit in _LIMITS:
            connection.execute(text(limit))
        connection.commit()
        config = _config()
        config.attributes["connection"] = connection
        try:
            yield config
        except CommandError as error:
            raise ConfigurationError(
                "The database's schema is of another version of Prime, which this one does not know: run the newest "
                "Prime, or set DATABASE_URL to a database of its own."
            ) from error


@contextmanager
def _connection(url: str) -> Generator[Connection]:
    arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": "prime migrate", "options": "-c timezone=UTC"}
    engine = create_engine(driver_url(url), poolclass=NullPool, connect_args=arguments)
    with known_errors(), engine.connect() as connection:
        yield connection


def _config() -> Config:
    config = Config()
    folder = Path(__file__).parents[1] / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
