"""What grows with the number of streams, servers and audit rows, and how."""

import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from core.access.model import Principal, Role
from core.servers.model import Server
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.migrate import upgrade
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.access import ADA, TEAM, World
from tests.bench import relay
from tests.bench.access import AUDIT_FILL, CLOCK, GOAL_MS, PEOPLE, READER
from tests.bench.row import Row
from tests.clock import ManualClock
from tests.servers import SPEC, server

STREAMS = (1, 10, 50, 200, 400)
SERVERS = (10, 100, 1_000)
AUDIT_ROWS = (1_000, 10_000, 100_000, 1_000_000)
TIMES = 50


async def run() -> list[Row]:
    rows = list[Row]()
    async with relay.served() as url:
        for streams in STREAMS:
            bare = await relay.bare(url, streams)
            relayed = await relay.relayed(url, streams)
            rows += [
                _row(f"relay, CPU a token, {streams} streams", relayed.cpu_us, "us", bare.cpu_us, "bare httpx"),
                _row(f"loop lag, {streams} streams, p99", relayed.lag_p99_ms, "ms", relay.LAG_GOAL_MS, "goal"),
            ]
    async with _world() as (url, world):
        rows += [row async for row in _of_servers(world)]
        rows += [row async for row in _of_audit(world, url)]
    return rows


@asynccontextmanager
async def _world() -> AsyncIterator[tuple[str, World]]:
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        upgrade(postgres.url)
        engine = create_engine(postgres.url)
        world = World(PostgresStorage(engine, SecretKeys([os.urandom(32)])), ManualClock())
        await world.settle(ADA)
        yield postgres.url, world
        await engine.dispose()


async def _of_servers(world: World) -> AsyncIterator[Row]:
    reader, there = Principal(person=ADA, role=Role.ADMIN), 0
    for wanted in SERVERS:
        async with world.storage.transaction() as stores:
            for number in range(there + 1, wanted + 1):
                await stores.servers.add(_named(number), key="k")
        there = wanted
        took = await _p95_ms(lambda: world.services.servers.listing(reader, ""))
        yield _row(f"/prime servers with {wanted:,} servers, p95", took, "ms", GOAL_MS, "goal")


def _named(number: int) -> Server:
    return server(id=number, spec=replace(SPEC, name=f"bench-{number}"), machine_name=f"bench-{number}")


async def _of_audit(world: World, url: str) -> AsyncIterator[Row]:
    reader, there = Principal(person=ADA, role=Role.ADMIN), 1  # ADA's role
    for wanted in AUDIT_ROWS:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_audit_rows(there + 1, wanted).encode())
            connection.execute("ANALYZE audit")
        there = wanted
        read = await _p95_ms(lambda: world.services.audit.read(reader, about=str(READER)))
        yield _row(f"/prime audit, one person, {wanted:,} rows, p95", read, "ms", GOAL_MS, "goal")


def _audit_rows(first: int, last: int) -> str:
    return AUDIT_FILL.format(team=TEAM, now=CLOCK.now().isoformat(), people=PEOPLE, first=first, last=last)


async def _p95_ms(act: Callable[[], Awaitable[object]]) -> float:
    await act()
    took = list[float]()
    for _ in range(TIMES):
        began = time.perf_counter()
        await act()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.quantiles(took, n=20)[-1]


def _row(what: str, figure: float, unit: str, beside: float, beside_name: str) -> Row:
    return Row(what=what, figure=figure, unit=unit, beside=beside, beside_name=beside_name)
