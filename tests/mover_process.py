"""Prime's mover alone, as a process to be killed: `python -m tests.mover_process`, with settings in JSON on stdin."""

import asyncio
import json
import os
import sys
from datetime import timedelta

from core.clock import SystemClock
from core.servers.mover import Mover
from core.servers.ports import Provider
from core.servers.steps import Wiring
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from providers.engines.registry import InstalledEngines
from providers.front import Front
from providers.registry import InstalledProviders, find_factories
from providers.startup.script import Startup

LEASE = timedelta(seconds=1)
"""Shorter than Prime's, so that a test waits less for the dead."""


async def main(given: dict[str, str]) -> None:
    clock = SystemClock()
    database = create_engine(given["database_url"])
    engines = InstalledEngines()
    clouds = InstalledProviders(find_factories(), clock=clock, base_urls={"paperspace": given["cloud_url"]})

    async def open_provider(type_: str) -> Provider:
        return clouds.open(type_, given["cloud_key"])

    port = int(given["port"])
    wiring = Wiring(
        storage=PostgresStorage(database, SecretKeys.parse(given["secret_key"])),
        front=Front(scheme=given["scheme"], port=port),
        engines=engines,
        startup=Startup(scheme=given["scheme"], port=port, engines=engines),
        hub_token=None,
        pace_seconds=0.2,
    )
    mover = Mover(wiring, clock, open_provider=open_provider, holder=str(os.getpid()), lease=LEASE)
    print("running", flush=True)  # noqa: T201 whoever started it waits for that
    await mover.run()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
