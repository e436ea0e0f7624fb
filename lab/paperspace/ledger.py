"""What the cloud charges, whatever its API tells."""

from dataclasses import dataclass
from enum import StrEnum

from lab.clock import LabClock


class Kind(StrEnum):
    MACHINE = "machine"
    DISK = "disk"
    IP = "ip"


@dataclass(slots=True, kw_only=True)
class Charge:
    """Times are the lab's, in seconds since 1970."""

    machine_id: str
    """Empty for a static address that was claimed by itself."""
    name: str
    """The machine's name, or the address."""
    kind: Kind
    usd_per_hour: float
    since: float
    until: float | None = None
    """None while it runs."""


class Ledger:
    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self.charges: list[Charge] = []

    def open(self, kind: Kind, *, machine_id: str, name: str, usd_per_hour: float) -> None:
        now = self._clock.time()
        self.charges.append(Charge(machine_id=machine_id, name=name, kind=kind, usd_per_hour=usd_per_hour, since=now))

    def close(self, *kinds: Kind, machine_id: str | None = None, name: str | None = None) -> None:
        """Ends what runs of these kinds for this machine, or under this name."""
        for charge in self.running():
            if charge.kind in kinds and (charge.machine_id == machine_id or charge.name == name):
                charge.until = self._clock.time()

    def running(self) -> list[Charge]:
        return [charge for charge in self.charges if charge.until is None]

    def spent(self, machine_id: str) -> float:
        """USD so far, with disk and static address."""
        now = self._clock.time()
        return sum(
            charge.usd_per_hour * ((charge.until or now) - charge.since) / 3600
            for charge in self.charges
            if charge.machine_id == machine_id
        )
