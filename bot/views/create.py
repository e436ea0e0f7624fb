"""The create modal: what to run on what, and what that comes to."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.create_form import NEVER, CreateForm, metadata_of
from bot.forms import input_of, optional_choice_of
from bot.ids import Action, Input, Modal
from bot.mrkdwn import code, escape
from bot.views.kit import (
    Block,
    Option,
    actions,
    button,
    context,
    datetime_picker,
    divider,
    external_select,
    grouped_select,
    labelled,
    modal,
    option,
    section,
    select,
    text_input,
)
from bot.views.money import usd
from core.catalog.model import EngineOptions, Fit, Limit, Model, Offer, Quantization, YesNo
from core.durations import format_duration, parse_duration
from core.servers.drafts import NAME_LENGTH
from core.servers.model import Quote
from core.servers.rules import DESCRIPTION_LENGTH

TITLE = "Create a model server"
IDLE_STOPS = ("30m", "1h", "2h", "4h", "8h", "1d")
DELETIONS = ("1d", "3d", "7d")

_ADVANCED, _PROBLEM = "advanced", "advanced_problem"
_FITS, _SMALL, _UNKNOWN = "Large enough", "Too small, or not supported", "Price unknown"
_THERE = {YesNo.YES: "", YesNo.NO: " (full)", YesNo.UNKNOWN: "?"}
_FREE = {YesNo.YES: "free now", YesNo.NO: "full now", YesNo.UNKNOWN: "not known whether free"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known for a form when it is drawn."""

    clouds: Mapping[str, str]
    """Those with a key -> what people call them."""
    offers: Sequence[Offer]
    regions: Mapping[str, str]
    """Region id -> what people call it."""
    limits: Sequence[Limit]
    model: Model | None = None
    verdicts: Mapping[str, Fit] = field(default_factory=dict[str, Fit])
    """By the offer's type; empty while no model is known."""
    quote: Quote | None = None
    options: EngineOptions = EngineOptions()  # noqa: RUF009 frozen
    """With which the engine would be launched."""
    notes: Sequence[str] = ()
    """What is not known yet, or could not be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The modal that is to be updated. Slack keeps what was chosen in a block for as long as the block has its id, and
    then ignores what an update says of it; so a block gets another id as soon as its options, or what is chosen in it,
    are to be others than those on the screen."""

    view: Mapping[str, Any] | None = None
    """As Slack sent it; None for a new modal, or one that is not at hand."""
    stamp: str = "0"
    """New with each update: no id comes twice."""

    def block_id(self, name: Input, offered: object, chosen: str | None) -> str:
        digest = hashlib.sha256(json.dumps(offered).encode()).hexdigest()[:12]
        block_id = self._block_id_of(name)
        if block_id.startswith(f"{name}:{digest}:") and optional_choice_of(self.view or {}, name) == chosen:
            return block_id
        return f"{name}:{digest}:{self.stamp}"

    def _block_id_of(self, name: Input) -> str:
        blocks: Sequence[Mapping[str, Any]] = (self.view or {}).get("blocks") or []
        ids = (str(block.get("block_id")) for block in blocks)
        return next((block_id for block_id in ids if input_of(block_id) == name), "")


def build_create_modal(form: CreateForm, facts: Facts, drawn: Drawn) -> dict[str, Any]:
    """The form is a completed one (`bot.create_form.completed`)."""
    blocks = _about(form)
    if len(facts.clouds) > 1:
        clouds = [option(label, provider) for provider, label in facts.clouds.items()]
        blocks += _choice("Cloud", Input.PROVIDER, clouds, form.provider, drawn)
    offer = next((one for one in facts.offers if one.type == form.offer), None)
    if offer is not None:
        blocks += _machine(form, facts, offer, drawn)
    blocks += _limits_of_life(form)
    blocks += _advanced(form, facts)
    blocks += [divider(), *_summary(facts)]
    return modal(Modal.CREATE_SERVER, TITLE, blocks, submit="Create", private_metadata=metadata_of(form))


def build_no_key_modal(admins: Sequence[str]) -> dict[str, Any]:
    """In place of a form that could not be submitted. `admins` are the user ids of those who can help."""
    who = ", ".join(f"<@{user}>" for user in admins[:10]) or "An ADMIN"
    text = f"Prime has no key for a cloud yet, so it cannot rent a machine. {who} can add one with `/prime keys`."
    return modal(Modal.CREATE_SERVER, TITLE, [section(text)], close="Close")


def build_misfit_modal(form: CreateForm, reason: str) -> dict[str, Any]:
    """The second yes."""
    return modal(
        Modal.CREATE_MISFIT,
        "It does not fit",
        [
            section(f":warning: {code(form.model or '')} does not fit *{escape(form.offer or '')}*.\n{escape(reason)}"),
            section(
                "If you create the server anyway, the machine is ordered and costs money from then on. Most likely the "
                "engine will not start; the server is then shown as failed, and costs money until you delete it."
            ),
        ],
        submit="Create anyway",
        close="Back",
        private_metadata=metadata_of(form),
    )


def with_advanced_problem(view: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """The modal as it stands, with what is wrong in the advanced view said beside its button."""
    blocks = [block for block in view["blocks"] if block.get("block_id") != _PROBLEM]
    ids = [block.get("block_id") for block in blocks]
    place = ids.index(_ADVANCED) if _ADVANCED in ids else len(ids) - 1
    blocks.insert(place + 1, section(f":warning: {escape(sentence)}", block_id=_PROBLEM))
    return {key: view[key] for key in ("type", "callback_id", "title", "submit", "close", "private_metadata")} | {
        "blocks": blocks
    }


def model_options(models: Sequence[Model]) -> list[Option]:
    return [model_option(model.id, description=_describe(model)) for model in models]


def model_option(model_id: str, *, description: str | None = None) -> Option:
    return option(model_id, model_id, description=description)


def typed_model_option(model_id: str) -> Option:
    return model_option(model_id, description="as typed; Prime asks Hugging Face about it")


# --- inputs ---------------------------------------------------------------------------------------


def _about(form: CreateForm) -> list[Block]:
    chosen = model_option(form.model) if form.model else None
    return [
        labelled(
            "Name",
            text_input(Input.NAME, max_length=NAME_LENGTH, placeholder="support-llama", initial=form.name),
            block_id=Input.NAME,
            hint="Lower-case letters, digits and hyphens. It is how people call the server.",
        ),
        labelled(
            "Description",
            text_input(Input.DESCRIPTION, max_length=DESCRIPTION_LENGTH, initial=form.description),
            block_id=Input.DESCRIPTION,
            optional=True,
        ),
        labelled(
            "Model",
            external_select(Action.CREATE_MODEL, placeholder="Search, or type a Hugging Face id", initial=chosen),
            block_id=Input.MODEL,
            dispatch=True,
        ),
    ]


def _machine(form: CreateForm, facts: Facts, offer: Offer, drawn: Drawn) -> list[Block]:
    quantizations = facts.model.quantizations if facts.model is not None else (Quantization.NONE,)
    blocks = [_offers(form, facts, drawn)]
    blocks += _choice(
        "Disk",
        Input.DISK,
        [_disk_option(size.size_gb, size.usd_per_month) for size in offer.disks],
        str(form.disk_gb),
        drawn,
    )
    blocks += _choice(
        "Region",
        Input.REGION,
        [_region_option(region, there, facts.regions) for region, there in offer.regions.items()],
        form.region,
        drawn,
    )
    blocks += _choice(
        "Template", Input.TEMPLATE, [option(one.label, one.id) for one in offer.templates], form.template, drawn
    )
    blocks += _choice(
        "Quantization",
        Input.QUANTIZATION,
        [_quantization_option(one) for one in quantizations],
        form.quantization,
        drawn,
    )
    return blocks


def _offers(form: CreateForm, facts: Facts, drawn: Drawn) -> Block:
    """By price; once a model is known, those that it fits first."""
    groups: dict[str, list[Option]] = {}
    for offer in sorted(facts.offers, key=_by_price):
        groups.setdefault(_group(offer, facts.verdicts), []).append(_offer_option(offer))
    ordered = {label: groups[label] for label in (_FITS, _SMALL, _UNKNOWN) if label in groups}
    chosen = next((one for options in ordered.values() for one in options if one["value"] == form.offer), None)
    element = grouped_select(Action.CREATE_CHOOSE, ordered, initial=chosen)
    if not facts.verdicts:
        options = [one for options in groups.values() for one in options]
        element = select(Action.CREATE_CHOOSE, options, initial=chosen)
    block_id = drawn.block_id(Input.OFFER, ordered, form.offer)
    return labelled("Offer", element, block_id=block_id, dispatch=True)


def _choice(label: str, name: Input, options: Sequence[Option], chosen: str | None, drawn: Drawn) -> list[Block]:
    if not options:
        return []
    initial = next((one for one in options if one["value"] == chosen), None)
    element = select(Action.CREATE_CHOOSE, options, initial=initial)
    return [labelled(label, element, block_id=drawn.block_id(name, options, chosen), dispatch=True)]


def _limits_of_life(form: CreateForm) -> list[Block]:
    stops = [*_durations("After", IDLE_STOPS, form.idle_stop), option("Never", NEVER)]
    deletions = [option("Keep it", NEVER), *_durations("Delete it after", DELETIONS, form.delete_after)]
    return [
        labelled(
            "Idle stop",
            select(Input.IDLE_STOP, stops, initial=_of_value(stops, form.idle_stop)),
            block_id=Input.IDLE_STOP,
            hint="When nobody has talked to it for so long, the server is stopped, after a warning.",
        ),
        labelled(
            "After an idle stop",
            select(Input.DELETE_AFTER, deletions, initial=_of_value(deletions, form.delete_after)),
            block_id=Input.DELETE_AFTER,
            hint="Also after the end below. A stopped server's disk goes on costing; deleting it loses what is on it.",
        ),
        labelled(
            "Ends",
            datetime_picker(Input.ENDS_AT, initial=int(form.ends_at.timestamp()) if form.ends_at else None),
            block_id=Input.ENDS_AT,
            hint="The server is stopped then, whatever it does. Empty: never.",
            optional=True,
        ),
    ]


def _durations(verb: str, usual: Sequence[str], chosen: str) -> list[Option]:
    """What is chosen may be none of the usual ones, or one of them in other words."""
    durations = {parse_duration(one): one for one in (*usual, chosen) if one != NEVER}
    return [option(f"{verb} {format_duration(duration)}", one) for duration, one in sorted(durations.items())]


def _of_value(options: Sequence[Option], value: str) -> Option:
    return next(one for one in options if one["value"] == value)


def _advanced(form: CreateForm, facts: Facts) -> list[Block]:
    options = facts.options
    told = [form.engine.label] if form.engine is not None else []
    told += [
        f"{limit.label}: {getattr(options, limit.option):,}"
        for limit in facts.limits
        if getattr(options, limit.option) is not None
    ]
    told += [str(one) for one in (options.dtype, options.kv_cache_dtype, options.weights_cache_override) if one]
    told += ["trusts the model's own code"] if options.trust_remote_code else []
    told += ["static address"] if form.static_address else []
    return [
        actions(button("Advanced", Action.CREATE_ADVANCED)),
        context(escape(" · ".join(told)) or "Engine: as usual"),
    ]


# --- options --------------------------------------------------------------------------------------


def _offer_option(offer: Offer) -> Option:
    price = "price unknown" if offer.price_usd_per_hour is None else f"{usd(offer.price_usd_per_hour)}/h"
    regions = " ".join(f"{region}{_THERE[there]}" for region, there in offer.regions.items())
    return option(" · ".join(part for part in (offer.type, price, _memory(offer), regions) if part), offer.type)


def _memory(offer: Offer) -> str:
    if offer.gpu is None:
        return "GPU unknown"
    each = f"{offer.gpu.memory_gib} GB"
    return each if offer.gpu_count == 1 else f"{offer.gpu_count} × {each}"


def _group(offer: Offer, verdicts: Mapping[str, Fit]) -> str:
    if offer.price_usd_per_hour is None:
        return _UNKNOWN
    verdict = verdicts.get(offer.type)
    return _FITS if verdict is None or verdict.fits else _SMALL


def _by_price(offer: Offer) -> tuple[bool, Decimal, str]:
    return offer.price_usd_per_hour is None, offer.price_usd_per_hour or Decimal(0), offer.type


def _disk_option(size_gb: int, usd_per_month: Decimal) -> Option:
    return option(f"{size_gb} GB · {usd(usd_per_month)} a month", str(size_gb))


def _region_option(region: str, there: YesNo, names: Mapping[str, str]) -> Option:
    return option(f"{names.get(region, region)} · {_FREE[there]}", region)


def _quantization_option(quantization: Quantization) -> Option:
    return option("none: as published" if quantization is Quantization.NONE else quantization, quantization)


def _describe(model: Model) -> str:
    size = "" if model.weights_bytes is None else f"{model.weights_bytes / 2**30:.0f} GB"
    flags = ["gated"] * model.is_gated + ["private"] * model.is_private
    return " · ".join(part for part in (model.label, size, *flags) if part)


# --- summary --------------------------------------------------------------------------------------


def _summary(facts: Facts) -> list[Block]:
    quote = facts.quote
    blocks = [context(*map(escape, facts.notes))] if facts.notes else []
    if quote is None or quote.offer is None:
        return blocks
    blocks.append(section(f"{_hardware(quote.offer)}\n{_price(quote)}"))
    if quote.fit is None:
        return blocks if facts.notes else [*blocks, context("Choose a model to see whether it has room here.")]
    blocks.append(section(_verdict(quote.fit)))
    better = _better(quote)
    if better is not None:
        blocks.append(better)
    return blocks


def _hardware(offer: Offer) -> str:
    gpu = "a GPU that Prime does not know" if offer.gpu is None else offer.gpu.name
    count = f"{offer.gpu_count} × " if offer.gpu_count > 1 else ""
    memory = "" if offer.gpu_memory_gib is None else f", {offer.gpu_memory_gib} GB of GPU memory"
    notes = " The cloud has to approve your account for it first." if offer.needs_approval else ""
    return f"*{escape(offer.type)}*: {count}{gpu}{memory}.{notes}"


def _price(quote: Quote) -> str:
    if quote.usd_per_hour is None or quote.usd_per_month is None:
        return "Its price is not known to Prime: look it up at the cloud."
    return f"*{usd(quote.usd_per_hour)}* per hour, {usd(quote.usd_per_month)} per month if it runs all the time."


def _verdict(fit: Fit) -> str:
    if fit.fits:
        return f":white_check_mark: The model *fits*. {escape(fit.reason)}"
    constraint = f" ({fit.constraint})" if fit.constraint is not None else ""
    return f":warning: The model *does not fit*{constraint}. {escape(fit.reason)}"


def _better(quote: Quote) -> Block | None:
    """The cheapest that would do, where that is better than what is chosen."""
    choice = quote.cheapest
    if choice is None or quote.offer is None or quote.fit is None:
        return None
    price, current = choice.offer.price_usd_per_hour, quote.offer.price_usd_per_hour
    if quote.fit.fits and (price is None or current is None or price >= current):
        return None
    costs = "" if price is None else f" for {usd(price)} per hour"
    where = "" if choice.region is None else f" in {choice.region}"
    use = button("Use it", Action.CREATE_USE, value=f"{choice.offer.type}|{choice.region or ''}")
    return section(f"Cheapest with enough room: *{escape(choice.offer.type)}*{escape(where)}{costs}.", accessory=use)
