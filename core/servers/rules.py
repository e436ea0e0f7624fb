"""What may follow what in a server's life, and what its words must be. Pure."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import quantiles

from core.catalog.model import YesNo
from core.errors import ConflictError, InvalidInputError
from core.servers.model import Desired, FailureKind, Server, ServerState

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
DESCRIPTION_LENGTH = 200

MACHINE_DEADLINE = timedelta(minutes=30)
"""Clients of Paperspace allow a machine 16 to 30 minutes (paperspace-api.md, 4)."""
ENGINE_DEADLINE = timedelta(hours=2)
"""The image is about 10 GB, and 70B from the network takes tens of minutes (tgi-api.md, 5.4)."""
ORDER_DEADLINE = timedelta(minutes=10)
SETTLES_AFTER = timedelta(seconds=15)
"""An order whose reply was lost shows in the cloud's list within this time, or was not taken."""
MOST_ORDERS = 3
STARTS_WITHIN = timedelta(seconds=10)
"""A machine that is still off this long after the cloud accepted to start it was not started."""
PROVES_WITHIN = timedelta(minutes=5)
"""A machine that boots may answer with what it ran before, until its startup script has run."""
LONGEST_WAIT_SECONDS = 15.0
"""Between two looks; short enough that work goes on soon after a restart."""
LONGEST_ASKED_SECONDS = 60.0
GONE_AFTER = timedelta(minutes=5)
GONE_SIGHTINGS = 3

_S = ServerState
WAY_UP = frozenset({_S.ORDERED, _S.BOOTING, _S.STARTING, _S.PULLING, _S.LOADING})
IN_MOTION = WAY_UP | {_S.STOPPING, _S.DELETING}
"""What Prime itself works on until it comes to rest."""
RUNNING = frozenset({_S.BOOTING, _S.STARTING, _S.PULLING, _S.LOADING, _S.READY, _S.STOPPING, _S.FAILED})
"""Where a machine, if there is one, runs for all that is known, and costs its hourly price."""

_AWAY = {_S.STOPPING, _S.DELETING, _S.FAILED, _S.GONE}
MOVES: dict[ServerState, frozenset[ServerState]] = {
    _S.ORDERED: frozenset({_S.BOOTING, _S.FAILED, _S.DELETING}),
    _S.BOOTING: frozenset({_S.PULLING, _S.LOADING, _S.READY} | _AWAY),
    _S.STARTING: frozenset({_S.PULLING, _S.LOADING, _S.READY} | _AWAY),
    _S.PULLING: frozenset({_S.LOADING, _S.READY} | _AWAY),
    _S.LOADING: frozenset({_S.READY} | _AWAY),
    _S.READY: frozenset({_S.STOPPED} | _AWAY),
    _S.STOPPING: frozenset({_S.STOPPED, _S.STARTING, _S.FAILED, _S.DELETING, _S.GONE}),
    _S.STOPPED: frozenset({_S.STARTING, _S.LOADING, _S.DELETING, _S.GONE}),
    _S.FAILED: frozenset({_S.STARTING, _S.LOADING, _S.STOPPING, _S.STOPPED, _S.DELETING, _S.GONE}),
    _S.GONE: frozenset({_S.STOPPED, _S.LOADING, _S.DELETING}),
    _S.DELETING: frozenset({_S.DELETED}),
    _S.DELETED: frozenset(),
}


def check_move(old: ServerState, new: ServerState) -> None:
    """Raises ConflictError for a way that is not on the map."""
    if new is not old and new not in MOVES[old]:
        raise ConflictError(f"The server is {old}; it cannot become {new}. Please look again.")


def check_name(name: str) -> str:
    """The name as it is kept. Raises InvalidInputError."""
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            "Use 1 to 30 lower-case letters, digits and hyphens, beginning and ending with a letter or digit.",
            field="name",
        )
    return name


def check_description(description: str) -> str:
    description = " ".join(description.split())
    if len(description) > DESCRIPTION_LENGTH:
        raise InvalidInputError(f"Use at most {DESCRIPTION_LENGTH} characters.", field="description")
    return description


def check_end(ends_at: datetime | None, now: datetime) -> None:
    if ends_at is not None and ends_at <= now:
        raise InvalidInputError("Choose a time that is still to come.", field="ends_at")


def machine_name(installation: str, server_id: int, name: str) -> str:
    """What the cloud sees: of this installation, for this server and no other."""
    return f"prime-{installation}-{server_id:06d}-{name}"


def order_key(server: Server) -> str:
    """Notices of one server are told in order."""
    return f"server/{server.id}"


# --- what people may ask for ----------------------------------------------------------------------


def check_start(server: Server) -> None:
    """Raises ConflictError with the reason."""
    if server.state in WAY_UP:
        raise ConflictError(f"`{server.spec.name}` is on its way up already: {server.state}.")
    if server.state is _S.READY:
        raise ConflictError(f"`{server.spec.name}` is ready already.")
    if server.state in (_S.DELETING, _S.DELETED):
        raise ConflictError(f"`{server.spec.name}` is being deleted; create a new one with `/prime create`.")
    _refuse_if_gone(server)
    if server.machine_id is None:
        raise ConflictError(f"`{server.spec.name}` has no machine to start; delete it and create a new one.")


def check_stop(server: Server) -> None:
    if server.state is _S.STOPPED or (server.state is _S.STOPPING and server.desired is Desired.STOPPED):
        raise ConflictError(f"`{server.spec.name}` is {server.state} already.")
    if server.state in (_S.DELETING, _S.DELETED):
        raise ConflictError(f"`{server.spec.name}` is being deleted.")
    _refuse_if_gone(server)
    if server.machine_id is None:
        raise ConflictError(f"`{server.spec.name}` has no machine to stop yet; delete it instead.")


def _refuse_if_gone(server: Server) -> None:
    if server.state is _S.GONE:
        raise ConflictError(f"The cloud does not know the machine of `{server.spec.name}` any more; delete the record.")


def may_start(server: Server) -> bool:
    return _passes(check_start, server)


def may_stop(server: Server) -> bool:
    return _passes(check_stop, server)


def may_delete(server: Server) -> bool:
    return server.state not in (_S.DELETING, _S.DELETED)


def _passes(check: Callable[[Server], None], server: Server) -> bool:
    try:
        check(server)
    except ConflictError:
        return False
    return True


# --- time -----------------------------------------------------------------------------------------


def is_overdue(server: Server, now: datetime) -> bool:
    """Whether it has been on its way for longer than we wait."""
    deadline = {
        _S.ORDERED: ORDER_DEADLINE,
        _S.BOOTING: MACHINE_DEADLINE,
        _S.STARTING: MACHINE_DEADLINE,
        _S.PULLING: ENGINE_DEADLINE,
        _S.LOADING: ENGINE_DEADLINE,
        _S.STOPPING: MACHINE_DEADLINE,
    }.get(server.state)
    return deadline is not None and now - server.state_since >= deadline


def has_settled(server: Server, now: datetime) -> bool:
    """Whether an order of which nothing was heard would have shown by now."""
    return server.cloud_asked_at is None or now - server.cloud_asked_at >= SETTLES_AFTER


def is_gone(server: Server, now: datetime) -> bool:
    return (
        server.missing_since is not None
        and server.missing_count >= GONE_SIGHTINGS
        and now - server.missing_since >= GONE_AFTER
    )


def wait_seconds(attempts: int, *, pace: float, asked: float | None = None) -> float:
    """How long until the next look: the pace, growing after failures, and what the cloud asked for as far as that is
    reasonable."""
    wait = pace if attempts == 0 else min(pace * 2 ** min(attempts, 5), LONGEST_WAIT_SECONDS)
    return max(wait, min(asked or 0.0, LONGEST_ASKED_SECONDS))


def expected_range(seconds: Sequence[float]) -> tuple[float, float] | None:
    """The middle half of what was seen; None of fewer than three."""
    if len(seconds) < 3:
        return None
    lower, _, upper = quantiles(seconds, n=4, method="inclusive")
    return lower, upper


# --- money ----------------------------------------------------------------------------------------


def still_costs(server: Server) -> str:
    """One sentence on what costs money while the server does not run; empty when nothing does."""
    if server.state is _S.DELETED or (server.machine_id is None and server.cloud_asked_at is None):
        return ""
    if server.machine_id is None:
        return "It is not known yet whether the cloud took the order; Prime keeps looking and deletes what it finds."
    hardware = server.hardware
    if server.state is _S.FAILED and server.failure is not None and server.failure.kind not in MACHINE_IS_OFF:
        price = "" if hardware.price_usd_per_hour is None else f", ${hardware.price_usd_per_hour:.2f} an hour"
        return f"The machine may still run and cost its full price{price}: stop or delete it."
    parts = [f"its disk of {server.spec.disk_gb} GB"]
    if hardware.disk_usd_per_month is not None:
        parts[0] += f" (${hardware.disk_usd_per_month:.2f} a month)"
    if server.spec.static_address:
        parts.append("its static address")
    sentence = f"Until it is deleted, {' and '.join(parts)} cost{'s' if len(parts) == 1 else ''} money."
    if hardware.billed_while_off is YesNo.YES:
        return f"The machine costs its hourly price also while it is off. {sentence}"
    if hardware.billed_while_off is YesNo.UNKNOWN:
        return f"{sentence} Whether the cloud also bills a stopped machine by the hour is not certain; deleting it is."
    return sentence


MACHINE_IS_OFF = frozenset({FailureKind.NO_CAPACITY, FailureKind.QUOTA, FailureKind.REFUSED, FailureKind.MACHINE})

NEEDS_ANOTHER_OFFER = frozenset({FailureKind.NO_CAPACITY, FailureKind.QUOTA, FailureKind.REFUSED})
