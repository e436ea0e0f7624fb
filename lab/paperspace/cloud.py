"""All that the cloud holds: teams, machines and what belongs to them."""

import random
import secrets
from collections.abc import Callable, Iterable
from typing import TypeVar

from lab.clock import LabClock
from lab.faults import Faults
from lab.paperspace.catalog import STATIC_IP_USD_PER_HOUR, Region
from lab.paperspace.errors import not_found
from lab.paperspace.faults import FaultName
from lab.paperspace.ledger import Kind, Ledger
from lab.paperspace.model import Address, Event, Machine, Network, Script, Team


class Cloud:
    def __init__(self, *, clock: LabClock, faults: Faults, dice: random.Random) -> None:
        self.clock = clock
        self.faults = faults
        self.dice = dice
        self.ledger = Ledger(clock)
        self.teams: dict[str, Team] = {}
        """By key. The lists below hold what is deleted too, in the order in which it was made."""
        self.machines: list[Machine] = []
        self.events: list[Event] = []
        self.scripts: list[Script] = []
        self.addresses: list[Address] = []
        self.networks: list[Network] = []
        self.sold_out: set[tuple[str, Region]] = set()
        """Labels of machine types, and where there are none of them."""
        self._used: set[str] = set()

    def add_team(self, name: str) -> Team:
        team = Team(id=self.new_id("te"), name=name, key=secrets.token_hex(15))
        self.teams[team.key] = team
        for region in Region:
            for is_default in (True, False):
                network = Network(
                    id=self.new_id("n"),
                    team=team,
                    name=f"{region.name.lower()}-{'default' if is_default else 'private'}",
                    region=region,
                    created_at=self.clock.time(),
                    is_default=is_default,
                )
                self.networks.append(network)
        return team

    def new_id(self, prefix: str) -> str:
        return self._unused(lambda: prefix + "".join(self.dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9)))

    def new_address(self) -> str:
        """A real one, where nobody else listens. Not by the lab's dice: labs of one seed may run side by side."""
        return self._unused(
            lambda: f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
        )

    def machine(self, team: Team, machine_id: str) -> Machine:
        return _one("Machine", (each for each in self.machines if each.team == team and not each.gone), machine_id)

    def script(self, team: Team, script_id: str) -> Script:
        living = (each for each in self.scripts if each.team == team and each.deleted_at is None)
        return _one("Startup script", living, script_id)

    def event(self, team: Team, event_id: str) -> Event:
        return _one("Machine event", (each for each in self.events if each.team == team), event_id)

    def address(self, team: Team, ip: str) -> Address:
        for address in self.addresses:
            if (address.ip, address.team, address.released) == (ip, team, False):
                return address
        raise not_found("Public IP")

    def network(self, team: Team, network_id: str) -> Network | None:
        """A private one; None for the default ones too."""
        return next(
            (each for each in self.networks if each.id == network_id and each.team == team and not each.is_default),
            None,
        )

    def default_network(self, team: Team, region: Region) -> Network:
        return next(each for each in self.networks if each.team == team and each.region == region and each.is_default)

    def scripts_of(self, machine: Machine) -> list[Script]:
        """What its next boot runs."""
        return [
            script
            for script in self.scripts
            if machine.id in script.assigned
            and script.deleted_at is None
            and script.is_enabled
            and not (script.is_run_once and machine.id in script.served)
        ]

    def has_capacity(self, label: str, region: Region) -> bool:
        fault = self.faults.options(FaultName.NO_CAPACITY)
        is_struck = (
            fault is not None
            and fault["machine_type"] in ("", label)
            and (not fault["region"] or Region.parse(fault["region"]) is region)
        )
        return not is_struck and (label, region) not in self.sold_out

    def claim_address(self, team: Team, region: Region, *, machine: Machine | None = None) -> Address:
        now = self.clock.time()
        address = Address(ip=self.new_address(), team=team, region=region, created_at=now)
        address.machine_id = machine.id if machine else None
        self.addresses.append(address)
        self.ledger.open(
            Kind.IP, machine_id=address.machine_id or "", name=address.ip, usd_per_hour=STATIC_IP_USD_PER_HOUR
        )
        return address

    def release_address(self, address: Address) -> None:
        address.released = True
        self.ledger.close(Kind.IP, name=address.ip)
        for machine in self.machines:
            if machine.public_ip == address.ip:
                machine.public_ip = None

    def new_event(self, name: str, machine: Machine) -> Event:
        event = Event(
            id=self.new_id("ev"), team=machine.team, name=name, machine_id=machine.id, created_at=self.clock.time()
        )
        self.events.append(event)
        return event

    def _unused(self, make: Callable[[], str]) -> str:
        while (made := make()) in self._used:
            continue
        self._used.add(made)
        return made


T = TypeVar("T", Machine, Script, Event)


def _one(what: str, among: Iterable[T], wanted: str) -> T:
    for each in among:
        if each.id == wanted:
            return each
    raise not_found(what)
