"""One look at every cloud: whether each machine is there and on as Prime has it, and whether there are others."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import structlog

from core.errors import DatabaseUnavailableError, NotFoundError, PrimeError
from core.lead.service import LeadLostError
from core.notices import Notice, owe
from core.servers.errors import MachineNotFoundError, OvertakenError, ProviderForbiddenError
from core.servers.model import Machine, Server
from core.servers.ports import Provider
from core.watch.model import MachineFate, UnknownMachine
from core.watch.news import tell
from core.watch.rules import UNKNOWN_AFTER, compare, is_asked
from core.watch.wiring import Wiring

AT_ONCE = 4
"""Questions to one cloud about single machines, and writes of what it said."""

_log = structlog.get_logger(__name__)


class CloudRound:
    def __init__(self, wiring: Wiring) -> None:
        self.acts: list[str] = []
        self._wiring = wiring

    async def run(self, servers: Sequence[Server]) -> None:
        """One cloud's trouble does not hold up another. Raises LeadLostError, DatabaseUnavailableError."""
        of_cloud = defaultdict[str, list[Server]](list)
        for server in servers:
            of_cloud[server.spec.provider].append(server)
        clouds = sorted({*of_cloud, *self._wiring.providers.types()})
        looks = await asyncio.gather(*(self._look(cloud, of_cloud[cloud]) for cloud in clouds), return_exceptions=True)
        for error in looks:
            if isinstance(error, BaseException):
                raise error

    async def _look(self, cloud: str, servers: Sequence[Server]) -> None:
        try:
            provider = await self._wiring.open_provider(cloud)
        except ProviderForbiddenError:
            return  # it has no key yet
        except NotFoundError:
            _log.warning("cloud_not_installed", cloud=cloud)
            return
        try:
            await self._compare(cloud, provider, servers)
        except (LeadLostError, DatabaseUnavailableError):
            raise
        except PrimeError as error:  # the cloud is away, or refuses: nothing is known, so nothing is changed
            _log.warning("cloud_not_seen", cloud=cloud, error=type(error).__name__)
        finally:
            await provider.aclose()

    async def _compare(self, cloud: str, provider: Provider, servers: Sequence[Server]) -> None:
        machines = await provider.list()
        there = {machine.id: machine for machine in machines}
        now = self._wiring.clock.now()
        as_known, odd = list[Server](), list[Server]()
        for server in servers:
            after, _ = compare(server, there.get(server.machine_id or ""), now)
            (as_known if after is server else odd).append(server)
        async with self._wiring.lead.transaction() as stores:
            # Of the others this is written with the look at their engine.
            await stores.watch.checked([server.id for server in as_known if not is_asked(server)], at=now)
        room = asyncio.Semaphore(AT_ONCE)
        looks = await asyncio.gather(*(self._correct(provider, server, room) for server in odd), return_exceptions=True)
        await self._note_unknown(cloud, machines)
        for error in looks:
            if isinstance(error, LeadLostError | DatabaseUnavailableError):
                raise error
            if isinstance(error, BaseException):
                _log.warning("machine_not_seen", cloud=cloud, error=type(error).__name__)

    async def _correct(self, provider: Provider, server: Server, room: asyncio.Semaphore) -> None:
        """A list may be old or short, so the machine itself is asked for before anything is believed of it."""
        machine: Machine | None = None
        async with room:
            assert server.machine_id is not None
            with suppress(MachineNotFoundError):
                machine = await provider.get(server.machine_id)
            await self._write(server, machine)

    async def _write(self, server: Server, machine: Machine | None) -> None:
        after, news = compare(server, machine, self._wiring.clock.now())
        if after is server:
            return
        try:
            async with self._wiring.lead.transaction() as stores:
                told = None if news is None else tell(server, news, about=str(server.version))
                await self._wiring.correct(stores, server, after, news=told)
        except OvertakenError:
            return  # somebody does something with it just now
        if after.state is not server.state:
            self.acts.append(f"{server.spec.name}: {after.state}")

    async def _note_unknown(self, cloud: str, machines: Sequence[Machine]) -> None:
        """Told once of each, when it has been there for a while."""
        async with self._wiring.lead.transaction() as stores:
            known = await stores.servers.known_machines(cloud)
            now = self._wiring.clock.now()
            unknown = [
                UnknownMachine(
                    provider=cloud,
                    machine_id=machine.id,
                    name=machine.name,
                    type=machine.type,
                    region=machine.region,
                    first_seen_at=now,
                    last_seen_at=now,
                    fate=MachineFate.OPEN,
                    is_told=False,
                )
                for machine in machines
                if machine.id not in known and machine.name not in known
            ]
            await stores.watch.saw_unknown(unknown)
            for machine in await stores.watch.untold(first_seen_before=now - UNKNOWN_AFTER, seen_since=now):
                await stores.watch.told_unknown(machine.provider, machine.machine_id)
                notice = owe(Notice.MACHINE_UNKNOWN, provider=machine.provider, machine_id=machine.machine_id)
                await stores.inbox.add(notice, now=now)
                self.acts.append(f"{machine.machine_id}: unknown")
