"""What Paperspace's API v1 answers, read tolerantly: numbers may come as strings, words may be new."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from core.servers.model import Machine, MachineState

STATES = {
    "provisioning": MachineState.PROVISIONING,
    "starting": MachineState.STARTING,
    "serviceready": MachineState.STARTING,
    "ready": MachineState.RUNNING,
    "stopping": MachineState.STOPPING,
    "off": MachineState.OFF,
}
"""`restarting`, `upgrading` and what we do not know are OTHER."""

_REGION_CODE = re.compile(r"\(([A-Za-z]+[0-9]+)\)\s*$")


class UnexpectedAnswerError(Exception):
    """It has not the shape that the API promises."""


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Mapping[str, Any]]
    after: str | None
    """Where the next page begins; None on the last one."""


@dataclass(frozen=True, slots=True)
class Script:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    ip: str
    machine_id: str | None


@dataclass(frozen=True, slots=True)
class OsTemplate:
    id: str
    label: str
    minimum_disk_gb: int | None
    machine_types: frozenset[str]


def read_page(value: Any) -> Page:
    page = _mapping(value)
    if not isinstance(page.get("items"), list):
        raise UnexpectedAnswerError
    after = _text(page.get("nextPage"))
    has_more = page.get("hasMore", after is not None)
    if has_more and after is None:
        raise UnexpectedAnswerError
    return Page(_list(page, "items"), after if has_more else None)


def read_machine(value: Any) -> Machine | None:
    """None for a machine that is deleted already."""
    machine = _mapping(value)
    if machine.get("dtDeleted") is not None:
        return None
    return Machine(
        id=_required(machine, "id"),
        name=_text(machine.get("name")) or "",
        state=STATES.get(str(machine.get("state")).lower(), MachineState.OTHER),
        type=_text(machine.get("machineType")) or "",
        region=region_id(_text(machine.get("region")) or ""),
        address=_address(machine.get("publicIp")),
        has_static_address=machine.get("publicIpType") == "static",
        vcpus=_integer(machine.get("cpus")),
        ram_bytes=_integer(machine.get("ram")),
        disk_bytes=_integer(machine.get("storageTotal")),
        usd_per_hour=_number(machine.get("usageRate")),
        created_at=_time(machine.get("dtCreated")),
    )


def read_ordered(value: Any) -> Machine:
    """The machine in `{event, data}`, or bare."""
    answer = _mapping(value)
    machine = read_machine(answer.get("data", answer))
    if machine is None:
        raise UnexpectedAnswerError
    return machine


def read_script(value: Any) -> Script:
    script = _mapping(value)
    return Script(id=_required(script, "id"), name=_text(script.get("name")) or "")


def read_address(value: Any) -> Address:
    address = _mapping(value)
    return Address(ip=_required(address, "ip"), machine_id=_text(address.get("assignedMachineId")))


def read_template(value: Any) -> OsTemplate:
    template = _mapping(value)
    labels = (_text(entry.get("machineTypeLabel")) for entry in _list(template, "availableMachineTypes"))
    return OsTemplate(
        id=_required(template, "id"),
        label=_text(template.get("operatingSystemLabel")) or _required(template, "name"),
        minimum_disk_gb=_integer(template.get("defaultSizeGb")),
        machine_types=frozenset(label for label in labels if label is not None),
    )


def read_availability(value: Any) -> bool | None:
    available = _mapping(value).get("available")
    return available if isinstance(available, bool) else None


def read_account(session: Any) -> str | None:
    """The team's name, else its namespace; None when nobody is signed in."""
    if session is None:
        return None
    fields = _mapping(session)
    team = _mapping(fields.get("team") or {})
    for membership in _list(_mapping(fields.get("user") or {}), "teamMemberships"):
        member_of = _mapping(membership.get("team") or {})
        if member_of.get("id") == team.get("id") and _text(member_of.get("name")):
            return _text(member_of.get("name"))
    return _text(team.get("namespace")) or _text(team.get("id")) or "Paperspace"


def read_refusal(value: Any) -> str:
    """Code, message and issues of an error, in one line; empty where there are none."""
    error = _mapping(value)
    parts = [error.get("code"), error.get("message"), *(issue.get("message") for issue in _list(error, "issues"))]
    return " ".join(part for part in parts if isinstance(part, str))


def region_id(label: str) -> str:
    """`NY2` for `East Coast (NY2)`, which is what answers hold whatever was ordered."""
    code = _REGION_CODE.search(label)
    return (code[1] if code else label).upper()


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnexpectedAnswerError
    return cast("dict[str, Any]", value)


def _list(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Of objects; empty where there is no list."""
    items = fields.get(name)
    return [_mapping(item) for item in cast("list[Any]", items)] if isinstance(items, list) else []


def _required(fields: Mapping[str, Any], name: str) -> str:
    text = _text(fields.get(name))
    if text is None:
        raise UnexpectedAnswerError
    return text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < 10**18 else None


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _address(value: Any) -> str | None:
    try:
        return str(ipaddress.ip_address(value)) if isinstance(value, str) else None
    except ValueError:
        return None
