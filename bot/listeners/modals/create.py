"""Ordering a server, and what stands in the advanced view."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.create_drawing import known_model, redraw
from bot.create_form import CreateForm, form_in, read_advanced, read_form, spec_of
from bot.ids import Input
from bot.views.create import Drawn, build_misfit_modal, with_advanced_problem
from bot.views.create_advanced import label_of
from bot.views.spend_requests import build_ask_create_modal
from core.access.model import Principal
from core.access.permissions import Permission
from core.catalog.model import EngineOptions, Model, Quantization
from core.cost.errors import OverBudgetError
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.servers.model import ServerSpec
from core.servers.rules import check_name
from core.servers.service import MisfitError
from core.services import Services

ORDER_SECONDS = 2.0
"""Of the three that Slack waits, what looking everything up and writing it down may take."""
SAME_WITHIN = timedelta(minutes=2)

View = Mapping[str, Any]


async def handle_create_server(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.CREATE_SERVERS)
    form = read_form(view)
    try:
        await _order(services, principal, form, despite_misfit=False)
    except MisfitError as error:
        await ack(response_action="push", view=build_misfit_modal(form, str(error)))
    except OverBudgetError as error:
        await ack(response_action="push", view=build_ask_create_modal(form, error.excess))
    except InvalidInputError as error:
        label = label_of(error.field or "", await services.catalog.limits())
        if label is None:
            raise
        sentence = f"{label}, under Advanced: {error}"
        await ack(response_action="update", view=with_advanced_problem(view, sentence))
    else:
        await ack()


async def handle_create_misfit(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    """The second yes."""
    principal = await actor.may(Permission.CREATE_SERVERS)
    form = form_in(view.get("private_metadata"))
    try:
        await _order(services, principal, form, despite_misfit=True)
    except OverBudgetError as error:
        asking = build_ask_create_modal(replace(form, despite_misfit=True), error.excess)
        await ack(response_action="update", view=asking)
    else:
        await ack(response_action="clear")


async def handle_ask_create(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    """An ADMIN is asked for what goes beyond the budget."""
    principal = await actor.may(Permission.CREATE_SERVERS)
    form = form_in(view.get("private_metadata"))
    async with _in_time():
        spec = await _spec(services, form)
        await services.costs.request_create(
            principal, spec, channel=_room(form.channel), despite_misfit=form.despite_misfit
        )
    await ack(response_action="clear")


async def handle_create_advanced_submitted(
    ack: AsyncAck, view: View, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """Closes the view; the form below it is drawn anew."""
    principal = await actor.may(Permission.CREATE_SERVERS)
    form = read_advanced(view, await services.catalog.limits())
    await _check_advanced(services, form)
    root = view.get("root_view_id")
    if root:
        # Its blocks are not in this payload: all that may be others now get new ids.
        await redraw(client, services, principal, form, Drawn(stamp=str(view["id"])), view_id=root)
    await ack()


async def _check_advanced(services: Services, form: CreateForm) -> None:
    """As far as the form is filled in. Raises InvalidInputError whose field is the input."""
    options = form.options or EngineOptions()
    await services.catalog.check_options(options)
    model = await known_model(services, form)
    if model is None or form.engine is None:
        return
    options = replace(options, quantization=form.quantization or Quantization.NONE)
    offers = await services.catalog.offers(form.provider)
    gpu_count = next((offer.gpu_count for offer in offers if offer.type == form.offer), 1)
    services.servers.engines.of(form.engine).check(options, model, gpu_count=gpu_count)


async def _order(services: Services, actor: Principal, form: CreateForm, *, despite_misfit: bool) -> None:
    """Raises MisfitError unless `despite_misfit`, and what else Servers.create raises."""
    spec = None
    try:
        async with _in_time():
            spec = await _spec(services, form)
            await services.servers.create(actor, spec, channel=_room(form.channel), despite_misfit=despite_misfit)
    except MisfitError:
        raise
    except (InvalidInputError, ConflictError):
        if spec is None or not await _is_there_already(services, actor, spec):
            raise


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None]:
    """Raises UnavailableError."""
    try:
        async with asyncio.timeout(ORDER_SECONDS):
            yield
    except TimeoutError as error:
        raise UnavailableError(
            "Prime could not look all of this up in time. Please press the button again in a moment."
        ) from error


async def _spec(services: Services, form: CreateForm) -> ServerSpec:
    return spec_of(form, await _model(services, form), await services.catalog.limits())


async def _model(services: Services, form: CreateForm) -> Model:
    if form.model is None:
        raise InvalidInputError("Please choose a model.", field=Input.MODEL)
    try:
        return await services.catalog.model(form.model)
    except NotFoundError as error:
        raise InvalidInputError(str(error), field=Input.MODEL) from error


def _room(channel: str | None) -> str | None:
    """None for a direct message, of which nobody but two people have a use."""
    return None if channel is None or channel.startswith("D") else channel


async def _is_there_already(services: Services, actor: Principal, spec: ServerSpec) -> bool:
    """Whether this very submission came before: Slack may deliver it twice."""
    try:
        server = await services.servers.find(actor, check_name(spec.name))
    except (NotFoundError, InvalidInputError):
        return False
    is_new = services.clock.now() - server.created_at < SAME_WITHIN
    return is_new and server.owner == actor.person and _ordered(server.spec) == _ordered(spec)


def _ordered(spec: ServerSpec) -> ServerSpec:
    """Without what is looked up when it is ordered."""
    return replace(
        spec,
        name=spec.name.strip().lower(),
        description=" ".join(spec.description.split()),
        revision=None,
        needs_hub_token=False,
    )
