"""What is seen of servers that are at rest, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLook:
    """What a healthy engine tells of itself. Counters begin at 0 when it starts."""

    model: str
    """The one that it serves; empty where it does not tell."""
    queued: int
    """Requests that wait."""
    running: int
    prompt_tokens: int
    generated_tokens: int
    requests_done: int


class NoLook(StrEnum):
    """Why there is no EngineLook."""

    UNREACHABLE = "unreachable"
    """Nothing answers, or not as an engine does."""
    IMPOSTOR = "impostor"
    """Another certificate than the pinned one, or it does not take the server's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The last look at a server's engine. The lead alone writes it, but for `used_at`."""

    server_id: int
    checked_at: datetime
    unreachable_since: datetime | None
    told_unreachable_at: datetime | None
    """When people were last told that it is."""
    is_told_unreachable: bool
    """They were told of this time, and not yet that it came back."""
    strange_looks: int
    """Looks in a row that met something else than this server."""
    used_at: datetime
    """When it was last seen to be used, or became ready."""
    active_at: datetime
    """The same, but a look that failed counts as use."""
    queued: int
    running: int
    prompt_tokens: int
    generated_tokens: int
    requests_done: int
    requests_per_minute: float
    tokens_per_minute: float
    """Generated ones; both since the look before."""
    warned_for: datetime | None
    """The end that people were warned of."""
    warned_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a server did in one stretch of `core.watch.rules.STRETCH`."""

    since: datetime
    generated_tokens: int
    requests: int
    queued: int
    """The most that waited at a look."""


class EndKind(StrEnum):
    """What Prime does by itself with a server that nobody keeps."""

    IDLE = "idle"
    """Stops it: nobody uses it."""
    END_TIME = "end time"
    """Stops it: so it was asked at its creation."""
    DELETION = "deletion"
    """Deletes it, so long after one of the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    kind: EndKind
    at: datetime


class News(StrEnum):
    """What is told of a server, in the thread of its card and to its owner."""

    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"
    STARTED = "started"
    """By somebody outside Prime."""
    UNREACHABLE = "unreachable"
    BACK = "back"
    GONE = "gone"
    IMPOSTOR = "impostor"
    """Told to ADMINs too."""
    ENDS_SOON = "ends soon"
    """With buttons to keep it."""
    DELETED = "deleted"
    """By Prime itself."""


class MachineFate(StrEnum):
    """What an ADMIN decided about a machine that no server of Prime has."""

    OPEN = "open"
    IGNORED = "ignored"
    ADOPTED = "adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMachine:
    """A machine that the cloud bills this account for and that no server of Prime has."""

    provider: str
    machine_id: str
    name: str
    type: str
    region: str
    first_seen_at: datetime
    last_seen_at: datetime
    fate: MachineFate
    is_told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """What one run of the monitor did, for logs and measurements."""

    servers: int
    engines: int
    """How many engines were asked."""
    unreachable: int
    acts: Sequence[str]
    """Words of what was changed or told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What is known of a server beside its row: for its card, lists and App Home."""

    pulse: Pulse | None
    """None before its first look."""
    end: End | None
    """What Prime will do with it by itself, and when, if nothing changes."""
    spent_usd: Decimal
    """This month (UTC), so far."""
    is_spent_certain: bool
    """False where some of it has a price that is not known."""
