"""The global shortcut "Create a model server"."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.create_drawing import open_form
from core.access.permissions import Permission
from core.services import Services


async def handle_create_shortcut(
    ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.CREATE_SERVERS)
    await open_form(client, services, principal, trigger_id=body["trigger_id"], channel=None)
    await ack()
