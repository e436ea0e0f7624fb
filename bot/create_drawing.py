"""Drawing the create modal: at once with what is at hand, and again when the rest is known.

Choices in one modal are worked on in their order (`bot.inbox`), each update being the newest. What comes later than
that holds only if nothing was drawn in between, which Slack tells by the view's hash."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.create_form import CreateForm, completed, draft_of, form_in, metadata_of, options_of
from bot.pacer import Priority, sending
from bot.views.create import Drawn, Facts, build_create_modal, build_no_key_modal
from bot.views.create_advanced import build_advanced_modal
from core.access.model import Principal
from core.access.permissions import Permission, may, require
from core.catalog.defaults import price_list
from core.catalog.fit import fit
from core.catalog.model import Fit, Model, YesNo
from core.errors import InvalidInputError, NotFoundError, UnavailableError
from core.notices import Notice, owe
from core.people.model import PersonId
from core.services import Services

QUICK_SECONDS = 0.8
"""What somebody in front of the modal waits for more than what is at hand."""
QUOTE_SECONDS = 0.4
"""For the price, all that it needs being at hand."""
LATER_SECONDS = 10.0
FURTHER_LOOKS = 3
"""Each waits a moment for the cloud (core/catalog/offers.py)."""
NOT_TOLD = "Hugging Face has not told yet what this model is."

_CLOSED_OR_NEWER = ("not_found", "hash_conflict")

_Answer = TypeVar("_Answer")


async def open_form(
    client: AsyncWebClient,
    services: Services,
    actor: Principal,
    *,
    trigger_id: str,
    channel: str | None,
    form: CreateForm | None = None,
) -> None:
    """With nothing chosen but what `form` has. Raises AccessDeniedError."""
    require(actor.role, Permission.CREATE_SERVERS)
    clouds = await services.keys.clouds()
    if not clouds:
        admins = sorted(admin.user for admin in await services.access.admins())
        await client.views_open(trigger_id=trigger_id, view=build_no_key_modal(admins))
        return
    form = form or CreateForm(provider=next(iter(clouds)), channel=channel)
    drawing = await _draw(services, actor, form, Drawn(), seconds=QUICK_SECONDS)
    with sending(Priority.INTERACTIVE):
        answer = await client.views_open(trigger_id=trigger_id, view=drawing.view)
    if not (drawing.is_whole and drawing.is_live):
        await _finish_later(services, actor, drawing, _view_in(answer))


async def redraw(
    client: AsyncWebClient, services: Services, actor: Principal, form: CreateForm, drawn: Drawn, *, view_id: str
) -> None:
    """`form` is the newest that there is."""
    drawing = await _draw(services, actor, form, drawn, seconds=QUICK_SECONDS)
    with sending(Priority.INTERACTIVE):
        updated = await _update(client, drawing, view_id=view_id)
    if updated is not None and not drawing.is_whole:
        await _finish_later(services, actor, drawing, updated)


async def push_advanced(client: AsyncWebClient, services: Services, form: CreateForm, *, trigger_id: str) -> None:
    limits = await services.catalog.limits()
    model = await known_model(services, form)
    options = options_of(form, model, limits)
    await client.views_push(trigger_id=trigger_id, view=build_advanced_modal(form, options, model, limits))


async def known_model(services: Services, form: CreateForm) -> Model | None:
    """None if there is none, or nobody tells soon what it is."""
    model, _ = await _model(services, form, _in(QUICK_SECONDS))
    return model


async def finish_form(client: AsyncWebClient, services: Services, payload: Mapping[str, Any]) -> None:
    """Notice.CREATE_FORM_WAITS: draws again what was opened or updated before all was known, unless it has changed."""
    holder = await services.access.standing_of(PersonId(payload["team"], payload["user"]))
    if not may(holder.role, Permission.CREATE_SERVERS):
        return
    actor = Principal(person=holder.person, role=holder.role)
    form, drawn = form_in(payload["form"]), Drawn(stamp=f"later-{payload['hash']}")
    drawing = await _draw(services, actor, form, drawn, seconds=LATER_SECONDS)
    for _ in range(FURTHER_LOOKS):
        if drawing.is_whole and drawing.is_live:
            break
        drawing = await _draw(services, actor, form, drawn, seconds=LATER_SECONDS)
    await _update(client, drawing, view_id=payload["view_id"], hash=payload["hash"])


@dataclass(frozen=True, slots=True)
class _Drawing:
    form: CreateForm
    view: dict[str, Any]
    is_whole: bool
    """Whether all is there that the form asks for."""
    is_live: bool
    """Whether the cloud told what is free."""


async def _draw(services: Services, actor: Principal, form: CreateForm, drawn: Drawn, *, seconds: float) -> _Drawing:
    """Takes hardly longer than `seconds`. Raises AccessDeniedError."""
    until = _in(seconds)
    limits = await services.catalog.limits()
    told = await _by(until, services.catalog.offers(form.provider))
    offers = price_list(form.provider).offers if told is None else told
    model, note = await _model(services, form, until)
    form = completed(form, offers, model, limits)
    draft = draft_of(form, model, limits)
    engine = draft.engine
    verdicts: dict[str, Fit] = {}
    if model is not None and engine is not None:
        fits = partial(fit, model, options=draft.options, engine=engine, disk_gb=form.disk_gb)
        verdicts = {offer.type: fits(offer=offer) for offer in offers}
    quote = await _by(max(until, _in(QUOTE_SECONDS)), services.servers.quote(actor, draft))
    is_live = any(there is not YesNo.UNKNOWN for offer in offers for there in offer.regions.values())
    facts = Facts(
        clouds=await services.keys.clouds(),
        offers=offers,
        regions=price_list(form.provider).regions,
        limits=limits,
        model=model,
        verdicts=verdicts,
        quote=quote,
        options=draft.options,
        notes=[note for note in (note, "" if is_live else "What is free right now is not known yet.") if note],
    )
    is_whole = quote is not None and note != NOT_TOLD
    return _Drawing(form, build_create_modal(form, facts, drawn), is_whole, is_live)


async def _model(services: Services, form: CreateForm, until: float) -> tuple[Model | None, str]:
    """The model, or why there is none."""
    if form.model is None:
        return None, ""
    try:
        model = await _by(until, services.catalog.model(form.model))
    except (InvalidInputError, NotFoundError, UnavailableError) as error:
        return None, str(error)
    return model, NOT_TOLD if model is None else ""


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def _by(until: float, asking: Awaitable[_Answer]) -> _Answer | None:
    """None if there is no answer until then, in the loop's time."""
    try:
        async with asyncio.timeout_at(until):
            return await asking
    except TimeoutError:
        return None


async def _update(client: AsyncWebClient, drawing: _Drawing, **where: str) -> Mapping[str, Any] | None:
    """The view as it is now; None if it is closed, or was drawn anew in between."""
    try:
        answer = await client.views_update(view=drawing.view, **where)
    except SlackApiError as error:
        if error.response["error"] not in _CLOSED_OR_NEWER:
            raise
        return None
    return _view_in(answer)


def _view_in(answer: AsyncSlackResponse) -> Mapping[str, Any]:
    view: Mapping[str, Any] | None = answer["view"]
    assert view is not None
    return view


async def _finish_later(services: Services, actor: Principal, drawing: _Drawing, view: Mapping[str, Any]) -> None:
    notice = owe(
        Notice.CREATE_FORM_WAITS,
        team=actor.person.team,
        user=actor.person.user,
        view_id=view["id"],
        hash=view["hash"],
        form=metadata_of(drawing.form),
    )
    await services.inbox.accept(notice)
