"""Servers: Prime's records of machines that each serve one model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.catalog.model import Choice, EngineKind, EngineOptions, Fit, Model, Offer, YesNo
from core.people.model import PersonId
from core.watch.model import Vitals

ADOPTED = "adopted/"
"""What the name of an adopted machine's order begins with: no machine at a cloud has it."""


HOW_ADOPTED = "Prime did not set this machine up, so it cannot talk to it; it can start, stop and delete it."


class Desired(StrEnum):
    """What somebody last asked of a server."""

    RUNNING = "running"
    STOPPED = "stopped"
    DELETED = "deleted"


class ServerState(StrEnum):
    """What is known of a server. The value is the word that people read. `core.servers.rules.MOVES` draws the ways."""

    ORDERED = "ordered"
    """Written down; the cloud may or may not have heard of it."""
    BOOTING = "booting"
    """The cloud has a machine for it, which is on its way up for the first time."""
    STARTING = "starting"
    """A stopped machine is on its way up."""
    PULLING = "pulling"
    """The machine runs, sets itself up and fetches the engine's image."""
    LOADING = "loading"
    """The engine loads the model."""
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"
    """It did not come up; `Server.failure` says why. A machine may still be there and cost."""
    GONE = "gone"
    """The cloud does not know its machine any more."""


class FailureKind(StrEnum):
    NO_CAPACITY = "no capacity"
    QUOTA = "quota"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    MACHINE = "machine"
    """It went off or away by itself."""
    ENGINE = "engine"
    IDENTITY = "identity"
    ADOPTED = "adopted"
    """Prime did not set the machine up: it can watch, start, stop and delete it, and no more."""


class StopReason(StrEnum):
    """Why a server was last stopped, or deleted by Prime itself."""

    PERSON = "person"
    IDLE = "idle"
    END_TIME = "end time"
    OUTSIDE = "outside"
    """Not by Prime: in the cloud's console, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    kind: FailureKind
    message: str
    """One sentence for people: what failed."""


class MachineState(StrEnum):
    """A cloud's states in our words."""

    PROVISIONING = "provisioning"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    OFF = "off"
    OTHER = "other"
    """On its way between two of these, or a word that we do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a provider tells of a machine."""

    id: str
    name: str
    state: MachineState
    type: str
    region: str
    address: str | None
    """Public IP address; None while it has none."""
    has_static_address: bool = False
    vcpus: int | None = None
    ram_bytes: int | None = None
    disk_bytes: int | None = None
    usd_per_hour: Decimal | None = None
    """As the cloud states it; None where it does not."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOrder:
    """What is asked of a provider."""

    name: str
    """Unique for the order, and how a lost reply is found again."""
    type: str
    region: str
    template_id: str
    disk_gb: int
    startup_script: str
    static_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What the startup script has to start."""

    engine: EngineKind
    model: str
    revision: str | None
    options: EngineOptions
    gpu_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """What a builder chose; it does not change afterwards."""

    name: str
    """1-30 characters, a DNS label, unique among servers that are not deleted."""
    description: str
    provider: str
    offer_type: str
    region: str
    template_id: str
    disk_gb: int
    model: str
    revision: str | None
    engine: EngineKind
    options: EngineOptions
    static_address: bool = False
    needs_hub_token: bool = False
    """Whether the machine has to be given HF_TOKEN: the model is gated or private."""
    idle_stop_minutes: int | None = None
    ends_at: datetime | None = None
    delete_after_minutes: int | None = None
    """Once Prime has stopped it by itself, it is deleted so much later; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What the offer was when the server was created: for the card, and for counting what it costs."""

    gpu: str
    gpu_count: int
    gpu_memory_gib: int | None
    """Of one GPU."""
    vcpus: int | None
    ram_gib: int | None
    price_usd_per_hour: Decimal | None
    disk_usd_per_hour: Decimal | None
    disk_usd_per_month: Decimal | None
    static_address_usd_per_hour: Decimal | None
    billed_while_off: YesNo
    template: str
    """Its label."""


class Stage(StrEnum):
    """What the machine itself tells of its way up (`/.prime/progress`)."""

    PREPARING = "preparing"
    PULLING = "pulling"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    stage: Stage
    detail: str
    """A short line without secrets, such as `weights 3 of 8`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server's engine answers, and how one knows that it is the right one."""

    url: str
    """`https://203.0.113.4:8080`, without a path."""
    key: str
    fingerprint: str | None
    """SHA-256 of the certificate in DER, lower-case hex; None only with TGI_SCHEME=http."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What has a default is so when it was just ordered."""

    id: int
    spec: ServerSpec
    hardware: Hardware
    owner: PersonId
    machine_name: str
    machine_id: str | None = None
    address: str | None = None
    fingerprint: str | None = None
    """Pinned when the machine proved that it holds the server's key."""
    desired: Desired
    state: ServerState
    state_since: datetime
    progress: str = ""
    """The last short line of the way up; empty when there is none."""
    failure: Failure | None = None
    created_at: datetime
    ready_at: datetime | None = None
    """When it was last ready after a create or start."""
    checked_at: datetime | None = None
    asked_at: datetime
    """When `desired` was last set."""
    cloud_asked_at: datetime | None = None
    """When the cloud was last asked to create or start the machine, unless it definitely refused. Written before the
    call, so that a call whose reply was lost is known."""
    cloud_asks: int = 0
    """How often it was asked since `asked_at`."""
    attempts: int = 0
    """Steps in a row that came to nothing; the next waits longer."""
    missing_since: datetime | None = None
    missing_count: int = 0
    """Looks in a row at which the cloud did not know the machine."""
    secrets_at_cloud: bool = False
    """Whether the cloud still holds the startup script that carries the server's key."""
    stale_key: bool = False
    """Whether the machine still runs with a key that was replaced."""
    version: int = 0
    """Counts writes: each is guarded by the version it was decided on."""

    channel: str | None = None
    """Where it was created; None: in a direct message."""
    allows_direct_access: bool = False
    """Whether an ADMIN lets people use the engine without Prime, and so without redaction."""
    stop_reason: StopReason | None = None
    keep_until: datetime | None = None
    """Before then Prime does not end it by itself: see `core.watch.rules.next_end`."""

    @property
    def is_adopted(self) -> bool:
        """Whether Prime did not set its machine up, so that it can neither ask nor use what runs there."""
        return self.machine_name.startswith(ADOPTED)

    @property
    def is_live(self) -> bool:
        return self.state is not ServerState.DELETED

    @property
    def launch(self) -> Launch:
        return Launch(
            engine=self.spec.engine,
            model=self.spec.model,
            revision=self.spec.revision,
            options=self.spec.options,
            gpu_count=self.hardware.gpu_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A spec while it is being filled in."""

    provider: str
    offer_type: str | None = None
    region: str | None = None
    disk_gb: int | None = None
    model: str | None = None
    engine: EngineKind | None = None
    options: EngineOptions = EngineOptions()  # noqa: RUF009 frozen
    static_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a draft comes to."""

    offer: Offer | None
    model: Model | None
    fit: Fit | None
    """None while offer or model is not chosen."""
    usd_per_hour: Decimal | None
    """Machine and disk and address while it runs; None where a price is unknown."""
    usd_per_month: Decimal | None
    cheapest: Choice | None
    """The cheapest offer that the model fits, where that is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPage:
    """Some servers of a list; `next_after` pages on, None on the last page."""

    servers: Sequence[Server]
    total: int
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCard:
    """A server with what its card shows beside it."""

    server: Server
    url: str | None
    """Where its engine answers, `https://203.0.113.4:8080`; None while it has no address."""
    expected_seconds: tuple[float, float] | None
    """How long the way up took lately for the like of it: the middle half. None before there is history."""
    still_costs: str
    """One sentence on what costs money now; empty when nothing does."""
    alternatives: Sequence[Choice]
    """Where to go after "no capacity"."""
    vitals: Vitals


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCost:
    """What all the machines that run come to."""

    usd_per_hour: Decimal
    unpriced: int
    """Machines that run at a price which is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAt:
    """A message that shows a server and is edited as it changes."""

    channel: str
    ts: str
