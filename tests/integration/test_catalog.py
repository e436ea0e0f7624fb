"""The catalogue on Postgres: what clouds and the Hub tell, what admins change."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.access.model import Principal, Role
from core.audit.model import AuditEntry
from core.catalog.defaults import models, price_list
from core.catalog.model import EngineKind, EngineOptions, LimitChange, Offer, YesNo
from core.catalog.models import FRESH as MODEL_FRESH
from core.catalog.models import HUB_RESTS
from core.catalog.offers import FRESH, STALE
from core.catalog.service import Catalog
from core.errors import (
    AccessDeniedError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PrimeError,
    UnavailableError,
)
from core.servers.errors import ProviderForbiddenError
from core.servers.ports import Provider
from db.storage import PostgresStorage
from lab.hub.server import HubLab
from providers.hub import HuggingFace
from tests.access import ADA, BEA, World
from tests.clock import ManualClock

OF_H100X8 = "t7vp562h"
"""The one template of that machine."""
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
VICUNA = "lmsys/vicuna-7b-v1.5"
"""On the Hub, and not in Prime's file."""


class Cloud:
    """Tells offers, slowly or not at all where a test says so."""

    def __init__(self) -> None:
        self.there = YesNo.YES
        self.trouble: PrimeError | None = None
        self.gate: asyncio.Event | None = None
        self.asked = 0
        self.open = 0

    async def offers(self) -> Sequence[Offer]:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        rows = price_list("paperspace").offers
        return [replace(offer, regions=dict.fromkeys(offer.regions, self.there)) for offer in rows]

    async def aclose(self) -> None:
        self.open -= 1


class Shop:
    """The catalogue with a cloud and the lab's Hub."""

    def __init__(self, world: World, hub: HubLab, adapter: HuggingFace, cloud: Cloud) -> None:
        self.world = world
        self.clock = world.clock
        self.hub = hub
        self.adapter = adapter
        self.cloud = cloud
        self.catalog = self.again()

    def again(self) -> Catalog:
        """As after a restart."""

        async def open_provider(_: str) -> Provider:
            self.cloud.open += 1
            return self.cloud  # pyright: ignore[reportReturnType]: what the catalogue asks of it is there

        return Catalog(self.world.storage, self.clock, self.world.access, self.adapter, open_provider=open_provider)

    async def prices(self) -> dict[str, Decimal | None]:
        return {offer.type: offer.price_usd_per_hour for offer in await self.catalog.offers("paperspace")}

    async def availability(self) -> YesNo:
        offers = {offer.type: offer for offer in await self.catalog.offers("paperspace")}
        return offers["A4000"].regions["NY2"]

    async def listed(self, query: str = "") -> list[str]:
        return [model.id for model in await self.catalog.models(query)]

    async def last_audit(self) -> AuditEntry:
        return (await self.world.audited())[-1]


class Hurried:
    """The world's clock, on which nobody waits."""

    def __init__(self, clock: ManualClock) -> None:
        self.now = clock.now

    async def sleep(self, seconds: float) -> None:
        pass


@pytest.fixture
async def shop(storage: PostgresStorage, clock: ManualClock) -> AsyncIterator[Shop]:
    world = World(storage, clock)
    await world.settle(ADA)
    lab = HubLab()
    await lab.start()
    adapter = HuggingFace(api_url=lab.url, token=lab.token, organisation=lab.org, clock=Hurried(clock))
    shop = Shop(world, lab, adapter, Cloud())
    yield shop
    await shop.catalog.aclose()
    await adapter.aclose()
    await lab.stop()


@pytest.fixture
async def ada(shop: Shop) -> Principal:
    return await shop.world.acting(ADA)


# --- offers -----------------------------------------------------------------------------------------


async def test_a_clouds_answer_is_given_out_for_a_minute(shop: Shop) -> None:
    assert await shop.availability() is YesNo.YES
    shop.cloud.there = YesNo.NO
    assert await shop.availability() is YesNo.YES
    await shop.clock.advance(STALE.total_seconds())
    assert await shop.availability() is YesNo.NO
    assert (shop.cloud.asked, shop.cloud.open) == (2, 0)


async def test_an_older_answer_is_given_out_at_once_while_the_cloud_is_asked_again(shop: Shop) -> None:
    await shop.availability()
    shop.cloud.there, shop.cloud.gate = YesNo.NO, asyncio.Event()
    await shop.clock.advance(FRESH.total_seconds())
    assert await shop.availability() is YesNo.YES
    assert await shop.availability() is YesNo.YES
    shop.cloud.gate.set()
    await asyncio.wait(shop.catalog._live._lookups._running.values(), timeout=5)
    assert await shop.availability() is YesNo.NO
    assert shop.cloud.asked == 2


async def test_a_slow_cloud_keeps_nobody_waiting(shop: Shop) -> None:
    shop.catalog._live._patience_seconds = 0.01
    shop.cloud.gate = asyncio.Event()
    assert await shop.availability() is YesNo.UNKNOWN
    assert len(await shop.prices()) == len(price_list("paperspace").offers)
    assert shop.cloud.asked == 1


@pytest.mark.parametrize("trouble", [UnavailableError("away"), ProviderForbiddenError("no key")])
async def test_without_the_cloud_the_price_file_is_offered(shop: Shop, trouble: PrimeError) -> None:
    shop.cloud.trouble = trouble
    assert await shop.availability() is YesNo.UNKNOWN
    await shop.availability()
    assert (shop.cloud.asked, shop.cloud.open) == (1, 0)
    shop.cloud.trouble = None
    await shop.clock.advance(STALE.total_seconds())
    assert await shop.availability() is YesNo.YES


async def test_a_cloud_that_goes_away_leaves_its_last_answer(shop: Shop) -> None:
    await shop.availability()
    shop.cloud.trouble = UnavailableError("away")
    await shop.clock.advance(STALE.total_seconds())
    assert await shop.availability() is YesNo.YES


async def test_an_admins_price_holds_at_once_and_is_audited(shop: Shop, ada: Principal) -> None:
    await shop.catalog.set_price(ada, "paperspace", "A4000", Decimal("0.7"))

    assert (await shop.prices())["A4000"] == Decimal("0.7")
    entry = await shop.last_audit()
    assert (entry.actor, entry.action, entry.target) == (str(ADA), "catalog.offer.price", "offer:paperspace/A4000")
    assert entry.detail == {"usd_per_hour": "0.7000", "usd_per_hour_before": None, "is_hidden": False}

    await shop.catalog.set_price(ada, "paperspace", "A4000", None)
    assert (await shop.prices())["A4000"] == Decimal("0.76")
    assert (await shop.last_audit()).detail["usd_per_hour_before"] == "0.7000"


async def test_a_hidden_offer_keeps_its_price_and_is_seen_in_the_overview(shop: Shop, ada: Principal) -> None:
    await shop.catalog.set_price(ada, "paperspace", "A4000", Decimal("0.7"))
    await shop.catalog.hide_offer(ada, "paperspace", "A4000")

    assert "A4000" not in await shop.prices()
    seen = {one.offer.type: one for one in (await shop.catalog.overview(ada, "paperspace")).offers}
    assert seen["A4000"].is_hidden
    assert not seen["A5000"].is_hidden

    await shop.catalog.show_offer(ada, "paperspace", "A4000")
    assert (await shop.prices())["A4000"] == Decimal("0.7")
    assert await shop.world.actions() == ["catalog.offer.price", "catalog.offer.hide", "catalog.offer.show"]


async def test_a_hidden_template_is_left_out_of_every_offer_and_can_come_back(shop: Shop, ada: Principal) -> None:
    async def templates() -> set[str]:
        return {one.id for offer in await shop.catalog.offers("paperspace") for one in offer.templates}

    every = await templates()
    await shop.catalog.hide_offer(ada, "paperspace", "H100x8")
    await shop.catalog.hide_template(ada, "paperspace", OF_H100X8)
    await shop.catalog.hide_template(ada, "paperspace", OF_H100X8)
    await shop.catalog.show_offer(ada, "paperspace", "H100x8")
    assert await templates() == every - {OF_H100X8}
    assert (await shop.catalog.overview(ada, "paperspace")).hidden_templates == {OF_H100X8}

    await shop.catalog.show_template(ada, "paperspace", OF_H100X8)
    assert await templates() == every
    changes = ["offer.hide", "template.hide", "offer.show", "template.show"]
    assert await shop.world.actions() == [f"catalog.{change}" for change in changes]


async def test_the_only_template_of_a_machine_is_not_hidden(shop: Shop, ada: Principal) -> None:
    with pytest.raises(ConflictError, match="could not be installed with anything else"):
        await shop.catalog.hide_template(ada, "paperspace", OF_H100X8)
    with pytest.raises(NotFoundError):
        await shop.catalog.hide_template(ada, "paperspace", "t-none")
    assert await shop.world.actions() == []


async def test_an_offer_that_does_not_exist_is_not_changed(shop: Shop, ada: Principal) -> None:
    with pytest.raises(NotFoundError):
        await shop.catalog.set_price(ada, "paperspace", "A4001", Decimal(1))
    assert await shop.world.actions() == []


# --- models -----------------------------------------------------------------------------------------


async def test_the_file_the_additions_and_the_organisations_models_are_listed(shop: Shop, ada: Principal) -> None:
    await shop.catalog.add_model(ada, VICUNA)

    listed = await shop.listed()

    assert listed[: len(models())] == [model.id for model in models()]
    assert set(listed[len(models()) :]) == {
        VICUNA,
        "acme-ai/support-llama-8b",
        "acme-ai/tickets-qwen-7b",
        "acme-ai/tiny-qwen",
    }
    assert len(listed) == len(set(listed))
    assert await shop.listed("llama 8b") == [LLAMA, "acme-ai/support-llama-8b"]
    entry = (await shop.world.audited())[-1]
    assert (entry.action, entry.target) == ("catalog.model.add", f"model:{VICUNA}")


async def test_a_model_of_the_file_can_be_taken_off_and_put_back(shop: Shop, ada: Principal) -> None:
    await shop.catalog.remove_model(ada, LLAMA)
    assert LLAMA not in await shop.listed()
    assert (await shop.catalog.model(LLAMA)).id == LLAMA, "its servers go on"
    with pytest.raises(NotFoundError):
        await shop.catalog.remove_model(ada, LLAMA)

    await shop.catalog.add_model(ada, LLAMA)
    assert LLAMA in await shop.listed()
    with pytest.raises(ConflictError, match="already"):
        await shop.catalog.add_model(ada, LLAMA)
    assert await shop.world.actions() == ["catalog.model.remove", "catalog.model.add"]


async def test_an_addition_can_be_removed_and_the_organisations_cannot(shop: Shop, ada: Principal) -> None:
    await shop.catalog.add_model(ada, VICUNA)
    await shop.catalog.remove_model(ada, VICUNA)
    assert VICUNA not in await shop.listed()
    with pytest.raises(ConflictError, match="organisation"):
        await shop.catalog.remove_model(ada, "acme-ai/tiny-qwen")


@pytest.mark.parametrize(
    ("model_id", "error"),
    [
        ("nobody/nothing", NotFoundError),
        ("google/gemma-3-4b-it", InvalidInputError),
        ("stabilityai/stable-diffusion-xl-base-1.0", InvalidInputError),
        ("gpt2", InvalidInputError),
    ],
)
async def test_what_cannot_be_served_is_not_added(
    shop: Shop, ada: Principal, model_id: str, error: type[PrimeError]
) -> None:
    with pytest.raises(error):
        await shop.catalog.add_model(ada, model_id)
    with pytest.raises(error):
        await shop.catalog.model(model_id)
    assert await shop.world.actions() == []


async def test_the_hub_is_asked_once_a_day_also_over_restarts(shop: Shop) -> None:
    first = await shop.catalog.model(VICUNA)
    asked = len(shop.hub.requests)
    await shop.clock.advance(MODEL_FRESH.total_seconds() - 1)
    assert await shop.again().model(VICUNA) == first
    assert len(shop.hub.requests) == asked

    await shop.clock.advance(1)
    later = await shop.catalog.model(VICUNA)
    assert later.checked_at == shop.clock.now()
    assert len(shop.hub.requests) > asked


async def test_the_hubs_numbers_stand_under_the_files_words(shop: Shop) -> None:
    told = await shop.catalog.model(LLAMA)
    row = next(model for model in models() if model.id == LLAMA)
    assert (told.label, told.engines, told.quantizations) == (row.label, row.engines, row.quantizations)
    assert told.revision is not None
    assert told.checked_at == shop.clock.now()
    assert told.weights_bytes != row.weights_bytes


async def test_with_the_hub_down_what_is_known_is_used(shop: Shop) -> None:
    known = await shop.catalog.model(VICUNA)
    shop.hub.faults.switch("hub: down")
    await shop.clock.advance(timedelta(days=9).total_seconds())

    assert await shop.catalog.model(VICUNA) == known
    assert (await shop.catalog.model(LLAMA)).label == "Llama 3.1 8B Instruct"
    assert await shop.listed("qwen 0.5b") == ["Qwen/Qwen2.5-0.5B-Instruct"]
    with pytest.raises(UnavailableError):
        await shop.catalog.model("lab-samples/all-formats-1b")

    await shop.clock.advance(HUB_RESTS.total_seconds())
    shop.hub.faults.switch("hub: down", on=False)
    assert (await shop.catalog.model(VICUNA)).checked_at == shop.clock.now()


async def test_a_hub_that_did_not_answer_is_left_alone_for_a_while(shop: Shop) -> None:
    shop.hub.faults.switch("hub: down")
    await shop.catalog.model(LLAMA)
    asked = len(shop.hub.requests)
    await shop.catalog.model(LLAMA)
    await shop.listed()
    assert len(shop.hub.requests) == asked


async def test_many_who_ask_for_one_model_ask_the_hub_once(shop: Shop) -> None:
    told = await asyncio.gather(*(shop.catalog.model(VICUNA) for _ in range(5)))
    assert len(set(told)) == 1
    assert sum(request.path.endswith(f"models/{VICUNA}") for request in shop.hub.requests) == 1


async def test_what_another_version_kept_is_asked_for_again(shop: Shop, storage: PostgresStorage) -> None:
    first = await shop.catalog.model(VICUNA)
    async with storage._engine.begin() as connection:
        await connection.execute(text("UPDATE hub_model SET document = '{\"id\": 1}'"))
    assert await shop.catalog.model(VICUNA) == first


async def test_every_number_survives_the_database(shop: Shop) -> None:
    asked = await shop.catalog.model("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4")
    assert await shop.again().model(asked.id) == asked
    assert asked.engines == (EngineKind.TGI, EngineKind.VLLM)


# --- limits -----------------------------------------------------------------------------------------


async def test_a_limit_set_by_an_admin_holds_and_is_audited(shop: Shop, ada: Principal) -> None:
    change = LimitChange(option="max_best_of", minimum=1, maximum=3, default=1)
    await shop.catalog.set_limit(ada, change)

    limit = next(limit for limit in await shop.catalog.limits() if limit.option == "max_best_of")
    assert (limit.minimum, limit.maximum, limit.default) == (1, 3, 1)
    with pytest.raises(InvalidInputError):
        await shop.catalog.check_options(EngineOptions(max_best_of=4))
    entry = await shop.last_audit()
    assert (entry.action, entry.target) == ("catalog.limit.set", "option:max_best_of")
    assert entry.detail == {"minimum": 1, "maximum": 3, "default": 1}

    await shop.catalog.set_limit(ada, replace(change, default=None))
    assert next(one for one in await shop.catalog.limits() if one.option == "max_best_of").default is None


async def test_no_limit_is_made_up(shop: Shop, ada: Principal) -> None:
    with pytest.raises(NotFoundError):
        await shop.catalog.set_limit(ada, LimitChange(option="dtype", minimum=1, maximum=2, default=None))


# --- who may ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.NONE, Role.READ, Role.READ_WRITE])
async def test_changes_are_for_admins(shop: Shop, role: Role) -> None:
    bea = Principal(person=BEA, role=role)
    limit = LimitChange(option="max_best_of", minimum=1, maximum=3, default=1)
    for change in (
        shop.catalog.add_model(bea, VICUNA),
        shop.catalog.remove_model(bea, LLAMA),
        shop.catalog.set_price(bea, "paperspace", "A4000", Decimal(1)),
        shop.catalog.hide_offer(bea, "paperspace", "A4000"),
        shop.catalog.show_offer(bea, "paperspace", "A4000"),
        shop.catalog.hide_template(bea, "paperspace", OF_H100X8),
        shop.catalog.show_template(bea, "paperspace", OF_H100X8),
        shop.catalog.set_limit(bea, limit),
    ):
        with pytest.raises(AccessDeniedError, match="needs the role ADMIN"):
            await change
    assert await shop.world.actions() == []
    assert (shop.hub.requests, shop.cloud.asked) == ([], 0)


async def test_a_role_that_went_meanwhile_changes_nothing(shop: Shop) -> None:
    stale = Principal(person=BEA, role=Role.ADMIN)
    with pytest.raises(AccessDeniedError):
        await shop.catalog.set_price(stale, "paperspace", "A4000", Decimal(1))
    assert (await shop.prices())["A4000"] == Decimal("0.76")


async def test_the_overview_is_for_readers(shop: Shop) -> None:
    with pytest.raises(AccessDeniedError):
        await shop.catalog.overview(Principal(person=BEA, role=Role.NONE), "paperspace")
    seen = await shop.catalog.overview(Principal(person=BEA, role=Role.READ), "paperspace")
    assert (len(seen.offers), len(seen.limits)) == (37, 7)
    assert len(seen.models) == len(models()) + 3
