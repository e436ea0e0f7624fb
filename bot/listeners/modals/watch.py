"""Until when a server is kept, and under which name a machine is adopted. What is wrong is shown at the input."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import machine_in, moment_of, number_in, text_of
from bot.ids import Input
from core.access.permissions import Permission
from core.errors import InvalidInputError
from core.services import Services

View = Mapping[str, Any]


async def handle_keep_server(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.RUN_SERVERS)
    until = moment_of(view, Input.UNTIL)
    if until is None:
        raise InvalidInputError("Please choose a time.", field=Input.UNTIL)
    try:
        await services.watch.keep(principal, number_in(view.get("private_metadata")), until=until)
    except InvalidInputError as error:  # core knows no picker, only how long
        raise InvalidInputError(str(error), field=Input.UNTIL) from error
    await ack()


async def handle_adopt_machine(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.MANAGE_KEYS)
    provider, machine_id = machine_in(view.get("private_metadata"))
    await services.watch.adopt(principal, provider, machine_id, name=text_of(view, Input.NAME))
    await ack()
