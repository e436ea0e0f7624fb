"""The files that Prime brings."""

from dataclasses import fields
from decimal import Decimal

import pytest

from core.catalog.defaults import limits, models, price_list, serving_engines
from core.catalog.model import EngineKind, EngineOptions, Model, Offer, Quantization, YesNo
from core.catalog.published import is_model_id
from core.servers.drafts import usual_options

PAPERSPACE = price_list("paperspace")
OFFERS = {offer.type: offer for offer in PAPERSPACE.offers}


def test_every_gpu_type_of_the_reference_is_there() -> None:
    single = {
        "GPU+", "P4000", "P5000", "P6000", "RTX4000", "RTX5000", "A4000", "A5000", "A6000", "V100", "V100-32G", "A100",
        "A100-80G", "H100",
    }  # fmt: skip
    by_two_and_four = single - {"V100", "A100", "A100-80G", "H100"}
    assert set(OFFERS) == (
        single
        | {f"{type_}x{count}" for type_ in by_two_and_four for count in (2, 4)}
        | {"A100x8", "A100-80Gx8", "H100x8"}
    )


@pytest.mark.parametrize(
    ("type_", "gpu", "memory", "capability", "vcpus", "ram", "price", "regions"),
    [
        ("A4000", "RTX A4000", 16, (8, 6), 8, 45, "0.76", {"NY2", "CA1", "AMS1"}),
        ("RTX5000", "Quadro RTX 5000", 16, (7, 5), 8, 30, "0.82", {"NY2"}),
        ("V100", "Tesla V100 16 GB", 16, (7, 0), 8, 30, "2.30", {"NY2", "AMS1"}),
        ("A100-80Gx8", "A100 80 GB", 80, (8, 0), 96, 640, "25.44", {"NY2"}),
        ("A6000x2", "RTX A6000", 48, (8, 6), None, None, "3.78", {"NY2", "CA1"}),
    ],
)
def test_a_row_says_what_the_reference_says(
    type_: str,
    gpu: str,
    memory: int,
    capability: tuple[int, int],
    vcpus: int | None,
    ram: int | None,
    price: str,
    regions: set[str],
) -> None:
    offer = OFFERS[type_]
    assert offer.gpu is not None
    assert (offer.gpu.name, offer.gpu.memory_gib, offer.gpu.compute_capability) == (gpu, memory, capability)
    assert (offer.vcpus, offer.ram_gib, offer.price_usd_per_hour) == (vcpus, ram, Decimal(price))
    assert set(offer.regions) == regions


@pytest.mark.parametrize("offer", PAPERSPACE.offers, ids=lambda offer: offer.type)
def test_every_row_is_whole(offer: Offer) -> None:
    single = OFFERS[offer.type.split("x")[0] if offer.gpu_count > 1 else offer.type]
    assert single.price_usd_per_hour is not None
    assert offer.price_usd_per_hour == single.price_usd_per_hour * offer.gpu_count
    assert offer.gpu == single.gpu
    assert offer.source
    assert offer.as_of == "2025-11-14"
    assert set(offer.regions.values()) == {YesNo.UNKNOWN}
    assert offer.templates
    assert set(offer.regions) <= set(PAPERSPACE.regions)
    assert offer.billed_while_off is YesNo.UNKNOWN
    assert offer.static_address_usd_per_hour == Decimal("0.0045")
    assert [disk.size_gb for disk in offer.disks] == [50, 100, 250, 500, 1000, 2000]
    assert offer.has_nvlink is (offer.type in ("V100-32Gx2", "V100-32Gx4", "A100-80Gx8", "H100x8"))
    assert offer.needs_approval is offer.type.startswith("H100")


def test_a_cloud_that_the_file_does_not_know_has_an_empty_list() -> None:
    assert price_list("elsewhere").offers == ()


def test_every_model_is_whole() -> None:
    assert len(models()) >= 12 + 6
    for model in models():
        assert is_model_id(model.id)
        assert model.engines
        assert model.quantizations[0] is (Quantization.AWQ if model.id.endswith("AWQ") else Quantization.NONE)
        assert model.architecture is not None
        assert model.parameters is not None
        assert model.architecture.embedding_parameters is not None
        assert model.architecture.embedding_parameters < model.parameters
        if model.architecture.quantization is Quantization.NONE:
            assert model.weights_bytes == model.parameters * 2
    assert sum("Llama-2-" in model.id for model in models()) == 6
    sizes = [model.parameters or 0 for model in models()]
    assert min(sizes) < 1.5e9
    assert max(sizes) > 68e9


def test_the_preferred_engine_has_kernels_of_its_own() -> None:
    assert serving_engines()["LlamaForCausalLM"] == (EngineKind.TGI, EngineKind.VLLM)
    assert serving_engines()["Qwen3ForCausalLM"] == (EngineKind.VLLM, EngineKind.TGI)
    assert serving_engines()["Qwen3MoeForCausalLM"] == (EngineKind.VLLM, EngineKind.TGI)


def test_every_limit_is_of_an_option_and_holds_its_default() -> None:
    options = {field.name for field in fields(EngineOptions)}
    for limit in limits():
        assert limit.option in options
        assert 1 <= limit.minimum <= (limit.default or limit.minimum) <= limit.maximum


@pytest.mark.parametrize("model", models(), ids=lambda model: model.id)
def test_the_defaults_suit_every_model(model: Model) -> None:
    options = usual_options(limits(), engine=EngineKind.TGI, model=model)
    assert model.architecture is not None
    assert options.max_total_tokens is not None
    assert options.max_input_tokens is not None
    assert options.max_input_tokens < options.max_total_tokens <= (model.architecture.context_tokens or 0)
    assert options.max_concurrent_requests is None, "a number would be a promise"
