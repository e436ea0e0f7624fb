"""Paging through the audit log."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import number_in
from bot.sender import Respond
from bot.views.audit import build_audit_page
from core.access.permissions import Permission
from core.errors import NotFoundError
from core.services import Services


async def handle_audit_older(
    ack: AsyncAck, action: Mapping[str, Any], actor: Actor, services: Services, respond: Respond
) -> None:
    principal = await actor.may(Permission.SEE_AUDIT)
    before, _, about = str(action.get("value")).partition("|")
    if not about.isprintable():
        raise NotFoundError("This list is out of date. `/prime audit` shows it anew.")
    page = await services.audit.read(principal, about=about or None, before=number_in(before))
    await ack()
    await respond({"replace_original": True, "text": "Audit log", "blocks": build_audit_page(page)})
