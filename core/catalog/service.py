"""What can be rented and run: Prime's files, what clouds and the Hub tell now, and what admins changed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.access.model import Principal
from core.access.permissions import Permission, require
from core.access.service import Access
from core.audit.model import AuditEntry
from core.catalog import defaults
from core.catalog.model import (
    EngineOptions,
    Limit,
    LimitChange,
    ListedOffer,
    Model,
    Offer,
    OfferChange,
    Overview,
)
from core.catalog.models import KnownModels, default
from core.catalog.offers import LiveOffers
from core.catalog.ports import ModelHub
from core.catalog.published import check_model_id
from core.catalog.rules import (
    check_limit,
    check_limits,
    check_price,
    unchecked_model,
    with_changes,
    with_limits,
    without_templates,
)
from core.clock import Clock
from core.errors import ConflictError, NotFoundError
from core.servers.ports import OpenProvider
from core.storage import Storage, Stores


class Catalog:
    """What the forms offer. Whoever asks has decided already that the person may."""

    def __init__(
        self, storage: Storage, clock: Clock, access: Access, hub: ModelHub, *, open_provider: OpenProvider
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._access = access
        self._live = LiveOffers(clock, open_provider)
        self._models = KnownModels(storage, clock, hub)

    # --- looking

    async def offers(self, provider: str) -> Sequence[Offer]:
        """All that are not hidden, with the prices that admins set. Answers within about a second: with what the cloud
        told last, or the price file where it told nothing."""
        offers = await self._live.of(provider)
        async with self._storage.transaction() as stores:
            shown = with_changes(offers, await stores.catalog.offer_changes(provider))
            return without_templates(shown, await stores.catalog.hidden_templates(provider))

    async def models(self, query: str = "") -> Sequence[Model]:
        """Those whose id or label holds the words of the query: the file's, then additions, then the organisation's.
        Of those that the Hub has not been asked about only the id is sure; `model` tells the rest."""
        organisation = await self._models.of_organisation()
        async with self._storage.transaction() as stores:
            listings = await stores.catalog.listings()
            ids = [model_id for model_id, is_listed in listings.items() if is_listed]
            ids += [model_id for model_id in organisation if model_id not in listings]
            kept = await stores.catalog.hub_models(ids)
        ours = [model for model in defaults.models() if listings.get(model.id, True)]
        known = {model.id for model in ours}
        added = [kept.get(one, unchecked_model(one)) for one in dict.fromkeys(ids) if one not in known]
        words = query.lower().split()
        return [
            model for model in [*ours, *added] if all(word in f"{model.id} {model.label}".lower() for word in words)
        ]

    async def model(self, model_id: str) -> Model:
        """Any model of the Hub, listed or not, as it was told in the last day, or last, or by the file.

        Raises InvalidInputError (field `model`: no id, gated, not for text, served by no engine), NotFoundError (none,
        or private), UnavailableError (the Hub does not answer, and nothing is known of it)."""
        return await self._models.get(check_model_id(model_id))

    async def limits(self) -> Sequence[Limit]:
        async with self._storage.transaction() as stores:
            return with_limits(defaults.limits(), await stores.catalog.limit_changes())

    async def check_options(self, options: EngineOptions) -> None:
        """Raises InvalidInputError whose `field` is the option that is beyond its limit."""
        check_limits(await self.limits(), options)

    async def overview(self, actor: Principal, provider: str) -> Overview:
        """All of it, hidden offers included."""
        require(actor.role, Permission.SEE_CATALOG)
        offers = await self._live.of(provider)
        async with self._storage.transaction() as stores:
            changes = await stores.catalog.offer_changes(provider)
            hidden_templates = await stores.catalog.hidden_templates(provider)
        hidden = {change.type for change in changes if change.is_hidden}
        shown = with_changes(offers, [replace(change, is_hidden=False) for change in changes])
        return Overview(
            offers=[ListedOffer(offer=offer, is_hidden=offer.type in hidden) for offer in shown],
            hidden_templates=hidden_templates,
            models=await self.models(),
            limits=await self.limits(),
        )

    # --- by admins

    async def add_model(self, actor: Principal, model_id: str) -> Model:
        """Lists a model that the Hub has. Raises as `model`, and ConflictError if it is listed already."""
        require(actor.role, Permission.EDIT_CATALOG)
        model = await self._models.ask(check_model_id(model_id))
        async with self._editing(actor) as edit:
            is_ours = default(model.id) is not None
            if (await edit.stores.catalog.listings()).get(model.id, is_ours):
                raise ConflictError("This model is in the catalogue already; nothing was changed.")
            if is_ours:
                await edit.stores.catalog.remove_listing(model.id)
            else:
                await edit.stores.catalog.put_listing(model.id, is_listed=True)
            await edit.audit("model.add", target=f"model:{model.id}")
        return model

    async def remove_model(self, actor: Principal, model_id: str) -> None:
        """Takes it off the list; servers that run it go on. Raises NotFoundError if it is not listed, ConflictError
        for a model of the organisation, which the Hub lists."""
        require(actor.role, Permission.EDIT_CATALOG)
        model_id = check_model_id(model_id)
        organisation = await self._models.of_organisation()
        async with self._editing(actor) as edit:
            is_ours = default(model_id) is not None
            is_listed = (await edit.stores.catalog.listings()).get(model_id, is_ours)
            if not is_listed and model_id in organisation:
                raise ConflictError("This model is listed since it is your organisation's on Hugging Face.")
            if not is_listed:
                raise NotFoundError("This model is not in the catalogue; nothing was changed.")
            if is_ours:
                await edit.stores.catalog.put_listing(model_id, is_listed=False)
            else:
                await edit.stores.catalog.remove_listing(model_id)
            await edit.audit("model.remove", target=f"model:{model_id}")

    async def set_price(self, actor: Principal, provider: str, offer_type: str, usd_per_hour: Decimal | None) -> None:
        """In place of the price file's, from the next server on; None: the price file's again. What is so already is
        no change, here and below.

        Raises InvalidInputError (field `price`), NotFoundError if there is no such offer."""
        require(actor.role, Permission.EDIT_CATALOG)
        price = None if usd_per_hour is None else check_price(usd_per_hour)
        await self._change_offer(actor, provider, offer_type, "price", usd_per_hour=price)

    async def hide_offer(self, actor: Principal, provider: str, offer_type: str) -> None:
        """Not offered for new servers any more. Raises NotFoundError."""
        require(actor.role, Permission.EDIT_CATALOG)
        await self._change_offer(actor, provider, offer_type, "hide", is_hidden=True)

    async def show_offer(self, actor: Principal, provider: str, offer_type: str) -> None:
        """Offered again. Raises NotFoundError."""
        require(actor.role, Permission.EDIT_CATALOG)
        await self._change_offer(actor, provider, offer_type, "show", is_hidden=False)

    async def hide_template(self, actor: Principal, provider: str, template_id: str) -> None:
        """New machines are not installed with it any more. Raises NotFoundError, ConflictError where a machine could be
        installed with nothing else."""
        require(actor.role, Permission.EDIT_CATALOG)
        await self._change_template(actor, provider, template_id, "hide", is_hidden=True)

    async def show_template(self, actor: Principal, provider: str, template_id: str) -> None:
        """Offered again. Raises NotFoundError."""
        require(actor.role, Permission.EDIT_CATALOG)
        await self._change_template(actor, provider, template_id, "show", is_hidden=False)

    async def set_limit(self, actor: Principal, change: LimitChange) -> None:
        """Raises InvalidInputError (field `minimum`, `maximum` or `default`), NotFoundError for no such option."""
        require(actor.role, Permission.EDIT_CATALOG)
        if all(limit.option != change.option for limit in defaults.limits()):
            raise NotFoundError("There is no such option; nothing was changed.")
        check_limit(change)
        async with self._editing(actor) as edit:
            limits = with_limits(defaults.limits(), await edit.stores.catalog.limit_changes())
            if with_limits(limits, [change]) == limits:
                return
            await edit.stores.catalog.put_limit_change(change)
            await edit.audit(
                "limit.set",
                target=f"option:{change.option}",
                minimum=change.minimum,
                maximum=change.maximum,
                default=change.default,
            )

    async def aclose(self) -> None:
        """Ends what is still being asked."""
        await self._live.aclose()
        await self._models.aclose()

    # --- within

    async def _change_offer(
        self, actor: Principal, provider: str, offer_type: str, verb: str, **changed: bool | Decimal | None
    ) -> None:
        offers = await self._live.of(provider)
        async with self._editing(actor) as edit:
            changes = {change.type: change for change in await edit.stores.catalog.offer_changes(provider)}
            if offer_type not in changes and all(offer.type != offer_type for offer in offers):
                raise NotFoundError("This cloud has no such machine; nothing was changed.")
            before = changes.get(offer_type, OfferChange(provider=provider, type=offer_type))
            after = replace(before, **changed)
            if after == before:
                return
            await edit.stores.catalog.put_offer_change(after)
            await edit.audit(
                f"offer.{verb}",
                target=f"offer:{provider}/{offer_type}",
                usd_per_hour=_text(after.usd_per_hour),
                usd_per_hour_before=_text(before.usd_per_hour),
                is_hidden=after.is_hidden,
            )

    async def _change_template(
        self, actor: Principal, provider: str, template_id: str, verb: str, *, is_hidden: bool
    ) -> None:
        offers = [offer for offer in await self._live.of(provider) if offer.templates]
        async with self._editing(actor) as edit:
            hidden = frozenset(await edit.stores.catalog.hidden_templates(provider))
            if all(template.id != template_id for offer in offers for template in offer.templates):
                raise NotFoundError("This cloud has no such template; nothing was changed.")
            if (template_id in hidden) is is_hidden:
                return
            offered = with_changes(offers, await edit.stores.catalog.offer_changes(provider))
            left = without_templates(offered, hidden | {template_id}) if is_hidden else offered
            if bare := sorted(offer.type for offer in left if not offer.templates):
                raise ConflictError(
                    f"{', '.join(bare[:5])} could not be installed with anything else; hide those first."
                )
            await edit.stores.catalog.put_template(provider, template_id, is_hidden=is_hidden)
            await edit.audit(f"template.{verb}", target=f"template:{provider}/{template_id}")

    @asynccontextmanager
    async def _editing(self, actor: Principal) -> AsyncGenerator["_Edit"]:
        """One change, by somebody who may still make it when its turn comes. Raises AccessDeniedError."""
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            await self._access.require_still(actor, Permission.EDIT_CATALOG, stores, now)
            yield _Edit(stores, actor, now)


@dataclass(frozen=True, slots=True)
class _Edit:
    stores: Stores
    actor: Principal
    now: datetime

    async def audit(self, action: str, *, target: str, **detail: str | int | None) -> None:
        """Last of all."""
        await self.stores.audit.append(
            AuditEntry(
                at=self.now, actor=str(self.actor.person), action=f"catalog.{action}", target=target, detail=detail
            )
        )


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)
