"""Somebody talks to Prime: a mention, or a direct message."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.inbox import claim_of
from bot.listeners.commands.subcommands import subcommands_for
from bot.pacer import Priority, sending
from bot.views.menu import build_greeting


async def handle_prompt(
    event: Mapping[str, Any], context: Mapping[str, Any], client: AsyncWebClient, actor: Actor
) -> None:
    """Says in the thread what Prime can do. What does not come from the inbox is a message between others."""
    if claim_of(context) is None:
        return
    text, blocks = build_greeting(subcommands_for((await actor.principal()).role))
    with sending(Priority.FIRST_WORDS):
        await client.chat_postMessage(
            channel=event["channel"], thread_ts=event.get("thread_ts") or event["ts"], text=text, blocks=blocks
        )
