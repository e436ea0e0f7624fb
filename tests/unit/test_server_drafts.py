"""What a server is made of where nobody chose otherwise."""

from dataclasses import replace

import pytest

from core.catalog import defaults
from core.catalog.model import EngineKind, Offer, Template, YesNo
from core.servers.drafts import (
    next_name,
    preferred_disk,
    preferred_offer,
    preferred_region,
    preferred_template,
    usual_options,
)
from core.servers.rules import check_name

OFFERS = {offer.type: offer for offer in defaults.price_list("paperspace").offers}
A4000, A5000, P4000 = OFFERS["A4000"], OFFERS["A5000"], OFFERS["P4000"]


def in_regions(offer: Offer, **there: YesNo) -> Offer:
    return replace(offer, regions=there)


def test_the_offer_is_the_cheapest_that_engines_run_on() -> None:
    assert preferred_offer(list(OFFERS.values())) is A4000


def test_an_offer_that_is_full_everywhere_comes_after_those_that_are_not() -> None:
    full = in_regions(A4000, NY2=YesNo.NO, CA1=YesNo.NO)
    assert preferred_offer([P4000, full, A5000]) is A5000
    assert preferred_offer([P4000, full]) is full


def test_an_offer_without_a_price_comes_after_those_with_one() -> None:
    assert preferred_offer([replace(A4000, price_usd_per_hour=None), A5000]) is A5000


def test_there_may_be_no_offer() -> None:
    assert preferred_offer([]) is None


@pytest.mark.parametrize(
    ("there", "region"),
    [
        ({"NY2": YesNo.NO, "CA1": YesNo.UNKNOWN, "AMS1": YesNo.YES}, "AMS1"),
        ({"NY2": YesNo.NO, "CA1": YesNo.UNKNOWN}, "CA1"),
        ({"NY2": YesNo.NO, "CA1": YesNo.NO}, "NY2"),
        ({}, None),
    ],
)
def test_the_region_is_one_that_has_it(there: dict[str, YesNo], region: str | None) -> None:
    assert preferred_region(in_regions(A4000, **there)) == region


@pytest.mark.parametrize(("needed", "size"), [(None, 100), (60, 100), (101, 250), (5000, 2000)])
def test_the_disk_has_room_for_the_model(needed: int | None, size: int) -> None:
    disk = preferred_disk(A4000, preferred_template(A4000), needed_gb=needed)
    assert disk is not None
    assert disk.size_gb == size


def test_the_disk_has_room_for_the_template() -> None:
    disk = preferred_disk(A4000, Template(id="t", label="t", minimum_disk_gb=300), needed_gb=None)
    assert disk is not None
    assert disk.size_gb == 500
    assert preferred_disk(replace(A4000, disks=()), None, needed_gb=None) is None


def test_options_are_the_defaults_of_the_limits_as_far_as_the_engine_has_them() -> None:
    limits = defaults.limits()
    tgi = usual_options(limits, engine=EngineKind.TGI, model=None)
    assert (tgi.max_input_tokens, tgi.max_total_tokens, tgi.max_best_of) == (6144, 8192, 2)
    vllm = usual_options(limits, engine=EngineKind.VLLM, model=None)
    assert (vllm.max_input_tokens, vllm.max_total_tokens, vllm.max_best_of) == (None, 8192, None)


@pytest.mark.parametrize(("context", "total", "asked"), [(2048, 2048, 1536), (8192, 8192, 6144), (131_072, 8192, 6144)])
def test_options_stay_within_what_the_model_reads(context: int, total: int, asked: int) -> None:
    model = defaults.models()[0]
    assert model.architecture is not None
    short = replace(model, architecture=replace(model.architecture, context_tokens=context))
    options = usual_options(defaults.limits(), engine=EngineKind.TGI, model=short)
    assert (options.max_total_tokens, options.max_input_tokens) == (total, asked)


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("llama", "llama-2"),
        ("llama-2", "llama-3"),
        ("llama-3-9", "llama-3-10"),
        ("llama-0", "llama-0-2"),
        ("a" * 30, "a" * 28 + "-2"),
        ("a" * 27 + "-bc", "a" * 27 + "-2"),
    ],
)
def test_another_of_the_same_is_numbered_and_is_a_name(name: str, following: str) -> None:
    assert next_name(name) == following
    assert check_name(following) == following
