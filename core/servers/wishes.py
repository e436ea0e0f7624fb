"""What becomes of a server's record when somebody, or Prime itself, wants it to run, stop or go."""

from dataclasses import replace
from datetime import datetime

from core.servers.model import Desired, Server, ServerState, StopReason
from core.servers.rules import check_move, check_start, check_stop


def wish(server: Server, desired: Desired, *, now: datetime, reason: StopReason) -> Server:
    """The record with what is wanted; the mover makes it so. The very same one if that is so already. Raises
    ConflictError where it makes no sense."""
    state = _on_the_way(server, desired)
    if server.state is state and server.desired is desired:  # only deleting gets here twice
        return server
    check_move(server.state, state)
    return replace(
        server,
        desired=desired,
        state=state,
        state_since=now,
        asked_at=now,
        cloud_asks=0,
        attempts=0,
        progress="",
        failure=None,
        # What the cloud was asked has to be known until it was seen to be done or surely not there.
        cloud_asked_at=None if desired is Desired.RUNNING else server.cloud_asked_at,
        stop_reason=None if desired is Desired.RUNNING else reason,
        keep_until=None if desired is Desired.RUNNING else server.keep_until,
    )


def _on_the_way(server: Server, desired: Desired) -> ServerState:
    """The state on the way to what is wanted."""
    match desired:
        case Desired.RUNNING:
            check_start(server)
            return ServerState.STARTING
        case Desired.STOPPED:
            check_stop(server)
            return ServerState.STOPPING
        case Desired.DELETED:
            return ServerState.DELETING
