"""The views of clouds' keys: what they show, and what they never hold."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.forms import text_of
from bot.ids import Action, Input
from bot.views.keys import build_checking, build_key_form, build_key_saved, build_keys_modal
from core.errors import InvalidInputError
from core.keys.model import ProviderEntry, ProviderKey
from core.keys.rules import check_key
from lab.slack import block_state
from lab.slack.blocks import validate_view
from lab.slack.screen import find_element, words

AT = datetime(2026, 11, 22, tzinfo=UTC)
KEY = ProviderKey(
    provider="paperspace", last_four="90ab", account="Lab", added_by="T0ACME/U0ADAM", added_at=AT, checked_at=AT
)
BARE = ProviderEntry(provider="paperspace", label="Paperspace", key=None)
KEPT = replace(BARE, key=KEY)
HOSTILE = "<!channel> & <@U0EVE> `*x*`" * 500


def shown(view: dict[str, Any]) -> str:
    assert validate_view(view) == []
    return words(view)


def test_a_cloud_without_a_key_has_nothing_but_a_button_to_add_one() -> None:
    view = build_keys_modal([BARE])
    assert "No key yet" in shown(view)
    assert find_element(view["blocks"], "Add key")
    assert not find_element(view["blocks"], "Remove")


def test_of_a_key_its_account_its_end_and_who_added_it_are_shown() -> None:
    view = build_keys_modal([KEPT])
    for told in ("Paperspace", "Lab", "`90ab`", "<@U0ADAM>", "Checked"):
        assert told in shown(view)
    for name in ("Replace key", "Check", "Remove"):
        found = find_element(view["blocks"], name)
        assert found
        assert found[1]["value"] == "paperspace"
    assert find_element(view["blocks"], "Remove")[1]["confirm"]  # type: ignore[index]


def test_a_key_of_the_configuration_was_added_by_nobody() -> None:
    assert "Added by configuration" in shown(
        build_keys_modal([replace(BARE, key=replace(KEY, added_by="prime:configuration"))])
    )


def test_what_a_cloud_calls_an_account_is_no_mention_and_as_long_as_it_likes() -> None:
    entry = ProviderEntry(provider="paperspace", label="<!here>", key=replace(KEY, account=HOSTILE))
    for view in (build_keys_modal([entry]), build_key_saved(entry.label, replace(KEY, account=HOSTILE))):
        assert "<!channel>" not in shown(view)
        assert "<!here>" not in shown(view)
        assert "<@U0EVE>" not in shown(view)
    assert "<!" not in shown(build_checking("<!here>", external_id="key-1"))


def test_more_clouds_than_there_are_stay_within_a_view() -> None:
    shown(build_keys_modal([replace(KEPT, provider=f"cloud{number}") for number in range(40)], note="Removed."))


@pytest.mark.parametrize("entry", [BARE, KEPT])
def test_the_form_says_who_keeps_the_key_and_begins_empty(entry: ProviderEntry) -> None:
    view = build_key_form(entry)
    assert "encrypted" in shown(view)
    assert view["private_metadata"] == "paperspace"
    assert find_element(view["blocks"], "Key")[1].get("initial_value") is None  # type: ignore[index]


def test_the_form_that_comes_back_says_why_and_has_forgotten_what_was_typed() -> None:
    before, after = build_key_form(BARE), build_key_form(BARE, stamp="key-1", problem="Not <!channel> accepted.")
    assert "Not &lt;!channel&gt; accepted." in shown(after)
    typed: dict[str, Any] = {Input.SECRET: {Input.SECRET: {"type": "plain_text_input", "value": "a-secret-key"}}}
    assert block_state.read(before["blocks"], typed)[Input.SECRET][Input.SECRET]["value"] == "a-secret-key"
    kept = block_state.read(after["blocks"], typed)
    assert text_of({"state": {"values": kept}}, Input.SECRET) == ""


@pytest.mark.parametrize("text", ["", "short", "two words of it", "x" * 501, "kéy-with-an-accent", "nul\x00nul-nul"])
def test_what_can_be_no_key_is_refused_at_its_input(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_key(text)
    assert refused.value.field == Input.SECRET


def test_white_space_around_a_key_is_not_a_part_of_it() -> None:
    assert check_key(" a-good-key\n") == "a-good-key"


def test_each_button_stands_for_one_thing() -> None:
    view = build_keys_modal([KEPT])
    assert [element["action_id"] for _, element in block_state.elements(view["blocks"])] == [
        Action.KEY_ENTER,
        Action.KEY_CHECK,
        Action.KEY_REMOVE,
    ]
