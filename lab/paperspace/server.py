"""The lab's Paperspace, put together: `lab = PaperspaceLab(); await lab.start()`."""

import random
import tempfile
from pathlib import Path

from aiohttp import web

from lab.clock import LabClock
from lab.engine.faults import engine_faults
from lab.engine.runtime import Model
from lab.faults import Faults
from lab.paperspace.api.door import Door
from lab.paperspace.catalog import Region
from lab.paperspace.cloud import Cloud
from lab.paperspace.computer.switchboard import Switchboard
from lab.paperspace.faults import cloud_faults
from lab.paperspace.ledger import Charge
from lab.paperspace.model import Machine, Script
from lab.paperspace.pace import Pace
from lab.paperspace.power import Power
from lab.paperspace.tasks import Tasks


class PaperspaceLab:
    """A cloud with one team, whose key is `api_key`; `team` adds others.

    For tests: `machines`, `scripts`, `calls`, `ledger`, `costing` and `spent`, `faults` (those of the engines on its
    machines too), `pace`, `clock`."""

    def __init__(
        self,
        *,
        clock: LabClock | None = None,
        boot_seconds: float = 2.0,
        stop_seconds: float = 1.0,
        seed: int | None = None,
        folder: Path | None = None,
        model: Model | None = None,
    ) -> None:
        """`seed` fixes the dice: ids, and what faults strike. Machines have their files in `folder`, or in one of the
        lab's own that goes with it. `model` answers in place of the engines' own."""
        self.clock = clock or LabClock()
        self.pace = Pace(boot_seconds=boot_seconds, stop_seconds=stop_seconds)
        self.faults = Faults()
        self.faults.add(*cloud_faults(self._vanish), *engine_faults(self._crash_engines))
        self.url = ""
        self._cloud = Cloud(clock=self.clock, faults=self.faults, dice=random.Random(seed))
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="lab-paperspace-")
        self._tasks = Tasks()
        self._switchboard = Switchboard(self._tasks)
        self._power = Power(
            self._cloud,
            folder=folder or Path(self._temporary.name if self._temporary else ""),
            switchboard=self._switchboard,
            pace=self.pace,
            tasks=self._tasks,
            model=model,
        )
        self._door = Door(self._cloud, self._power)
        self._runner: web.AppRunner | None = None
        self.ledger = self._cloud.ledger.charges
        self.calls = self._door.calls
        self.api_key = self.team("Lab")

    def team(self, name: str) -> str:
        """The key of a new team, which sees nothing of the others."""
        return self._cloud.add_team(name).key

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        await self._switchboard.start()
        application = web.Application()
        application.router.add_route("*", "/v1/{path:.*}", self._door.serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        """Ends every process and engine on every machine."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._switchboard.stop()
        try:
            await self._tasks.close()
        finally:
            for machine in self._cloud.machines:
                await machine.computer.power_off()
            if self._temporary is not None:
                self._temporary.cleanup()

    @property
    def machines(self) -> list[Machine]:
        """Those of all teams that are there now, oldest first."""
        return [machine for machine in self._cloud.machines if not machine.gone]

    @property
    def scripts(self) -> list[Script]:
        return [script for script in self._cloud.scripts if script.deleted_at is None]

    def machine(self, name: str) -> Machine:
        """The newest one of this name or id, deleted ones too. Raises LookupError."""
        for machine in reversed(self._cloud.machines):
            if name in (machine.id, machine.name):
                return machine
        raise LookupError(f"There never was a machine {name}.")

    def costing(self) -> list[Charge]:
        """What costs money now."""
        return self._cloud.ledger.running()

    def spent(self, machine_id: str) -> float:
        return self._cloud.ledger.spent(machine_id)

    def sell_out(self, label: str, *regions: str) -> None:
        """None of this type from now on in these regions, or in any."""
        self._cloud.sold_out |= {(label, region) for region in _regions(regions)}

    def restock(self, label: str, *regions: str) -> None:
        self._cloud.sold_out -= {(label, region) for region in _regions(regions)}

    @property
    def billed_while_off(self) -> bool:
        """Paperspace's own pages contradict each other; here it can be either."""
        return self._power.billed_while_off

    @billed_while_off.setter
    def billed_while_off(self, is_billed: bool) -> None:
        self._power.billed_while_off = is_billed

    def stop_in_console(self, machine: Machine) -> None:
        """Somebody stops it there, past Prime."""
        self._power.stop(machine)

    def _vanish(self, name: str) -> None:
        found = [machine for machine in self.machines if name in ("", machine.name)]
        if found:
            self._power.vanish(found[-1])

    def _crash_engines(self) -> None:
        for machine in self.machines:
            for engine in machine.computer.engines:
                engine.crash()


def _regions(names: tuple[str, ...]) -> list[Region]:
    return [region for region in map(Region.parse, names) if region] if names else list(Region)
