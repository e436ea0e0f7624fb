"""The buttons of the list of clouds' keys."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.given_keys import find_cloud
from bot.mrkdwn import escape
from bot.open_views import redraw_open
from bot.requests import view_of
from bot.views.keys import build_key_form, build_keys_modal
from core.access.model import Principal
from core.access.permissions import Permission
from core.errors import ConflictError, PrimeError
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_key_enter(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_KEYS)
    entry = await find_cloud(services, principal, str(action.get("value")))
    await client.views_push(trigger_id=body["trigger_id"], view=build_key_form(entry))
    await ack()


async def handle_key_check(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """What the cloud says is shown in the list, whatever it is: somebody looks at it and waits."""
    principal = await actor.may(Permission.MANAGE_KEYS)
    entry = await find_cloud(services, principal, str(action.get("value")))
    label = escape(entry.label)
    await _list_again(client, services, principal, body, f":hourglass_flowing_sand: Asking {label}...")
    try:
        await services.keys.check(entry.provider)
    except PrimeError as error:
        note = f":warning: {escape(str(error))}"
    else:
        note = f":white_check_mark: {label} accepts the key."
    await _list_again(client, services, principal, body, note)
    await ack()


async def handle_key_remove(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_KEYS)
    entry = await find_cloud(services, principal, str(action.get("value")))
    try:
        await services.keys.remove(principal, entry.provider)
    except ConflictError as error:
        note = f":warning: {escape(str(error))}"
    else:
        note = f":white_check_mark: The key for {escape(entry.label)} was removed."
    await _list_again(client, services, principal, body, note)
    await ack()


async def _list_again(client: AsyncWebClient, services: Services, principal: Principal, body: Body, note: str) -> None:
    entries = await services.keys.listing(principal)
    await redraw_open(client, build_keys_modal(entries, note=note), view_id=view_of(body)["id"])
