"""The lab's Slack, models, and replicas of Prime as processes of their own, on one database."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import psycopg
from aiohttp import web

from bot.http import SLACK_PATH
from lab.slack.driver import Person
from lab.slack.people import TEAM_ID
from lab.slack.server import SlackLab
from tests.prime import KEY, ROOT, environment, eventually, start_process
from tests.scenario.cloud import free_port
from tests.scenario.talking import Answer, Models, is_primes, open_models
from tests.serving import served

UP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Site:
    """The lab's Slack, models, and any number of replicas; time is the machine's."""

    lab: SlackLab
    models: Models
    database_url: str
    folder: Path
    stack: AsyncExitStack

    async def replica(self, **settings: str) -> asyncio.subprocess.Process:
        """One more, once it takes deliveries."""
        connections = len(self.lab.platform.socket_mode.connections)
        process = await self._start(settings)
        sockets = self.lab.platform.socket_mode
        await eventually(lambda: len(sockets.connections) > connections, within_seconds=UP_SECONDS)
        return process

    async def http_replica(self) -> tuple[asyncio.subprocess.Process, str]:
        """One more to which Slack delivers by HTTP, once it is ready, and its address."""
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        settings = {"SLACK_SIGNING_SECRET": self.lab.signing_secret, "PRIME_HTTP_ADDR": f"127.0.0.1:{port}"}
        process = await self._start(settings, without="SLACK_APP_TOKEN")

        async def is_ready() -> bool:
            try:
                async with aiohttp.ClientSession() as session, session.get(f"{address}/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await eventually(is_ready, within_seconds=UP_SECONDS)
        return process, address

    async def _start(self, settings: Mapping[str, str], *, without: str = "") -> asyncio.subprocess.Process:
        given = {
            "DATABASE_URL": self.database_url,
            "PRIME_SECRET_KEY": KEY,
            "PRIME_ADMINS": "U0RITA",
            "TGI_SCHEME": "http",
            "TGI_PORT": str(self.models.port),
            **settings,
        }
        variables = environment(self.lab, self.folder, **given)
        env = {name: value for name, value in variables.items() if name != without}
        process = await start_process("run", env=env, cwd=self.folder)
        talking = asyncio.create_task(process.communicate())  # so that its pipes never fill

        async def end() -> None:
            if process.returncode is None:
                process.kill()
            await talking

        self.stack.push_async_callback(end)
        return process

    async def ended(self, process: asyncio.subprocess.Process, how: signal.Signals) -> None:
        process.send_signal(how)
        await asyncio.wait_for(process.wait(), 20)
        await eventually(lambda: not self.lab.platform.socket_mode.connections)

    async def answer(self, rita: Person, ts: str, until: Callable[[Answer], bool], *, seconds: float = 20.0) -> Answer:
        """Once it is as asked."""
        found = Answer([])

        async def is_so() -> bool:
            nonlocal found
            replies = (await rita.messages("#general", thread_ts=ts))[1:]
            found = Answer([one for one in replies if is_primes(one) and not one.get("ephemeral")])
            return until(found)

        await eventually(is_so, within_seconds=seconds)
        return found

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    async def settled(self) -> None:
        await eventually(lambda: not self.rows("SELECT 1 FROM inbox WHERE state IN ('waiting', 'claimed') LIMIT 1"))


@asynccontextmanager
async def open_site(database_url: str, folder: Path) -> AsyncIterator[Site]:
    lab = SlackLab(ROOT / "app.yaml", seed=1)
    await lab.start()
    try:
        async with open_models(database_url, lab.clock) as models, AsyncExitStack() as stack:
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("INSERT INTO configured_admin VALUES (%s, 'U0RITA')", [TEAM_ID])
            yield Site(lab, models, database_url, folder, stack)
    finally:
        await lab.stop()


@dataclass(slots=True)
class Balancer:
    """Hands each request to the next replica, or to the one after where that is not there."""

    replicas: Sequence[str]
    session: aiohttp.ClientSession
    url: str = ""
    handed: Counter[str] = field(default_factory=Counter[str])
    """How many requests each took."""
    _turns: "count[int]" = field(default_factory=count)

    async def hand_on(self, request: web.Request) -> web.Response:
        body, turn = await request.read(), next(self._turns)
        headers = {
            name: value for name, value in request.headers.items() if name.startswith(("X-Slack", "Content-Type"))
        }
        for other in range(len(self.replicas)):
            replica = self.replicas[(turn + other) % len(self.replicas)]
            try:
                async with self.session.post(replica + request.path, data=body, headers=headers) as answer:
                    said = await answer.read()
                    self.handed[replica] += 1
                    return web.Response(status=answer.status, body=said, content_type=answer.content_type)
            except aiohttp.ClientConnectionError:
                continue
        return web.Response(status=502)


@asynccontextmanager
async def balancer(*replicas: str) -> AsyncIterator[Balancer]:
    async with aiohttp.ClientSession() as session:
        made = Balancer(replicas, session)
        async with served(web.post(SLACK_PATH, made.hand_on)) as url:
            made.url = url + SLACK_PATH
            yield made
