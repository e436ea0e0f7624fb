"""`/prime access`: one's own role, and asking for another."""

from bot.listeners.call import Call, answer
from bot.views.access import build_own_access, build_request_modal
from core.access.model import Role
from core.access.rules import lasting_role


async def handle_access(call: Call) -> None:
    """Somebody without a role and without an open request gets the form at once."""
    holder = await call.actor.holder()
    request = await call.services.approvals.open_of(call.actor.person)
    if holder.role is Role.NONE and request is None:
        await call.services.approvals.check_may_ask(call.actor.person)
        await call.client.views_open(trigger_id=call.body["trigger_id"], view=build_request_modal(lasting_role(holder)))
        await call.ack()
        return
    await answer(call.ack, (f"Your role is {holder.role}.", build_own_access(holder, request)))
