"""`/prime keys`: the credentials of clouds."""

from bot.listeners.call import Call
from bot.views.keys import build_keys_modal
from core.access.permissions import Permission


async def handle_keys(call: Call) -> None:
    principal = await call.actor.may(Permission.MANAGE_KEYS)
    entries = await call.services.keys.listing(principal)
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=build_keys_modal(entries))
    await call.ack()
