"""Prime's mover killed with -9 at any moment of create, stop, start and delete: no machine is lost, none doubled."""

import asyncio
import json
import random
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from core.servers.model import Server, ServerState
from core.servers.rules import IN_MOTION
from db.storage import PostgresStorage
from lab.paperspace.faults import FaultName
from tests.prime import KEY, ROOT, eventually
from tests.profiles import LONG
from tests.servers import SPEC
from tests.site import BUILDER, Site, open_site

SHARDS, LIVES, KILLS = (10, 5, 4) if LONG else (1, 1, 4)
"""Tests, which run side by side; servers in each; kills of each server's mover, one in each of its four ways."""

WITHIN_SECONDS = 60.0
S = ServerState


class Prime:
    """`python -m tests.mover_process`, which is killed and started again."""

    def __init__(self, site: Site, database_url: str) -> None:
        self._settings = {
            "database_url": database_url,
            "cloud_url": site.cloud.url,
            "cloud_key": site.cloud.api_key,
            "secret_key": KEY,
            "scheme": "http",
            "port": str(site.port),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.mover_process"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._settings).encode() + b"\n")
        assert await self._process.stdout.readline() == b"running\n"

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def running(site: Site, database_url: str) -> AsyncIterator[Prime]:
    prime = Prime(site, database_url)
    await prime.start()
    try:
        yield prime
    finally:
        await prime.kill()


@pytest.mark.parametrize("shard", range(SHARDS))
async def test_whenever_prime_is_killed_no_machine_is_lost_or_doubled(
    storage: PostgresStorage, database_url: str, shard: int
) -> None:
    seed = secrets.randbelow(10**9) if LONG else 7
    dice = random.Random(seed)
    print(f"shard {shard}: seed {seed}")  # noqa: T201 for whoever looks into a failure
    async with open_site(storage, boot_seconds=0.2) as site, running(site, database_url) as prime:
        for life in range(LIVES):
            # Half of the lives on a cloud whose replies get lost now and then.
            site.cloud.faults.switch(FaultName.LOST_REPLIES, on=bool(dice.getrandbits(1)), share=0.2)
            server = await site.create(replace(SPEC, name=f"life-{life}"))
            assert (await rest(site, prime, server, dice)).state is S.READY
            await site.servers.stop(BUILDER, server.id)
            assert (await rest(site, prime, server, dice)).state is S.STOPPED
            await site.servers.start(BUILDER, server.id)
            assert (await rest(site, prime, server, dice)).state is S.READY
            await site.check()
            await site.servers.delete(BUILDER, server.id, typed_name=server.spec.name)
            assert (await rest(site, prime, server, dice)).state is S.DELETED
            await site.check()
            ordered = [machine.name for machine in site.cloud._cloud.machines if machine.name == server.machine_name]
            assert len(ordered) == 1, "a twin was ordered"
        assert not site.cloud.costing()
        assert not site.cloud.scripts


async def rest(site: Site, prime: Prime, server: Server, dice: random.Random) -> Server:
    """Kills Prime once at some moment on the way, starts it again, and waits until the server is at rest. Prime's clock
    is the machine's: nothing jumps here."""
    calls = len(site.cloud.calls) + dice.randrange(8)

    async def is_at_rest() -> bool:
        return (await site.get(server)).state not in IN_MOTION

    async def is_time() -> bool:
        return len(site.cloud.calls) >= calls or await is_at_rest()

    await eventually(is_time, within_seconds=WITHIN_SECONDS)
    await asyncio.sleep(dice.random() * 0.05)
    await prime.kill()
    await prime.start()
    await eventually(is_at_rest, within_seconds=WITHIN_SECONDS)
    return await site.get(server)
