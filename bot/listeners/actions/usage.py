"""How to call a server, and whether one may without Prime. A button's value is the server's id."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.open_views import redraw_open
from bot.requests import view_of
from bot.sender import Respond
from bot.views.problem import build_problem_modal
from bot.views.usage import build_fetching_key_modal, build_key_modal, build_usage, build_usage_modal
from core.access.permissions import Permission
from core.errors import ConflictError, PrimeError
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_server_usage(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.SEE_SERVERS)
    server = await services.servers.get(number_in(action.get("value")))
    card = await services.servers.card(server.id)
    await client.views_open(trigger_id=body["trigger_id"], view=build_usage_modal(card, role=principal.role))
    await ack()


async def handle_allow_direct(
    ack: AsyncAck,
    body: Body,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    respond: Respond | None,
) -> None:
    await _set_direct(body, action, client, actor, services, respond, allowed=True)
    await ack()


async def handle_forbid_direct(
    ack: AsyncAck,
    body: Body,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    respond: Respond | None,
) -> None:
    await _set_direct(body, action, client, actor, services, respond, allowed=False)
    await ack()


async def handle_reveal_key(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """The modal comes first: a trigger opens one only once, so a click that is delivered twice reveals, and is audited,
    once."""
    principal = await actor.may(Permission.REVEAL_KEYS)
    server = await services.servers.get(number_in(action.get("value")))
    if not server.allows_direct_access:
        raise ConflictError("Direct access is off for this server now. An ADMIN can allow it on its usage page.")
    is_in_modal = (body.get("view") or {}).get("type") == "modal"
    open_view = client.views_push if is_in_modal else client.views_open
    opened = await open_view(trigger_id=body["trigger_id"], view=build_fetching_key_modal(server))
    view: Mapping[str, Any] = opened.get("view") or {}
    try:
        shown = build_key_modal(server, await services.servers.reveal_key(principal, server.id))
    except PrimeError as error:
        shown = build_problem_modal(str(error))
    await redraw_open(client, shown, view_id=str(view["id"]))
    await ack()


async def _set_direct(
    body: Body,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    respond: Respond | None,
    *,
    allowed: bool,
) -> None:
    """Writes the page on which it was pressed anew."""
    principal = await actor.may(Permission.ALLOW_DIRECT_ACCESS)
    server = await services.servers.allow_direct_access(principal, number_in(action.get("value")), allowed=allowed)
    card = await services.servers.card(server.id)
    if respond is None:
        page = build_usage_modal(card, role=principal.role)
        await redraw_open(client, page, view_id=str(view_of(body)["id"]))
    else:
        text, blocks = build_usage(card, role=principal.role)
        await respond({"replace_original": True, "text": text, "blocks": blocks})
