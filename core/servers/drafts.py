"""What a server is made of where nobody chose otherwise. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from core.catalog.kernels import compute_problem
from core.catalog.model import (
    DiskRate,
    EngineKind,
    EngineOptions,
    Limit,
    Model,
    Offer,
    Quantization,
    Template,
    YesNo,
)

USUAL_DISK_GB = 100
"""Room for the system, an engine's image and a model of some 10 billion parameters."""

NAME_LENGTH = 30

_NUMBERED = re.compile(r"(?P<name>.*)-(?P<number>[1-9][0-9]{0,3})")
_ONLY_TGI = ("max_input_tokens", "max_best_of", "max_stop_sequences")
_INPUT_SHARE = 0.75
_NEVER_FIRST = Decimal("Infinity")


def next_name(name: str) -> str:
    """For another of the same: `llama` → `llama-2` → `llama-3`."""
    numbered = _NUMBERED.fullmatch(name)
    stem, number = (numbered["name"], int(numbered["number"]) + 1) if numbered else (name, 2)
    ending = f"-{number}"
    return stem[: NAME_LENGTH - len(ending)].rstrip("-") + ending


def preferred_offer(offers: Sequence[Offer]) -> Offer | None:
    """The cheapest that every engine runs on, if possible one that some region may have now."""
    return min(offers, key=_offer_rank, default=None)


def preferred_region(offer: Offer) -> str | None:
    """The first that has it now, else the first that may, else the first."""
    ranks = [YesNo.YES, YesNo.UNKNOWN, YesNo.NO]
    return min(offer.regions, key=lambda region: ranks.index(offer.regions[region]), default=None)


def preferred_template(offer: Offer) -> Template | None:
    return offer.templates[0] if offer.templates else None


def preferred_disk(offer: Offer, template: Template | None, *, needed_gb: int | None) -> DiskRate | None:
    """The smallest with room for the model and for what most models need; else the largest."""
    least = max(USUAL_DISK_GB, needed_gb or 0, template.minimum_disk_gb if template else 0)
    disks = sorted(offer.disks, key=lambda disk: disk.size_gb)
    return next((disk for disk in disks if disk.size_gb >= least), disks[-1] if disks else None)


def usual_options(limits: Sequence[Limit], *, engine: EngineKind, model: Model | None) -> EngineOptions:
    """The defaults of the limits, as far as the engine knows the options, within the model's context."""
    defaults = {limit.option: limit.default for limit in limits}
    if engine is not EngineKind.TGI:
        defaults |= dict.fromkeys(_ONLY_TGI, None)
    options = replace(EngineOptions(), **defaults)
    context = model.architecture.context_tokens if model is not None and model.architecture is not None else None
    total = options.max_total_tokens
    if context is None or total is None or total <= context:
        return options
    asked = options.max_input_tokens
    return replace(
        options,
        max_total_tokens=context,
        max_input_tokens=None if asked is None else min(asked, int(context * _INPUT_SHARE)),
    )


def _offer_rank(offer: Offer) -> tuple[bool, bool, Decimal]:
    runs = offer.gpu is not None and not compute_problem(offer.gpu, EngineOptions(), EngineKind.TGI, Quantization.NONE)
    is_full = all(there is YesNo.NO for there in offer.regions.values())
    return not runs, is_full, offer.price_usd_per_hour or _NEVER_FIRST
