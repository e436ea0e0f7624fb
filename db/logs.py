"""The database that machines write their engines' logs to, and what Prime keeps about it in its own."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from psycopg import errors
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import ConfigurationError, ConflictError, DatabaseUnavailableError
from core.logs.model import Level, LogRow, LogTarget
from core.logs.ports import LogDatabase, LogStore
from core.servers.model import ServerState
from db.engine import connected, create_engine, driver_url, known_errors
from db.models import ServerLogRow, ServerRow
from db.secrets import Cell, SecretBox

POOL = 2
BATCH = 10_000
FIRST_VERSION = 150000
"""Views that ask for the rights of whoever uses them."""
CONNECTIONS = 4
"""Of one machine. fluent-bit holds one, or four where it writes asynchronously."""
LONGEST = 8000
"""Characters of a field that are read: a machine may write anything."""
AHEAD = timedelta(days=9)
"""A time so long after the oldest kept one is a machine's wrong clock; its rows would otherwise stay for ever."""

NEEDS_ROLE = (
    "The role in LOG_DATABASE_URL may not make roles and schemas there. Give it CREATEROLE, and make it the owner of "
    "its database."
)
NOT_PREPARED = "The log database is not set up for this version. Run `prime migrate --logs`."
TOO_OLD = "The log database is older than Postgres 15, which Prime needs for it."

_PLAIN = re.compile(r"[\w./:-]+", re.ASCII)
"""What may stand in a file of fluent-bit, which knows no quotes."""

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7205759403792794)")

_PREPARATION = """
CREATE TABLE IF NOT EXISTS public.fluentbit (tag varchar, time timestamp, data jsonb);
CREATE INDEX IF NOT EXISTS ix_fluentbit_tag_time ON public.fluentbit (tag, time);
CREATE INDEX IF NOT EXISTS ix_fluentbit_time ON public.fluentbit (time);
ALTER TABLE public.fluentbit ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.fluentbit FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN
    CREATE POLICY own_tag ON public.fluentbit FOR INSERT WITH CHECK (tag = current_user);
EXCEPTION WHEN duplicate_object THEN NULL;
END $$
"""

# fluent-bit begins with CREATE TABLE IF NOT EXISTS fluentbit, for which Postgres wants the right to create in the first
# schema of the search path even where the table is there, and ends if it is refused (its issue 7490). So each role has
# a schema of its own where it may, and where a view of that name is the way to the one table. Nobody else looks there.
_OPENING = """
ALTER ROLE "{role}" LOGIN NOINHERIT CONNECTION LIMIT {connections} PASSWORD '{verifier}';
ALTER ROLE "{role}" SET timezone = 'UTC';
ALTER ROLE "{role}" SET statement_timeout = '15s';
ALTER ROLE "{role}" SET lock_timeout = '5s';
ALTER ROLE "{role}" SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE "{role}" SET search_path = "{role}";
CREATE SCHEMA IF NOT EXISTS "{role}";
CREATE OR REPLACE VIEW "{role}".fluentbit WITH (security_invoker = true) AS
    SELECT tag, time, data FROM public.fluentbit;
GRANT USAGE ON SCHEMA public TO "{role}";
GRANT INSERT ON public.fluentbit TO "{role}";
GRANT USAGE, CREATE ON SCHEMA "{role}" TO "{role}";
GRANT INSERT ON "{role}".fluentbit TO "{role}"
"""

_DROPPING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}';
GRANT "{role}" TO CURRENT_USER;
DROP OWNED BY "{role}" CASCADE;
DROP SCHEMA IF EXISTS "{role}" CASCADE;
DROP ROLE "{role}"
"""

# An infinite time, or one before the year 1, is none for Python.
_LINES = """
SELECT time, jsonb_build_object(
    'level', left(data->>'level', 20),
    'fields', jsonb_build_object('message', left(data#>>'{{fields,message}}', :longest)),
    'message', left(data->>'message', :longest),
    'log', left(data->>'log', :longest)) AS data
FROM public.fluentbit
WHERE tag = :role AND time > '0001-01-01' AND time < '9999-01-01' {condition}
ORDER BY time DESC LIMIT :limit
"""

_TROUBLE = "ERROR|CRITICAL|FATAL|panicked|Traceback|Error|Exception"
_WORDS = {Level.ERROR: _TROUBLE, Level.WARN: f"WARN|{_TROUBLE}"}
"""What the level, or where none is told the line, holds in a row of at least this level. The reader looks closer."""


class PostgresLogDatabase(LogDatabase):
    def __init__(self, url: str) -> None:
        """Connects when first used. Raises ConfigurationError for a URL that machines could not be given."""
        self._url = driver_url(url)
        told = self.target("", "")
        if any(_PLAIN.fullmatch(word) is None for word in (told.host, told.database, told.ssl_mode)):
            raise ConfigurationError("The host or the name of the database in LOG_DATABASE_URL holds odd characters.")
        self._engine = create_engine(url, pool_size=POOL)

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def prepare(self) -> None:
        async with self._transaction() as connection:
            await connection.execute(_ONE_AT_A_TIME)
            version = await connection.execute(text("SELECT current_setting('server_version_num')::int"))
            if version.scalar_one() < FIRST_VERSION:
                raise ConfigurationError(TOO_OLD)
            await connection.exec_driver_sql(_PREPARATION)

    async def problem(self) -> str | None:
        async with self._transaction() as connection:
            is_ready = "SELECT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'public' AND tablename = 'fluentbit')"
            may = (
                "SELECT (rolsuper OR rolcreaterole) AND has_database_privilege(current_database(), 'CREATE') "
                "FROM pg_roles WHERE rolname = current_user"
            )
            if not (await connection.execute(text(is_ready))).scalar_one():
                return NOT_PREPARED
            return None if (await connection.execute(text(may))).scalar_one() else NEEDS_ROLE

    def target(self, role: str, password: str) -> LogTarget:
        query = {name: value if isinstance(value, str) else value[-1] for name, value in self._url.query.items()}
        return LogTarget(
            host=self._url.host or query.get("host", "localhost"),
            port=self._url.port or int(query.get("port", "5432")),
            database=self._url.database or "postgres",
            ssl_mode=query.get("sslmode", "prefer"),
            role=role,
            password=password,
        )

    async def open_role(self, role: str, password: str) -> None:
        _check(role)
        async with self._transaction() as connection:
            await connection.execute(_ONE_AT_A_TIME)
            if not await _exists(connection, role):
                await connection.exec_driver_sql(f'CREATE ROLE "{role}"')
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            # So that no password stands in Postgres's own log, which may hold statements.
            verifier = raw.driver_connection.pgconn.encrypt_password(
                password.encode(), role.encode(), b"scram-sha-256"
            ).decode()
            opening = _OPENING.format(role=role, verifier=verifier, connections=CONNECTIONS)
            await connection.exec_driver_sql(opening)

    async def drop_role(self, role: str) -> None:
        _check(role)
        async with self._transaction() as connection:
            await connection.execute(_ONE_AT_A_TIME)
            if await _exists(connection, role):
                await connection.exec_driver_sql(_DROPPING.format(role=role))

    async def lines(self, role: str, *, at_least: Level, limit: int) -> Sequence[LogRow]:
        condition, values = "", dict[str, object](role=role, limit=limit, longest=LONGEST)
        if at_least in _WORDS:
            told = "upper(data->>'level'), data#>>'{fields,message}', data->>'message', data->>'log'"
            condition = f"AND coalesce({told}) ~ :words"
            values["words"] = _WORDS[at_least]
        async with self._transaction() as connection:
            found = await connection.execute(text(_LINES.format(condition=condition)), values)
            return [LogRow(at=row.time.replace(tzinfo=UTC), data=row.data) for row in found]

    async def purge(self, *, before: datetime) -> int:
        old = text(
            "DELETE FROM public.fluentbit WHERE ctid = ANY(ARRAY("
            "SELECT ctid FROM public.fluentbit WHERE time < :before OR time > :beyond OR time IS NULL LIMIT :batch))"
        )
        times = {"before": before.astimezone(UTC).replace(tzinfo=None)}
        times["beyond"] = times["before"] + AHEAD
        purged = 0
        while True:
            async with self._transaction() as connection:
                count = (await connection.execute(old, {**times, "batch": BATCH})).rowcount
            purged += count
            if count < BATCH:
                return purged

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            with known_errors():
                async with connected(self._engine) as connection, connection.begin():
                    yield connection
        except DBAPIError as error:
            match error.orig:
                case errors.InsufficientPrivilege():
                    raise ConfigurationError(NEEDS_ROLE) from error
                case errors.UndefinedTable():
                    raise ConfigurationError(NOT_PREPARED) from error
                case _:  # whatever it is: nothing but logs may be hurt by it
                    raise DatabaseUnavailableError from error
        except ConflictError as error:
            raise DatabaseUnavailableError from error


class PostgresLogs(LogStore):
    def __init__(self, connection: AsyncConnection, box: SecretBox) -> None:
        self._connection = connection
        self._box = box

    async def password(self, server_id: int) -> str | None:
        found = select(ServerLogRow.password).where(ServerLogRow.server_id == server_id)
        sealed = (await self._connection.execute(found)).scalar_one_or_none()
        return None if sealed is None else self._box.open(sealed, _cell(server_id)).decode()

    async def keep(self, server_id: int, password: str) -> None:
        sealed = self._box.seal(password.encode(), _cell(server_id))
        await self._connection.execute(insert(ServerLogRow).values(server_id=server_id, password=sealed))

    async def to_drop(self) -> Mapping[int, str]:
        found = (
            select(ServerRow.id, ServerRow.machine_name)
            .join(ServerLogRow, ServerLogRow.server_id == ServerRow.id)
            .where(ServerRow.state == ServerState.DELETED)
            .order_by(ServerRow.id)
        )
        return {row.id: row.machine_name for row in await self._connection.execute(found)}

    async def forget(self, server_id: int) -> None:
        await self._connection.execute(delete(ServerLogRow).where(ServerLogRow.server_id == server_id))


def _cell(server_id: int) -> Cell:
    return Cell("server_log", "password", (str(server_id),))


def _check(role: str) -> None:
    """It is put into statements that take no parameters."""
    if not role.isascii() or not role.replace("-", "").isalnum() or role != role.lower() or len(role) > 63:
        raise ValueError("not the name of a machine")


async def _exists(connection: AsyncConnection, role: str) -> bool:
    found = await connection.execute(text("SELECT FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found.one_or_none() is not None
