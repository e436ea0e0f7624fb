"""The buttons of the catalogue: looking around in it, and changing it."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.catalog_drawing import check_cloud, draw_catalog
from bot.mrkdwn import code, escape
from bot.open_views import redraw_open
from bot.requests import view_of
from bot.views.catalog import Place, parse_place, parse_value
from bot.views.catalog_forms import build_add_model_form, build_limit_form, build_price_form
from core.access.model import Principal
from core.access.permissions import Permission
from core.catalog.defaults import price_list
from core.errors import ConflictError, NotFoundError
from core.services import Services

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_catalog_show(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """Another tab, page or cloud."""
    principal = await actor.may(Permission.SEE_CATALOG)
    place = parse_place((action.get("selected_option") or action).get("value"))
    await _redraw(client, services, principal, body, place)
    await ack()


async def handle_catalog_remove_model(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    model_id, place = parse_value(action.get("value"))
    try:
        await services.catalog.remove_model(principal, model_id)
    except ConflictError as error:
        note = f":warning: {escape(str(error))}"
    else:
        note = f":white_check_mark: {code(model_id, limit=100)} is not listed any more."
    await _redraw(client, services, principal, body, place, note=note)
    await ack()


async def handle_catalog_hide(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    offer_type, place = await _of_cloud(services, action)
    await services.catalog.hide_offer(principal, place.cloud, offer_type)
    note = f":white_check_mark: *{escape(offer_type)}* is not offered for new servers any more."
    await _redraw(client, services, principal, body, place, note=note)
    await ack()


async def handle_catalog_unhide(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    offer_type, place = await _of_cloud(services, action)
    await services.catalog.show_offer(principal, place.cloud, offer_type)
    note = f":white_check_mark: *{escape(offer_type)}* is offered again."
    await _redraw(client, services, principal, body, place, note=note)
    await ack()


async def handle_catalog_hide_template(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    template_id, place = await _of_cloud(services, action)
    try:
        await services.catalog.hide_template(principal, place.cloud, template_id)
    except ConflictError as error:
        note = f":warning: {escape(str(error))}"
    else:
        note = f":white_check_mark: {code(template_id)} is not offered for new servers any more."
    await _redraw(client, services, principal, body, place, note=note)
    await ack()


async def handle_catalog_unhide_template(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    template_id, place = await _of_cloud(services, action)
    await services.catalog.show_template(principal, place.cloud, template_id)
    note = f":white_check_mark: {code(template_id)} is offered again."
    await _redraw(client, services, principal, body, place, note=note)
    await ack()


async def handle_catalog_add_model(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor
) -> None:
    await actor.may(Permission.EDIT_CATALOG)
    form = build_add_model_form(parse_place(action.get("value")))
    await client.views_push(trigger_id=body["trigger_id"], view=form)
    await ack()


async def handle_catalog_price(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.EDIT_CATALOG)
    offer_type, place = await _of_cloud(services, action)
    listed = {one.type: one.price_usd_per_hour for one in price_list(place.cloud).offers}.get(offer_type)
    offers = await services.catalog.offers(place.cloud)  # without the hidden ones, whose form starts empty
    now = {one.type: one.price_usd_per_hour for one in offers}.get(offer_type)
    form = build_price_form(offer_type, place, listed=listed, changed=None if now == listed else now)
    await client.views_push(trigger_id=body["trigger_id"], view=form)
    await ack()


async def handle_catalog_limit(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    await actor.may(Permission.EDIT_CATALOG)
    option, place = parse_value(action.get("value"))
    limit = next((one for one in await services.catalog.limits() if one.option == option), None)
    if limit is None:
        raise NotFoundError("There is no such option any more. `/prime catalog` shows those that there are.")
    await client.views_push(trigger_id=body["trigger_id"], view=build_limit_form(limit, place))
    await ack()


async def _of_cloud(services: Services, action: Pressed) -> tuple[str, Place]:
    """The machine type or template that a button is about, at a cloud that there is."""
    about, place = parse_value(action.get("value"))
    await check_cloud(services, place.cloud)
    return about, place


async def _redraw(
    client: AsyncWebClient,
    services: Services,
    actor: Principal,
    body: Body,
    place: Place,
    *,
    note: str | None = None,
) -> None:
    view = await draw_catalog(services, actor, place, note=note)
    await redraw_open(client, view, view_id=view_of(body)["id"])
