"""What can go wrong with Paperspace."""

from collections.abc import Callable
from enum import StrEnum

from lab.faults import Fault, Options


class FaultName(StrEnum):
    NO_CAPACITY = "cloud: no capacity"
    QUOTA = "cloud: quota"
    RATE_LIMITS = "cloud: 429s"
    ERRORS = "cloud: 500s"
    HTML = "cloud: HTML block page"
    LOST_REPLIES = "cloud: lost replies"
    ENDLESS_BOOT = "cloud: boot never ends"
    SLOW = "cloud: slow"
    VANISHING = "cloud: machine vanishes"
    DUPLICATES = "cloud: duplicate items"
    PLAIN_NUMBERS = "cloud: string numbers off"


def cloud_faults(vanish: Callable[[str], None]) -> list[Fault]:
    """`share` is the part of all calls that a fault strikes; `only` confines it to calls that begin so (`GET`,
    `POST /machines`); `times`, where given, counts down and ends it. `vanish` takes a machine's name, empty for the
    newest one."""
    calls: Options = {"share": 1.0, "only": "", "times": None}
    return [
        Fault(
            name=FaultName.NO_CAPACITY,
            description="Orders are accepted and come to nothing: the machine stays off. Starts fail. The type and the "
            "region can be named.",
            options={
                "machine_type": "",
                "region": "",
                "error": "The machine could not be started: insufficient capacity for this machine type.",
            },
        ),
        Fault(name=FaultName.QUOTA, description="The team may not have another machine."),
        Fault(
            name=FaultName.RATE_LIMITS,
            description="The cloud answers many calls with 429.",
            options=calls | {"share": 0.5, "retry_after": None},
        ),
        Fault(
            name=FaultName.ERRORS,
            description="The cloud answers many calls with HTTP 500, and has done nothing, or (`after`) all.",
            options=calls | {"share": 0.5, "after": False},
        ),
        Fault(
            name=FaultName.HTML,
            description="The firewall before the cloud takes scripts and orders for an attack and answers in HTML.",
        ),
        Fault(
            name=FaultName.LOST_REPLIES,
            description="The cloud does what it is asked and the connection breaks before it can say so.",
            options=calls,
        ),
        Fault(name=FaultName.ENDLESS_BOOT, description="Machines that start do not get ready until this is over."),
        Fault(name=FaultName.SLOW, description="Each call takes its time.", options={"seconds": 2.0}),
        Fault(
            name=FaultName.VANISHING,
            description="A machine disappears now, the newest one unless a name is given.",
            options={"machine": ""},
            act=lambda options: vanish(options["machine"]),
        ),
        Fault(name=FaultName.DUPLICATES, description="Lists hold each item twice."),
        Fault(name=FaultName.PLAIN_NUMBERS, description="Sizes in bytes come as numbers, not in strings."),
    ]
