"""Buttons that hold off a server's end, show its load, and decide about machines that no server has."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import machine_in, number_in
from bot.load_chart import send_load_chart
from bot.sender import Respond, Sender
from bot.views.kit import section
from bot.views.server_news import build_keep_modal
from bot.views.unknown_machine import build_adopt_modal
from core.access.permissions import Permission
from core.durations import parse_duration
from core.services import Services

PROPOSED = timedelta(days=1)

Pressed = Mapping[str, Any]


async def handle_server_keep(ack: AsyncAck, action: Pressed, actor: Actor, services: Services) -> None:
    """The messages that warn of the end are edited by the notice of the change."""
    principal = await actor.may(Permission.RUN_SERVERS)
    server, _, duration = str(action.get("value")).partition("|")
    until = services.clock.now() + parse_duration(duration)
    await services.watch.keep(principal, number_in(server), until=until)
    await ack()


async def handle_server_keep_until(
    ack: AsyncAck, body: Pressed, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.RUN_SERVERS)
    server = await services.servers.get(number_in(action.get("value")))
    view = build_keep_modal(server, until=services.clock.now() + PROPOSED)
    await client.views_open(trigger_id=body["trigger_id"], view=view)
    await ack()


async def handle_server_chart(
    ack: AsyncAck, action: Pressed, client: Sender, actor: Actor, services: Services, respond: Respond
) -> None:
    principal = await actor.may(Permission.SEE_SERVERS)
    server = await services.servers.get(number_in(action.get("value")))
    is_sent = await send_load_chart(client, services, principal, server)
    await ack()
    nothing = f"Nothing has been seen of *{server.spec.name}* in the last day that could be drawn."
    text = "The chart is in your direct messages with Prime." if is_sent else nothing
    message = {"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": [section(text)]}
    await respond(message)


async def handle_machine_adopt(
    ack: AsyncAck, body: Pressed, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_KEYS)
    machine = await services.watch.open_unknown(principal, *machine_in(action.get("value")))
    await client.views_open(trigger_id=body["trigger_id"], view=build_adopt_modal(machine))
    await ack()


async def handle_machine_ignore(ack: AsyncAck, action: Pressed, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.MANAGE_KEYS)
    await services.watch.ignore(principal, *machine_in(action.get("value")))
    await ack()
