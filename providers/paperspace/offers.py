"""What Paperspace has now, laid over Prime's price file: the API tells neither what a type is nor what it costs."""

import asyncio
from collections.abc import Mapping, Sequence

from core.catalog.defaults import price_list
from core.catalog.model import LiveOffer, Offer, PriceList, Template, YesNo
from core.catalog.rules import overlay
from core.servers.errors import ProviderForbiddenError, ProviderUnavailableError
from providers.paperspace.client import PaperspaceClient
from providers.paperspace.wire import OsTemplate

TYPE = "paperspace"
AT_ONCE = 8
SMALLEST_DISK_GB = 50
"""Of any machine; what a template needs is not always told."""


async def read_offers(client: PaperspaceClient) -> Sequence[Offer]:
    prices = price_list(TYPE)
    templates = await client.templates()
    regions = _regions_to_ask(prices, templates)
    available = await _availability(client, [(type_, region) for type_ in regions for region in regions[type_]])
    return overlay(
        prices,
        [
            LiveOffer(
                type=type_,
                templates=tuple(_template(template) for template in templates if type_ in template.machine_types),
                regions={region: available[type_, region] for region in regions[type_]},
            )
            for type_ in regions
        ],
    )


def _regions_to_ask(prices: PriceList, templates: Sequence[OsTemplate]) -> Mapping[str, Sequence[str]]:
    """By type: those of the file, and for a type that only the cloud's templates name, every region."""
    known = {offer.type: list(offer.regions) for offer in prices.offers}
    listed = {type_ for template in templates for type_ in template.machine_types}
    return known | {type_: list(prices.regions) for type_ in sorted(listed - known.keys() - prices.without_gpu)}


async def _availability(
    client: PaperspaceClient, questions: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], YesNo]:
    """By type and region. After the first trouble no more is asked: an offer that may not be there is better than none.

    Raises ProviderForbiddenError."""
    turns = asyncio.Semaphore(AT_ONCE)
    trouble: list[ProviderForbiddenError | ProviderUnavailableError] = []

    async def ask(type_: str, region: str) -> YesNo:
        async with turns:
            if trouble:
                return YesNo.UNKNOWN
            try:
                return _ANSWERS[await client.is_available(type_, region)]
            except (ProviderForbiddenError, ProviderUnavailableError) as error:
                trouble.append(error)
                return YesNo.UNKNOWN

    answers = await asyncio.gather(*(ask(*question) for question in questions))
    for error in trouble:
        if isinstance(error, ProviderForbiddenError):
            raise error
    return dict(zip(questions, answers, strict=True))


_ANSWERS = {True: YesNo.YES, False: YesNo.NO, None: YesNo.UNKNOWN}


def _template(template: OsTemplate) -> Template:
    return Template(
        id=template.id, label=template.label, minimum_disk_gb=max(template.minimum_disk_gb or 0, SMALLEST_DISK_GB)
    )
