"""Adding a mapping: the form, the preview, and applying it."""

import json
from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import choice_of, is_ticked, role_of
from bot.grammar import parse_role
from bot.ids import Input
from bot.open_views import redraw_open
from bot.views.access import describe_subject
from bot.views.mappings import build_mappings_modal, build_preview_modal
from core.access.model import Role
from core.access.permissions import Permission
from core.errors import InvalidInputError
from core.mappings.model import Preview
from core.services import Services

View = Mapping[str, Any]


async def handle_add_mapping(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.MANAGE_MAPPINGS)
    preview = await services.mappings.preview(principal, choice_of(view, Input.GROUP), role_of(view))
    await ack(response_action="update", view=build_preview_modal(preview, private_metadata=metadata_for(preview)))


async def handle_preview_mapping(
    ack: AsyncAck, view: View, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """Closes the preview; the list below it is written anew."""
    principal = await actor.may(Permission.MANAGE_MAPPINGS)
    subject, role = _read_metadata(view)
    applied = await services.mappings.apply(
        principal, subject, role, many_confirmed=is_ticked(view, Input.MANY_CONFIRMED)
    )
    mappings = await services.mappings.list(principal)
    said = f"{describe_subject(subject)} is {f'mapped to *{role}*' if role else 'no longer mapped'}"
    people = {0: "nobody", 1: "1 person"}.get(len(applied.changes), f"{len(applied.changes)} people")
    below = build_mappings_modal(mappings, said=f"{said}: the role of {people} changed.")
    root = view.get("root_view_id")
    if root:
        await redraw_open(client, below, view_id=root)
    await ack()


def metadata_for(preview: Preview) -> str:
    """What the preview is of. It comes back from outside, and everything in it is checked and looked up again."""
    return json.dumps({"subject": preview.subject, "role": str(preview.role) if preview.role is not None else None})


def _read_metadata(view: View) -> tuple[str, Role | None]:
    try:
        metadata = json.loads(str(view.get("private_metadata")))
        subject, role = str(metadata["subject"]), metadata["role"]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInputError("This preview is out of date. `/prime roles` shows the mappings anew.") from error
    return subject, None if role is None else parse_role(str(role))
