"""Searching the catalogue, and the forms that change it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.catalog_drawing import check_cloud, draw_catalog, redraw_below
from bot.forms import number_of, text_of, usd_of
from bot.ids import Input
from bot.mrkdwn import code, escape
from bot.views.catalog import SEARCH_LENGTH, parse_place, parse_value
from bot.views.money import per_hour
from core.access.model import Principal
from core.access.permissions import Permission
from core.catalog.model import LimitChange, Model
from core.errors import AccessDeniedError, InvalidInputError, PrimeError
from core.services import Services

HUB_SECONDS = 1.5
"""Of the three that Slack waits, what asking Hugging Face about a model may take."""

View = Mapping[str, Any]


async def handle_catalog_search(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.SEE_CATALOG)
    place = parse_place(view.get("private_metadata"))
    query = "".join(filter(str.isprintable, text_of(view, Input.SEARCH))).strip()[:SEARCH_LENGTH]
    found = await draw_catalog(services, principal, replace(place, page=0, query=query))
    await ack(response_action="update", view=found)


async def handle_add_model(ack: AsyncAck, view: View, client: AsyncWebClient, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    place = parse_place(view.get("private_metadata"))
    model = await _add(services, principal, text_of(view, Input.MODEL))
    note = f":white_check_mark: {code(model.id, limit=100)} is in the catalogue."
    await redraw_below(client, services, principal, place, view, note=note)
    await ack()


async def handle_set_price(ack: AsyncAck, view: View, client: AsyncWebClient, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    offer_type, place = parse_value(view.get("private_metadata"))
    await check_cloud(services, place.cloud)
    price = usd_of(view, Input.PRICE, example="0.76")  # None: the price file's
    await services.catalog.set_price(principal, place.cloud, offer_type, price)
    costs = "has the price file's price again" if price is None else f"costs {per_hour(price)} from now on"
    note = f":white_check_mark: *{escape(offer_type)}* {costs}."
    await redraw_below(client, services, principal, place, view, note=note)
    await ack()


async def handle_change_limit(
    ack: AsyncAck, view: View, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_CATALOG)
    option, place = parse_value(view.get("private_metadata"))
    change = LimitChange(
        option=option,
        minimum=_required_number(view, Input.MINIMUM),
        maximum=_required_number(view, Input.MAXIMUM),
        default=number_of(view, Input.DEFAULT),
    )
    await services.catalog.set_limit(principal, change)
    label = next(limit.label for limit in await services.catalog.limits() if limit.option == option)
    note = f":white_check_mark: {escape(label)}: from {change.minimum:,} to {change.maximum:,} now."
    await redraw_below(client, services, principal, place, view, note=note)
    await ack()


async def _add(services: Services, actor: Principal, model_id: str) -> Model:
    """Raises InvalidInputError whose field is the input, whatever is wrong with the model; AccessDeniedError."""
    try:
        async with asyncio.timeout(HUB_SECONDS):
            return await services.catalog.add_model(actor, model_id)
    except TimeoutError as error:
        # The question goes on, and whoever asks it again meanwhile gets its answer.
        sentence = "Hugging Face has not answered yet. Please press Add model again in a moment."
        raise InvalidInputError(sentence, field=Input.MODEL) from error
    except AccessDeniedError:
        raise
    except PrimeError as error:
        raise InvalidInputError(str(error), field=Input.MODEL) from error


def _required_number(view: View, name: Input) -> int:
    number = number_of(view, name)
    if number is None:
        raise InvalidInputError("Enter a whole number.", field=name)
    return number
