"""The list of users: paging, and the menu of each line."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.grammar import is_user_id
from bot.sender import Respond
from bot.views.users import CHANGE, build_change_role_modal, build_users
from core.access.model import Role
from core.access.permissions import Permission
from core.errors import NotFoundError
from core.people.model import PersonId
from core.services import Services

Pressed = Mapping[str, Any]


async def handle_users_page(ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond) -> None:
    principal = await actor.may(Permission.MANAGE_USERS)
    after = _person(principal.person.team, action.get("value")) if action.get("value") else None
    page = await services.access.users(principal, after=after)
    blocks = build_users(page, is_first=after is None)
    await ack()
    await respond({"replace_original": True, "text": "People with a role", "blocks": blocks})


async def handle_users_menu(
    ack: AsyncAck,
    body: Mapping[str, Any],
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    respond: Respond | None,
) -> None:
    """Changing opens a modal; removing is done at once, like the command."""
    principal = await actor.may(Permission.MANAGE_USERS)
    verb, _, user = str((action.get("selected_option") or {}).get("value")).partition(":")
    person = _person(principal.person.team, user)
    if verb == CHANGE:
        holder = await services.access.holder_of(principal, person)
        await client.views_open(trigger_id=body["trigger_id"], view=build_change_role_modal(holder))
    else:
        await services.access.grant(principal, person, Role.NONE, duration=None)
        await ack()
        if respond is not None:
            said = f"<@{user}> holds no grant any more."
            await respond({"replace_original": False, "response_type": "ephemeral", "text": said})
        return
    await ack()


def _person(team: str, user: object) -> PersonId:
    if not is_user_id(str(user)):
        raise NotFoundError("This list is out of date. `/prime users` shows it anew.")
    return PersonId(team, str(user))
