"""Lists in pages by cursor."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from lab.paperspace.api.routes import Call
from lab.paperspace.errors import invalid
from lab.paperspace.faults import FaultName

T = TypeVar("T")
DEFAULT_LIMIT = 20
LARGEST_LIMIT = 120


class Direction(StrEnum):
    ASC = "asc"
    DESC = "desc"


def page(
    call: Call,
    items: Sequence[T],
    *,
    key: Callable[[T], str],
    shown: Callable[[T], bool] = lambda _: True,
    shape: Callable[[T], Any],
    order_by: dict[str, Callable[[T], Any]] | None = None,
) -> dict[str, Any]:
    """The page that `after`, `limit`, `orderBy` and `order` ask for. `items` are in the order of their creation, with
    those that are not shown, so that a cursor stays good when its item goes. `key` is the cursor."""
    ordered = list(items)
    order = call.text("orderBy")
    if order is not None and order not in {"dtCreated", *(order_by or {})}:
        raise invalid("orderBy: Invalid enum value")
    if order_by and order in order_by:
        ordered.sort(key=order_by[order])
    if call.word("order", Direction, default=Direction.DESC) is Direction.DESC:
        ordered.reverse()
    start = _start(call.text("after"), [key(item) for item in ordered])
    rest = [item for item in ordered[start:] if shown(item)]
    limit = _limit(call)
    found, has_more = rest[:limit], len(rest) > limit
    copies = 1 if call.cloud.faults.options(FaultName.DUPLICATES) is None else 2
    answer: dict[str, Any] = {"hasMore": has_more, "items": [shape(item) for item in found for _ in range(copies)]}
    if has_more:
        answer["nextPage"] = key(found[-1])
    elif call.cloud.dice.random() < 0.5:  # at the end it is null, or not there at all
        answer["nextPage"] = None
    return answer


def is_like(name: str, wanted: str | None) -> bool:
    """The filter by name finds more than the exact one."""
    return wanted is None or wanted.lower() in name.lower()


def _limit(call: Call) -> int:
    limit = call.number("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= LARGEST_LIMIT or limit != int(limit):
        raise invalid(f"limit: Number must be from 1 to {LARGEST_LIMIT}")
    return int(limit)


def _start(after: str | None, keys: list[str]) -> int:
    if after is None:
        return 0
    if after not in keys:
        raise invalid("after: Invalid cursor")
    return keys.index(after) + 1
