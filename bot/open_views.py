"""Drawing a modal anew that its person may have closed meanwhile."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.pacer import Priority, sending


async def redraw_open(
    client: AsyncWebClient, view: Mapping[str, Any], *, priority: Priority = Priority.INTERACTIVE, **where: str
) -> str | None:
    """The hash of what it shows now; None if it is not open. `where` is its `view_id` or `external_id`; with `hash` it
    is not drawn, and None, if it shows something else by now.

    Raises SlackUnavailableError, SlackApiError."""
    try:
        with sending(priority):
            answer = await client.views_update(view=dict(view), **where)
    except SlackApiError as error:
        if error.response["error"] not in ("not_found", "hash_conflict"):
            raise
        return None
    shown: Mapping[str, Any] = answer.get("view") or {}
    return str(shown.get("hash", ""))
