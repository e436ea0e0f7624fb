"""The buttons of an engine's log, in a message that one person was shown and in a modal."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.log_follows import LogFollows
from bot.open_views import redraw_open
from bot.sender import Respond
from bot.views.logs import Choice, build_logs, build_logs_modal
from core.access.permissions import Permission
from core.logs.model import LogTail
from core.servers.model import Server
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_server_logs(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.SEE_SERVERS)
    choice = Choice(server_id=number_in(action.get("value")))
    server, tail = await _read(services, choice)
    view = build_logs_modal(server, tail, choice, now=services.clock.now())
    await client.views_open(trigger_id=body["trigger_id"], view=view)
    await ack()


async def handle_logs_show(
    ack: AsyncAck,
    body: Body,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    respond: Respond | None,
    log_follows: LogFollows,
) -> None:
    """Another level, or the same anew; what was followed stands still then."""
    await actor.may(Permission.SEE_SERVERS)
    choice = Choice.parse(action.get("value"))
    server, tail = await _read(services, choice)
    now = services.clock.now()
    view_id = _modal_of(body)
    if view_id is not None:
        log_follows.end(view_id)
        await redraw_open(client, build_logs_modal(server, tail, choice, now=now), view_id=view_id)
    elif respond is not None:
        text, blocks = build_logs(server, tail, choice, now=now)
        await respond({"response_type": "ephemeral", "replace_original": True, "text": text, "blocks": blocks})
    await ack()


async def handle_logs_follow(
    ack: AsyncAck,
    body: Body,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    log_follows: LogFollows,
) -> None:
    """In the modal that it is pressed in, else in one of its own: only that can be drawn anew for five minutes."""
    await actor.may(Permission.SEE_SERVERS)
    choice = Choice.parse(action.get("value"))
    server, tail = await _read(services, choice)
    now = services.clock.now()
    view_id = _modal_of(body)
    if view_id is None:
        view = build_logs_modal(server, tail, choice, now=now)
        opened = await client.views_open(trigger_id=body["trigger_id"], view=view)
        view_id = str((opened["view"] or {})["id"])
    until = log_follows.begin(view_id, actor, choice)
    view = build_logs_modal(server, tail, choice, now=now, follows_until=until)
    log_follows.drawn(view_id, await redraw_open(client, view, view_id=view_id))
    await ack()


async def _read(services: Services, choice: Choice) -> tuple[Server, LogTail]:
    """Raises NotFoundError for a server that is deleted."""
    server = await services.servers.get(choice.server_id)
    return server, await services.logs.tail(server, at_least=choice.at_least, limit=choice.lines)


def _modal_of(body: Body) -> str | None:
    view = body.get("view") or {}
    return str(view["id"]) if view.get("type") == "modal" else None
