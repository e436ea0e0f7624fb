"""`/prime servers`, and what is asked of one: `server`, `usage`, `start`, `stop`, `delete`."""

from bot.grammar import parse_server
from bot.listeners.call import Call, answer
from bot.mrkdwn import unescape
from bot.views.server_card import build_card
from bot.views.servers import (
    SEARCH_LENGTH,
    build_delete_modal,
    build_servers,
    build_start_modal,
    build_stop_modal,
)
from bot.views.usage import build_usage
from core.access.model import Principal
from core.access.permissions import Permission
from core.servers.model import Server
from core.servers.rules import check_start, check_stop


async def handle_servers(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_SERVERS)
    text = "".join(filter(str.isprintable, unescape(call.arguments)))[:SEARCH_LENGTH]
    page = await call.services.servers.listing(principal, text)
    vitals = await call.services.watch.vitals(page.servers)
    blocks = build_servers(page, vitals, text=text, is_first=True, now=call.services.clock.now())
    await answer(call.ack, ("Servers", blocks))


async def handle_server(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_SERVERS)
    card = await call.services.servers.card((await _named(call, principal)).id)
    votes = await call.services.talk.votes(card.server.id)
    now = call.services.clock.now()
    await answer(call.ack, build_card(card, role=principal.role, now=now, private=True, votes=votes))


async def handle_usage(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_SERVERS)
    card = await call.services.servers.card((await _named(call, principal)).id)
    await answer(call.ack, build_usage(card, role=principal.role))


async def handle_start(call: Call) -> None:
    """Asks first; so do the two below."""
    server = await _named(call, await call.actor.may(Permission.RUN_SERVERS))
    check_start(server)
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=build_start_modal(server))
    await call.ack()


async def handle_stop(call: Call) -> None:
    server = await _named(call, await call.actor.may(Permission.RUN_SERVERS))
    check_stop(server)
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=build_stop_modal(server))
    await call.ack()


async def handle_delete(call: Call) -> None:
    server = await _named(call, await call.actor.may(Permission.RUN_SERVERS))
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=build_delete_modal(server))
    await call.ack()


async def _named(call: Call, principal: Principal) -> Server:
    return await call.services.servers.find(principal, parse_server(call.arguments))
