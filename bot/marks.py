"""Saying under an answer what became of it."""

from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.views.answer import build_marked
from core.talk.model import Conversation, Turn

_log = structlog.get_logger(__name__)


async def mark(client: AsyncWebClient, conversation: Conversation, turn: Turn, sentence: str) -> None:
    """Takes the buttons of an answer away; its text stays. Nothing where there are none any more. Repeatable."""
    if not turn.parts:
        return
    thread, ts = conversation.thread, turn.parts[-1].ts
    try:
        answer = await client.conversations_replies(
            channel=thread.channel, ts=thread.ts, oldest=ts, latest=ts, inclusive=True, limit=2
        )
        messages: list[dict[str, Any]] = answer.get("messages") or []
        for message in messages:
            blocks: list[dict[str, Any]] = message.get("blocks") or []
            if message["ts"] == ts and any(block["type"] == "actions" for block in blocks):
                marked = build_marked(blocks, sentence)
                await client.chat_update(channel=thread.channel, ts=ts, text=message.get("text", ""), blocks=marked)
    except SlackApiError as error:
        _log.warning("answer_not_marked", turn=turn.id, error=str(error.response["error"]))
