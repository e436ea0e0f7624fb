"""What models say, as Slack is given it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.markdown import neutralise, restore_escapes
from tests.profiles import cases

pieces = st.lists(
    st.sampled_from(
        ["<", "@U1", "@W2", "!here", "&", "lt;", "!subteam^S1", "#C1", "amp;", ">", "!date^1^x", "!Everyone"]
    )
).map("".join)


@settings(**cases(short=300, long=100_000))
@given(text=st.one_of(pieces, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_nothing_that_a_model_says_pings_anybody_and_nothing_is_lost(text: str) -> None:
    shown = neutralise(text)
    assert not re.search(r"<[@#][A-Z0-9]|<!(?:here|channel|everyone|subteam|date)", shown, re.IGNORECASE)
    assert restore_escapes(shown) == text


@pytest.mark.parametrize(
    "text", ["if a < b && c > d:", "<div>&nbsp;</div>", "<!DOCTYPE html>", "vector<int>", "R&D", "<3"]
)
def test_other_angle_brackets_stay(text: str) -> None:
    assert neutralise(text) == text


def test_a_mention_is_shown_as_its_letters() -> None:
    assert neutralise("Ask <@U1> in <#C1>, <!channel>!") == "Ask &lt;@U1> in &lt;#C1>, &lt;!channel>!"


def test_what_is_no_text_is_marked() -> None:
    assert neutralise("a\0b\ud83dc") == "a\ufffdb\ufffdc"
