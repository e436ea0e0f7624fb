"""The buttons of the list, of a server's card, and of the servers in App Home. A button's value is the server's id."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.sender import Respond
from bot.views.home import build_home
from bot.views.server_card import build_card
from bot.views.servers import SEARCH_LENGTH, build_delete_modal, build_servers
from bot.views.spend_requests import build_ask_start
from core.access.model import Principal
from core.access.permissions import Permission
from core.cost.errors import OverBudgetError
from core.errors import NotFoundError
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_servers_page(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond
) -> None:
    principal = await actor.may(Permission.SEE_SERVERS)
    after, _, text = str(action.get("value")).partition("|")
    if not (text == "" or text.isprintable()) or len(text) > SEARCH_LENGTH:
        raise NotFoundError("This list is out of date. `/prime servers` shows it anew.")
    page = await services.servers.listing(principal, text, after=number_in(after) if after else None)
    vitals = await services.watch.vitals(page.servers)
    blocks = build_servers(page, vitals, text=text, is_first=not after, now=services.clock.now())
    await ack()
    await respond({"replace_original": True, "text": "Servers", "blocks": blocks})


async def handle_home_servers_page(
    ack: AsyncAck, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.SEE_SERVERS)
    after = number_in(action["value"]) if action.get("value") else None
    dashboard = await services.home.dashboard(actor.person, servers_after=after)
    await ack()
    await client.views_publish(user_id=actor.person.user, view=build_home(dashboard))


async def handle_server_open(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond
) -> None:
    principal = await actor.may(Permission.SEE_SERVERS)
    await _respond(services, principal, number_in(action.get("value")), respond, replace=False)
    await ack()


async def handle_server_refresh(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond
) -> None:
    principal = await actor.may(Permission.SEE_SERVERS)
    await ack()
    await _respond(services, principal, number_in(action.get("value")), respond, replace=True)


async def handle_server_start(
    ack: AsyncAck,
    body: Body,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    respond: Respond | None,
) -> None:
    principal = await actor.may(Permission.RUN_SERVERS)
    number = number_in(action.get("value"))
    try:
        server = await services.servers.start(principal, number)
    except OverBudgetError as error:
        text, blocks = build_ask_start(await services.servers.get(number), error.excess)
        await ack()
        if respond is not None:
            answer = {"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": blocks}
            await respond(answer)
        else:  # App Home has no place for it
            await client.chat_postMessage(channel=actor.person.user, text=text, blocks=blocks)
        return
    await ack()
    await _refresh_private(body, services, principal, server.id, respond)


async def handle_server_stop(
    ack: AsyncAck, body: Body, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    principal = await actor.may(Permission.RUN_SERVERS)
    server = await services.servers.stop(principal, number_in(action.get("value")))
    await ack()
    await _refresh_private(body, services, principal, server.id, respond)


async def handle_server_delete(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """Asks for the name. Pressed in a modal, that comes on top of it."""
    await actor.may(Permission.RUN_SERVERS)
    server = await services.servers.get(number_in(action.get("value")))
    is_in_modal = (body.get("view") or {}).get("type") == "modal"
    open_view = client.views_push if is_in_modal else client.views_open
    await open_view(trigger_id=body["trigger_id"], view=build_delete_modal(server))
    await ack()


async def _refresh_private(
    body: Body, services: Services, principal: Principal, server_id: int, respond: Respond | None
) -> None:
    """What one person alone was shown is edited only here; the cards and App Homes are by the notice of the change."""
    if respond is not None and (body.get("container") or {}).get("is_ephemeral"):
        await _respond(services, principal, server_id, respond, replace=True)


async def _respond(
    services: Services, principal: Principal, server_id: int, respond: Respond, *, replace: bool
) -> None:
    await services.servers.get(server_id)  # or it is deleted
    card = await services.servers.card(server_id)
    votes = await services.talk.votes(server_id)
    text, blocks = build_card(card, role=principal.role, now=services.clock.now(), private=True, votes=votes)
    message = {"response_type": "ephemeral", "replace_original": replace, "text": text, "blocks": blocks}
    await respond(message)
