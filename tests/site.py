"""Prime's servers on a cloud of the lab and real Postgres, without Slack: what tests of servers have in common."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.access.model import Principal, Role
from core.inbox.service import Inbox
from core.keys.service import Keys
from core.lead.service import Leadership
from core.people.model import PersonId
from core.redaction.redactor import Redactor
from core.redaction.rules_detector import RulesDetector
from core.servers.errors import IdentityError
from core.servers.model import Endpoint, Server, ServerSpec, ServerState
from core.servers.mover import Mover
from core.servers.rules import IN_MOTION
from core.servers.service import Servers
from core.servers.steps import Wiring
from core.services import build_services
from core.watch.model import TickReport
from core.watch.monitor import Monitor
from core.watch.service import Watch
from core.watch.wiring import Wiring as Watching
from db.storage import PostgresStorage
from lab.clock import LabClock
from lab.hub.server import HubLab
from lab.paperspace.model import Machine
from lab.paperspace.server import PaperspaceLab
from providers.engines.registry import InstalledEngines
from providers.front import Front
from providers.hub import HuggingFace
from providers.registry import InstalledProviders, find_factories
from providers.startup.script import Startup
from tests.access import TEAM, Slack
from tests.clock import ManualClock
from tests.rulebooks import Channels
from tests.scenario.cloud import free_port
from tests.servers import SPEC

T = TypeVar("T")

BUILDER = Principal(person=PersonId(TEAM, "UBEA"), role=Role.READ_WRITE)


@dataclass
class Site:
    storage: PostgresStorage
    clock: LabClock
    cloud: PaperspaceLab
    servers: Servers
    keys: Keys
    front: Front
    port: int
    watch: Watch
    inbox: Inbox
    moving: Wiring
    watching: Watching
    notices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Those that were told, in order."""

    def __post_init__(self) -> None:
        self.restart("test")

    def restart(self, holder: str) -> None:
        """Another process takes over from one that was killed, once the leases of that are over."""
        self.mover = Mover(self.moving, self.clock, open_provider=self.keys.open, holder=holder)
        self.lead = Leadership(self.storage, self.clock, holder=holder)
        self.monitor = Monitor(replace(self.watching, lead=self.lead))

    async def create(self, spec: ServerSpec = SPEC) -> Server:
        return await self.servers.create(BUILDER, spec, channel=None)

    async def get(self, server: Server) -> Server:
        async with self.storage.transaction() as stores:
            found = await stores.servers.get(server.id)
        assert found is not None
        return found

    async def moved(self, server: Server, until: Callable[[Server], bool] | None = None, *, steps: int = 400) -> Server:
        """Lets Prime work, and time pass, until the server is at rest or as asked."""
        for _ in range(steps):
            found = await self.get(server)
            if until(found) if until is not None else found.state not in IN_MOTION:
                return found
            await self.move()
        raise AssertionError(f"still {(await self.get(server)).state}: {await self.get(server)}")

    async def move(self) -> None:
        """One step for all that is due, while time passes."""
        moved = await self.in_no_time(self.mover.move_due())
        await self.cloud_settles(0.5 if moved else 3.0)

    async def tick(self, seconds: float = 30.0) -> TickReport:
        """Time passes, what is due is moved, and the monitor looks at all that is at rest."""
        self.clock.jump(seconds)
        await self.in_no_time(self.mover.move_due())
        await self.lead.attempt()
        return await self.in_no_time(self.monitor.tick())

    async def in_no_time(self, work: Coroutine[Any, Any, T]) -> T:
        """What it comes to; while it waits for time, time passes."""
        task = asyncio.create_task(work)
        while not task.done():
            await asyncio.wait({task}, timeout=0.01)
            if not task.done():
                self.clock.jump(0.2)
        return task.result()

    async def news(self, server: Server) -> list[str]:
        """What was told of it, in order; what was told twice stands here twice."""
        await self.tell()
        return [one["news"] for one in self.notices if one["notice"] == "server.news" and one["server_id"] == server.id]

    async def tell(self) -> None:
        while claims := await self.inbox.claim(100):  # one at a time of each server
            self.notices += [claim.payload for claim in claims]
            for claim in claims:
                await self.inbox.finish(claim)

    async def cloud_settles(self, seconds: float = 0.5) -> None:
        """Time passes for everybody; scripts and engines take none of it but run for real."""
        self.clock.jump(seconds)
        await asyncio.sleep(0.01)

    async def ready(self, spec: ServerSpec = SPEC) -> Server:
        server = await self.moved(await self.create(spec), lambda one: one.state is ServerState.READY)
        return await self.moved(server, lambda one: not one.secrets_at_cloud)

    async def let(self, person: PersonId, role: Role) -> None:
        """What somebody's role is from now on."""
        now = self.clock.now()
        async with self.storage.transaction() as stores:
            await stores.access.end_grants(person, now=now)
            await stores.access.add_grant(person=person, role=role, granted_by="test", reason="", since=now, until=None)

    async def takes_key(self, server: Server, key: str) -> bool:
        """Whether the machine answers to this key, at a path that asks for one."""
        endpoint = Endpoint(url=self.front.url(server.address or ""), key=key, fingerprint=server.fingerprint)
        try:
            return await self.front.progress(endpoint) is not None
        except IdentityError:
            return False

    def machines(self) -> list[Machine]:
        """Those that Prime ordered and that are there or cost."""
        return [machine for machine in self.cloud.machines if machine.name.startswith("prime-")]

    async def check(self) -> None:
        """No orphan, no twin, every row true."""
        async with self.storage.transaction() as stores:
            listed, _ = await stores.servers.search("", after=None, limit=1000)
            known = await stores.servers.machine_ids("paperspace")
        there = {machine.id: machine for machine in self.machines()}
        assert set(there) <= set(known), "an orphan"
        names = [machine.name for machine in there.values()]
        assert len(names) == len(set(names)), "a twin"
        for server in listed:
            machine = there.get(server.machine_id or "")
            match server.state:
                case ServerState.READY:
                    assert machine is not None
                    assert machine.state.value == "ready"
                    assert machine.public_ip == server.address
                case ServerState.STOPPED:
                    assert machine is not None
                    assert machine.state.value == "off"
                case ServerState.FAILED if server.machine_id is None:
                    assert server.machine_name not in names
                case _:
                    pass
        assert {charge.machine_id for charge in self.cloud.costing()} <= set(known), "money for nothing"
        used = {server.machine_name for server in listed}
        assert {script.name for script in self.cloud.scripts} <= used, "a script of nobody"


@asynccontextmanager
async def open_site(
    storage: PostgresStorage, *, scheme: str = "http", boot_seconds: float = 1.0
) -> AsyncIterator[Site]:
    clock = LabClock()
    cloud = PaperspaceLab(clock=clock, boot_seconds=boot_seconds, stop_seconds=boot_seconds / 2, seed=1)
    await cloud.start()
    shelf = HubLab()
    await shelf.start()
    hub = HuggingFace(api_url=shelf.url, token=shelf.token, organisation=None, clock=clock)
    providers = InstalledProviders(find_factories(), clock=clock, base_urls={"paperspace": cloud.url})
    engines = InstalledEngines()
    slack = Slack(ManualClock())
    port = free_port()
    front = Front(scheme=scheme, port=port)
    inbox = Inbox(storage, clock, holder="test")
    services = build_services(
        clock=clock,
        storage=storage,
        inbox=inbox,
        directory=slack,
        groups=slack,
        channels=Channels(),
        redactor=Redactor(RulesDetector()),
        hub=hub,
        providers=providers,
        engines=engines,
        front=front,
        wake_talker=lambda: None,
        team=TEAM,
        admin_users=(),
    )
    wiring = Wiring(
        storage=storage,
        front=front,
        engines=engines,
        startup=Startup(scheme=scheme, port=port, engines=engines),
        hub_token=None,
        pace_seconds=0.5,
    )
    watching = Watching(
        storage=storage,
        clock=clock,
        lead=Leadership(storage, clock, holder="test"),
        providers=providers,
        open_provider=services.keys.open,
        front=front,
        engines=engines,
    )
    watch = Watch(storage, clock, services.catalog)
    try:
        await services.keys.first_key("paperspace", cloud.api_key)
        yield Site(storage, clock, cloud, services.servers, services.keys, front, port, watch, inbox, wiring, watching)
    finally:
        await services.catalog.aclose()
        await hub.aclose()
        await shelf.stop()
        await cloud.stop()
