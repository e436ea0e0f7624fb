"""The database that machines write to, by what the plug-in of fluent-bit does there."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import make_url

from core.errors import ConfigurationError, DatabaseUnavailableError
from core.logs.model import Level
from db.logs import PostgresLogDatabase

pytestmark = pytest.mark.xdist_group("log roles")  # roles belong to the cluster, which all workers share

A, B = "prime-abc123-000001-llama", "prime-abc123-000002-qwen"
AT = datetime(2026, 11, 22, 13, 0, 0, tzinfo=UTC)
CREATE = 'CREATE TABLE IF NOT EXISTS "fluentbit" (tag varchar, time timestamp, data jsonb);'
INSERT = (
    "INSERT INTO \"fluentbit\" SELECT %s, to_timestamp(CAST(value->>'date' as FLOAT)), * FROM json_array_elements(%s)"
)
"""Both as in fluent-bit's out_pgsql."""


@pytest.fixture
async def logs(empty_database_url: str) -> AsyncIterator[PostgresLogDatabase]:
    database = PostgresLogDatabase(empty_database_url)
    await database.prepare()
    yield database
    for role in (A, B):  # roles are not of one database but of all
        await database.drop_role(role)
    await database.aclose()


async def test_takes_the_rows_of_a_machine_as_fluent_bit_writes_them(
    logs: PostgresLogDatabase, empty_database_url: str
) -> None:
    await logs.open_role(A, "password")
    with machine(empty_database_url, A) as connection:
        connection.execute(CREATE)
        write(connection, A, "one", "two")
    rows = await logs.lines(A, at_least=Level.TRACE, limit=10)
    assert [(row.at, row.data["log"]) for row in rows] == [(AT + timedelta(seconds=1), "two"), (AT, "one")]


async def test_writes_utc_whatever_the_machine_asks_for_by_itself(
    logs: PostgresLogDatabase, empty_database_url: str
) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        name = make_url(empty_database_url).database
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'America/New_York'")  # pyright: ignore[reportArgumentType, reportCallIssue]: the name is ours
    await logs.open_role(A, "password")
    with machine(empty_database_url, A) as connection:
        write(connection, A, "one")
    assert (await logs.lines(A, at_least=Level.TRACE, limit=1))[0].at == AT


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO fluentbit VALUES ('{B}', now(), '{{}}')",
        f"INSERT INTO public.fluentbit VALUES ('{B}', now(), '{{}}')",
        "INSERT INTO public.fluentbit VALUES (NULL, now(), '{}')",
        "SELECT * FROM fluentbit",
        "SELECT * FROM public.fluentbit",
        "UPDATE public.fluentbit SET data = '{}'",
        "DELETE FROM public.fluentbit",
        "TRUNCATE public.fluentbit",
        "DROP TABLE public.fluentbit",
        "DROP VIEW fluentbit",
        "CREATE TABLE public.mine (a int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        f'CREATE TABLE "{B}".mine (a int)',
        f"INSERT INTO \"{B}\".fluentbit VALUES (current_user, now(), '{{}}')",
        f'CREATE ROLE "{B}-2"',
        f'SET ROLE "{B}"',
        "SET ROLE prime",
        "ALTER TABLE public.fluentbit DISABLE ROW LEVEL SECURITY",
    ],
)
async def test_lets_a_machine_do_nothing_else(
    logs: PostgresLogDatabase, empty_database_url: str, statement: str
) -> None:
    await logs.open_role(A, "password")
    await logs.open_role(B, "password")
    with machine(empty_database_url, A) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]: it is ours


async def test_drops_a_role_with_all_that_it_made_but_its_rows(
    logs: PostgresLogDatabase, empty_database_url: str
) -> None:
    await logs.open_role(A, "password")
    with machine(empty_database_url, A) as connection:
        write(connection, A, "one")
        connection.execute("CREATE TABLE mine (a int)")  # in the schema where nobody else looks
        await logs.drop_role(A)
        await logs.drop_role(A)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        machine(empty_database_url, A)
    assert len(await logs.lines(A, at_least=Level.TRACE, limit=9)) == 1


async def test_is_prepared_and_opened_twice_and_by_many_at_once(empty_database_url: str) -> None:
    databases = [PostgresLogDatabase(empty_database_url) for _ in range(4)]
    try:
        await asyncio.gather(*(database.prepare() for database in databases))
        await asyncio.gather(*(database.open_role(A, "password") for database in databases))
        assert await databases[0].problem() is None
    finally:
        await databases[0].drop_role(A)
        for database in databases:
            await database.aclose()


async def test_an_owner_who_is_no_superuser_can_do_all_of_it(empty_database_url: str) -> None:
    name = make_url(empty_database_url).database
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE keeper LOGIN CREATEROLE")
        connection.execute(f"ALTER DATABASE {name} OWNER TO keeper")  # pyright: ignore[reportArgumentType, reportCallIssue]: the name is ours
    database = PostgresLogDatabase(as_role(empty_database_url, "keeper"))
    try:
        await database.prepare()
        assert await database.problem() is None
        await database.open_role(A, "password")
        with machine(empty_database_url, A) as connection:
            connection.execute(CREATE)
            write(connection, A, "one")
            connection.execute("CREATE TABLE mine (a int)")
        assert len(await database.lines(A, at_least=Level.TRACE, limit=9)) == 1
        assert await database.purge(before=AT + timedelta(days=1)) == 1
        await database.drop_role(A)
    finally:
        await database.aclose()
        with psycopg.connect(empty_database_url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY keeper CASCADE")
            connection.execute(f"ALTER DATABASE {name} OWNER TO prime")  # pyright: ignore[reportArgumentType, reportCallIssue]: the name is ours
            connection.execute("DROP ROLE keeper")


async def test_finds_the_newest_lines_of_a_level(logs: PostgresLogDatabase, empty_database_url: str) -> None:
    put(
        empty_database_url,
        {"level": "ERROR", "fields": {"message": "shard"}},
        {"level": "INFO", "message": "no Error here"},
        {"level": "WARN", "message": "slow"},
        {"log": "Traceback (most recent call last):"},
        {"log": "plain"},
    )
    warnings = await logs.lines(A, at_least=Level.WARN, limit=9)
    assert [row.data["log"] or row.data["message"] or row.data["fields"]["message"] for row in warnings] == [
        "Traceback (most recent call last):", "slow", "shard",
    ]  # fmt: skip
    assert len(await logs.lines(A, at_least=Level.ERROR, limit=9)) == 2
    assert len(await logs.lines(A, at_least=Level.TRACE, limit=4)) == 4
    assert await logs.lines(B, at_least=Level.TRACE, limit=9) == []


async def test_reads_around_what_a_machine_may_have_written(logs: PostgresLogDatabase, empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        for time in ("infinity", "-infinity", "0044-01-01 BC", "2026-11-22"):
            for data in ("{}", "[]", "1", '"x"', "null", '{"message": {"a": 1}, "level": 7}'):
                connection.execute("INSERT INTO public.fluentbit VALUES (%s, %s, %s)", (A, time, data))
    assert len(await logs.lines(A, at_least=Level.TRACE, limit=99)) == 6
    assert await logs.lines(A, at_least=Level.ERROR, limit=99) == []


async def test_purges_what_is_old_and_what_has_no_true_time(
    logs: PostgresLogDatabase, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.logs.BATCH", 2)
    put(empty_database_url, *({"log": str(number)} for number in range(7)))
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO public.fluentbit VALUES (%s, 'infinity', '{}'), (%s, NULL, '{}')", (A, A))
    assert await logs.purge(before=AT + timedelta(seconds=5)) == 7
    assert [row.data["log"] for row in await logs.lines(A, at_least=Level.TRACE, limit=9)] == ["6", "5"]


async def test_says_what_an_operator_has_to_do(empty_database_url: str) -> None:
    database = PostgresLogDatabase(empty_database_url)
    try:
        assert "migrate --logs" in (await database.problem() or "")
        with pytest.raises(ConfigurationError, match="migrate --logs"):
            await database.open_role(A, "password")
        with pytest.raises(ConfigurationError, match="migrate --logs"):
            await database.lines(A, at_least=Level.INFO, limit=1)
    finally:
        await database.aclose()
    away = PostgresLogDatabase("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailableError):
        await away.lines(A, at_least=Level.INFO, limit=1)
    await away.aclose()


@pytest.mark.parametrize("role", ["", 'a"b', "Prime", "a b", "x" * 64, "é"])
async def test_refuses_a_role_that_is_no_name_of_a_machine(logs: PostgresLogDatabase, role: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        await logs.open_role(role, "password")


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


def machine(url: str, role: str) -> psycopg.Connection:
    return psycopg.connect(as_role(url, role), autocommit=True)


def write(connection: psycopg.Connection, tag: str, *lines: str) -> None:
    records = [{"date": AT.timestamp() + number, "log": line} for number, line in enumerate(lines)]
    psycopg.ClientCursor(connection).execute(INSERT, (tag, json.dumps(records)))


def put(url: str, *data: Mapping[str, object]) -> None:
    """Rows of A a second apart, as the owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number, each in enumerate(data):
            at = (AT + timedelta(seconds=number)).replace(tzinfo=None)
            connection.execute("INSERT INTO public.fluentbit VALUES (%s, %s, %s)", (A, at, json.dumps(each)))
