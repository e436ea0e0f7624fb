"""What live answers and Prime's own files come to together. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from core.catalog.model import (
    EngineKind,
    EngineOptions,
    Limit,
    LimitChange,
    LiveOffer,
    Model,
    Offer,
    OfferChange,
    PriceList,
    Quantization,
    Template,
)
from core.errors import InvalidInputError

MOST = 10_000_000
"""Of any engine option."""
MOST_USD_PER_HOUR = Decimal(10_000)


def overlay(prices: PriceList, live: Iterable[LiveOffer]) -> list[Offer]:
    """The file's offers with what the cloud tells now, and after them the types that the file lacks, without a price.

    Types without a GPU are left out. What the cloud does not tell of a type stays as in the file."""
    told = {one.type: one for one in live if one.type not in prices.without_gpu}
    known = [_with_live(offer, told.pop(offer.type, None), prices) for offer in prices.offers]
    return known + [_with_live(_unknown(one.type, prices), one, prices) for one in told.values()]


def suitable_templates(prices: PriceList, told: Sequence[Template]) -> tuple[Template, ...]:
    """Of a cloud's templates the file's; else those with its words; else all, since one of them has to do."""
    ids = {template.id for template in told}
    listed = tuple(template for template in prices.templates if template.id in ids)
    if listed:
        return listed
    worded = tuple(template for template in told if prices.template_words in template.label)
    return worded or tuple(told)


def with_changes(offers: Iterable[Offer], changes: Iterable[OfferChange]) -> list[Offer]:
    """The offers with the prices that admins set; hidden ones are left out."""
    by_type = {(change.provider, change.type): change for change in changes}
    shown: list[Offer] = []
    for offer in offers:
        change = by_type.get((offer.provider, offer.type))
        if change is None:
            shown.append(offer)
        elif not change.is_hidden:
            shown.append(_repriced(offer, change))
    return shown


def without_templates(offers: Iterable[Offer], hidden: Collection[str]) -> list[Offer]:
    """The offers without the templates that admins hid."""
    return [
        replace(offer, templates=tuple(template for template in offer.templates if template.id not in hidden))
        for offer in offers
    ]


def with_limits(limits: Iterable[Limit], changes: Iterable[LimitChange]) -> list[Limit]:
    """The limits with the numbers that admins set."""
    by_option = {change.option: change for change in changes}
    return [
        limit
        if (change := by_option.get(limit.option)) is None
        else replace(limit, minimum=change.minimum, maximum=change.maximum, default=change.default)
        for limit in limits
    ]


def check_limit(change: LimitChange) -> None:
    """Raises InvalidInputError (field `minimum`, `maximum` or `default`)."""
    if change.minimum < 1:
        raise InvalidInputError("The least must be 1 or more.", field="minimum")
    if not change.minimum <= change.maximum <= MOST:
        raise InvalidInputError(f"The most must be from {change.minimum:,} to {MOST:,}.", field="maximum")
    if change.default is not None and not change.minimum <= change.default <= change.maximum:
        raise InvalidInputError("The default must lie between the two.", field="default")


def check_price(usd_per_hour: Decimal) -> Decimal:
    """The price to a hundredth of a cent. Raises InvalidInputError."""
    if not usd_per_hour.is_finite() or not 0 < usd_per_hour <= MOST_USD_PER_HOUR:
        raise InvalidInputError("Give US dollars per hour, such as 0.76.", field="price")
    return usd_per_hour.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def check_limits(limits: Iterable[Limit], options: EngineOptions) -> None:
    """Raises InvalidInputError whose `field` is the option."""
    for limit in limits:
        value: int | None = getattr(options, limit.option)
        if value is not None and not limit.minimum <= value <= limit.maximum:
            raise InvalidInputError(
                f"{limit.label}: choose a number from {limit.minimum:,} to {limit.maximum:,}.", field=limit.option
            )


def unchecked_model(model_id: str) -> Model:
    """One of which only the id is known so far."""
    return Model(
        id=model_id,
        label=model_id,
        engines=(EngineKind.TGI, EngineKind.VLLM),
        quantizations=(Quantization.NONE,),
        parameters=None,
        weights_bytes=None,
        architecture=None,
    )


def _repriced(offer: Offer, change: OfferChange) -> Offer:
    if change.usd_per_hour is None:
        return offer
    return replace(offer, price_usd_per_hour=change.usd_per_hour, source="set by an ADMIN", as_of="")


def _with_live(offer: Offer, told: LiveOffer | None, prices: PriceList) -> Offer:
    if told is None:
        return offer
    return replace(
        offer,
        regions={**offer.regions, **told.regions},
        templates=suitable_templates(prices, told.templates) if told.templates else offer.templates,
    )


def _unknown(type: str, prices: PriceList) -> Offer:  # noqa: A002 the model's word
    """A type of which nothing is known but its name."""
    return Offer(
        provider=prices.provider,
        type=type,
        gpu=None,
        gpu_count=1,
        vcpus=None,
        ram_gib=None,
        price_usd_per_hour=None,
        templates=prices.templates,
        disks=prices.disks,
        billed_while_off=prices.billed_while_off,
        static_address_usd_per_hour=prices.static_address_usd_per_hour,
        source="listed by the cloud",
    )
