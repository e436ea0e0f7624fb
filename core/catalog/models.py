"""Models as Prime's file, the Hub and its last known answers tell them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.catalog import defaults
from core.catalog.lookups import Lookups
from core.catalog.model import Model
from core.catalog.ports import ModelHub
from core.catalog.published import parse_model
from core.clock import Clock
from core.errors import UnavailableError
from core.storage import Storage

FRESH = timedelta(days=1)
ORGANISATION_FRESH = timedelta(minutes=10)
HUB_RESTS = timedelta(seconds=30)
"""How long a Hub that did not answer is not asked about what is known anyway."""
PATIENCE_SECONDS = 1.0
"""How long somebody in front of a form waits for more than what is known."""

_ORGANISATION = "organisation"


class KnownModels:
    def __init__(
        self, storage: Storage, clock: Clock, hub: ModelHub, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._hub = hub
        self._patience_seconds = patience_seconds
        self._lookups = Lookups(self._ask)
        self._hub_rests_until: datetime | None = None
        self._organisation: Sequence[str] = ()
        self._organisation_at: datetime | None = None
        self._organisation_lookups = Lookups(self._ask_organisation)

    async def get(self, model_id: str) -> Model:
        """The Hub's word of the last day; an older one or the file's where the Hub does not answer (soon).

        Raises UnavailableError for a model of which nothing is known then, and as ModelHub.model and parse_model."""
        async with self._storage.transaction() as stores:
            kept = await stores.catalog.hub_model(model_id)
        if kept is not None and self._is_fresh(kept):
            return _in_our_words(kept)
        known = _in_our_words(kept) if kept is not None else default(model_id)
        if known is None:
            return await self.ask(model_id)
        if self._hub_rests():
            return known
        try:
            return await self._lookups.answer(model_id, patience_seconds=self._patience_seconds) or known
        except UnavailableError:
            return known

    async def ask(self, model_id: str) -> Model:
        """The Hub's word now. Raises UnavailableError, and as ModelHub.model and parse_model."""
        model = await self._lookups.answer(model_id, patience_seconds=None)
        assert model is not None
        return model

    async def of_organisation(self) -> Sequence[str]:
        """Ids, as they were last told."""
        now = self._clock.now()
        at = self._organisation_at
        if (at is None or now - at >= ORGANISATION_FRESH) and not self._hub_rests():
            try:
                await self._organisation_lookups.answer(_ORGANISATION, patience_seconds=self._patience_seconds)
            except UnavailableError:
                return self._organisation
        return self._organisation

    async def aclose(self) -> None:
        await self._lookups.aclose()
        await self._organisation_lookups.aclose()

    async def _ask(self, model_id: str) -> Model:
        try:
            answer = await self._hub.model(model_id)
        except UnavailableError:
            self._hub_rests_until = self._clock.now() + HUB_RESTS
            raise
        model = parse_model(answer, serving=defaults.serving_engines(), now=self._clock.now())
        if model.id.lower() != model_id.lower():
            raise UnavailableError("Hugging Face answered for another model. Please try again later.")
        async with self._storage.transaction() as stores:
            await stores.catalog.put_hub_model(model)
        return _in_our_words(model)

    async def _ask_organisation(self, _: str) -> Sequence[str]:
        try:
            self._organisation = await self._hub.organisation_models()
        except UnavailableError:
            self._hub_rests_until = self._clock.now() + HUB_RESTS
            raise
        self._organisation_at = self._clock.now()
        return self._organisation

    def _is_fresh(self, model: Model) -> bool:
        return model.checked_at is not None and self._clock.now() - model.checked_at < FRESH

    def _hub_rests(self) -> bool:
        return self._hub_rests_until is not None and self._clock.now() < self._hub_rests_until


def default(model_id: str) -> Model | None:
    """The file's row."""
    return next((model for model in defaults.models() if model.id == model_id), None)


def _in_our_words(model: Model) -> Model:
    """The Hub's numbers under the file's label, with the file's choice of engines and quantisations."""
    row = default(model.id)
    if row is None:
        return model
    return replace(model, label=row.label, engines=row.engines, quantizations=row.quantizations)
