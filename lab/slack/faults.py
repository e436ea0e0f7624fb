"""What can go wrong with Slack."""

from enum import StrEnum

from lab.faults import Fault


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
