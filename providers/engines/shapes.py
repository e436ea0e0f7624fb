"""What an engine sent, read without trust in its shape."""

import json
from typing import Any, cast

from core.servers.errors import EngineUnreachableError

MOST = 2**31
"""No count of tokens comes near."""


def parse_object(data: bytes) -> dict[str, Any]:
    """Empty for JSON that is no object. Raises EngineUnreachableError for what is no JSON."""
    try:
        return as_object(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise EngineUnreachableError("The engine answers in words that Prime does not know.") from error


def as_object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def first(value: object) -> dict[str, Any]:
    """The first of a list of objects."""
    return as_object(cast("list[object]", value)[0]) if isinstance(value, list) and value else {}


def as_text(value: object) -> str:
    """With every half of a surrogate pair, which JSON can spell and UTF-8 cannot, replaced."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode(errors="replace").decode()


def as_count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST else None
