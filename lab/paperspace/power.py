"""What becomes of machines: they are made, started, stopped, changed and deleted, each of which takes time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from lab.engine.runtime import Model
from lab.paperspace.catalog import MachineType, Region, Template, disk_price
from lab.paperspace.cloud import Cloud
from lab.paperspace.computer.computer import Computer
from lab.paperspace.computer.switchboard import Switchboard
from lab.paperspace.errors import CloudError
from lab.paperspace.faults import FaultName
from lab.paperspace.ledger import Kind
from lab.paperspace.model import AutoShutdown, Event, Machine, PublicIp, Script, State, Team
from lab.paperspace.pace import Pace
from lab.paperspace.tasks import Tasks

UP = (State.SERVICE_READY, State.READY)
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    name: str
    type: MachineType
    template: Template
    region: Region
    disk_gb: float
    network_id: str
    public_ip_type: PublicIp
    auto_shutdown: AutoShutdown
    script: Script | None
    starts: bool


class Power:
    def __init__(
        self,
        cloud: Cloud,
        *,
        folder: Path,
        switchboard: Switchboard,
        pace: Pace,
        tasks: Tasks,
        model: Model | None,
    ) -> None:
        """Machines have their files in `folder`. `model` answers in place of their engines' own."""
        self.billed_while_off = True
        self._cloud = cloud
        self._clock = cloud.clock
        self._folder = folder
        self._switchboard = switchboard
        self._pace = pace
        self._tasks = tasks
        self._model = model

    def create(self, team: Team, order: Order) -> tuple[Event, Machine]:
        cloud, now = self._cloud, self._clock.time()
        machine_id = cloud.new_id("ps")
        computer = Computer(
            machine_id,
            self._folder / machine_id,
            type=order.type,
            switchboard=self._switchboard,
            clock=self._clock,
            pace=self._pace,
            faults=cloud.faults,
            tasks=self._tasks,
            model=self._model,
        )
        machine = Machine(
            id=machine_id,
            team=team,
            name=order.name,
            type=order.type,
            template=order.template,
            region=order.region,
            disk_gb=order.disk_gb,
            network_id=order.network_id,
            private_ip=f"10.{cloud.dice.randrange(64, 128)}.{cloud.dice.randrange(256)}.{cloud.dice.randrange(2, 255)}",
            public_ip_type=order.public_ip_type,
            auto_shutdown=order.auto_shutdown,
            computer=computer,
            created_at=now,
            modified_at=now,
        )
        cloud.machines.append(machine)
        if order.public_ip_type is PublicIp.STATIC:
            machine.public_ip = cloud.claim_address(team, order.region, machine=machine).ip
        if order.script is not None:
            order.script.assigned.append(machine.id)
        self._bill_machine(machine)
        self._bill_disk(machine)
        return self._begin("create", machine, lambda event: self._create(machine, event, starts=order.starts)), machine

    def start(self, machine: Machine) -> Event:
        """Harmless for one that runs. Raises CloudError while it is on the way somewhere."""
        if machine.state in UP:
            return self._nothing_to_do("start", machine)
        self._need(machine, State.OFF)
        machine.state = State.STARTING
        return self._begin("start", machine, lambda event: self._start(machine, event))

    def stop(self, machine: Machine) -> Event:
        """Harmless for one that is off. Raises CloudError while it is on the way somewhere."""
        if machine.state is State.OFF:
            return self._nothing_to_do("stop", machine)
        self._need(machine, *UP)
        machine.state = State.STOPPING
        return self._begin("stop", machine, lambda event: self._stop(machine, event))

    def restart(self, machine: Machine) -> Event:
        """It says that it is ready for a while yet. Raises CloudError unless it runs."""
        self._need(machine, *UP)
        return self._begin("restart", machine, lambda event: self._restart(machine, event))

    def resize(self, machine: Machine, *, kind: MachineType, disk_gb: float) -> Event:
        """Raises CloudError unless it is off."""
        self._need(machine, State.OFF)
        machine.state = State.UPGRADING
        return self._begin("vm-upgrade", machine, lambda event: self._resize(machine, event, kind, disk_gb))

    def delete(self, machine: Machine) -> Event:
        """From any state; it can be seen a moment longer. Nothing of it costs from now on but its static address."""
        if machine.deleted_at is not None:
            return self._nothing_to_do("deactivate", machine)
        self._end(machine)
        machine.state = State.STOPPING
        return self._begin("deactivate", machine, lambda event: self._delete(machine, event))

    def vanish(self, machine: Machine) -> None:
        self._end(machine)
        machine.gone = True
        self._begin("deactivate", machine, lambda event: self._delete(machine, event))

    def schedule_shutdown(self, machine: Machine) -> None:
        """To be called when its rule has changed, or its state."""
        if machine.shutdown is not None:
            machine.shutdown.cancel()
            machine.shutdown = None
        if machine.auto_shutdown.enabled and machine.state is State.READY:
            machine.shutdown = self._tasks.spawn(self._shut_down_in_time(machine))

    # --- what takes time

    async def _create(self, machine: Machine, event: Event, *, starts: bool) -> None:
        if starts:
            await self._wait_out_endless_boot()
        await self._boot_third()
        if starts and not self._cloud.has_capacity(machine.type.label, machine.region):
            self._set(machine, State.OFF)
            return  # and the event never finishes
        if starts:
            self._set(machine, State.STARTING)
            await self._come_up(machine, event)
        else:
            self._set(machine, State.OFF)
            self._finish(event)

    async def _start(self, machine: Machine, event: Event) -> None:
        await self._wait_out_endless_boot()
        await self._boot_third()
        if not self._cloud.has_capacity(machine.type.label, machine.region):
            fault = self._cloud.faults.options(FaultName.NO_CAPACITY) or {"error": None}
            event.state, event.error, event.finished_at = "error", fault["error"], self._clock.time()
            self._set(machine, State.OFF)
            return
        if not self.billed_while_off:
            self._bill_machine(machine)
        await self._come_up(machine, event)

    async def _come_up(self, machine: Machine, event: Event) -> None:
        """Event, state and startup script each take their own time."""
        await self._boot_third()
        self._finish(event)
        if machine.public_ip_type is PublicIp.DYNAMIC:
            machine.public_ip = machine.public_ip or self._cloud.new_address()
        self._set(machine, State.SERVICE_READY)
        scripts = self._cloud.scripts_of(machine)
        for script in scripts:
            script.served.add(machine.id)
        address = machine.public_ip or self._cloud.new_address()
        machine.computer.power_on(address, [(script.id, script.text) for script in scripts])
        await self._boot_third()
        self._set(machine, State.READY)

    async def _stop(self, machine: Machine, event: Event) -> None:
        await machine.computer.power_off()
        await self._clock.sleep(self._pace.stop_seconds)
        if machine.public_ip_type is PublicIp.DYNAMIC:
            machine.public_ip = None
        if not self.billed_while_off:
            self._cloud.ledger.close(Kind.MACHINE, machine_id=machine.id)
        self._finish(event)
        self._set(machine, State.OFF)

    async def _restart(self, machine: Machine, event: Event) -> None:
        await self._clock.sleep(self._pace.stop_seconds)
        self._set(machine, State.RESTARTING)
        await machine.computer.power_off()
        await self._wait_out_endless_boot()
        await self._boot_third()
        await self._come_up(machine, event)

    async def _resize(self, machine: Machine, event: Event, kind: MachineType, disk_gb: float) -> None:
        await self._clock.sleep(self._pace.stop_seconds)
        machine.type = machine.computer.type = kind
        machine.disk_gb = disk_gb
        self._cloud.ledger.close(Kind.MACHINE, Kind.DISK, machine_id=machine.id)
        if self.billed_while_off:
            self._bill_machine(machine)
        self._bill_disk(machine)
        self._finish(event)
        self._set(machine, State.OFF)

    async def _delete(self, machine: Machine, event: Event) -> None:
        await machine.computer.power_off()
        if not machine.gone:
            await self._clock.sleep(self._pace.stop_seconds)
        machine.gone = True
        machine.computer.erase()
        for script in self._cloud.scripts:
            if machine.id in script.assigned:
                script.assigned.remove(machine.id)
        self._finish(event)

    async def _shut_down_in_time(self, machine: Machine) -> None:
        await self._clock.sleep((machine.auto_shutdown.timeout_hours or 1) * HOUR_SECONDS)
        machine.shutdown = None
        with contextlib.suppress(CloudError):  # somebody else has just given it something to do
            self.stop(machine)

    async def _boot_third(self) -> None:
        await self._clock.sleep(self._pace.boot_seconds / 3)

    async def _wait_out_endless_boot(self) -> None:
        while self._cloud.faults.options(FaultName.ENDLESS_BOOT) is not None:
            await self._clock.sleep(0.1)

    # --- steps

    def _begin(self, name: str, machine: Machine, work: Callable[[Event], Awaitable[None]]) -> Event:
        """Whatever was under way with the machine is given up."""
        event = self._cloud.new_event(name, machine)
        before, machine.life = machine.life, None

        async def live() -> None:
            if before is not None:
                before.cancel()
                await asyncio.gather(before, return_exceptions=True)
            event.state, event.started_at = "in progress", self._clock.time()
            await work(event)

        machine.life = self._tasks.spawn(live())
        return event

    def _nothing_to_do(self, name: str, machine: Machine) -> Event:
        event = self._cloud.new_event(name, machine)
        event.started_at = self._clock.time()
        self._finish(event)
        return event

    def _finish(self, event: Event) -> None:
        event.state, event.finished_at = "done", self._clock.time()

    def _set(self, machine: Machine, state: State) -> None:
        machine.state, machine.modified_at = state, self._clock.time()
        self.schedule_shutdown(machine)

    def _need(self, machine: Machine, *states: State) -> None:
        """Restarting begins while the machine still says that it is ready; its task tells that it has begun."""
        is_under_way = machine.state is State.READY and machine.life is not None and not machine.life.done()
        if machine.deleted_at is not None:
            raise CloudError("BAD_REQUEST", "This machine is being deleted.")
        if machine.state not in states or is_under_way:
            word = State.RESTARTING if is_under_way else machine.state
            raise CloudError("BAD_REQUEST", f"This machine is currently {word}.")

    def _bill_machine(self, machine: Machine) -> None:
        price = machine.type.usd_per_hour
        self._cloud.ledger.open(Kind.MACHINE, machine_id=machine.id, name=machine.name, usd_per_hour=price)

    def _bill_disk(self, machine: Machine) -> None:
        price = disk_price(machine.disk_gb).usd_per_hour
        self._cloud.ledger.open(Kind.DISK, machine_id=machine.id, name=machine.name, usd_per_hour=price)

    def _end(self, machine: Machine) -> None:
        machine.deleted_at = self._clock.time()
        self._cloud.ledger.close(Kind.MACHINE, Kind.DISK, machine_id=machine.id)
