"""What the cloud keeps about machines and what belongs to them. Times are the lab's, in seconds since 1970."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from lab.paperspace.catalog import MachineType, Region, Template
from lab.paperspace.computer.computer import Boot, Computer


class State(StrEnum):
    OFF = "off"
    STARTING = "starting"
    STOPPING = "stopping"
    RESTARTING = "restarting"
    SERVICE_READY = "serviceready"
    READY = "ready"
    UPGRADING = "upgrading"
    PROVISIONING = "provisioning"


class PublicIp(StrEnum):
    STATIC = "static"
    DYNAMIC = "dynamic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Team:
    id: str
    name: str
    key: str


@dataclass(slots=True, kw_only=True)
class AutoShutdown:
    enabled: bool
    timeout_hours: float | None
    force: bool | None


@dataclass(slots=True, kw_only=True, eq=False)
class Machine:
    id: str
    team: Team
    name: str
    type: MachineType
    template: Template
    region: Region
    disk_gb: float
    network_id: str
    private_ip: str
    public_ip_type: PublicIp
    auto_shutdown: AutoShutdown
    computer: Computer
    created_at: float
    modified_at: float
    state: State = State.PROVISIONING
    public_ip: str | None = None
    deleted_at: float | None = None
    """When its end was accepted."""
    gone: bool = False
    """No call finds it any more."""
    life: asyncio.Task[None] | None = None
    """What changes its state now or last did."""
    shutdown: asyncio.Task[None] | None = None
    """Waits for its hour."""

    @property
    def boots(self) -> list[Boot]:
        """Each run of a startup script."""
        return self.computer.boots


@dataclass(slots=True, kw_only=True, eq=False)
class Event:
    id: str
    team: Team
    name: str
    machine_id: str
    created_at: float
    state: str = "new"
    started_at: float | None = None
    finished_at: float | None = None
    error: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Script:
    id: str
    team: Team
    name: str
    text: str
    """Which no answer holds."""
    is_run_once: bool
    created_at: float
    is_enabled: bool = True
    assigned: list[str] = field(default_factory=list[str])
    """Machine ids."""
    served: set[str] = field(default_factory=set[str])
    """Machines that have run it."""
    deleted_at: float | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Address:
    """A static one."""

    ip: str
    team: Team
    region: Region
    created_at: float
    machine_id: str | None = None
    """Stays when the machine is deleted."""
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    id: str
    team: Team
    name: str
    region: Region
    created_at: float
    is_default: bool
    """The default one is not among the private networks, though machines name it."""
