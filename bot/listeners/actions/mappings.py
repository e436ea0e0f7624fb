"""The buttons of the mappings modal."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.listeners.modals.mappings import metadata_for
from bot.views.mappings import build_add_mapping_modal, build_preview_modal
from core.access.permissions import Permission
from core.errors import UnavailableError
from core.mappings.model import Group
from core.services import Services

Body = Mapping[str, Any]


async def handle_mapping_add(
    ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """Where Slack gives no groups, the workspace's own roles can still be mapped."""
    principal = await actor.may(Permission.MANAGE_MAPPINGS)
    groups: list[Group] = []
    note = None
    try:
        groups = list(await services.mappings.groups(principal))
    except UnavailableError as error:
        note = str(error)
    await client.views_push(trigger_id=body["trigger_id"], view=build_add_mapping_modal(groups, note=note))
    await ack()


async def handle_mapping_remove(
    ack: AsyncAck, body: Body, action: Mapping[str, Any], client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_MAPPINGS)
    preview = await services.mappings.preview(principal, str(action.get("value")), None)
    view = build_preview_modal(preview, private_metadata=metadata_for(preview))
    await client.views_push(trigger_id=body["trigger_id"], view=view)
    await ack()
