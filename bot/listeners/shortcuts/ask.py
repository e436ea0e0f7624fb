"""The message shortcut "Ask Prime about this"."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.prompts import typed_text
from bot.views.asking import build_ask_about
from core.access.permissions import Permission
from core.services import Services
from core.talk.rules import can_talk

MOST_SERVERS = 100
"""What a select takes."""


async def handle_ask_shortcut(
    ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.TALK)
    message: Mapping[str, Any] = body["message"]
    page = await services.servers.listing(principal, limit=MOST_SERVERS)
    view = build_ask_about(
        typed_text(str(message.get("text") or "")),
        [server for server in page.servers if can_talk(server)],
        place=f"{body['channel']['id']}|{message.get('thread_ts') or message['ts']}",
    )
    await client.views_open(trigger_id=body["trigger_id"], view=view)
    await ack()
