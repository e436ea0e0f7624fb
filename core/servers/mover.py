"""Finding the servers whose next step is due, and holding each while the step is taken."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from core.clock import Clock
from core.errors import PrimeError
from core.servers.errors import OvertakenError
from core.servers.model import Server
from core.servers.ports import OpenProvider
from core.servers.steps import Step, Wiring

LEASE = timedelta(seconds=15)
LOOK_SECONDS = 1.0
AT_ONCE = 32
GRACE_SECONDS = 8.0
"""What a step that is being taken gets at a shutdown; the next one begins where it was."""

_log = structlog.get_logger(__name__)


class Mover:
    """Works on every server that is on its way somewhere. Any number of replicas may."""

    def __init__(
        self, wiring: Wiring, clock: Clock, *, open_provider: OpenProvider, holder: str, lease: timedelta = LEASE
    ) -> None:
        """`lease` is how long a server stays with a process that died; a living one renews it."""
        self._lease = lease
        self._wiring = wiring
        self._storage = wiring.storage
        self._clock = clock
        self._open_provider = open_provider
        self._holder = holder
        self._running: dict[int, asyncio.Task[None]] = {}
        """By server id."""

    async def run(self) -> None:
        """Works until it is cancelled. One server's trouble never holds up another."""
        try:
            while True:
                try:
                    await self._begin()
                except PrimeError as error:
                    _log.warning("servers_not_reached", error=type(error).__name__)
                await self._clock.sleep(LOOK_SECONDS)
        finally:
            await self._finish()

    async def move_due(self) -> int:
        """Takes one step for every server whose next step is due, and waits for them; how many."""
        begun = await self._begin()
        if begun:
            await asyncio.wait(begun)
        return len(begun)

    async def _begin(self) -> Sequence["asyncio.Task[None]"]:
        free = AT_ONCE - len(self._running)
        if free <= 0:
            return ()
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            servers = await stores.servers.claim_due(
                holder=self._holder, now=now, lease_until=now + self._lease, limit=free
            )
        begun: list[asyncio.Task[None]] = []
        for server in servers:
            if server.id in self._running:
                continue  # its lease ended while the database was away, and now it has a new one
            task = asyncio.create_task(self._hold(server), name=f"server {server.id}")
            self._running[server.id] = task
            task.add_done_callback(partial(self._ended, server.id))
            begun.append(task)
        return begun

    def _ended(self, server_id: int, _: "asyncio.Task[None]") -> None:
        del self._running[server_id]

    async def _finish(self) -> None:
        if self._running:
            _, late = await asyncio.wait(self._running.values(), timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _hold(self, server: Server) -> None:
        """One step, with the lease renewed while it takes."""
        step = Step(self._wiring, self._clock, server, self._open_provider)
        working = asyncio.create_task(step.take(), name=f"step of server {server.id}")
        renewing = asyncio.create_task(self._renew(server, working), name=f"lease of server {server.id}")
        try:
            seconds = await working
        except OvertakenError:
            _log.info("server_step_overtaken", server=server.id)
            seconds = 0.0
        except PrimeError as error:  # the database: the step is taken again when the lease is over
            _log.warning("server_step_cut_short", server=server.id, error=type(error).__name__)
            return
        except Exception as error:  # noqa: BLE001 one server's failure must not end the others; it comes again
            _log.error("server_step_failed", server=server.id, exc_info=error)
            return
        finally:
            working.cancel()
            renewing.cancel()
            await asyncio.wait({working, renewing})
        due_at = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        with suppress(PrimeError):  # then the lease ends by itself
            async with self._storage.transaction() as stores:
                await stores.servers.release(step.server, holder=self._holder, due_at=due_at)

    async def _renew(self, server: Server, working: "asyncio.Task[Any]") -> None:
        """Cancels the step when the lease is lost or over: somebody else may be at work then."""
        held_until = self._clock.now() + self._lease
        while True:
            await self._clock.sleep(self._lease.total_seconds() / 3)
            until = self._clock.now() + self._lease
            try:
                async with self._storage.transaction() as stores:
                    if await stores.servers.renew(server.id, holder=self._holder, lease_until=until):
                        held_until = until
                    else:
                        held_until = self._clock.now()
            except PrimeError:
                _log.warning("lease_not_renewed", server=server.id)
            if held_until <= self._clock.now():
                working.cancel()
                return
