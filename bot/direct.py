"""The direct message between Prime and a person."""

from collections.abc import Mapping
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

_log = structlog.get_logger(__name__)


async def direct_channel(client: AsyncWebClient, user: str) -> str | None:
    """Its id; None for whom Slack lets Prime not write to."""
    try:
        answer = await client.conversations_open(users=user)
    except SlackApiError as error:
        _log.warning("no_direct_message", error=str(error.response["error"]))
        return None
    channel: Mapping[str, Any] = answer.get("channel") or {}
    return str(channel["id"])
