"""`/prime create`."""

from bot.create_drawing import open_form
from bot.listeners.call import Call
from core.access.permissions import Permission


async def handle_create(call: Call) -> None:
    actor = await call.actor.may(Permission.CREATE_SERVERS)
    channel = str(call.body["channel_id"])
    await open_form(call.client, call.services, actor, trigger_id=call.body["trigger_id"], channel=channel)
    await call.ack()
