"""The buttons of going beyond a budget: asking for a start, taking it back, and deciding."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.requests import message_of
from bot.sender import Respond
from bot.views.kit import section
from bot.views.spend_requests import build_deny_spend_modal
from core.access.permissions import Permission
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]

ASKED = "An admin was asked. You hear of it in your direct messages with Prime."


async def handle_ask_start(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    """The message that it stands in was for this person alone."""
    principal = await actor.may(Permission.RUN_SERVERS)
    await services.costs.request_start(principal, number_in(action.get("value")))
    await ack()
    if respond is not None:
        await respond({"replace_original": True, "text": ASKED, "blocks": [section(ASKED)]})


async def handle_withdraw_spend(ack: AsyncAck, action: Pressed, actor: Actor, services: Services) -> None:
    """The message is edited by the notice of the change; so are those below."""
    await services.costs.withdraw(await actor.principal(), number_in(action.get("value")))
    await ack()


async def handle_approve_spend(ack: AsyncAck, body: Body, action: Pressed, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.MANAGE_BUDGETS)
    request = await services.costs.to_decide(principal, number_in(action.get("value")))
    if posted := message_of(body):
        await services.costs.shown_at(request.id, posted)
    await services.costs.approve(principal, request.id)
    await ack()


async def handle_deny_spend(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_BUDGETS)
    request = await services.costs.to_decide(principal, number_in(action.get("value")))
    await client.views_open(trigger_id=body["trigger_id"], view=build_deny_spend_modal(request))
    await ack()
