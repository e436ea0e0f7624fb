"""What can go wrong with the Hub."""

from enum import StrEnum

from lab.faults import Fault


class FaultName(StrEnum):
    RATE_LIMITS = "hub: 429s"
    DOWN = "hub: down"


def hub_faults() -> list[Fault]:
    return [
        Fault(
            name=FaultName.RATE_LIMITS,
            description="The Hub answers every call with 429 and says when to come back.",
            options={"seconds": 55},
        ),
        Fault(name=FaultName.DOWN, description="The Hub answers every call with 503 and a page for people."),
    ]
