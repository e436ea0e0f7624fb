"""Paging through the open requests in App Home."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.views.home import build_home
from core.access.permissions import Permission
from core.services import Services


async def handle_home_page(
    ack: AsyncAck, action: Mapping[str, Any], client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.DECIDE_REQUESTS)
    after = number_in(action["value"]) if action.get("value") else None
    dashboard = await services.home.dashboard(actor.person, after=after)
    await ack()
    await client.views_publish(user_id=actor.person.user, view=build_home(dashboard))
