"""Changing one person's role from the list."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import duration_of, role_of, text_of
from bot.grammar import is_user_id
from bot.ids import Input
from core.access.permissions import Permission
from core.errors import NotFoundError
from core.people.model import PersonId
from core.services import Services


async def handle_change_role(ack: AsyncAck, view: Mapping[str, Any], actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.MANAGE_USERS)
    user = str(view.get("private_metadata"))
    if not is_user_id(user):
        raise NotFoundError("This form is out of date. `/prime users` shows the list anew.")
    await services.access.grant(
        principal,
        PersonId(principal.person.team, user),
        role_of(view),
        duration=duration_of(view),
        reason=text_of(view, Input.REASON),
    )
    await ack()
