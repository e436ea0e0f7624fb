"""What stands in the create modal: read from Slack's payload, kept in the modal's metadata, filled in, ordered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.forms import choice_of, is_ticked, moment_of, number_of, optional_choice_of, text_of
from bot.ids import Input
from core.catalog.fit import cheapest, fit
from core.catalog.model import Dtype, EngineKind, EngineOptions, Limit, Model, Offer, Quantization
from core.durations import parse_duration
from core.errors import InvalidInputError
from core.servers.drafts import (
    next_name,
    preferred_disk,
    preferred_offer,
    preferred_region,
    preferred_template,
    usual_options,
)
from core.servers.model import Draft, ServerSpec

NEVER = "never"
"""The value of the idle stop that is none."""
USUAL_IDLE_STOP = "2h"

_FOLLOWING = {
    Input.OFFER: "offer",
    Input.DISK: "disk_gb",
    Input.REGION: "region",
    Input.QUANTIZATION: "quantization",
}
"""The inputs that follow others until somebody sets them, and their field in the form."""

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """None: nothing chosen yet. All of it comes back from outside, and is looked up again before it is used."""

    provider: str
    channel: str | None = None
    """Where the command was typed."""
    name: str = ""
    description: str = ""
    model: str | None = None
    offer: str | None = None
    disk_gb: int | None = None
    region: str | None = None
    template: str | None = None
    quantization: Quantization | None = None
    idle_stop: str = USUAL_IDLE_STOP
    """A duration, or NEVER."""
    ends_at: datetime | None = None
    delete_after: str = NEVER
    """How long after an idle stop; a duration, or NEVER."""
    engine: EngineKind | None = None
    options: EngineOptions | None = None
    """None: nobody has changed the advanced ones. Its quantization is not used."""
    static_address: bool = False
    despite_misfit: bool = False
    """Whether they said yes to an offer that the model does not fit."""
    chosen: frozenset[str] = frozenset()
    """The inputs that the person set themselves; the others follow what they choose."""


_FORM = TypeAdapter(CreateForm)
_Word = TypeVar("_Word", bound=StrEnum)


def metadata_of(form: CreateForm) -> str:
    return _FORM.dump_json(form, exclude_defaults=True).decode()


def form_in(metadata: object) -> CreateForm:
    """Raises InvalidInputError for what is no form."""
    try:
        return _FORM.validate_json(str(metadata))
    except ValidationError as error:
        raise InvalidInputError("This form is out of date. `/prime create` opens a new one.") from error


def read_form(view: View, *, pressed: str | None = None) -> CreateForm:
    """What the modal holds now. `pressed` is the input that was just set, if that is why it is read."""
    drawn = form_in(view.get("private_metadata"))
    form = replace(
        drawn,
        name=text_of(view, Input.NAME),
        description=text_of(view, Input.DESCRIPTION),
        provider=optional_choice_of(view, Input.PROVIDER) or drawn.provider,
        model=optional_choice_of(view, Input.MODEL),
        offer=optional_choice_of(view, Input.OFFER),
        disk_gb=_size(optional_choice_of(view, Input.DISK)),
        region=optional_choice_of(view, Input.REGION),
        template=optional_choice_of(view, Input.TEMPLATE),
        quantization=_word(Quantization, optional_choice_of(view, Input.QUANTIZATION), Input.QUANTIZATION),
        idle_stop=optional_choice_of(view, Input.IDLE_STOP) or drawn.idle_stop,
        ends_at=moment_of(view, Input.ENDS_AT),
        delete_after=optional_choice_of(view, Input.DELETE_AFTER) or drawn.delete_after,
    )
    differing = {name for name in _FOLLOWING if getattr(form, _FOLLOWING[name]) != getattr(drawn, _FOLLOWING[name])}
    return replace(form, chosen=drawn.chosen | differing | ({pressed} if pressed in _FOLLOWING else set[str]()))


def read_advanced(view: View, limits: Sequence[Limit]) -> CreateForm:
    """The form that the advanced view was opened from, with what was set there. Raises InvalidInputError."""
    form = form_in(view.get("private_metadata"))
    numbers = {limit.option: number_of(view, limit.option) for limit in limits}
    options = replace(
        EngineOptions(),
        **numbers,
        dtype=_word(Dtype, optional_choice_of(view, Input.DTYPE), Input.DTYPE),
        kv_cache_dtype=optional_choice_of(view, Input.KV_CACHE_DTYPE),
        weights_cache_override=text_of(view, Input.WEIGHTS_CACHE_OVERRIDE).strip() or None,
        trust_remote_code=is_ticked(view, Input.TRUST_REMOTE_CODE),
    )
    return replace(
        form,
        engine=_word(EngineKind, choice_of(view, Input.ENGINE), Input.ENGINE),
        options=options,
        static_address=is_ticked(view, Input.STATIC_ADDRESS),
        chosen=form.chosen | {Input.ENGINE},
    )


def completed(form: CreateForm, offers: Sequence[Offer], model: Model | None, limits: Sequence[Limit]) -> CreateForm:
    """With what nobody chose filled in, and what cannot be had (any more) replaced."""
    form = replace(form, engine=_engine_for(form, model), quantization=_quantization_for(form, model))
    offer = _chosen_offer(form, offers) or _offer_for(form, offers, model, limits)
    if offer is None:
        return replace(form, offer=None, region=None, template=None, disk_gb=None)
    template = next((one for one in offer.templates if one.id == form.template), None) or preferred_template(offer)
    sizes = {disk.size_gb for disk in offer.disks}
    keeps_region = Input.REGION in form.chosen and form.region in offer.regions
    keeps_disk = Input.DISK in form.chosen and form.disk_gb in sizes
    disk = preferred_disk(offer, template, needed_gb=_disk_needed(form, offer, model, limits))
    return replace(
        form,
        offer=offer.type,
        region=form.region if keeps_region else preferred_region(offer),
        template=template.id if template else None,
        disk_gb=form.disk_gb if keeps_disk else disk and disk.size_gb,
    )


def options_of(form: CreateForm, model: Model | None, limits: Sequence[Limit]) -> EngineOptions:
    options = form.options or usual_options(limits, engine=_engine_for(form, model), model=model)
    return replace(options, quantization=form.quantization or Quantization.NONE)


def draft_of(form: CreateForm, model: Model | None, limits: Sequence[Limit]) -> Draft:
    return Draft(
        provider=form.provider,
        offer_type=form.offer,
        region=form.region,
        disk_gb=form.disk_gb,
        model=None if model is None else model.id,
        engine=_engine_for(form, model),
        options=options_of(form, model, limits),
        static_address=form.static_address,
    )


def spec_of(form: CreateForm, model: Model, limits: Sequence[Limit]) -> ServerSpec:
    """What is ordered. Raises InvalidInputError, with the input, while something is missing."""
    if Input.QUANTIZATION not in form.chosen:  # the one on the screen may still be another model's
        form = replace(form, quantization=_quantization_for(form, model))
    if form.offer is None or form.region is None or form.template is None or form.disk_gb is None:
        raise InvalidInputError("Please wait until Prime has told what the cloud offers, and create it then.")
    return ServerSpec(
        name=form.name,
        description=form.description,
        provider=form.provider,
        offer_type=form.offer,
        region=form.region,
        template_id=form.template,
        disk_gb=form.disk_gb,
        model=model.id,
        revision=None,
        engine=_engine_for(form, model),
        options=options_of(form, model, limits),
        static_address=form.static_address,
        idle_stop_minutes=_minutes_of(form.idle_stop, Input.IDLE_STOP),
        ends_at=form.ends_at,
        delete_after_minutes=_minutes_of(form.delete_after, Input.DELETE_AFTER),
    )


def form_like(spec: ServerSpec, *, offer: str, region: str, channel: str | None) -> CreateForm:
    """The same server on another offer, under another name: the first one keeps its own."""
    return CreateForm(
        provider=spec.provider,
        channel=channel,
        name=next_name(spec.name),
        description=spec.description,
        model=spec.model,
        offer=offer,
        disk_gb=spec.disk_gb,
        region=region,
        quantization=spec.options.quantization,
        idle_stop=NEVER if spec.idle_stop_minutes is None else f"{spec.idle_stop_minutes}m",
        ends_at=spec.ends_at,
        delete_after=NEVER if spec.delete_after_minutes is None else f"{spec.delete_after_minutes}m",
        engine=spec.engine,
        options=spec.options,
        static_address=spec.static_address,
        chosen=frozenset({Input.OFFER, Input.REGION, Input.DISK, Input.QUANTIZATION, Input.ENGINE}),
    )


def _engine_for(form: CreateForm, model: Model | None) -> EngineKind:
    if form.engine is not None and Input.ENGINE in form.chosen:
        return form.engine
    return model.engines[0] if model is not None else EngineKind.TGI


def _quantization_for(form: CreateForm, model: Model | None) -> Quantization:
    allowed = (Quantization.NONE,) if model is None else model.quantizations
    asked = form.quantization if Input.QUANTIZATION in form.chosen else None
    return asked if asked is not None and asked in allowed else allowed[0]


def _chosen_offer(form: CreateForm, offers: Sequence[Offer]) -> Offer | None:
    if Input.OFFER not in form.chosen:
        return None
    return next((offer for offer in offers if offer.type == form.offer), None)


def _offer_for(form: CreateForm, offers: Sequence[Offer], model: Model | None, limits: Sequence[Limit]) -> Offer | None:
    choices = []
    if model is not None:
        choices = cheapest(model, offers, options_of(form, model, limits), engine=_engine_for(form, model))
    return choices[0].offer if choices else preferred_offer(offers)


def _disk_needed(form: CreateForm, offer: Offer, model: Model | None, limits: Sequence[Limit]) -> int | None:
    if model is None:
        return None
    return fit(model, offer, options_of(form, model, limits), engine=_engine_for(form, model)).disk_needed_gb


def _minutes_of(text: str, name: Input) -> int | None:
    if text == NEVER:
        return None
    try:
        minutes = int(parse_duration(text) / timedelta(minutes=1))
    except InvalidInputError as error:
        raise InvalidInputError(str(error), field=name) from error
    if minutes < 1:
        raise InvalidInputError("Choose at least a minute.", field=name)
    return minutes


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise InvalidInputError("Please choose one.", field=Input.DISK)
    return int(text)


def _word(kind: type[_Word], text: str | None, name: Input) -> _Word | None:
    try:
        return None if text is None else kind(text)
    except ValueError as error:
        raise InvalidInputError("Please choose one.", field=name) from error
