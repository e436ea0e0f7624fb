"""Drawing a modal anew that its person may have closed meanwhile."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.pacer import Priority, sending


async def redraw_open(
    client: AsyncWebClient, view: Mapping[str, Any], *, priority: Priority = Priority.INTERACTIVE, **where: str
) -> bool:
    """False if it is not open. `where` is its `view_id` or `external_id`.

    Raises SlackUnavailableError, SlackApiError."""
    try:
        with sending(priority):
            await client.views_update(view=dict(view), **where)
    except SlackApiError as error:
        if error.response["error"] != "not_found":
            raise
        return False
    return True
