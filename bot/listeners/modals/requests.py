"""Asking for access, approving with changes, and denying."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import duration_of, number_in, role_of, text_of
from bot.ids import Input
from core.access.permissions import Permission
from core.services import Services

View = Mapping[str, Any]


async def handle_request_access(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    await services.approvals.ask(
        actor.person, role=role_of(view), duration=duration_of(view), reason=text_of(view, Input.REASON)
    )
    await ack()


async def handle_approve_as(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.DECIDE_REQUESTS)
    await services.approvals.approve(
        principal,
        number_in(view.get("private_metadata")),
        role=role_of(view),
        duration=duration_of(view),
        as_asked=False,
    )
    await ack()


async def handle_deny(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.DECIDE_REQUESTS)
    await services.approvals.deny(
        principal, number_in(view.get("private_metadata")), reason=text_of(view, Input.REASON)
    )
    await ack()
