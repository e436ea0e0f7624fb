"""`/prime roles`: the mappings."""

from bot.listeners.call import Call
from bot.views.mappings import build_mappings_modal
from core.access.permissions import Permission


async def handle_roles(call: Call) -> None:
    principal = await call.actor.may(Permission.MANAGE_MAPPINGS)
    mappings = await call.services.mappings.list(principal)
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=build_mappings_modal(mappings))
    await call.ack()
