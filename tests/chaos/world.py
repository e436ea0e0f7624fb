"""The lab on the machine's own time, one Postgres, and any number of `prime run` processes that may die anytime."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from db.embedded import EmbeddedPostgres
from db.migrate import upgrade
from lab.engine.server import LabEngine
from lab.hub.server import HubLab
from lab.paperspace.server import PaperspaceLab
from lab.slack.driver import Person
from lab.slack.people import TEAM_ID
from lab.slack.server import SlackLab
from tests.prime import KEY, ROOT, environment, eventually, start_process
from tests.scenario.cloud import free_port

UP_SECONDS = 90.0
ADMIN = "U0ADAM"
ROLES = {"U0BEA": "READ_WRITE", "U0RITA": "READ", "U0OLIVIA": "READ"}
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's `libfaketime`: what moves the clocks of processes. None: no clock jumps."""


@dataclass(slots=True, kw_only=True)
class World:
    lab: SlackLab
    cloud: PaperspaceLab
    folder: Path
    postgres: EmbeddedPostgres
    settings: Mapping[str, str]
    stack: AsyncExitStack
    replicas: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    engines: dict[int, LabEngine] = field(default_factory=dict[int, LabEngine])
    """Every engine that ever ran."""
    output: list[asyncio.Task[tuple[bytes, bytes]]] = field(default_factory=list[asyncio.Task[tuple[bytes, bytes]]])
    ahead_seconds: float = 0.0

    # --- replicas

    async def begin_replica(self) -> None:
        """Starts one more and does not wait for it."""
        process = await start_process("run", env=self.settings, cwd=self.folder)
        self.replicas.append(process)
        self.output.append(asyncio.create_task(process.communicate()))

    async def kill(self, number: int) -> None:
        """With -9; another takes its place."""
        process = self.replicas.pop(number % len(self.replicas))
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await self.begin_replica()

    async def connected(self) -> None:
        sockets = self.lab.platform.socket_mode
        await eventually(lambda: len(sockets.connections) >= len(self.replicas), within_seconds=UP_SECONDS)

    async def stop(self) -> str:
        """All, in good order; what they logged."""
        for process in self.replicas:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        outputs = await asyncio.gather(*self.output)
        return "\n".join(part.decode(errors="replace") for output in outputs for part in output)

    # --- what happens to them

    async def restart_postgres(self) -> None:
        await asyncio.to_thread(self.postgres.close)
        self.postgres = await asyncio.to_thread(EmbeddedPostgres.open, self.folder / "postgres")

    def jump(self, seconds: float) -> None:
        """The clocks of all replicas."""
        self.ahead_seconds += seconds
        (self.folder / "clock").write_text(f"{self.ahead_seconds:+}\n")

    def note_engines(self) -> None:
        for machine in self.cloud._cloud.machines:
            for engine in machine.computer.engines:
                self.engines[id(engine)] = engine

    # --- looking

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    async def person(self, user: str) -> Person:
        return await self.stack.enter_async_context(Person(self.lab.url, user))


@asynccontextmanager
async def open_world(*, seed: int, replicas: int) -> AsyncIterator[World]:
    """With all of them up."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prime-chaos-")))
        lab = SlackLab(ROOT / "app.yaml", seed=seed)
        cloud = PaperspaceLab(boot_seconds=0.3, stop_seconds=0.1, seed=seed)
        hub = HubLab()
        for part in (lab, cloud, hub):
            await part.start()
            stack.push_async_callback(part.stop)
        postgres = await asyncio.to_thread(EmbeddedPostgres.open, folder / "postgres")
        upgrade(postgres.url)
        _fill(postgres.url)
        given = {
            "DATABASE_URL": postgres.url,
            "PRIME_SECRET_KEY": KEY,
            "PRIME_ADMINS": ADMIN,
            "PRIME_APPROVAL_CHANNEL": "C0APPROVALS",
            "PRIME_MONITOR_SECONDS": "1",
            "PAPERSPACE_API_URL": cloud.url,
            "PAPERSPACE_API_KEY": cloud.api_key,
            "HF_API_URL": hub.url,
            "HF_TOKEN": hub.token,
            "TGI_SCHEME": "http",
            "TGI_PORT": str(free_port()),
            **_faked_time(folder),
        }
        world = World(
            lab=lab,
            cloud=cloud,
            folder=folder,
            postgres=postgres,
            settings=environment(lab, folder, **given),
            stack=stack,
        )
        try:
            for _ in range(replicas):
                await world.begin_replica()
            await world.connected()
            yield world
        finally:
            await world.stop()
            await asyncio.to_thread(world.postgres.close)


def _faked_time(folder: Path) -> Mapping[str, str]:
    if FAKETIME is None:
        return {}
    clock = folder / "clock"
    clock.write_text("+0\n")
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO configured_admin VALUES (%s, %s)", [TEAM_ID, ADMIN])
        for user, role in ROLES.items():
            connection.execute(
                'INSERT INTO role_grant (team, "user", role, granted_by, reason, since, announced) '
                "VALUES (%s, %s, %s, 'cli:chaos', '', '2026-01-01', false)",
                [TEAM_ID, user, role],
            )
