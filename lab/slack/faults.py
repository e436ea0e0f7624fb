"""Faults that people and tests switch on by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.slack.errors import SlackError
from lab.slack.happenings import Announcer, FaultsChanged

Options = dict[str, Any]


class FaultName(StrEnum):
    RATE_LIMITS = "429s"
    DUPLICATE_EVENTS = "duplicate events"
    LOST_EVENTS = "lost events"
    DELAYED_EVENTS = "delayed events"
    SOCKET_DROP = "socket drop"
    SOCKET_SILENCE = "socket silence"
    REFRESH_REQUEST = "refresh request"
    SLOW_API = "slow API"
    API_500S = "API 500s"
    LOST_ACKS = "lost acks"
    CLOCK_JUMP = "clock jump"


@dataclass(slots=True, kw_only=True)
class Fault:
    name: str
    description: str
    """One sentence for people."""
    options: Options = field(default_factory=dict)
    """What it takes, with the values it has now."""
    act: Callable[[Options], None] | None = None
    """Given for a fault of one moment, which is off again at once; None for one that lasts until it is switched off."""
    on: bool = False


class Faults:
    """Other parts of the lab add their own."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._faults: dict[str, Fault] = {}

    def add(self, *faults: Fault) -> None:
        self._faults |= {fault.name: fault for fault in faults}

    def switch(self, name: str, *, on: bool = True, **options: Any) -> None:
        """Raises SlackError for a name or an option that does not exist."""
        fault = self._faults.get(name)
        if fault is None or not options.keys() <= fault.options.keys():
            raise SlackError("invalid_arguments", "There is no such fault, or it has no such option.")
        fault.options |= options
        if fault.act is None:
            fault.on = on
        elif on:
            fault.act(fault.options)
        self._announcer.announce(FaultsChanged())

    def options(self, name: str) -> Options | None:
        """The options of a fault that is on; None while it is off."""
        fault = self._faults[name]
        return fault.options if fault.on else None

    def listing(self) -> list[dict[str, Any]]:
        return [
            {"name": fault.name, "description": fault.description, "on": fault.on} for fault in self._faults.values()
        ]


def lasting_faults() -> list[Fault]:
    """Those that the parts of the lab look up as they work. `share` is the part of all cases that they strike."""
    return [
        Fault(
            name=FaultName.RATE_LIMITS,
            description="Slack answers many calls with 429 and asks to wait.",
            options={"share": 0.5, "retry_after": 2},
        ),
        Fault(name=FaultName.DUPLICATE_EVENTS, description="Slack delivers each event twice."),
        Fault(name=FaultName.LOST_EVENTS, description="Events never reach the app.", options={"share": 1.0}),
        Fault(name=FaultName.DELAYED_EVENTS, description="Events arrive late.", options={"seconds": 5.0}),
        Fault(name=FaultName.SLOW_API, description="Each Web API call takes its time.", options={"seconds": 2.0}),
        Fault(
            name=FaultName.API_500S,
            description="Slack answers many calls with HTTP 500 and does nothing.",
            options={"share": 0.5},
        ),
        Fault(
            name=FaultName.LOST_ACKS,
            description="Slack does not hear acknowledgements: events come again, people see a timeout.",
            options={"share": 1.0},
        ),
    ]
