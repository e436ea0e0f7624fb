"""`/prime redaction`: the policy."""

from bot.listeners.call import Call
from bot.views.redaction import build_policy_modal
from core.access.permissions import Permission, may


async def handle_redaction(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_REDACTION)
    overview = await call.services.redaction.overview(principal)
    view = build_policy_modal(
        overview.policy,
        retention_days=overview.retention_days,
        can_edit=may(principal.role, Permission.EDIT_REDACTION),
        channel=str(call.body["channel_id"]),
    )
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=view)
    await call.ack()
