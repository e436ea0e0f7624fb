"""The form for how answers are generated: what it shows, and what is read from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ids import Action, Input
from bot.talk_settings import read_settings
from bot.views.talk_settings import build_settings_modal, stop_as_typed
from core.errors import InvalidInputError
from core.talk.model import Mode, Settings
from core.talk.tuning import Scope

NOTHING = Settings()
ALL = Settings(
    max_tokens=512,
    temperature=0.7,
    top_p=0.9,
    repetition_penalty=1.1,
    seed=7,
    stop=("END", "a\nb"),
    mode=Mode.COMPLETION,
)


def drawn(settings: Settings, inherited: Settings = NOTHING, **given: Any) -> dict[str, Any]:
    return build_settings_modal(Scope.PERSON, settings, inherited, scopes=(Scope.PERSON,), **given)


def submitted(view: dict[str, Any]) -> dict[str, Any]:
    """As Slack sends what the form shows."""
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            value = {"value": element.get("initial_value"), "selected_option": element.get("initial_option")}
            values[block["block_id"]] = {element["action_id"]: value}
    return {"state": {"values": values}}


def filled(**typed: str) -> dict[str, Any]:
    return {"state": {"values": {f"{name}:person": {name: {"value": text}} for name, text in typed.items()}}}


@pytest.mark.parametrize("settings", [ALL, Settings(), Settings(temperature=0.0), Settings(seed=0)])
def test_what_is_shown_and_not_touched_is_saved_as_it_was(settings: Settings) -> None:
    assert read_settings(submitted(drawn(settings))) == settings


def test_what_is_inherited_shows_where_nothing_is_set() -> None:
    view = drawn(Settings(), ALL)
    shown = {block["element"]["action_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert shown[Input.TEMPERATURE]["placeholder"]["text"] == "0.7"
    assert "initial_value" not in shown[Input.TEMPERATURE]
    assert "completion" in shown[Input.MODE]["options"][0]["text"]["text"]


def test_reset_is_offered_where_there_is_something_to_reset() -> None:
    assert Action.TALK_RESET in str(drawn(ALL))
    assert Action.TALK_RESET not in str(drawn(Settings()))


def test_another_scope_forgets_what_was_typed_for_the_one_before() -> None:
    first, second = (drawn(ALL, drawing=drawing) for drawing in ("", "1.0"))
    ids = [{block["block_id"] for block in view["blocks"] if block["type"] == "input"} for view in (first, second)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("max_tokens", "many"),
        ("max_tokens", "1.5"),
        ("max_tokens", "9" * 19),
        ("temperature", "warm"),
        ("temperature", "-1"),
        ("top_p", "nan"),
        ("top_p", "1e-3"),
        ("repetition_penalty", "1.00001"),
        ("seed", "-1"),
        ("seed", "٣"),
        ("stop", "a\x00b"),
    ],
)
def test_what_is_no_number_is_told_at_its_input(field: str, typed: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_settings(filled(**{field: typed}))
    assert error.value.field == field


def test_a_comma_is_as_good_as_a_point() -> None:
    assert read_settings(filled(temperature="0,7")).temperature == 0.7


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("\n\\n"), min_size=1))
)
def test_stop_sequences_are_read_as_they_were_set(stop: list[str]) -> None:
    assert (read_settings(filled(stop=stop_as_typed(stop))).stop or ()) == tuple(stop)
