"""Thirty days of a team with its servers, in minutes: people who create, use, keep and forget, machines that are
switched off behind Prime's back, clouds and engines that fail, and Prime restarted. Time is the lab's."""

import random
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest

from core.errors import PrimeError
from core.servers.model import Server, ServerState
from core.servers.rules import IN_MOTION, may_start, may_stop
from db.storage import PostgresStorage
from lab.paperspace.faults import FaultName
from lab.paperspace.model import Machine, State
from tests.profiles import LONG
from tests.servers import SPEC
from tests.site import BUILDER, Site, open_site

TICK = timedelta(minutes=5)
DAYS = 30 if LONG else 1
LIMITS = (None, 30, 60, 120, 480)
"""Idle stop, in minutes."""
MOST_SERVERS = 4


@dataclass
class Team:
    site: Site
    dice: random.Random
    used: dict[int, datetime] = field(default_factory=dict[int, datetime])
    """When each server was last used or came up, as the people themselves know it."""
    unsure: set[int] = field(default_factory=set[int])
    """Servers whose engine could not be asked since they came up: they count as used."""
    ticks: deque[datetime] = field(default_factory=lambda: deque[datetime](maxlen=10))
    restarts: int = 0

    async def step(self) -> None:
        """Five minutes: somebody does something, perhaps, and Prime does its work."""
        acts = {
            self.nothing: 60,
            self.use: 20,
            self.create: 3,
            self.start: 3,
            self.stop: 2,
            self.keep: 2,
            self.delete: 0.6,
            self.console: 0.6,
            self.cloud_trouble: 1,
            self.engine_trouble: 0.6,
            self.vanish: 0.1,
            self.restart: 1,
        }
        act = self.dice.choices(list(acts), list(acts.values()))[0]
        with suppress(PrimeError):  # what they are told is not what this is about
            await act()
        await self.pass_time()
        await self.check()

    async def pass_time(self) -> None:
        await self.site.tick(TICK.total_seconds())
        self.ticks.append(self.site.clock.now())
        for _ in range(300):
            if not any(server.state in IN_MOTION for server in await self.servers()):
                break
            await self.site.move()
            await self.site.lead.attempt()
        await self.site.tell()
        for server in await self.servers():
            if server.ready_at is not None and server.ready_at > self.used.get(server.id, server.created_at):
                self.used[server.id] = server.ready_at
                self.unsure.discard(server.id)

    async def servers(self) -> list[Server]:
        async with self.site.storage.transaction() as stores:
            found, _ = await stores.servers.search("", after=None, limit=100)
        return list(found)

    # --- what people do

    async def nothing(self) -> None:
        pass

    async def create(self) -> None:
        if len(await self.servers()) >= MOST_SERVERS:
            return
        spec = replace(
            SPEC,
            name=f"s{self.dice.randrange(10**6)}",
            idle_stop_minutes=self.dice.choice(LIMITS),
            static_address=self.dice.random() < 0.3,
            delete_after_minutes=self.dice.choice((None, None, 1440)),
        )
        await self.site.create(spec)

    async def use(self) -> None:
        server = await self.one(ServerState.READY)
        if server is None or server.address is None:
            return
        async with self.site.storage.transaction() as stores:
            key = await stores.servers.key(server.id)
        body = {"inputs": "hello", "parameters": {"max_new_tokens": 3}}
        url = f"{self.site.front.url(server.address)}/generate"
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {key}"}) as client:
                if (await client.post(url, json=body)).status_code == 200:
                    self.used[server.id] = self.site.clock.now()

    async def start(self) -> None:
        server = await self.one(*ServerState)
        if server is not None and may_start(server):
            await self.site.servers.start(BUILDER, server.id)

    async def stop(self) -> None:
        server = await self.one(*ServerState)
        if server is not None and may_stop(server):
            await self.site.servers.stop(BUILDER, server.id)

    async def keep(self) -> None:
        server = await self.one(ServerState.READY)
        if server is not None:
            until = self.site.clock.now() + timedelta(hours=self.dice.choice((1, 6)))
            await self.site.watch.keep(BUILDER, server.id, until=until)

    async def delete(self) -> None:
        server = await self.one(*ServerState)
        if server is not None:
            await self.site.servers.delete(BUILDER, server.id, typed_name=server.spec.name)

    # --- what happens to them

    async def console(self) -> None:
        """Somebody switches a machine on or off without Prime."""
        server = await self.one(ServerState.READY, ServerState.STOPPED)
        if server is not None and server.machine_id is not None:
            provider = await self.site.keys.open("paperspace")
            try:
                act = provider.stop if server.state is ServerState.READY else provider.start
                await act(server.machine_id)
            finally:
                await provider.aclose()
            await self.site.cloud_settles(5)

    async def cloud_trouble(self) -> None:
        fault = self.dice.choice((FaultName.ERRORS, FaultName.RATE_LIMITS, FaultName.HTML, FaultName.NO_CAPACITY))
        self.site.cloud.faults.switch(fault)
        for _ in range(self.dice.randrange(1, 6)):
            await self.pass_time()
        self.site.cloud.faults.switch(fault, on=False)

    async def engine_trouble(self) -> None:
        """An engine ends, and comes back after a while."""
        server = await self.one(ServerState.READY)
        machine = None if server is None else self.machine_of(server)
        if server is None or machine is None:
            return
        docker = machine.computer.docker
        container = docker.container("prime-engine")
        await docker.stop(container)
        self.unsure.add(server.id)
        for _ in range(self.dice.randrange(1, 8)):
            await self.pass_time()
        if machine.state is State.READY:
            docker.start(container)
        self.used[server.id] = self.site.clock.now()  # as far as Prime can know

    async def vanish(self) -> None:
        self.site.cloud.faults.switch(FaultName.VANISHING)

    async def restart(self) -> None:
        """Prime is killed: another process takes over when its leases are over."""
        self.restarts += 1
        self.site.restart(f"prime-{self.restarts}")

    # --- what must hold

    async def check(self) -> None:
        """No server is idle for longer than its limit and two ticks."""
        now = self.site.clock.now()
        for server in await self.servers():
            limit, last = server.spec.idle_stop_minutes, self.used.get(server.id)
            if server.state is not ServerState.READY or limit is None or last is None or server.id in self.unsure:
                continue
            end = last + timedelta(minutes=limit)
            end = end if server.keep_until is None else max(end, server.keep_until)
            late = [tick for tick in self.ticks if tick > end]
            assert len(late) <= 2, f"{server.spec.name} should have stopped at {end}, and it is {now}"

    async def one(self, *states: ServerState) -> Server | None:
        found = [server for server in await self.servers() if server.state in states]
        return self.dice.choice(found) if found else None

    def machine_of(self, server: Server) -> Machine | None:
        return next((machine for machine in self.site.machines() if machine.id == server.machine_id), None)


@pytest.mark.parametrize("seed", range(4 if LONG else 1))
async def test_bills_stops_and_news_are_right(storage: PostgresStorage, database_url: str, seed: int) -> None:
    async with open_site(storage) as site:
        site.cloud.billed_while_off = False
        team = Team(site, random.Random(seed))
        end = site.clock.now() + timedelta(days=DAYS)
        while site.clock.now() < end:
            await team.step()
        for _ in range(20):  # what is under way comes to an end
            await team.pass_time()
        await check_bill(site)
        await check_news(site, database_url)


async def check_bill(site: Site) -> None:
    """Prime's ledger against the cloud's, within a hundredth."""
    now = site.clock.now()
    async with site.storage.transaction() as stores:
        ids = range(1, 1000)
        spends = await stores.costs.spent(ids, since=now - timedelta(days=60), until=now)
    counted = sum(float(spend.usd) for spend in spends.values())
    billed = sum(
        charge.usd_per_hour * ((charge.until or site.clock.time()) - charge.since) / 3600
        for charge in site.cloud.ledger
    )
    assert billed > 1
    assert counted == pytest.approx(billed, rel=0.01)


async def check_news(site: Site, database_url: str) -> None:
    """What was told against the history of states: each arrival once, and no stop by idleness without its warning."""
    await site.tell()
    news = [(one["server_id"], one["news"]) for one in site.notices if one["notice"] == "server.news"]
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute("SELECT server_id, state FROM server_state")).fetchall()
    for server_id in {server_id for server_id, _ in rows}:
        told = Counter(word for of, word in news if of == server_id)
        reached = Counter(state for of, state in rows if of == server_id)
        assert told["ready"] == reached[ServerState.READY]
        assert told["stopped"] == reached[ServerState.STOPPED]
        assert told["failed"] + told["impostor"] == reached[ServerState.FAILED]
        assert told["gone"] == reached[ServerState.GONE]
        assert told["back"] <= told["unreachable"] + told["gone"]
