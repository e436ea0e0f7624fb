"""Choosing in the create modal, its buttons, and the buttons that open it."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.create_drawing import open_form, push_advanced, redraw
from bot.create_form import CreateForm, form_like, read_form
from bot.forms import input_of, number_in
from bot.ids import Input
from bot.requests import view_of
from bot.views.create import Drawn
from core.access.model import Principal
from core.access.permissions import Permission
from core.errors import NotFoundError
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]

_REMEMBERED = 1000


class OpenForms:
    """What has been chosen so far in each modal. Of two choices at the same instant the second knows nothing of the
    first, and they may be stored in the wrong order."""

    def __init__(self) -> None:
        self._forms: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()
        """By view id: when the newest choice was made, and all inputs that were set."""

    def take(self, view_id: str, at: float, form: CreateForm) -> CreateForm | None:
        """The form with all that its person has set; None if a newer choice was taken before."""
        newest, chosen = self._forms.get(view_id, (at, frozenset[str]()))
        form = replace(form, chosen=form.chosen | chosen)
        self._forms[view_id] = max(at, newest), form.chosen
        self._forms.move_to_end(view_id)
        if len(self._forms) > _REMEMBERED:
            self._forms.popitem(last=False)
        return form if at >= newest else None


_open_forms = OpenForms()


async def handle_server_create(
    ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.CREATE_SERVERS)
    await open_form(client, services, principal, trigger_id=body["trigger_id"], channel=_channel(body))
    await ack()


async def handle_try_offer(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.CREATE_SERVERS)
    number, offer, region = _parts(action, 3)
    server = await services.servers.get(number_in(number))
    form = form_like(server.spec, offer=offer, region=region, channel=_channel(body))
    await open_form(client, services, principal, trigger_id=body["trigger_id"], channel=form.channel, form=form)
    await ack()


async def handle_create_choose(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.CREATE_SERVERS)
    form = read_form(view_of(body), pressed=input_of(str(action["block_id"])))
    await _redraw(client, services, principal, form, view_of(body), at=str(action["action_ts"]))
    await ack()


async def handle_create_use(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.CREATE_SERVERS)
    offer, region = _parts(action, 2)
    form = read_form(view_of(body))
    form = replace(form, offer=offer, region=region, chosen=form.chosen | {Input.OFFER, Input.REGION})
    await _redraw(client, services, principal, form, view_of(body), at=str(action["action_ts"]))
    await ack()


async def handle_create_advanced(
    ack: AsyncAck, body: Body, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.CREATE_SERVERS)
    await push_advanced(client, services, read_form(view_of(body)), trigger_id=body["trigger_id"])
    await ack()


async def _redraw(
    client: AsyncWebClient,
    services: Services,
    principal: Principal,
    form: CreateForm,
    view: Mapping[str, Any],
    *,
    at: str,
) -> None:
    """From the inbox, in the order of the choices."""
    newest = _open_forms.take(view["id"], float(at), form)
    if newest is not None:
        await redraw(client, services, principal, newest, Drawn(view=view, stamp=at), view_id=view["id"])


def _parts(action: Pressed, count: int) -> list[str]:
    parts = str(action.get("value")).split("|")
    if len(parts) != count or not all(part.isprintable() for part in parts):
        raise NotFoundError("This button belongs to something that does not exist any more; nothing was changed.")
    return parts


def _channel(body: Body) -> str | None:
    """Where a button was pressed; None in App Home."""
    container: Mapping[str, Any] = body.get("container") or {}
    return container.get("channel_id")
