"""A cloud's offers as it told them last, without keeping anybody waiting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.catalog.defaults import price_list
from core.catalog.lookups import Lookups
from core.catalog.model import Offer
from core.clock import Clock
from core.errors import AccessDeniedError, NotFoundError, UnavailableError
from core.servers.ports import OpenProvider

FRESH = timedelta(minutes=1)
"""How long an answer is given out without asking again."""
STALE = timedelta(minutes=10)
"""How long it is given out while the cloud is asked again."""
PATIENCE_SECONDS = 1.0
"""How long somebody in front of a form waits for more than the price file."""


@dataclass(frozen=True, slots=True)
class _Told:
    offers: Sequence[Offer]
    at: datetime


class LiveOffers:
    def __init__(
        self, clock: Clock, open_provider: OpenProvider, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._clock = clock
        self._open_provider = open_provider
        self._patience_seconds = patience_seconds
        self._told: dict[str, _Told] = {}
        self._lookups = Lookups(self._ask)

    async def of(self, provider: str) -> Sequence[Offer]:
        """What the cloud told last; the price file's rows while it has told nothing or cannot be asked."""
        told = self._told.get(provider)
        age = None if told is None else self._clock.now() - told.at
        if told is not None and age is not None and age < FRESH:
            return told.offers
        can_wait = age is None or age >= STALE
        answer = await self._lookups.answer(provider, patience_seconds=self._patience_seconds if can_wait else 0)
        if answer is not None:
            return answer
        return price_list(provider).offers if told is None else told.offers

    async def aclose(self) -> None:
        await self._lookups.aclose()

    async def _ask(self, provider: str) -> Sequence[Offer]:
        """Trouble counts as an answer, so that the next one is not kept waiting by it too."""
        try:
            cloud = await self._open_provider(provider)
            try:
                offers = await cloud.offers()
            finally:
                await cloud.aclose()
        except (UnavailableError, AccessDeniedError, NotFoundError):  # away; no key yet; not installed
            told = self._told.get(provider)
            offers = price_list(provider).offers if told is None else told.offers
        self._told[provider] = _Told(offers, self._clock.now())
        return offers
