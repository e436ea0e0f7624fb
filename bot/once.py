"""Messages that people see once, though the delivery that owes them may be worked on again.

Each carries a key in its metadata, by which Prime finds it again: the conversation itself is the record, and no row can
disagree with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.views.menu import Message

EVENT_TYPE = "prime_news"
LATEST = timedelta(days=2)
"""A delivery that is tried for longer than this is given up, so its message is not older."""
LOOKED_THROUGH = 200
"""Messages of a thread or conversation; more have not come since a delivery was first tried."""

_log = structlog.get_logger(__name__)

Posted = Mapping[str, Any]
"""A message as Slack shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A conversation, or a thread in it."""

    channel: str
    thread_ts: str | None = None


async def post_once(
    client: AsyncWebClient, spot: Spot, message: Message, *, key: str, look_since: datetime | None
) -> str | None:
    """Posts it, unless a message of this key is there since `look_since`; None: this is the first attempt, so there is
    none. Its ts; None if Slack does not take it."""
    if look_since is not None and (found := await find_posted(client, spot, key=key, since=look_since)):
        return str(found[0]["ts"])
    try:
        return await post(client, spot, message, key=key)
    except SlackApiError as error:
        _log.warning("not_posted", channel=spot.channel, error=str(error.response["error"]))
        return None


async def post(client: AsyncWebClient, spot: Spot, message: Message, *, key: str) -> str:
    """Posts it so that it can be found by its key; its ts. Raises SlackApiError."""
    text, blocks = message
    answer = await client.chat_postMessage(
        channel=spot.channel,
        thread_ts=spot.thread_ts,
        text=text,
        blocks=blocks,
        metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
        unfurl_links=False,
        unfurl_media=False,
    )
    return str(answer["ts"])


async def find_posted(client: AsyncWebClient, spot: Spot, *, key: str, since: datetime) -> Sequence[Posted]:
    """Those with this key, or one that goes on from it behind a slash; none where Slack does not let Prime look."""
    asked: dict[str, Any] = {
        "channel": spot.channel,
        "oldest": f"{since.timestamp():.6f}",
        "limit": LOOKED_THROUGH,
        "include_all_metadata": True,
    }
    try:
        if spot.thread_ts is None:
            answer = await client.conversations_history(**asked)
        else:
            answer = await client.conversations_replies(ts=spot.thread_ts, **asked)
    except SlackApiError as error:
        _log.warning("not_looked", channel=spot.channel, error=str(error.response["error"]))
        return []
    messages: Sequence[Posted] = answer.get("messages") or []
    return [message for message in messages if f"{_key_of(message)}/".startswith(f"{key}/")]


def _key_of(message: Posted) -> str:
    metadata: Mapping[str, Any] = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return ""
    return str((metadata.get("event_payload") or {}).get("key", ""))
