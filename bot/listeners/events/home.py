"""App Home was opened."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.inbox import claim_of
from bot.pacer import Priority, sending
from bot.views.home import build_home
from core.services import Services


async def handle_home_opened(
    context: Mapping[str, Any], client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """The other tab is direct messages; only the Home tab is taken into the inbox."""
    if claim_of(context) is None:
        return
    with sending(Priority.INTERACTIVE):
        dashboard = await services.home.open(actor.person)
        await client.views_publish(user_id=actor.person.user, view=build_home(dashboard))
