"""Audited writes a second, beside the same transaction without its audit row."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from core.audit.model import AuditEntry
from core.inbox.model import Delivery, DeliveryKind
from core.storage import Storage
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.migrate import upgrade
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.bench.row import Row
from tests.clock import ManualClock

WRITES = 1000
WRITERS = 8
CLOCK = ManualClock()


async def run() -> list[Row]:
    """On a Postgres of its own, with everything written through to the disk as in earnest."""
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        upgrade(postgres.url)
        engine = create_engine(postgres.url)
        storage = PostgresStorage(engine, SecretKeys([os.urandom(32)]))
        rows: list[Row] = []
        for writers in (1, WRITERS):
            bare = await _writes_per_second(writers, lambda: _change(storage, audited=False))
            audited = await _writes_per_second(writers, lambda: _change(storage, audited=True))
            rows.append(
                Row(
                    what=f"audited writes, {writers} at once",
                    figure=audited,
                    unit="/s",
                    beside=bare,
                    beside_name="without audit",
                )
            )
        await engine.dispose()
    return rows


async def _writes_per_second(writers: int, write: Callable[[], Awaitable[None]]) -> float:
    async def writer() -> None:
        for _ in range(WRITES // writers):
            await write()

    await write()
    began = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(writers)))
    return WRITES / (time.perf_counter() - began)


async def _change(storage: Storage, *, audited: bool) -> None:
    async with storage.transaction() as stores:
        await stores.inbox.add(Delivery(kind=DeliveryKind.NOTICE, payload={}), now=CLOCK.now())
        if audited:
            entry = AuditEntry(at=CLOCK.now(), actor="T1/U1", action="servers.server.start", target="server:a")
            await stores.audit.append(entry)
