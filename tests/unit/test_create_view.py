"""The create modal as a view: what it shows, what it keeps, and what Slack would say of it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.create_form import CreateForm, completed, form_in, metadata_of, options_of, read_advanced, read_form, spec_of
from bot.ids import Action, Input
from bot.views.create import (
    Drawn,
    Facts,
    build_create_modal,
    build_misfit_modal,
    build_no_key_modal,
    model_options,
    with_advanced_problem,
)
from bot.views.create_advanced import build_advanced_modal
from core.catalog import defaults
from core.catalog.fit import cheapest, fit, monthly
from core.catalog.model import EngineKind, Model, Offer, Quantization, YesNo
from core.errors import InvalidInputError
from core.servers.model import Quote
from lab.slack import block_state
from lab.slack.blocks import validate_view
from lab.slack.screen import all_options, find_element, words

Json = dict[str, Any]

PRICES = defaults.price_list("paperspace")
LIMITS = defaults.limits()
MODELS = {model.id: model for model in defaults.models()}
SMALL, LARGE = MODELS["meta-llama/Llama-3.2-1B-Instruct"], MODELS["meta-llama/Llama-3.3-70B-Instruct"]
UNKNOWN = replace(PRICES.offers[0], type="L40S", gpu=None, price_usd_per_hour=None, regions={"NY2": YesNo.YES})
OFFERS = [*PRICES.offers, UNKNOWN]
EMPTY = CreateForm(provider="paperspace")


def drawn(
    form: CreateForm, model: Model | None = None, *, before: Drawn | None = None, offers: list[Offer] = OFFERS
) -> Json:
    """As the listeners draw it, and as Slack gives it back: with its state."""
    form = completed(form, offers, model, LIMITS)
    options = options_of(form, model, LIMITS)
    offer = next(one for one in offers if one.type == form.offer)
    engine = form.engine or EngineKind.TGI
    hourly = offer.price_usd_per_hour
    quote = Quote(
        offer=offer,
        model=model,
        fit=fit(model, offer, options, engine=engine, disk_gb=form.disk_gb) if model else None,
        usd_per_hour=hourly,
        usd_per_month=None if hourly is None else monthly(hourly),
        cheapest=next(iter(cheapest(model, offers, options, engine=engine)), None) if model else None,
    )
    facts = Facts(
        clouds={"paperspace": "Paperspace"},
        offers=offers,
        regions=PRICES.regions,
        limits=LIMITS,
        model=model,
        verdicts={one.type: fit(model, one, options, engine=engine) for one in offers} if model else {},
        quote=quote,
        options=options,
    )
    view = build_create_modal(form, facts, before or Drawn())
    assert validate_view(view) == []
    return {**view, "state": {"values": block_state.read(view["blocks"])}}


def block_ids(view: Json) -> dict[str, str]:
    return {block["block_id"].partition(":")[0]: block["block_id"] for block in view["blocks"] if "block_id" in block}


def element(view: Json, label: str) -> Json:
    found = find_element(view["blocks"], label)
    assert found, label
    return found[1]


def choose(view: Json, label: str, value: str) -> Json:
    found = find_element(view["blocks"], label)
    assert found
    block, part = found
    chosen = {"type": part["type"], "selected_option": {"value": value, "text": {"type": "plain_text", "text": value}}}
    values = view["state"]["values"]
    return {**view, "state": {"values": {**values, block["block_id"]: {part["action_id"]: chosen}}}}


def fill(view: Json, label: str, text: str) -> Json:
    found = find_element(view["blocks"], label)
    assert found
    block, part = found
    typed = {"type": part["type"], "value": text}
    return {**view, "state": {"values": {**view["state"]["values"], block["block_id"]: {part["action_id"]: typed}}}}


def chosen_offer(view: Json) -> str:
    return element(view, "Offer")["initial_option"]["value"]


def test_has_all_inputs_and_a_usable_default_for_each_but_name_and_model() -> None:
    view = drawn(EMPTY)
    empty = {"Name", "Description", "Model", "Ends"}
    for label in (
        "Name",
        "Description",
        "Offer",
        "Disk",
        "Region",
        "Template",
        "Model",
        "Quantization",
        "Idle stop",
        "After an idle stop",
        "Ends",
    ):
        starts = any(key.startswith("initial") for key in element(view, label))
        assert starts is (label not in empty), label
    assert chosen_offer(view) == "A4000"
    assert find_element(view["blocks"], "Advanced")


def test_an_offer_tells_type_price_memory_and_regions() -> None:
    texts = [one["text"]["text"] for one in all_options(element(drawn(EMPTY), "Offer"))]
    assert "A4000 · $0.76/h · 16 GB · NY2? CA1? AMS1?" in texts
    assert "A100-80Gx8 · $25.44/h · 8 × 80 GB · NY2?" in texts
    assert "L40S · price unknown · GPU unknown · NY2" in texts
    assert all(len(text) <= 75 for text in texts)


def test_tells_price_and_gpu_memory_before_a_model_is_chosen() -> None:
    text = words(drawn(EMPTY))
    assert "*$0.76* per hour, $554.80 per month" in text
    assert "16 GB of GPU memory" in text
    assert "fits" not in text
    assert "does not fit" not in text


def test_a_chosen_model_groups_the_offers_and_has_a_verdict() -> None:
    view = drawn(replace(EMPTY, model=SMALL.id), SMALL)
    labels = [group["label"]["text"] for group in element(view, "Offer")["option_groups"]]
    assert labels == ["Large enough", "Too small, or not supported", "Price unknown"]
    assert "The model *fits*." in words(view)


def test_what_nobody_chose_follows_the_model() -> None:
    view = drawn(EMPTY)
    form = read_form(choose(view, "Model", LARGE.id), pressed=Input.MODEL)
    larger = drawn(form, LARGE, before=Drawn(view=view, stamp="2"))
    assert "The model *fits*." in words(larger)
    assert int(element(larger, "Disk")["initial_option"]["value"]) > 100


def test_what_somebody_chose_stays_and_does_not_fit() -> None:
    view = choose(drawn(EMPTY), "Offer", "A4000")
    form = read_form(view, pressed=Input.OFFER)
    view = drawn(form, before=Drawn(view=view, stamp="2"))
    form = read_form(choose(view, "Model", LARGE.id), pressed=Input.MODEL)
    larger = drawn(form, LARGE, before=Drawn(view=view, stamp="3"))
    assert chosen_offer(larger) == "A4000"
    assert "*does not fit* (GPU memory)" in words(larger)
    assert element(larger, "Use it")["value"].startswith("A")
    assert element(larger, "Use it")["action_id"] == Action.CREATE_USE


def test_a_cheaper_offer_is_offered_and_a_dearer_one_is_not() -> None:
    dear = drawn(replace(EMPTY, model=SMALL.id, offer="A6000", chosen=frozenset({Input.OFFER})), SMALL)
    assert element(dear, "Use it")["value"].partition("|")[0] == "A4000"
    cheap = drawn(replace(EMPTY, model=SMALL.id, offer="A4000", chosen=frozenset({Input.OFFER})), SMALL)
    assert find_element(cheap["blocks"], "Use it") is None


def test_inputs_that_do_not_change_keep_their_ids() -> None:
    view = drawn(EMPTY)
    view = fill(choose(view, "Disk", "250"), "Name", "llama")
    again = drawn(read_form(view, pressed=Input.DISK), before=Drawn(view=view, stamp="2"))
    assert block_ids(again) == block_ids(view)


def test_inputs_whose_options_change_get_new_ids_and_start_with_what_is_chosen() -> None:
    view = choose(drawn(EMPTY), "Offer", "A100")
    again = drawn(read_form(view, pressed=Input.OFFER), before=Drawn(view=view, stamp="2"))
    changed = {name for name, block_id in block_ids(again).items() if block_ids(view)[name] != block_id}
    assert changed == {Input.REGION, Input.TEMPLATE}
    assert element(again, "Region")["initial_option"]["value"] == "NY2"


def test_a_choice_that_prime_makes_gets_a_new_id() -> None:
    """Else Slack would keep the old one on the screen."""
    view = drawn(EMPTY)
    form = replace(read_form(view), offer="A6000", chosen=frozenset({Input.OFFER}))
    again = drawn(form, before=Drawn(view=view, stamp="2"))
    assert block_ids(again)[Input.OFFER] != block_ids(view)[Input.OFFER]
    assert chosen_offer(again) == "A6000"


def test_of_two_choices_in_one_screen_the_second_knows_the_first() -> None:
    """Both payloads come from the same view, whose metadata tells of neither."""
    view = choose(drawn(EMPTY), "Offer", "A6000")
    form = read_form(choose(view, "Model", LARGE.id), pressed=Input.MODEL)
    assert completed(form, OFFERS, LARGE, LIMITS).offer == "A6000"


def test_the_form_survives_its_metadata_within_slacks_limit() -> None:
    full = replace(
        completed(replace(EMPTY, model="o" * 95 + "/" + "m" * 54), OFFERS, None, LIMITS),
        name="n" * 30,
        description='"' * 200,
        options=replace(options_of(EMPTY, None, LIMITS), weights_cache_override="/" + "x" * 199),
        chosen=frozenset({Input.OFFER, Input.REGION, Input.DISK, Input.ENGINE, Input.QUANTIZATION}),
    )
    assert form_in(metadata_of(full)) == full
    assert len(metadata_of(full)) <= 3000


@pytest.mark.parametrize(
    "metadata", ["", "kumquat", "[1]", "{}", '{"provider": 1}', '{"provider": "p", "disk_gb": "x"}', "\x00"]
)
def test_metadata_that_is_no_form_is_refused_with_a_sentence(metadata: str) -> None:
    with pytest.raises(InvalidInputError, match="out of date"):
        form_in(metadata)


def test_the_advanced_view_shows_limits_and_what_holds_now_and_is_read_back() -> None:
    form = completed(replace(EMPTY, model=SMALL.id), OFFERS, SMALL, LIMITS)
    view = build_advanced_modal(form, options_of(form, SMALL, LIMITS), SMALL, LIMITS)
    assert validate_view(view) == []
    total = next(limit for limit in LIMITS if limit.option == "max_total_tokens")
    assert element(view, total.label)["initial_value"] == str(total.default)
    assert f"{total.minimum:,} to {total.maximum:,}" in words(view)
    given = {**view, "state": {"values": block_state.read(view["blocks"])}}
    read = read_advanced(fill(given, total.label, "4096"), LIMITS)
    assert read.options is not None
    assert read.options.max_total_tokens == 4096
    assert read.engine is EngineKind.TGI
    assert not read.static_address
    assert read.offer == form.offer


@pytest.mark.parametrize("typed", ["-1", "1e9", "1.5", "٣", "9" * 30])
def test_a_number_that_is_none_is_refused_at_its_input(typed: str) -> None:
    view = build_advanced_modal(EMPTY, options_of(EMPTY, None, LIMITS), None, LIMITS)
    given = {**view, "state": {"values": block_state.read(view["blocks"])}}
    with pytest.raises(InvalidInputError) as refused:
        read_advanced(fill(given, "Answers at once", typed), LIMITS)
    assert refused.value.field == "max_concurrent_requests"


def test_usual_options_stay_within_the_models_context_and_the_engine() -> None:
    short = replace(SMALL, architecture=replace(SMALL.architecture, context_tokens=2048))  # pyright: ignore[reportArgumentType]: known
    options = options_of(EMPTY, short, LIMITS)
    assert (options.max_total_tokens, options.max_input_tokens) == (2048, 1536)
    other = options_of(EMPTY, replace(SMALL, engines=(EngineKind.VLLM,)), LIMITS)
    assert (other.max_input_tokens, other.max_best_of, other.max_stop_sequences) == (None, None, None)


def test_a_problem_with_an_advanced_value_stands_beside_its_button() -> None:
    view = {**drawn(EMPTY), "id": "V1", "hash": "1"}
    once = with_advanced_problem(view, "Answers at once: <too many>")
    twice = with_advanced_problem(once, "Something else")
    assert validate_view(once) == validate_view(twice) == []
    assert "&lt;too many&gt;" in words(once)
    assert "too many" not in words(twice)
    assert block_ids(once) == {**block_ids(view), "advanced_problem": "advanced_problem"}


def test_the_second_yes_tells_why_and_what_happens_and_carries_the_form() -> None:
    form = completed(replace(EMPTY, name="llama", model=LARGE.id), OFFERS, LARGE, LIMITS)
    view = build_misfit_modal(form, "It needs 131.4 of 16.0 GiB")
    assert validate_view(view) == []
    assert view["submit"]["text"] == "Create anyway"
    assert "131.4" in words(view)
    assert form_in(view["private_metadata"]) == form


def test_without_a_key_it_says_who_can_add_one() -> None:
    view = build_no_key_modal(["U0ADAM"])
    assert validate_view(view) == []
    assert "<@U0ADAM> can add one with `/prime keys`" in words(view)
    assert "submit" not in view


def test_models_are_offered_by_their_id() -> None:
    options = model_options(list(MODELS.values()))
    assert {one["value"] for one in options} == set(MODELS)
    assert all(one["text"]["text"] == one["value"] for one in options)


def test_what_is_ordered_is_what_stands_in_the_form() -> None:
    view = fill(drawn(replace(EMPTY, model=SMALL.id), SMALL), "Name", "llama")
    view = choose(choose(view, "Quantization", "fp8"), "Idle stop", "1h")
    spec = spec_of(read_form(view), SMALL, LIMITS)
    assert (spec.name, spec.offer_type, spec.disk_gb, spec.idle_stop_minutes) == ("llama", "A4000", 100, 60)
    assert spec.delete_after_minutes is None
    assert spec.options.quantization is Quantization.FP8
    assert spec.options.max_total_tokens == 8192


def test_a_server_that_nobody_uses_stops_after_two_hours_and_is_deleted_only_if_that_was_asked_for() -> None:
    view = fill(drawn(replace(EMPTY, model=SMALL.id), SMALL), "Name", "llama")
    spec = spec_of(read_form(view), SMALL, LIMITS)
    assert (spec.idle_stop_minutes, spec.delete_after_minutes) == (120, None)
    spec = spec_of(read_form(choose(view, "After an idle stop", "3d")), SMALL, LIMITS)
    assert (spec.idle_stop_minutes, spec.delete_after_minutes) == (120, 3 * 24 * 60)


def test_a_form_like_another_server_offers_each_duration_once() -> None:
    form = replace(EMPTY, idle_stop="120m", delete_after="1440m")
    view = drawn(form)
    for label in ("Idle stop", "After an idle stop"):
        texts = [one["text"]["text"] for one in element(view, label)["options"]]
        assert len(texts) == len(set(texts)), label
    assert element(view, "Idle stop")["initial_option"]["text"]["text"] == "After 2 hours"
    assert element(view, "After an idle stop")["initial_option"]["text"]["text"] == "Delete it after 1 day"


@pytest.mark.parametrize(
    ("label", "value", "field"),
    [
        ("Disk", "many", "disk"),
        ("Quantization", "gold", "quantization"),
        ("Idle stop", "1s", "idle_stop"),
        ("Idle stop", "for ever", "idle_stop"),
        ("After an idle stop", "for ever", "delete_after"),
    ],
)
def test_a_forged_choice_is_refused_at_its_input(label: str, value: str, field: str) -> None:
    view = choose(drawn(replace(EMPTY, model=SMALL.id), SMALL), label, value)
    with pytest.raises(InvalidInputError) as refused:
        spec_of(read_form(view), SMALL, LIMITS)
    assert refused.value.field == field
