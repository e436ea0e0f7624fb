"""The buttons of access requests: asking, taking back, and deciding."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.requests import message_of
from bot.sender import Respond
from bot.views.access import build_approve_as_modal, build_deny_modal, build_request_modal
from core.access.model import Role
from core.access.permissions import Permission
from core.access.rules import lasting_role
from core.errors import ConflictError
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_ask(ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor, services: Services) -> None:
    if await services.approvals.open_of(actor.person) is not None:
        raise ConflictError("Your request is open already and waits for an admin.")
    await services.approvals.check_may_ask(actor.person)
    role = lasting_role(await actor.holder())
    if role is Role.ADMIN:
        raise ConflictError("You are ADMIN already, and there is no role above it.")
    await client.views_open(trigger_id=body["trigger_id"], view=build_request_modal(role))
    await ack()


async def handle_withdraw(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    await services.approvals.withdraw(actor.person, number_in(action.get("value")))
    await ack()
    if respond is not None:  # App Home has none; it is written anew
        await respond({"replace_original": True, "text": "You took back your request."})


async def handle_approve(ack: AsyncAck, body: Body, action: Pressed, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.DECIDE_REQUESTS)
    request = await services.approvals.to_decide(principal, number_in(action.get("value")))
    if posted := message_of(body):
        await services.approvals.shown_at(request.id, posted)
    await services.approvals.approve(principal, request.id)
    await ack()


async def handle_approve_as(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.DECIDE_REQUESTS)
    request = await services.approvals.to_decide(principal, number_in(action.get("value")))
    await client.views_open(trigger_id=body["trigger_id"], view=build_approve_as_modal(request))
    await ack()


async def handle_deny(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.DECIDE_REQUESTS)
    request = await services.approvals.to_decide(principal, number_in(action.get("value")))
    await client.views_open(trigger_id=body["trigger_id"], view=build_deny_modal(request))
    await ack()


async def handle_claim(ack: AsyncAck, actor: Actor, services: Services) -> None:
    await services.access.claim_first_admin(actor.person)
    await ack()
