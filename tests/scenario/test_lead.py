"""Several `prime run` on one database: one of them leads."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from lab.slack.server import SlackLab
from tests.prime import KEY, environment, eventually, start_process

TAKEOVER_SECONDS = 15.0
"""surface.md"""
HANDOVER_SECONDS = 5.0
"""Less than a lease."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Replica:
    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._session = session

    async def leads(self) -> float | None:
        """What its metric shows; None where it does not answer."""
        try:
            async with self._session.get(f"{self._url}/metrics") as answer:
                shown = re.search(r"^prime_leader (\S+)$", await answer.text(), re.MULTILINE)
        except aiohttp.ClientError:
            return None
        assert shown is not None
        return float(shown[1])

    async def is_ready(self) -> bool:
        try:
            async with self._session.get(f"{self._url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(lab: SlackLab, folder: Path, port: int, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    given = {"DATABASE_URL": url, "PRIME_SECRET_KEY": KEY, "PRIME_HTTP_ADDR": f"127.0.0.1:{port}"}
    process = await start_process("run", env=environment(lab, folder, **given), cwd=folder)
    talking = asyncio.create_task(process.communicate())  # so that its pipes never fill
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await talking


async def leaders(replicas: Sequence[Replica]) -> list[Replica]:
    return [replica for replica in replicas if await replica.leads() == 1.0]


async def test_exactly_one_leads_and_another_does_when_it_stops_or_dies(
    lab: SlackLab,
    database_url: str,
    session: aiohttp.ClientSession,
    tmp_path: Path,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    ports = [unused_tcp_port_factory() for _ in range(3)]
    async with AsyncExitStack() as stack:
        processes = {}
        for port in ports:
            replica = Replica(port, session)
            processes[replica] = await stack.enter_async_context(running(lab, tmp_path, port, database_url))
        replicas = list(processes)
        for replica in replicas:
            await eventually(replica.is_ready, within_seconds=60)

        async def one_leads() -> bool:
            return len(await leaders(replicas)) == 1

        await eventually(one_leads)
        for how, within_seconds in ((signal.SIGTERM, HANDOVER_SECONDS), (signal.SIGKILL, TAKEOVER_SECONDS)):
            (leader,) = await leaders(replicas)
            processes[leader].send_signal(how)
            await processes[leader].wait()
            replicas.remove(leader)
            await eventually(one_leads, within_seconds=within_seconds)
            assert all([await replica.is_ready() for replica in replicas])
