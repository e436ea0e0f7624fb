"""Cursor paging as Slack does it."""

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from lab.slack.arguments import Arguments
from lab.slack.errors import SlackError

T = TypeVar("T")


def page(
    items: Sequence[T], arguments: Arguments, *, default: int, largest: int = 1000
) -> tuple[list[T], dict[str, Any]]:
    """The page that `cursor` and `limit` ask for, and the `response_metadata` that leads to the next."""
    limit = arguments.number("limit")
    if limit is not None and not 0 <= limit <= largest:
        raise SlackError("invalid_limit")
    start = _position(arguments.text("cursor"))
    end = start + (limit or default)
    return list(items[start:end]), {"next_cursor": _cursor(end) if end < len(items) else ""}


def _cursor(position: int) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(position)
    except ValueError:
        pass
    raise SlackError("invalid_cursor")
