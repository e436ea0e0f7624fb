"""One use of a subcommand, and answering it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.views.menu import Message
from core.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`arguments` is what follows the subcommand's name, as Slack delivers it: mentions are escaped."""

    arguments: str
    body: Mapping[str, Any]
    ack: AsyncAck
    client: AsyncWebClient
    actor: Actor
    services: Services


async def answer(ack: AsyncAck, message: Message) -> None:
    """Shows a message to the caller alone."""
    text, blocks = message
    await ack(text=text, blocks=blocks, response_type="ephemeral")
