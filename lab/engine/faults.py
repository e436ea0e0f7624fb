"""What can go wrong with an engine."""

from collections.abc import Callable
from enum import StrEnum

from lab.faults import Fault


class FaultName(StrEnum):
    OVERLOADED = "engine: overloaded"
    ERROR_FRAME = "engine: error frame"
    STALL = "engine: stall"
    CUT_STREAM = "engine: cut stream"
    SPLIT_UTF8 = "engine: split UTF-8"
    LINE_SEPARATOR = "engine: U+2028 in a token"
    UNHEALTHY = "engine: unhealthy"
    SLOW_LOAD = "engine: slow load"
    CRASH = "engine: crash"


def engine_faults(crash: Callable[[], None]) -> list[Fault]:
    """`after` counts tokens; `crash` ends what runs now."""
    return [
        Fault(name=FaultName.OVERLOADED, description="The engine refuses every request, as if it were full."),
        Fault(
            name=FaultName.ERROR_FRAME,
            description="The model fails after a few tokens; the engine says so inside the stream.",
            options={"after": 5},
        ),
        Fault(
            name=FaultName.STALL,
            description="The engine goes silent after a few tokens and leaves the connection open.",
            options={"after": 5, "seconds": 3600.0},
        ),
        Fault(
            name=FaultName.CUT_STREAM,
            description="The connection breaks after a few tokens, without an end.",
            options={"after": 5},
        ),
        Fault(
            name=FaultName.SPLIT_UTF8,
            description="Answers hold characters of several bytes, and arrive in pieces cut right through them.",
        ),
        Fault(
            name=FaultName.LINE_SEPARATOR,
            description="Answers hold U+2028, which careless readers of a stream take for the end of a line.",
        ),
        Fault(name=FaultName.UNHEALTHY, description="The engine answers, but reports that it is broken."),
        Fault(
            name=FaultName.SLOW_LOAD,
            description="An engine that starts from now on takes long to load its model.",
            options={"seconds": 600.0},
        ),
        Fault(
            name=FaultName.CRASH,
            description="The engine crashes now; a restart policy brings it back.",
            act=lambda _: crash(),
        ),
    ]
