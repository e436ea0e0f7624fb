"""The form for how answers are generated: opened, drawn for another scope, reset."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.open_views import redraw_open
from bot.requests import view_of
from bot.talk_settings import draw_settings, scope_in, scope_of, settings_place
from bot.views.talk_settings import build_server_talk_modal
from core.access.permissions import Permission
from core.services import Services
from core.talk.model import Settings
from core.talk.tuning import Scope

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_talk_settings(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """Of the thread of an answer. What most want comes first: all of this thread's answers."""
    principal = await actor.may(Permission.TALK)
    place = await settings_place(services, number_in(action.get("value")))
    view = await draw_settings(services, principal, place, Scope.THREAD)
    await client.views_open(trigger_id=body["trigger_id"], view=view)
    await ack()


async def handle_talk_scope(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.TALK)
    place = await settings_place(services, view_of(body).get("private_metadata"))
    scope = scope_in((action.get("selected_option") or {}).get("value"), place)
    view = await draw_settings(services, principal, place, scope, drawing=_drawing(action))
    await ack()
    await redraw_open(client, view, view_id=str(view_of(body)["id"]))


async def handle_talk_reset(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.TALK)
    place = await settings_place(services, view_of(body).get("private_metadata"))
    scope = scope_of(view_of(body), place)
    await services.tuning.save_settings(principal, scope, Settings(), place_id=place.id_of(scope))
    view = await draw_settings(services, principal, place, scope, drawing=_drawing(action))
    await ack()
    await redraw_open(client, view, view_id=str(view_of(body)["id"]))


async def handle_server_talk(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.SET_SERVER_TALK)
    server = await services.servers.get(number_in(action.get("value")))
    talk = await services.tuning.server_talk(principal, server.id)
    await client.views_open(trigger_id=body["trigger_id"], view=build_server_talk_modal(server, talk))
    await ack()


def _drawing(action: Pressed) -> str:
    return str(action.get("action_ts", ""))
