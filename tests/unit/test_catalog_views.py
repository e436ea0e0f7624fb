"""The catalogue as views: what each role sees, page by page, and what Slack would say of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.forms import usd_of
from bot.ids import Action, Input
from bot.views.catalog import SEARCH_LENGTH, Facts, Place, Tab, build_catalog, parse_place, parse_value
from bot.views.catalog_forms import build_add_model_form, build_limit_form, build_price_form
from core.catalog import defaults
from core.catalog.model import ListedOffer, Model, Template, YesNo
from core.catalog.rules import unchecked_model
from core.errors import InvalidInputError, NotFoundError
from lab.slack import block_state
from lab.slack.blocks import validate_view
from lab.slack.screen import words

PRICES = defaults.price_list("paperspace")
CLOUDS = {"paperspace": "Paperspace"}
HOSTILE = "<!channel>&`*_<@U0EVE>"
LONGEST = "o" * 42 + "/" + "m" * 52
UNKNOWN = replace(PRICES.offers[0], type="L40S", gpu=None, price_usd_per_hour=None, regions={})
OFFERS = [ListedOffer(offer=offer, is_hidden=offer.type == "P4000") for offer in [*PRICES.offers, UNKNOWN]]
HIDDEN_TEMPLATE = PRICES.templates[0].id
MODELS = [*defaults.models(), *(unchecked_model(f"{LONGEST}{number}") for number in range(150))]


def view_of(tab: Tab, *, can_edit: bool = True, page: int = 0, **changed: Any) -> dict[str, Any]:
    facts = Facts(
        clouds=CLOUDS,
        can_edit=can_edit,
        models=MODELS,
        offers=OFFERS,
        hidden_templates={HIDDEN_TEMPLATE},
        limits=defaults.limits(),
    )
    place = Place(tab=tab, cloud="paperspace", page=page, query="q" * SEARCH_LENGTH)
    view = build_catalog(place, replace(facts, **changed), note="Done.")
    assert validate_view(view) == []
    return view


def pages_of(tab: Tab, **given: Any) -> list[dict[str, Any]]:
    """By pressing Next until there is none."""
    pages = [view_of(tab, **given)]
    while value := _values(pages[-1]).get(Action.CATALOG_NEXT):
        pages.append(view_of(tab, page=parse_place(value).page, **given))
    return pages


def _values(view: dict[str, Any]) -> dict[str, str]:
    return {element["action_id"]: element.get("value", "") for _, element in block_state.elements(view["blocks"])}


@pytest.mark.parametrize("tab", Tab)
@pytest.mark.parametrize("can_edit", [True, False])
def test_the_largest_lists_stay_within_slacks_limits_on_every_page(tab: Tab, can_edit: bool) -> None:
    assert len(PRICES.offers) == 37
    for view in pages_of(tab, can_edit=can_edit):
        assert len(view["blocks"]) <= 100
        texts = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
        assert max(map(len, texts), default=0) <= 3000


def test_every_model_and_machine_stands_on_one_page() -> None:
    models = "\n".join(words(view) for view in pages_of(Tab.MODELS))
    machines = "\n".join(words(view) for view in pages_of(Tab.MACHINES))
    assert all(models.count(f"`{model.id}`") + models.count(f"*{model.id}*") >= 1 for model in MODELS)
    assert all(machines.count(f"*{listed.offer.type}*") == 1 for listed in OFFERS)


def test_a_page_that_is_no_more_is_the_last_one() -> None:
    assert words(view_of(Tab.MODELS, page=9999)) == words(pages_of(Tab.MODELS)[-1])
    assert Action.CATALOG_NEXT not in _values(view_of(Tab.MODELS, page=9999))


@pytest.mark.parametrize("tab", Tab)
def test_a_reader_has_nothing_to_change_with(tab: Tab) -> None:
    changes = {
        Action.CATALOG_ADD_MODEL,
        Action.CATALOG_REMOVE_MODEL,
        Action.CATALOG_PRICE,
        Action.CATALOG_HIDE,
        Action.CATALOG_SHOW,
        Action.CATALOG_HIDE_TEMPLATE,
        Action.CATALOG_SHOW_TEMPLATE,
        Action.CATALOG_LIMIT,
    }
    assert not changes & {action for view in pages_of(tab, can_edit=False) for action in _values(view)}
    assert changes <= {action for one in Tab for view in pages_of(one) for action in _values(view)}


def test_what_is_hidden_is_shown_to_who_can_show_it_and_marked() -> None:
    mine = "\n".join(words(view) for view in pages_of(Tab.MACHINES))
    theirs = "\n".join(words(view) for view in pages_of(Tab.MACHINES, can_edit=False))
    assert "*P4000* :see_no_evil: *hidden*" in mine
    assert "*P4000*" not in theirs
    assert "hidden" not in theirs


def test_a_machine_is_shown_with_its_gpu_its_price_where_that_was_read_and_where_it_is_free() -> None:
    offer = next(offer for offer in PRICES.offers if offer.type == "A4000")
    free = replace(offer, regions={"NY2": YesNo.YES, "CA1": YesNo.NO, "AMS1": YesNo.UNKNOWN})
    text = words(view_of(Tab.MACHINES, offers=[ListedOffer(offer=free, is_hidden=False)]))
    for told in ("RTX A4000, 16 GB of GPU memory", "*$0.76 per hour*", offer.source, offer.as_of):
        assert told in text
    assert "NY2 free, CA1 full, AMS1 not known" in text


def test_a_machine_without_a_price_is_shown_all_the_same() -> None:
    text = words(view_of(Tab.MACHINES, offers=[ListedOffer(offer=UNKNOWN, is_hidden=False)]))
    for told in ("*L40S*", "a GPU that Prime does not know", "price unknown", "Regions are not known"):
        assert told in text


def test_a_model_is_shown_with_its_size_engines_quantisations_and_marks() -> None:
    model = replace(defaults.models()[0], is_gated=True, is_private=True, has_chat_template=False)
    text = words(view_of(Tab.MODELS, models=[model]))
    for told in (
        f"`{model.id}`",
        "parameters",
        "TGI",
        "quantisation none",
        "*gated*",
        "*private*",
        "*no chat template*",
    ):
        assert told in text
    assert "asked about it when somebody chooses it" in words(view_of(Tab.MODELS, models=[unchecked_model("a/b")]))


def test_templates_are_listed_once_with_their_disk() -> None:
    text = "\n".join(words(view) for view in pages_of(Tab.TEMPLATES))
    for template in PRICES.templates:
        assert text.count(f"`{template.id}`") == 1
        assert f"{template.minimum_disk_gb} GB" in text


def test_a_hidden_template_is_for_those_who_can_show_it() -> None:
    assert f"`{HIDDEN_TEMPLATE}` :see_no_evil: *hidden*" in words(view_of(Tab.TEMPLATES))
    assert f"`{HIDDEN_TEMPLATE}`" not in words(view_of(Tab.TEMPLATES, can_edit=False))


def test_limits_are_listed_with_their_default() -> None:
    text = words(view_of(Tab.LIMITS))
    assert "From 64 to 1,000,000; if nothing is given: 6,144." in text
    assert "if nothing is given: chosen by the engine." in text


def test_words_from_outside_are_no_mentions() -> None:
    model = replace(defaults.models()[0], id=f"a/{HOSTILE}", label=HOSTILE * 400)
    offer = replace(
        PRICES.offers[0],
        type=HOSTILE,
        source=HOSTILE * 400,
        regions={f"{HOSTILE}{number}": YesNo.YES for number in range(100)},
        templates=(Template(id=HOSTILE, label=HOSTILE * 400, minimum_disk_gb=50),),
    )
    given = {"models": [model], "offers": [ListedOffer(offer=offer, is_hidden=True)]}
    for tab in Tab:
        for can_edit in (True, False):
            text = words(view_of(tab, can_edit=can_edit, **given))
            assert "<!" not in text
            assert "<@" not in text


def test_without_a_cloud_the_machines_say_who_can_help() -> None:
    for tab in (Tab.MACHINES, Tab.TEMPLATES):
        assert "`/prime keys`" in words(build_catalog(Place(tab=tab), Facts(clouds={}, can_edit=False)))


def test_of_several_clouds_one_is_chosen() -> None:
    view = view_of(Tab.MACHINES, clouds={**CLOUDS, "other": "Other cloud"})
    [chosen] = [element for _, element in block_state.elements(view["blocks"]) if "options" in element]
    assert chosen["initial_option"]["text"]["text"] == "Paperspace"
    assert [parse_place(option["value"]).cloud for option in chosen["options"]] == ["paperspace", "other"]


@given(
    st.builds(
        Place,
        tab=st.sampled_from(Tab),
        cloud=st.text(st.characters(categories=["L", "N"], include_characters="-_"), max_size=60),
        page=st.integers(min_value=0, max_value=9999),
        query=st.text(max_size=SEARCH_LENGTH).filter(str.isprintable),
    ),
    st.sampled_from(["A4000", "org/model", "max_best_of"]),
)
def test_a_place_comes_back_from_a_button_as_it_was(place: Place, about: str) -> None:
    assert parse_place(str(place)) == place
    assert parse_value(f"{about}|{place}") == (about, place)


@given(st.one_of(st.text(), st.integers(), st.none()))
def test_what_is_no_place_is_refused(text: object) -> None:
    try:
        place = parse_place(text)
    except NotFoundError:
        return
    assert str(text).isprintable()
    assert place.tab in Tab


@pytest.mark.parametrize(
    "text",
    ["", "models", "models|x|0", "rubbish|x|0|", "models|x|-1|", "models|x|99999|", "models|x|0|\x00",
     f"models|{'x' * 61}|0|", f"models|x|0|{'q' * 101}", "models|x|٣|"],
)  # fmt: skip
def test_a_forged_place_is_refused(text: str) -> None:
    with pytest.raises(NotFoundError):
        parse_place(text)


def test_the_forms_hold_what_is_so_now() -> None:
    place = Place(tab=Tab.MACHINES, cloud="paperspace", page=3)
    limit = defaults.limits()[0]
    price = build_price_form("A4000", place, listed=Decimal("0.76"), changed=Decimal("0.7000"))
    for form in (build_add_model_form(place), price, build_limit_form(limit, place)):
        assert validate_view(form) == []
    assert price["blocks"][1]["element"]["initial_value"] == "0.7"
    assert "$0.76 per hour" in words(price)
    assert parse_value(price["private_metadata"]) == ("A4000", place)
    assert [block["element"]["initial_value"] for block in build_limit_form(limit, place)["blocks"][1:]] == [
        "64",
        "1000000",
        "6144",
    ]


def price_in(text: str) -> Decimal | None:
    values = {Input.PRICE: {Input.PRICE: {"type": "plain_text_input", "value": text}}}
    return usd_of({"state": {"values": values}}, Input.PRICE, example="0.76")


@pytest.mark.parametrize(("text", "price"), [("0.76", "0.76"), ("$1.2345", "1.2345"), (" $ 12 ", "12"), ("", None)])
def test_a_price_is_read(text: str, price: str | None) -> None:
    assert price_in(text) == (None if price is None else Decimal(price))


@pytest.mark.parametrize("text", ["free", "-1", "1e5", "0.00001", "0,76", "1.", "NaN", "٣", "1" * 7, "0.76 EUR"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        price_in(text)
    assert refused.value.field == "price"


def test_a_model_of_unknown_size_is_shown() -> None:
    model: Model = replace(defaults.models()[0], parameters=None)
    assert "size not known" in words(view_of(Tab.MODELS, models=[model]))
    assert "494 million parameters" in words(view_of(Tab.MODELS, models=[replace(model, parameters=494_032_768)]))
