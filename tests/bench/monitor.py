"""What one tick of the monitor takes with 1,000 servers, and App Home and `/prime servers` beside them.

`python -m tests.bench.monitor` is the world around them in a process of its own: the lab's cloud, and one engine behind
TLS at all of its machines' addresses, for a server on 0.0.0.0 answers for every 127.x.y.z."""

import asyncio
import json
import logging
import os
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path

import httpx
import structlog
from aiohttp import web

from bot.views.servers import build_servers
from core.access.model import Principal, Role
from core.clock import SystemClock
from core.lead.service import Leadership
from core.servers.model import Failure, FailureKind, Machine, MachineState, Server, ServerState
from core.servers.ports import Provider
from core.watch.monitor import Monitor
from core.watch.wiring import Wiring
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.migrate import upgrade
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from providers.engines.registry import InstalledEngines
from providers.front import Front
from providers.registry import InstalledProviders, find_factories
from tests.access import ADA, World
from tests.bench.row import Row
from tests.clock import ManualClock
from tests.engines import running, tgi
from tests.paperspace import Api, running_lab, until
from tests.prime import ROOT
from tests.scenario.cloud import free_port
from tests.servers import SPEC, server

STOPPED, UNREACHABLE, FAILED, SERVERS = 50, 30, 20, 1000
TICKS = 3
GOAL_SECONDS = 30.0
LOOK_SECONDS = 0.005
TIMES = 100
GOAL_MS = 300.0
KEY = "the-key-of-every-server"


# --- the world around -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What Prime is told of it, and how to ask for the processor time that it took."""

    cloud_url: str
    cloud_key: str
    port: int
    fingerprint: str
    silent: Sequence[str]
    """Addresses of machines that take a connection and say nothing."""


async def be_outside() -> None:
    """Prints an `Outside` when all is there, then its processor time in seconds for each line that it reads."""
    port, reader = free_port(), asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder:
        async with running_lab() as lab, engine_everywhere(port, Path(folder)) as fingerprint:
            api = Api(lab)
            machines = [await api.order(name=f"prime-bench-{number:06}") for number in range(SERVERS)]
            await until(lambda: all(machine.state.value == "ready" for machine in machines))
            for machine in machines[:STOPPED]:
                await api.patch(f"/machines/{machine.id}/stop")
            await until(lambda: all(machine.state.value == "off" for machine in machines[:STOPPED]))
            await api.http.aclose()
            silent = [machine.public_ip or "" for machine in machines[STOPPED : STOPPED + UNREACHABLE + FAILED]]
            for address in silent:
                await asyncio.start_server(_say_nothing, address, port, reuse_port=True)
            outside = Outside(
                cloud_url=lab.url, cloud_key=lab.api_key, port=port, fingerprint=fingerprint, silent=silent
            )
            _print(json.dumps({name: getattr(outside, name) for name in Outside.__slots__}))
            while await reader.readline():
                _print(str(time.process_time()))


@asynccontextmanager
async def engine_everywhere(port: int, folder: Path) -> AsyncIterator[str]:
    """The fingerprint of its certificate. Its metrics are as long as an engine's, and move on with each look."""
    async with running(tgi(SPEC.model)) as engine, httpx.AsyncClient(base_url=engine.url) as client:
        info, metrics = (await client.get("/info")).content, (await client.get("/metrics")).text
    numbers = count(1)

    async def tell_metrics(_: web.Request) -> web.Response:
        number = next(numbers)
        moving = f"tgi_request_success {number}\ntgi_request_generated_tokens_sum {100 * number}\n"
        return web.Response(text=metrics + moving)

    async def tell_info(_: web.Request) -> web.Response:
        return web.Response(body=info, content_type="application/json")

    async def tell_health(_: web.Request) -> web.Response:
        return web.Response()

    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout key -out crt"
    await asyncio.to_thread(subprocess.run, command.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    application = web.Application()
    application.add_routes(
        [web.get("/health", tell_health), web.get("/info", tell_info), web.get("/metrics", tell_metrics)]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port, ssl_context=context, reuse_port=True).start()
    try:
        yield sha256(ssl.PEM_cert_to_DER_cert((folder / "crt").read_text())).hexdigest()
    finally:
        await runner.cleanup()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        pass
    writer.close()


class OutsideProcess:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return (await self._process.stdout.readline()).decode()


@asynccontextmanager
async def outside() -> AsyncIterator[tuple[Outside, OutsideProcess]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.monitor"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Outside(**json.loads(await process.stdout.readline())), OutsideProcess(process)
    finally:
        process.kill()
        await process.wait()


# --- Prime ----------------------------------------------------------------------------------------


async def run() -> list[Row]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    _allow_many_files()
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        upgrade(postgres.url)
        engine = create_engine(postgres.url, pool_size=20)
        storage = PostgresStorage(engine, SecretKeys([os.urandom(32)]))
        async with outside() as (world, process):
            rows = await _ticks(storage, world, process)
        rows += await _views(storage)
        await engine.dispose()
    return rows


async def _ticks(storage: PostgresStorage, world: Outside, process: OutsideProcess) -> list[Row]:
    clock = SystemClock()
    providers = InstalledProviders(find_factories(), clock=clock, base_urls={"paperspace": world.cloud_url})

    async def open_provider(type_: str) -> Provider:
        return providers.open(type_, world.cloud_key)

    await _fill(storage, await open_provider("paperspace"), world)
    lead = Leadership(storage, clock, holder="bench")
    wiring = Wiring(
        storage=storage,
        clock=clock,
        lead=lead,
        providers=providers,
        open_provider=open_provider,
        front=Front(scheme="https", port=world.port),
        engines=InstalledEngines(),
    )
    monitor = Monitor(wiring)
    leading = asyncio.create_task(lead.run())
    while lead.epoch is None:  # noqa: ASYNC110 a bench may wait like this
        await asyncio.sleep(0.01)
    lags = list[float]()
    watching = asyncio.create_task(_watch_the_loop(lags))
    walls, own, others = list[float](), list[float](), list[float]()
    for _ in range(TICKS):
        other, mine, began = float(await process.ask()), time.process_time(), time.perf_counter()
        report = await monitor.tick()
        walls.append(time.perf_counter() - began)
        own.append(time.process_time() - mine)
        others.append(float(await process.ask()) - other)
        assert (report.servers, report.engines) == (SERVERS, SERVERS - STOPPED), report
        assert (report.unreachable, report.acts) == (UNREACHABLE + FAILED, ()), report
    for task in (leading, watching):
        task.cancel()
    await asyncio.wait({leading, watching})
    return [
        Row(what=f"{SERVERS} servers, one tick", figure=max(walls), unit="s", beside=GOAL_SECONDS, beside_name="goal"),
        Row(
            what="what waits beside it for Prime, p99",
            figure=statistics.quantiles(lags, n=100)[-1],
            unit="ms",
            beside=GOAL_MS,
            beside_name="goal",
        ),
        Row(what="of it Prime's CPU", figure=max(own), unit="s", beside=max(others), beside_name="the lab's"),
    ]


async def _watch_the_loop(lags: list[float]) -> None:
    """In milliseconds: how much later than it should what is due at every moment gets its turn."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LOOK_SECONDS)
        lags.append(1000 * (time.perf_counter() - began - LOOK_SECONDS))


async def _fill(storage: PostgresStorage, provider: Provider, world: Outside) -> None:
    machines = sorted(await provider.list(), key=lambda machine: machine.name)
    await provider.aclose()
    async with storage.transaction() as stores:
        for number, machine in enumerate(machines, 1):
            await stores.servers.add(_server(number, machine, world), key=KEY)


def _server(number: int, machine: Machine, world: Outside) -> Server:
    now = datetime.now(UTC)
    state, failure = ServerState.READY, None
    if machine.state is MachineState.OFF:
        state = ServerState.STOPPED
    elif machine.address in world.silent[UNREACHABLE:]:
        state, failure = ServerState.FAILED, Failure(kind=FailureKind.TIMEOUT, message="It did not come up in time.")
    return server(
        id=number,
        spec=replace(SPEC, name=f"bench-{number}"),
        machine_name=machine.name,
        machine_id=machine.id,
        address=machine.address,
        fingerprint=world.fingerprint,
        state=state,
        failure=failure,
        state_since=now,
        created_at=now,
        ready_at=now,
    )


async def _views(storage: PostgresStorage) -> list[Row]:
    """The p95 of many, one after the other."""
    world = World(storage, ManualClock(datetime.now(UTC)))
    await world.settle(ADA)
    reader = Principal(person=ADA, role=Role.ADMIN)

    async def list_servers() -> None:
        page = await world.services.servers.listing(reader, "")
        vitals = await world.services.watch.vitals(page.servers)
        build_servers(page, vitals, text="", is_first=True, now=world.clock.now())

    acts = {
        "App Home": lambda: world.home.open(ADA),
        "/prime servers": list_servers,
        "/prime servers TEXT": lambda: world.services.servers.listing(reader, "bench-77"),
    }
    rows = list[Row]()
    for what, act in acts.items():
        took = list[float]()
        for _ in range(TIMES):
            began = time.perf_counter()
            await act()
            took.append(1000 * (time.perf_counter() - began))
        p95 = statistics.quantiles(took, n=20)[-1]
        named = f"{what} with {SERVERS} servers, p95"
        rows.append(Row(what=named, figure=p95, unit="ms", beside=GOAL_MS, beside_name="goal"))
    return rows


def _allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 whoever started it waits for that


if __name__ == "__main__":
    _allow_many_files()
    asyncio.run(be_outside())
