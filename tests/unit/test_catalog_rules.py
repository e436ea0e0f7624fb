"""Live answers over the price file, limits, and reading what strangers publish."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.defaults import limits, price_list, serving_engines
from core.catalog.model import (
    EngineKind,
    EngineOptions,
    HubAnswer,
    LimitChange,
    LiveOffer,
    Model,
    OfferChange,
    Quantization,
    Template,
    YesNo,
)
from core.catalog.published import check_model_id, is_model_id, parse_model
from core.catalog.rules import (
    MOST,
    check_limit,
    check_limits,
    check_price,
    overlay,
    with_changes,
    with_limits,
)
from core.errors import InvalidInputError

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PRICES = price_list("paperspace")
LISTED = PRICES.templates[0]


def template(id_: str, label: str = "ML-in-a-Box 24.04") -> Template:
    return Template(id=id_, label=label, minimum_disk_gb=60)


def live(type_: str, *templates: Template, **regions: YesNo) -> LiveOffer:
    return LiveOffer(type=type_, templates=templates, regions=regions)


# --- the overlay ------------------------------------------------------------------------------------


def test_live_availability_is_laid_over_the_files_regions() -> None:
    offers = {one.type: one for one in overlay(PRICES, [live("A4000", NY2=YesNo.YES, CA1=YesNo.NO)])}

    assert offers["A4000"].regions == {"NY2": YesNo.YES, "CA1": YesNo.NO, "AMS1": YesNo.UNKNOWN}
    assert offers["A5000"].regions == {"NY2": YesNo.UNKNOWN, "CA1": YesNo.UNKNOWN}


def test_a_type_that_the_file_lacks_is_shown_without_a_price() -> None:
    added = overlay(PRICES, [live("B200", template("t1"), NY2=YesNo.YES)])[-1]

    assert (added.type, added.gpu, added.price_usd_per_hour) == ("B200", None, None)
    assert added.regions == {"NY2": YesNo.YES}
    assert [one.id for one in added.templates] == ["t1"]
    assert added.disks == PRICES.disks


def test_types_without_a_gpu_are_left_out() -> None:
    assert overlay(PRICES, [live("C5", LISTED, NY2=YesNo.YES)]) == list(PRICES.offers)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([], ["twnlo3zj"]),
        ([replace(LISTED, label="mliab-u20"), template("t1")], ["twnlo3zj"]),
        ([template("t1"), template("t2", "Windows 10")], ["t1"]),
        ([template("t2", "Ubuntu 22.04")], ["t2"]),
    ],
    ids=["nothing told: the file's", "the file's", "one with its words", "whatever there is"],
)
def test_the_templates_are_the_best_that_the_cloud_has(told: list[Template], kept: list[str]) -> None:
    offers = {one.type: one for one in overlay(PRICES, [live("A4000", *told)])}
    assert [one.id for one in offers["A4000"].templates] == kept
    assert all(one.label != "mliab-u20" for one in offers["A4000"].templates)


types = st.sampled_from([*(offer.type for offer in PRICES.offers), "C1", "B200", "L40"])


@given(st.lists(st.builds(live, types), max_size=60, unique_by=lambda one: one.type))
def test_no_type_with_a_gpu_is_ever_lost(told: list[LiveOffer]) -> None:
    offered = [one.type for one in overlay(PRICES, told)]
    expected = {one.type for one in PRICES.offers} | {one.type for one in told} - PRICES.without_gpu
    assert sorted(offered) == sorted(expected)


def test_changes_reprice_and_hide() -> None:
    changes = [
        OfferChange(provider="paperspace", type="A4000", usd_per_hour=Decimal("0.70")),
        OfferChange(provider="paperspace", type="A5000", is_hidden=True),
        OfferChange(provider="elsewhere", type="A6000", is_hidden=True),
    ]
    offers = {one.type: one for one in with_changes(PRICES.offers, changes)}

    assert offers["A4000"].price_usd_per_hour == Decimal("0.70")
    assert offers["A4000"].source == "set by an ADMIN"
    assert "A5000" not in offers
    assert "A6000" in offers


# --- limits -----------------------------------------------------------------------------------------


def test_an_option_beyond_its_limit_is_refused_by_name() -> None:
    check_limits(limits(), EngineOptions(max_best_of=8))
    with pytest.raises(InvalidInputError, match="from 1 to 8") as refused:
        check_limits(limits(), EngineOptions(max_best_of=9))
    assert refused.value.field == "max_best_of"
    wider = with_limits(limits(), [LimitChange(option="max_best_of", minimum=1, maximum=9, default=None)])
    check_limits(wider, EngineOptions(max_best_of=9))


@pytest.mark.parametrize(
    ("minimum", "maximum", "default", "field"),
    [
        (0, 5, None, "minimum"),
        (6, 5, None, "maximum"),
        (1, MOST + 1, None, "maximum"),
        (2, 5, 1, "default"),
        (2, 5, 6, "default"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(minimum: int, maximum: int, default: int | None, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_limit(LimitChange(option="max_best_of", minimum=minimum, maximum=maximum, default=default))
    assert refused.value.field == field


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "10000.01"])
def test_a_price_that_is_none_is_refused(price: str) -> None:
    with pytest.raises(InvalidInputError):
        check_price(Decimal(price))


def test_a_price_is_kept_to_a_hundredth_of_a_cent() -> None:
    assert check_price(Decimal("0.76125")) == Decimal("0.7613")


# --- ids --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model_id", ["Qwen/Qwen2.5-7B-Instruct", "a/b", "01-ai/Yi-6B", "o/" + "n" * 96])
def test_a_full_id_is_taken(model_id: str) -> None:
    assert check_model_id(f" {model_id}\n") == model_id


@pytest.mark.parametrize(
    "model_id", ["", "gpt2", "a/b/c", "/b", "a/", "a/..", "../b", "a/b--c", "a/-b", "a/b.", "a b/c", "a/ü", "a/b?c"]
)
def test_what_is_no_full_id_is_refused(model_id: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_model_id(model_id)
    assert refused.value.field == "model"


@given(st.text(max_size=200))
def test_an_accepted_id_is_two_plain_path_segments(text: str) -> None:
    if is_model_id(text):
        organisation, name = text.split("/")
        for part in (organisation, name):
            assert part.isascii()
            assert part.replace("-", "a").replace("_", "a").replace(".", "a").isalnum()
            assert part not in (".", "..")


# --- what is published ------------------------------------------------------------------------------

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "vocab_size": 1000,
}


def parsed(*files: tuple[str, int | None], config: dict[str, Any] | None = None, **info: Any) -> Model:
    siblings = [{"rfilename": name} | ({} if size is None else {"size": size}) for name, size in files]
    answer = HubAnswer(
        info={"id": "a/b", "siblings": siblings or [{"rfilename": "model.safetensors", "size": 100}], **info},
        config=CONFIG | (config or {}),
        tokenizer={"chat_template": "x"},
    )
    return parse_model(answer, serving=serving_engines(), now=NOW)


def test_only_weights_at_the_top_level_count_and_only_once() -> None:
    files = [
        ("model-00001-of-00002.safetensors", 10),
        ("model-00002-of-00002.safetensors", 20),
        ("consolidated.safetensors", 30),
        ("adapter_model.safetensors", 1),
        ("original/model.safetensors", 30),
        ("pytorch_model.bin", 30),
        ("model.gguf", 15),
        ("model.onnx", 60),
        ("training_args.bin", 5),
    ]
    assert (parsed(*files).weights_bytes, parsed(*files).needs_conversion) == (30, False)
    only_bin = [file for file in files if not file[0].endswith(".safetensors")]
    assert (parsed(*only_bin).weights_bytes, parsed(*only_bin).needs_conversion) == (30, True)


def test_weights_without_a_size_are_counted_by_their_numbers() -> None:
    counts = {"parameters": {"BF16": 10, "F32": 1}, "total": 11}
    model = parsed(("model.safetensors", None), safetensors=counts)
    assert (model.weights_bytes, model.parameters) == (24, 11)
    assert parsed(("model.safetensors", None)).weights_bytes is None


def test_parameters_of_bin_files_follow_from_their_type() -> None:
    assert parsed(("pytorch_model.bin", 400), config={"torch_dtype": "float32"}).parameters == 100
    assert parsed(("pytorch_model.bin", 400), config={"dtype": "bfloat16"}).parameters == 200
    assert parsed(("pytorch_model.bin", 400)).parameters is None


def test_missing_numbers_follow_from_others() -> None:
    architecture = parsed(config={"num_key_value_heads": None}).architecture
    assert architecture is not None
    assert (architecture.kv_heads, architecture.head_dim) == (32, 128)
    assert architecture.embedding_parameters == 2 * 1000 * 4096
    tied = parsed(config={"tie_word_embeddings": True, "head_dim": 64}).architecture
    assert tied is not None
    assert (tied.head_dim, tied.embedding_parameters) == (64, 1000 * 4096)


def test_older_classes_have_words_of_their_own() -> None:
    falcon = {"n_layer": 32, "n_head": 71, "hidden_size": 4544, "multi_query": True}
    model = parsed(config={**dict.fromkeys(CONFIG), "architectures": ["FalconForCausalLM"], **falcon})
    assert model.architecture is not None
    assert (model.architecture.layers, model.architecture.kv_heads, model.architecture.head_dim) == (32, 1, 64)


def test_a_config_without_numbers_leaves_the_size_unknown() -> None:
    assert parsed(config={"num_hidden_layers": "many"}).architecture is None
    assert parsed(config={"num_attention_heads": 0}).architecture is None


def test_a_template_that_tgi_does_not_read_leaves_vllm() -> None:
    answer = HubAnswer(
        info={
            "id": "a/b",
            "siblings": [{"rfilename": "model.safetensors", "size": 1}, {"rfilename": "chat_template.jinja"}],
        },
        config=CONFIG,
        tokenizer={},
    )
    model = parse_model(answer, serving=serving_engines(), now=NOW)
    assert (model.engines, model.has_chat_template) == ((EngineKind.VLLM,), True)
    base = parse_model(replace(answer, info=parsed_info()), serving=serving_engines(), now=NOW)
    assert (base.engines[0], base.has_chat_template) == (EngineKind.TGI, False)


def parsed_info() -> dict[str, Any]:
    return {"id": "a/b", "siblings": [{"rfilename": "model.safetensors", "size": 1}]}


@pytest.mark.parametrize(
    ("config", "info", "words"),
    [
        ({"architectures": ["WhisperForConditionalGeneration"]}, {}, "No engine"),
        ({"architectures": None}, {}, "No engine"),
        ({"quantization_config": {"quant_method": "exl2"}}, {}, "packed in a way"),
        ({}, {"pipeline_tag": "text-to-image"}, "does not write text"),
        ({}, {"siblings": [{"rfilename": "model.gguf", "size": 5}]}, "no weights"),
    ],
)
def test_what_no_engine_serves_is_refused_with_the_reason(
    config: dict[str, Any], info: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refused:
        parsed(config=config, **info)
    assert refused.value.field == "model"


def test_published_fp8_is_seen() -> None:
    model = parsed(config={"quantization_config": {"quant_method": "fp8"}}, safetensors={"total": 5})
    assert model.quantizations == (Quantization.FP8,)
    assert (model.parameters, model.weights_bytes) == (None, 100)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    [*CONFIG, "siblings", "safetensors", "quantization_config", "text_config", "pipeline_tag", "gated", "id", "sha"]
)
documents = st.dictionaries(keys, json_values, max_size=8)


@given(documents, st.none() | documents, st.none() | documents)
def test_no_document_of_a_stranger_does_more_than_be_refused(
    info: dict[str, Any], config: dict[str, Any] | None, tokenizer: dict[str, Any] | None
) -> None:
    base_info = {"id": "a/b", "siblings": [{"rfilename": "model.safetensors", "size": 1}]}
    answer = HubAnswer(
        info={**base_info, **info}, config=None if config is None else {**CONFIG, **config}, tokenizer=tokenizer
    )
    try:
        model = parse_model(answer, serving=serving_engines(), now=NOW)
    except InvalidInputError:
        return
    assert model.engines
