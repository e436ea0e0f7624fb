"""What a person types, as Slack hands it on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.slack.text import escape, mentions, resolve_typed, to_rich_text, unescape

PEOPLE = {"Prime": "U0PRIME", "bea": "U0BEA", "Bea Lindqvist": "U0BEA", "Ölga": "U0OLGA"}
CHANNELS = {"general": "C0GENERAL", "general-ml": "C0ML"}
GROUPS = {"ml-builders": "S0BUILDERS"}


def resolved(text: str) -> str:
    return resolve_typed(text, PEOPLE, CHANNELS, GROUPS)


def leaves(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [leaf for container in block["elements"] for leaf in container["elements"]]


class TestEscaping:
    @given(st.text())
    def test_unescape_undoes_escape(self, text: str) -> None:
        assert unescape(escape(text)) == text

    @given(st.text())
    def test_escaped_text_holds_no_reference(self, text: str) -> None:
        assert not set("<>") & set(escape(text))


class TestResolveTyped:
    @pytest.mark.parametrize(
        ("typed", "escaped"),
        [
            ("@Prime hello", "<@U0PRIME> hello"),
            ("ask @prime, please", "ask <@U0PRIME>, please"),
            ("@Bea Lindqvist and @bea", "<@U0BEA> and <@U0BEA>"),
            ("hi @ölga!", "hi <@U0OLGA>!"),
            ("see #general-ml and #general", "see <#C0ML|general-ml> and <#C0GENERAL|general>"),
            ("@ml-builders @here", "<!subteam^S0BUILDERS|@ml-builders> <!here>"),
            ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
            ("<@U0PRIME> typed by hand", "&lt;@U0PRIME&gt; typed by hand"),
            ("look (https://x.example/a?b=1&c=2).", "look (<https://x.example/a?b=1&amp;c=2>)."),
            ("mail max@acme.example now", "mail <mailto:max@acme.example|max@acme.example> now"),
        ],
    )
    def test_references_are_made_of_what_is_typed(self, typed: str, escaped: str) -> None:
        assert resolved(typed) == escaped

    @pytest.mark.parametrize(
        "typed", ["@primer", "x@bea", "#generally", "`@bea`", "```\n@bea #general\n```", "@nobody"]
    )
    def test_other_words_stay_as_typed(self, typed: str) -> None:
        assert resolved(typed) == typed

    @given(st.text())
    def test_brackets_are_only_those_of_references(self, typed: str) -> None:
        without_names = resolve_typed(typed, {}, {}, {})
        assert without_names.count("<") == without_names.count(">")

    @given(st.text(alphabet="@#beaprimgnl-`: <>&\n"))
    def test_any_text_is_resolved(self, typed: str) -> None:
        to_rich_text(resolved(typed))


class TestMentions:
    def test_each_person_is_named_once_in_order(self) -> None:
        assert mentions("<@U0BEA> <@U0ADAM|adam> <@U0BEA> <#C0GENERAL> &lt;@U0NILS&gt;") == ["U0BEA", "U0ADAM"]


class TestToRichText:
    def test_styles_and_references_become_leaves(self) -> None:
        block = to_rich_text("*bold _both_* `a&lt;b` <@U0BEA> <https://x.example|here> :tada: <!here>")
        assert leaves(block) == [
            {"type": "text", "text": "bold ", "style": {"bold": True}},
            {"type": "text", "text": "both", "style": {"bold": True, "italic": True}},
            {"type": "text", "text": " "},
            {"type": "text", "text": "a<b", "style": {"code": True}},
            {"type": "text", "text": " "},
            {"type": "user", "user_id": "U0BEA"},
            {"type": "text", "text": " "},
            {"type": "link", "url": "https://x.example", "text": "here"},
            {"type": "text", "text": " "},
            {"type": "emoji", "name": "tada"},
            {"type": "text", "text": " "},
            {"type": "broadcast", "range": "here"},
        ]

    def test_fences_and_quotes_have_containers_of_their_own(self) -> None:
        block = to_rich_text("before\n```\nx = *1*\n```\n&gt; quoted\n&gt; twice\nafter")
        assert [(part["type"], part["elements"][0]["text"]) for part in block["elements"]] == [
            ("rich_text_section", "before"),
            ("rich_text_preformatted", "x = *1*"),
            ("rich_text_quote", "quoted\ntwice"),
            ("rich_text_section", "after"),
        ]

    @pytest.mark.parametrize("plain", ["2*3*4", "snake_case_name", "a * b * c", "5 ~ 6", "12:30:45 o'clock"])
    def test_marks_inside_words_are_not_styles(self, plain: str) -> None:
        assert "".join(leaf.get("text", f":{leaf.get('name')}:") for leaf in leaves(to_rich_text(plain))) == plain
        assert not any("style" in leaf for leaf in leaves(to_rich_text(plain)))

    @given(st.text(alphabet=st.characters(exclude_characters="*_~`:\n")))
    def test_plain_text_comes_through_whole(self, text: str) -> None:
        quoted = text.startswith(">")
        assert quoted or "".join(leaf["text"] for leaf in leaves(to_rich_text(escape(text)))) == text
