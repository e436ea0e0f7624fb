"""What the policy's modal opens, and the decision about what is said not to be personal."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.ids import Action
from bot.redaction_form import channel_in
from bot.requests import message_of, view_of
from bot.views.redaction import build_channel_modal, build_lists_modal, build_try_modal
from core.access.permissions import Permission, may
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_redaction_channel(
    ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.SEE_REDACTION)
    channel = channel_in(view_of(body).get("private_metadata"))
    overview = await services.redaction.overview(principal)
    view = build_channel_modal(
        overview.policy,
        overview.channels.get(channel),
        channel=channel,
        can_tighten=may(principal.role, Permission.TIGHTEN_REDACTION),
        can_sign=may(principal.role, Permission.EDIT_REDACTION),
    )
    await client.views_push(trigger_id=body["trigger_id"], view=view)
    await ack()


async def handle_redaction_lists(
    ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.SEE_REDACTION)
    overview = await services.redaction.overview(principal)
    view = build_lists_modal(overview.terms, can_edit=may(principal.role, Permission.EDIT_REDACTION))
    await client.views_push(trigger_id=body["trigger_id"], view=view)
    await ack()


async def handle_redaction_try(ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor) -> None:
    await actor.may(Permission.SEE_REDACTION)
    view = build_try_modal(channel=channel_in(view_of(body).get("private_metadata")))
    await client.views_push(trigger_id=body["trigger_id"], view=view)
    await ack()


async def handle_proposal(ack: AsyncAck, body: Body, action: Pressed, actor: Actor, services: Services) -> None:
    """The messages are edited by the notice of the decision."""
    principal = await actor.may(Permission.EDIT_REDACTION)
    proposal_id = number_in(action.get("value"))
    is_approved = action["action_id"] == Action.PROPOSAL_APPROVE
    if posted := message_of(body):
        await services.redaction.shown_at(proposal_id, posted)
    await services.redaction.decide(principal, proposal_id, is_approved)
    await ack()
