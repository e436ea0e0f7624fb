"""The second yes to starting, stopping and deleting a server. `private_metadata` is the server's id."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import number_in, text_of
from bot.ids import Input
from bot.views.spend_requests import build_ask_start_modal
from core.access.permissions import Permission
from core.cost.errors import OverBudgetError
from core.services import Services

View = Mapping[str, Any]


async def handle_start_server(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.RUN_SERVERS)
    number = number_in(view.get("private_metadata"))
    try:
        await services.servers.start(principal, number)
    except OverBudgetError as error:
        asking = build_ask_start_modal(await services.servers.get(number), error.excess)
        await ack(response_action="update", view=asking)
    else:
        await ack()


async def handle_stop_server(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.RUN_SERVERS)
    await services.servers.stop(principal, number_in(view.get("private_metadata")))
    await ack()


async def handle_delete_server(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    """Closes what it was opened from, too: that asks to stop the server."""
    principal = await actor.may(Permission.RUN_SERVERS)
    number = number_in(view.get("private_metadata"))
    await services.servers.delete(principal, number, typed_name=text_of(view, Input.NAME))
    await ack(response_action="clear")
