"""Charges, spend, budgets, and requests to go beyond them. Amounts are USD before taxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.people.model import PersonId
from core.servers.model import ServerSpec

WORKSPACE = "workspace"
"""The scope of a limit for all servers together."""
EVERYBODY = "person"
"""The scope of a limit for each person who has none of their own, whose scope is `str(PersonId)`."""


class ChargeKind(StrEnum):
    """What a cloud bills by the hour."""

    MACHINE = "machine"
    MACHINE_OFF = "machine off"
    """The machine while it is off, where the cloud bills that too."""
    DISK = "disk"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """From a moment to another, at the price of that time."""

    server_id: int
    kind: ChargeKind
    since: datetime
    until: datetime | None
    """None: it goes on."""
    usd_per_hour: Decimal | None
    """None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    usd: Decimal
    is_certain: bool
    """False where some of it has a price that is not known, which counts as 0."""


# --- reports --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpend:
    server_id: int
    name: str
    owner: PersonId
    model: str
    is_deleted: bool
    spend: Spend


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpend:
    """Of one UTC day."""

    day: date
    machines_usd: Decimal
    """Machines that ran."""
    rest_usd: Decimal
    """Disks, addresses, and machines that were off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """What was spent in a time; each list has the dearest first, the days are in order and complete."""

    since: datetime
    until: datetime
    total: Spend
    by_server: Sequence[ServerSpend]
    """Deleted ones too."""
    by_owner: Sequence[tuple[PersonId, Spend]]
    by_model: Sequence[tuple[str, Spend]]
    by_kind: Mapping[ChargeKind, Spend]
    """Kinds of which there was none are missing."""
    days: Sequence[DaySpend]

    @property
    def rest_usd(self) -> Decimal:
        """What went to disks, addresses, and machines that were off."""
        return sum((spend.usd for kind, spend in self.by_kind.items() if kind is not ChargeKind.MACHINE), Decimal(0))


# --- budgets --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How a scope stands in this month (UTC)."""

    scope: str
    """WORKSPACE or `str(PersonId)`."""
    limit_usd: Decimal | None
    """None: there is no limit."""
    spent: Spend
    promised_usd: Decimal
    """What the servers that run cost more until they could stop by themselves."""

    @property
    def committed_usd(self) -> Decimal:
        return self.spent.usd + self.promised_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a create or start adds, at the least."""

    usd: Decimal
    is_certain: bool
    """False where a price is not known, which counts as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A budget that an ask goes beyond."""

    scope: str
    limit_usd: Decimal
    spent_usd: Decimal
    promised_usd: Decimal
    asked_usd: Decimal
    is_certain: bool

    @property
    def total_usd(self) -> Decimal:
        return self.spent_usd + self.promised_usd + self.asked_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """USD a month; None where there is no limit."""

    workspace: Decimal | None
    everybody: Decimal | None
    """Of each person who has none of their own."""
    people: Mapping[PersonId, Decimal]
    digest_channel: str | None

    def of(self, scope: str) -> Decimal | None:
        """What was set for exactly this scope."""
        own = {str(person): usd for person, usd in self.people.items()}
        return {WORKSPACE: self.workspace, EVERYBODY: self.everybody, **own}.get(scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A server that runs or is on its way up, as far as it counts for budgets."""

    server_id: int
    owner: PersonId
    usd_per_hour: Decimal
    """What is known of it."""
    is_certain: bool
    idle_stop_minutes: int | None
    ends_at: datetime | None
    keep_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeCosts:
    workspace: Budget
    own: Budget


# --- requests to go beyond ------------------------------------------------------------------------


class SpendAct(StrEnum):
    CREATE = "create"
    START = "start"


class SpendState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRequest:
    """What somebody asked for, frozen when they asked, and what became of it."""

    id: int
    asker: PersonId
    act: SpendAct
    name: str
    """Of the server."""
    spec: ServerSpec | None
    """What to create; None for a start."""
    despite_misfit: bool
    channel: str | None
    """Where it was asked; None: in a direct message."""
    server_id: int | None
    """What to start; of a create, the server that came of it."""
    owner: PersonId
    """Whose budget it counts for."""
    excess: tuple[Excess, ...]
    """The figures at the time."""
    state: SpendState
    created_at: datetime
    settled_at: datetime | None = None
    settled_by: PersonId | None = None
    denial_reason: str = ""
