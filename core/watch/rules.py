"""What follows from a look at a server. Pure.

What is known of a server at rest stands in two places: its row, which people and the mover change, and its pulse, which
only the lead writes. `advance` takes a look at the engine into the pulse; `compare` holds the row against the cloud."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.servers.model import Desired, FailureKind, Machine, MachineState, Server, ServerState, StopReason
from core.servers.rules import MACHINE_IS_OFF, is_gone
from core.servers.wishes import wish
from core.watch.model import End, EndKind, EngineLook, Load, News, NoLook, Pulse

STRETCH = timedelta(minutes=5)
"""Of one point of a chart."""
LOADS_KEPT = timedelta(hours=26)
"""A chart shows a day."""

UNREACHABLE_AFTER = timedelta(minutes=5)
FLAPPING = timedelta(hours=1)
"""People are told at most once in this time that a server cannot be reached."""
STRANGE_LOOKS = 2
"""One could meet a machine in the middle of a restart."""

WARNING = timedelta(minutes=15)
HARD_CAP = timedelta(hours=12)
"""A server that cannot be asked counts as used, but no longer than this beyond its idle limit."""

UNKNOWN_AFTER = timedelta(minutes=3)
"""A machine of an order that is under way, or of a deletion, is known or gone by then."""


# --- engines --------------------------------------------------------------------------------------


def is_asked(server: Server) -> bool:
    """Whether its engine may answer, so that it is asked. A failed one may have come up late."""
    if server.address is None or server.stale_key:  # it takes the old one until it is started anew
        return False
    if server.state is ServerState.READY:
        return True
    may_come_up = server.failure is not None and server.failure.kind in _MAY_COME_UP
    return server.state is ServerState.FAILED and server.desired is Desired.RUNNING and may_come_up


_MAY_COME_UP = frozenset({FailureKind.TIMEOUT, FailureKind.ENGINE, FailureKind.IDENTITY})


def pulse_of(server: Server, last: Pulse | None) -> Pulse:
    """The pulse that the next look goes on from: a new one since the server came into its state."""
    since = server.state_since
    if last is not None and last.checked_at >= since:
        return last
    return Pulse(
        server_id=server.id,
        checked_at=since,
        unreachable_since=None,
        told_unreachable_at=None if last is None else last.told_unreachable_at,
        is_told_unreachable=False,
        strange_looks=0,
        used_at=since,
        active_at=since,
        queued=0,
        running=0,
        # An engine need not have restarted with its server's state.
        prompt_tokens=0 if last is None else last.prompt_tokens,
        generated_tokens=0 if last is None else last.generated_tokens,
        requests_done=0 if last is None else last.requests_done,
        requests_per_minute=0.0,
        tokens_per_minute=0.0,
        warned_for=None,
        warned_at=None,
    )


def advance(last: Pulse, look: EngineLook | NoLook, now: datetime) -> tuple[Pulse, Load | None]:
    """The pulse after a look, and what the server did since the last one; None if it could not be asked."""
    if isinstance(look, NoLook):
        missed = replace(
            last,
            checked_at=now,
            unreachable_since=last.unreachable_since or now,
            strange_looks=last.strange_looks + 1 if look is NoLook.IMPOSTOR else 0,
            active_at=now,
            queued=0,
            running=0,
            requests_per_minute=0.0,
            tokens_per_minute=0.0,
        )
        return missed, None
    requests = _grown(last.requests_done, look.requests_done)
    tokens = _grown(last.generated_tokens, look.generated_tokens)
    is_used = bool(requests or tokens or look.queued or look.running)
    minutes = (now - last.checked_at).total_seconds() / 60
    seen = replace(
        last,
        checked_at=now,
        unreachable_since=None,
        strange_looks=0,
        used_at=now if is_used else last.used_at,
        active_at=now if is_used else last.active_at,
        queued=look.queued,
        running=look.running,
        prompt_tokens=look.prompt_tokens,
        generated_tokens=look.generated_tokens,
        requests_done=look.requests_done,
        requests_per_minute=requests / minutes if minutes > 0 else 0.0,
        tokens_per_minute=tokens / minutes if minutes > 0 else 0.0,
    )
    return seen, Load(since=stretch_of(now), generated_tokens=tokens, requests=requests, queued=look.queued)


def _grown(before: int, after: int) -> int:
    """By how much a counter grew, which begins at 0 again when the engine restarts."""
    return after - before if after >= before else after


def stretch_of(now: datetime) -> datetime:
    seconds = STRETCH.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)


def reachability_news(pulse: Pulse, now: datetime) -> tuple[Pulse, News | None]:
    """What is to be told of whether it answers: each outage once if it is long, and then its end; no more than one an
    hour."""
    if pulse.unreachable_since is None:
        back = News.BACK if pulse.is_told_unreachable else None
        return replace(pulse, is_told_unreachable=False), back
    is_long = now - pulse.unreachable_since >= UNREACHABLE_AFTER
    is_damped = pulse.told_unreachable_at is not None and now - pulse.told_unreachable_at < FLAPPING
    if pulse.is_told_unreachable or not is_long or is_damped:
        return pulse, None
    return replace(pulse, is_told_unreachable=True, told_unreachable_at=now), News.UNREACHABLE


def is_impostor(pulse: Pulse) -> bool:
    return pulse.strange_looks >= STRANGE_LOOKS


# --- the end that comes by itself -----------------------------------------------------------------


def next_end(server: Server, pulse: Pulse | None) -> End | None:
    """What Prime will do with it by itself, and when, if nobody uses or keeps it. A failed server whose machine may
    still run is idle from its failure on."""
    spec, keep = server.spec, server.keep_until
    if server.state is ServerState.STOPPED:
        if spec.delete_after_minutes is None or server.stop_reason not in (StopReason.IDLE, StopReason.END_TIME):
            return None
        return End(kind=EndKind.DELETION, at=_kept(server.state_since + _minutes(spec.delete_after_minutes), keep))
    if not costs_while_unused(server):
        return None
    ends = list[End]()
    if spec.ends_at is not None:
        ends.append(End(kind=EndKind.END_TIME, at=_kept(spec.ends_at, keep)))
    if spec.idle_stop_minutes is not None:
        ends.append(End(kind=EndKind.IDLE, at=_kept(_idle_end(server, pulse, _minutes(spec.idle_stop_minutes)), keep)))
    return min(ends, key=lambda end: end.at, default=None)


def costs_while_unused(server: Server) -> bool:
    """Whether it is up, or failed with a machine that may be."""
    if server.state is ServerState.FAILED:
        return (
            server.machine_id is not None
            and server.failure is not None
            and server.failure.kind not in MACHINE_IS_OFF | {FailureKind.ADOPTED}
        )
    return server.state is ServerState.READY


def _idle_end(server: Server, pulse: Pulse | None, limit: timedelta) -> datetime:
    since = server.state_since
    if pulse is None or server.state is ServerState.FAILED:
        return since + limit
    return min(max(since, pulse.active_at) + limit, max(since, pulse.used_at) + limit + HARD_CAP)


def _kept(at: datetime, keep_until: datetime | None) -> datetime:
    return at if keep_until is None else max(at, keep_until)


def _minutes(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def warning_before(server: Server) -> timedelta:
    """How long before its end people are warned."""
    limit = server.spec.idle_stop_minutes
    return WARNING if limit is None else min(WARNING, _minutes(limit) / 2)


def is_to_be_warned(server: Server, end: End, pulse: Pulse, now: datetime) -> bool:
    return pulse.warned_for != end.at and now >= end.at - warning_before(server)


def is_over(server: Server, end: End, pulse: Pulse, now: datetime) -> bool:
    """Whether the end has come, of which people knew for a third of the usual time at the least."""
    if pulse.warned_for != end.at or pulse.warned_at is None:
        return False
    return now >= max(end.at, pulse.warned_at + warning_before(server) / 3)


# --- clouds ---------------------------------------------------------------------------------------


def compare(server: Server, machine: Machine | None, now: datetime) -> tuple[Server, News | None]:
    """The row as it should be after the cloud told of its machine, or (None) that it knows none. The same object if
    nothing is to be changed."""
    if machine is None:
        return _missing(server, now)
    if server.missing_since is not None:
        server = replace(server, missing_since=None, missing_count=0)
    is_off = machine.state is MachineState.OFF
    is_up = machine.state is MachineState.RUNNING and machine.address is not None
    match server.state:
        case ServerState.READY if is_off:
            return _stopped_outside(server, machine, now), News.STOPPED
        case ServerState.READY if machine.state is MachineState.RUNNING and machine.address not in (
            None,
            server.address,
        ):
            return replace(server, address=machine.address), None
        case ServerState.FAILED if is_off and not _is_known_off(server):
            return _stopped_outside(server, machine, now), News.STOPPED
        case ServerState.GONE if is_off:
            return _stopped_outside(server, machine, now), News.BACK
        case ServerState.STOPPED if is_up:
            return comes_up(server, now, address=machine.address), News.STARTED
        case ServerState.FAILED if is_up and server.desired is Desired.STOPPED:
            return wish(server, Desired.STOPPED, now=now, reason=server.stop_reason or StopReason.PERSON), None
        case ServerState.FAILED if is_up and _is_known_off(server):
            return comes_up(server, now, address=machine.address), News.STARTED
        case ServerState.GONE if is_up:
            return comes_up(server, now, address=machine.address), News.BACK
        case _:
            return server, None


def _missing(server: Server, now: datetime) -> tuple[Server, News | None]:
    if server.state is ServerState.GONE:
        return server, None
    missing = replace(
        server, missing_since=server.missing_since or now, missing_count=server.missing_count + 1, checked_at=now
    )
    if not is_gone(missing, now):
        return missing, None
    return replace(missing, state=ServerState.GONE, state_since=now, address=None, progress=""), News.GONE


def _is_known_off(server: Server) -> bool:
    return server.failure is not None and server.failure.kind in MACHINE_IS_OFF


def _stopped_outside(server: Server, machine: Machine, now: datetime) -> Server:
    return replace(
        server,
        state=ServerState.STOPPED,
        state_since=now,
        checked_at=now,
        desired=Desired.STOPPED,
        address=machine.address if machine.has_static_address else None,
        failure=None,
        progress="",
        stop_reason=_why_off(server),
        attempts=0,
    )


def _why_off(server: Server) -> StopReason:
    """Its own reason, if it was to be stopped anyway."""
    own = server.stop_reason if server.desired is Desired.STOPPED else None
    return own or StopReason.OUTSIDE


def comes_up(server: Server, now: datetime, *, address: str | None) -> Server:
    """Its machine runs, so it is on its way up by itself. Prime watches it, and does not switch it on should somebody
    switch it off again: that is for STARTING, where somebody asked for it here."""
    return replace(
        server,
        state=ServerState.LOADING,
        state_since=now,
        asked_at=now,
        checked_at=now,
        desired=Desired.RUNNING,
        address=address,
        fingerprint=server.fingerprint if address == server.address else None,
        failure=None,
        progress="",
        stop_reason=None,
        cloud_asked_at=None,
        cloud_asks=0,
        attempts=0,
    )
