"""A cloud's key, typed. `private_metadata` is the cloud's type."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import text_of
from bot.given_keys import find_cloud, take_key
from bot.ids import Input
from core.access.permissions import Permission
from core.services import Services


async def handle_enter_key(
    ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any], actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_KEYS)
    entry = await find_cloud(services, principal, str(view.get("private_metadata")))
    secret = text_of(view, Input.SECRET)
    checking = await take_key(services, principal, entry, secret, view, trigger_id=body["trigger_id"])
    await ack(response_action="update", view=checking)
