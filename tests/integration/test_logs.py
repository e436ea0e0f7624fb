"""An engine's log on its whole way: from the machine, by fluent-bit's stand-in and the log database, to a reader."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from core.catalog.model import EngineKind, EngineOptions
from core.logs.model import Level, LogTail
from core.logs.service import AWAY, HOW_TO_SWITCH_ON, KEPT, NONE_OF_IT, Logs
from core.servers.model import Server, ServerState
from db.logs import PostgresLogDatabase
from db.storage import PostgresStorage
from tests.servers import SPEC
from tests.site import BUILDER, Site, open_site
from tests.unit.test_startup_text import unpacked

pytestmark = pytest.mark.xdist_group("log roles")  # roles belong to the cluster, which all workers share

GONE_URL = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
async def site(storage: PostgresStorage, database: PostgresLogDatabase) -> AsyncIterator[Site]:
    """Its machines end before the database that they write to."""
    async with open_site(storage, boot_seconds=0.2) as site:
        yield site


@pytest.fixture
async def database(empty_database_url: str) -> AsyncIterator[PostgresLogDatabase]:
    database = PostgresLogDatabase(empty_database_url)
    await database.prepare()
    yield database
    with psycopg.connect(empty_database_url) as connection:
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'prime-%'").fetchall()
    for (role,) in roles:
        await database.drop_role(role)
    await database.aclose()


def switched_on(site: Site, database: PostgresLogDatabase | None) -> Logs:
    logs = Logs(site.storage, site.clock, database)
    site.moving = replace(site.moving, logs=logs)
    site.restart("test")
    return logs


async def tail_with(site: Site, logs: Logs, server: Server, text: str, *, times: int = 1) -> LogTail:
    """Once this stands in so many lines."""
    tail = LogTail(lines=(), problem="")
    for _ in range(300):
        tail = await logs.tail(server, at_least=Level.TRACE, limit=200)
        if sum(text in line.text for line in tail.lines) == times:
            return tail
        await site.cloud_settles(1.0)
    raise AssertionError(f"no such lines: {tail}")


async def key_of(site: Site, server: Server) -> str:
    async with site.storage.transaction() as stores:
        return await stores.servers.key(server.id)


@pytest.mark.parametrize(
    ("kind", "last"), [(EngineKind.TGI, "Connected"), (EngineKind.VLLM, "Application startup complete.")]
)
async def test_arrives_without_the_line_that_holds_the_key(
    site: Site, database: PostgresLogDatabase, empty_database_url: str, kind: EngineKind, last: str
) -> None:
    logs = switched_on(site, database)
    server = await site.ready(replace(SPEC, engine=kind, options=EngineOptions(max_total_tokens=8192)))
    tail = await tail_with(site, logs, server, last)
    assert tail.lines[-1].text.endswith(last)
    assert [line.at for line in tail.lines] == sorted(line.at for line in tail.lines)
    with psycopg.connect(empty_database_url) as connection:
        rows = str(connection.execute("SELECT data FROM public.fluentbit").fetchall())
    key = await key_of(site, server)
    machine = site.cloud.machine(server.machine_name)
    engine = machine.computer.docker.containers["prime-engine"]
    assert any("Args {" in line or "args:" in line for line in engine.log_lines)
    assert key not in rows
    assert "Args {" not in rows
    assert "Namespace(" not in rows


async def test_the_password_is_seen_by_nobody_who_looks_at_the_container(
    site: Site, database: PostgresLogDatabase
) -> None:
    switched_on(site, database)
    server = await site.ready()
    async with site.storage.transaction() as stores:
        password = await stores.logs.password(server.id)
    assert password is not None
    computer = site.cloud.machine(server.machine_name).computer
    assert computer.docker.containers["prime-logs"].is_running
    assert password not in str(computer.commands)
    assert password not in str([one.run for one in computer.docker.containers.values()])
    configuration = computer.root / "etc/prime/logs/fluent-bit.conf"
    assert password in configuration.read_text()
    assert configuration.stat().st_mode & 0o777 == 0o600
    (script,) = site.cloud.scripts
    assert "prime-logs" in unpacked(script.text)
    assert password not in unpacked(script.text)  # it is for later boots


async def test_goes_on_after_a_stop_and_misses_and_doubles_nothing(site: Site, database: PostgresLogDatabase) -> None:
    logs = switched_on(site, database)
    server = await site.ready()
    before = await tail_with(site, logs, server, "Connected")
    await site.servers.stop(BUILDER, server.id)
    await site.moved(server, lambda one: one.state is ServerState.STOPPED)
    await site.servers.start(BUILDER, server.id)
    server = await site.moved(server, lambda one: one.state is ServerState.READY)
    after = await tail_with(site, logs, server, "Connected", times=2)
    texts = [line.text for line in after.lines]
    assert texts[: len(before.lines)] == [line.text for line in before.lines]


async def test_the_role_goes_with_the_server_and_what_it_wrote_after_seven_days(
    site: Site, database: PostgresLogDatabase, empty_database_url: str
) -> None:
    logs = switched_on(site, database)
    server = await site.ready()
    await tail_with(site, logs, server, "Connected")
    assert await logs.drop_roles() == 0
    assert roles(empty_database_url) == [server.machine_name]
    await site.servers.delete(BUILDER, server.id, typed_name=server.spec.name)
    await site.moved(server, lambda one: one.state is ServerState.DELETED)
    assert await replace(logs, database=PostgresLogDatabase(GONE_URL)).drop_roles() == 0
    assert await logs.drop_roles() == 1
    assert await logs.drop_roles() == 0
    assert roles(empty_database_url) == []
    assert await logs.retain() == 0
    site.clock.jump((KEPT + timedelta(hours=1)).total_seconds())
    assert await logs.retain() > 0


async def test_a_log_database_that_is_away_hurts_nothing_but_logs(site: Site) -> None:
    logs = switched_on(site, PostgresLogDatabase(GONE_URL))
    server = await site.ready()
    assert (await logs.tail(server, at_least=Level.TRACE, limit=9)).problem == AWAY


async def test_a_log_database_that_is_not_set_up_hurts_nothing_but_logs(
    site: Site, database: PostgresLogDatabase, empty_database_url: str
) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE public.fluentbit")
    logs = switched_on(site, database)
    server = await site.ready()
    assert "prime migrate --logs" in (await logs.tail(server, at_least=Level.TRACE, limit=9)).problem


async def test_a_server_from_before_logs_were_switched_on_has_none(site: Site, database: PostgresLogDatabase) -> None:
    logs = switched_on(site, None)
    server = await site.ready()
    assert (await logs.tail(server, at_least=Level.TRACE, limit=9)).problem == HOW_TO_SWITCH_ON
    logs = switched_on(site, database)
    await site.servers.stop(BUILDER, server.id)
    await site.moved(server, lambda one: one.state is ServerState.STOPPED)
    assert (await logs.tail(server, at_least=Level.TRACE, limit=9)).problem == NONE_OF_IT
    assert "prime-logs" not in site.cloud.machine(server.machine_name).computer.docker.containers


def roles(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'prime-%'").fetchall()
    return [role for (role,) in found if role != "prime-postgres"]
