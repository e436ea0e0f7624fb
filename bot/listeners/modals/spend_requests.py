"""Asking for a start beyond the budget, and denying a request. `private_metadata` is the server's id, or its."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import number_in, text_of
from bot.ids import Input
from core.access.permissions import Permission
from core.services import Services

View = Mapping[str, Any]


async def handle_ask_start(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.RUN_SERVERS)
    await services.costs.request_start(principal, number_in(view.get("private_metadata")))
    await ack()


async def handle_deny_spend(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.MANAGE_BUDGETS)
    request_id = number_in(view.get("private_metadata"))
    await services.costs.deny(principal, request_id, reason=text_of(view, Input.REASON))
    await ack()
