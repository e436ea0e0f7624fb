"""`/prime catalog`: what can be rented and run."""

from bot.catalog_drawing import draw_catalog
from bot.listeners.call import Call
from bot.views.catalog import Place
from core.access.permissions import Permission


async def handle_catalog(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_CATALOG)
    view = await draw_catalog(call.services, principal, Place())
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=view)
    await call.ack()
