"""The Block Kit validator against section 6 of the Slack reference, limit by limit."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.slack.block_kit import BLOCKS
from lab.slack.blocks import BlockError, validate_message_blocks, validate_view

Json = dict[str, Any]


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def option(value: str = "a", text: str = "A") -> Json:
    return {"text": plain(text), "value": value}


def options(count: int) -> list[Json]:
    return [option(str(number)) for number in range(count)]


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain(), "action_id": "press", **more}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "choose", "options": options(2), **more}


def entry(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element, **more}


def typed(**more: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "type", **more}


def counted(**more: Any) -> Json:
    return {"type": "number_input", "action_id": "count", "is_decimal_allowed": False, **more}


def table(rows: int = 1, columns: int = 1) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": list(blocks) or [section()], **more}


def home(*blocks: Json, **more: Any) -> Json:
    return {"type": "home", "blocks": list(blocks) or [section()], **more}


def faults(*blocks: Json) -> list[BlockError]:
    return validate_message_blocks(list(blocks))


RICH_TEXT = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "a", "style": {"bold": True}},
                {"type": "link", "url": "https://x.example"},
                {"type": "user", "user_id": "U0BEA"},
            ],
        },
        {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "rich_text_section", "elements": []}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x = 1"}]},
    ],
}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": plain("Good"), "value": "good"},
    "negative_button": {"text": plain("Bad"), "value": "bad"},
}
IMAGE = {"type": "image", "image_url": "https://x.example/y.png", "alt_text": "y"}
CONFIRM = {"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain()}


class TestGoodBlocks:
    @pytest.mark.parametrize(
        "block",
        [
            section("x" * 3000, accessory=button(style="primary", value="v" * 2000, confirm=CONFIRM)),
            {"type": "section", "fields": [mrkdwn("x" * 2000)] * 6},
            section(accessory=select(initial_option=option("1"))),
            section(accessory=select(options=options(100))),
            section(accessory={"type": "overflow", "options": [option(), {**option("b"), "url": "https://x.example"}]}),
            {"type": "header", "text": plain("x" * 150)},
            {"type": "divider"},
            {"type": "context", "elements": [mrkdwn()] * 9 + [IMAGE]},
            {"type": "context_actions", "elements": [FEEDBACK]},
            actions(*[button(action_id=str(number)) for number in range(25)]),
            actions({"type": "external_select", "min_query_length": 0, "placeholder": plain("x" * 150)}),
            actions({"type": "datetimepicker", "initial_date_time": 1_760_000_000}),
            entry(typed(min_length=1, max_length=3000, multiline=True), hint=plain(), optional=True),
            entry(counted(min_value="1", max_value="10", initial_value="5")),
            entry({"type": "radio_buttons", "options": options(10), "initial_option": option("9")}),
            entry({"type": "checkboxes", "options": options(10), "initial_options": [option("1")]}),
            entry({"type": "datepicker", "initial_date": "2026-11-22"}),
            entry({"type": "timepicker", "initial_time": "23:59"}),
            entry({"type": "rich_text_input", "action_id": "w", "initial_value": RICH_TEXT}),
            {**IMAGE, "title": plain()},
            {"type": "markdown", "text": "x" * 12_000},
            RICH_TEXT,
            {**table(100, 20), "column_settings": [None, {"align": "right"}]},
        ],
        ids=lambda block: block["type"],
    )  # fmt: skip
    def test_what_stays_within_the_limits_is_taken(self, block: Json) -> None:
        before = copy.deepcopy(block)
        assert faults(block) == []
        assert block == before

    def test_fifty_blocks_make_a_message_and_a_hundred_a_view(self) -> None:
        assert faults(*[section()] * 50) == []
        assert validate_view(modal(*[section()] * 100)) == []
        assert validate_view(home(*[section()] * 100)) == []

    def test_an_empty_list_is_a_message_without_blocks(self) -> None:
        assert faults() == []


class TestBadBlocks:
    @pytest.mark.parametrize(
        ("block", "pointer"),
        [
            ({}, "/blocks/0"),
            ({"type": "secton"}, "/blocks/0/type"),
            ({"type": "file", "external_id": "x", "source": "remote"}, "/blocks/0/type"),
            (section(""), "/blocks/0/text/text"),
            (section("x" * 3001), "/blocks/0/text/text"),
            (section(colour="red"), "/blocks/0"),
            (section(block_id="x" * 256), "/blocks/0/block_id"),
            (section(block_id=7), "/blocks/0/block_id"),
            (section(expand="yes"), "/blocks/0/expand"),
            ({"type": "section"}, "/blocks/0"),
            ({"type": "section", "fields": []}, "/blocks/0/fields"),
            ({"type": "section", "fields": [mrkdwn()] * 11}, "/blocks/0/fields"),
            ({"type": "section", "fields": [mrkdwn(), mrkdwn("x" * 2001)]}, "/blocks/0/fields/1/text"),
            (section(accessory={"type": "plain_text_input"}), "/blocks/0/accessory/type"),
            (section(accessory={"type": "datetimepicker"}), "/blocks/0/accessory/type"),
            ({"type": "header", "text": mrkdwn()}, "/blocks/0/text/type"),
            ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
            ({"type": "header", "text": plain(), "level": 5}, "/blocks/0/level"),
            ({"type": "context", "elements": []}, "/blocks/0/elements"),
            ({"type": "context", "elements": [mrkdwn()] * 11}, "/blocks/0/elements"),
            ({"type": "context", "elements": [button()]}, "/blocks/0/elements/0/type"),
            ({"type": "context_actions", "elements": [FEEDBACK] * 6}, "/blocks/0/elements"),
            ({"type": "context_actions", "elements": [button()]}, "/blocks/0/elements/0/type"),
            (actions(), "/blocks/0/elements"),
            (actions(*[button(action_id=str(number)) for number in range(26)]), "/blocks/0/elements"),
            (actions(button(text=mrkdwn())), "/blocks/0/elements/0/text/type"),
            (actions(button(text=plain("x" * 76))), "/blocks/0/elements/0/text/text"),
            (actions(button(value="v" * 2001)), "/blocks/0/elements/0/value"),
            (actions(button(value="")), "/blocks/0/elements/0/value"),
            (actions(button(url="https://x/" + "y" * 3000)), "/blocks/0/elements/0/url"),
            (actions(button(url="not an address")), "/blocks/0/elements/0/url"),
            (actions(button(style="default")), "/blocks/0/elements/0/style"),
            (actions(button(accessibility_label="x" * 76)), "/blocks/0/elements/0/accessibility_label"),
            (actions(button(confirm={**CONFIRM, "deny": plain("x" * 31)})), "/blocks/0/elements/0/confirm/deny/text"),
            (actions(button(confirm={**CONFIRM, "text": plain("x" * 301)})), "/blocks/0/elements/0/confirm/text/text"),
            (actions(button(confirm={"title": plain()})), "/blocks/0/elements/0/confirm"),
            (actions(button(), button()), "/blocks/0/elements/1/action_id"),
            (actions(select(options=[])), "/blocks/0/elements/0/options"),
            (actions(select(options=options(101))), "/blocks/0/elements/0/options"),
            (actions(select(options=[option(text="x" * 76)])), "/blocks/0/elements/0/options/0/text/text"),
            (actions(select(options=[option(value="x" * 151)])), "/blocks/0/elements/0/options/0/value"),
            (actions(select(options=[option(value="")])), "/blocks/0/elements/0/options/0/value"),
            (actions(select(options=[option(), option()])), "/blocks/0/elements/0"),
            (actions(select(option_groups=[{"label": plain(), "options": options(1)}])), "/blocks/0/elements/0"),
            (actions(select(initial_option=option("nowhere"))), "/blocks/0/elements/0/initial_option"),
            (actions(select(initial_option=option("1", text="else"))), "/blocks/0/elements/0/initial_option"),
            (actions(select(placeholder=plain("x" * 151))), "/blocks/0/elements/0/placeholder/text"),
            (actions({"type": "overflow", "options": options(6)}), "/blocks/0/elements/0/options"),
            (actions({"type": "radio_buttons", "options": options(11)}), "/blocks/0/elements/0/options"),
            (actions({"type": "checkboxes", "options": []}), "/blocks/0/elements/0/options"),
            (actions(typed()), "/blocks/0/elements/0/type"),
            (actions({"type": "datepicker", "initial_date": "22.11.2026"}), "/blocks/0/elements/0/initial_date"),
            (actions({"type": "timepicker", "initial_time": "24:00"}), "/blocks/0/elements/0/initial_time"),
            (actions({"type": "datetimepicker", "initial_date_time": 12}), "/blocks/0/elements/0/initial_date_time"),
            (entry(typed(max_length=3001)), "/blocks/0/element/max_length"),
            (entry(typed(max_length=True)), "/blocks/0/element/max_length"),
            (entry(typed(min_length=5, max_length=4)), "/blocks/0/element/min_length"),
            (entry(counted(min_value=1)), "/blocks/0/element/min_value"),
            (entry(counted(min_value="10", max_value="9")), "/blocks/0/element/min_value"),
            (entry(counted(max_value="9", initial_value="10")), "/blocks/0/element/initial_value"),
            (entry(counted(initial_value="1.5")), "/blocks/0/element/initial_value"),
            (entry({"type": "number_input", "action_id": "count"}), "/blocks/0/element"),
            (entry(button()), "/blocks/0/element/type"),
            (entry({"type": "file_input"}), "/blocks/0/element/type"),
            (entry(typed(), label=plain("x" * 2001)), "/blocks/0/label/text"),
            (entry(typed(dispatch_action_config={"trigger_actions_on": ["on_blur"]})),
             "/blocks/0/element/dispatch_action_config/trigger_actions_on/0"),
            ({"type": "image", "image_url": "https://x/y.png"}, "/blocks/0"),
            ({"type": "image", "alt_text": "y"}, "/blocks/0"),
            ({"type": "markdown", "text": ""}, "/blocks/0/text"),
            ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text"),
            (table(101), "/blocks/0/rows"),
            (table(1, 21), "/blocks/0/rows/0"),
            ({"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}, "/blocks/0/elements/0/type"),
            ({"type": "data_table", "caption": "x", "rows": [[RICH_TEXT]] * 2}, "/blocks/0/rows/0/0"),
            ({"type": "alert", "text": plain()}, "/blocks/0/type"),
        ],
    )  # fmt: skip
    def test_the_fault_is_named_where_it_is(self, block: Json, pointer: str) -> None:
        errors = faults(block)
        assert {error.pointer for error in errors} == {pointer}
        assert errors[0].code == "invalid_blocks"
        assert errors[0].message

    def test_all_faults_are_told_at_once(self) -> None:
        assert [error.pointer for error in faults(section(""), {"type": "header"})] == [
            "/blocks/0/text/text",
            "/blocks/1",
        ]

    @pytest.mark.parametrize("blocks", [None, "[]", {"type": "section"}, [None], [[]], [{"type": ["section"]}]])
    def test_what_is_no_list_of_blocks_is_refused(self, blocks: Any) -> None:
        assert validate_message_blocks(blocks)

    def test_files_cannot_be_dispatched(self) -> None:
        files = entry({"type": "file_input", "action_id": "files"}, dispatch_action=True)
        assert [error.pointer for error in validate_view(modal(files))] == ["/view/blocks/0/dispatch_action"]


class TestWholeMessages:
    def test_fifty_one_blocks_are_too_many(self) -> None:
        assert [error.pointer for error in faults(*[section()] * 51)] == ["/blocks"]

    def test_block_ids_are_unique(self) -> None:
        errors = faults(section(block_id="a"), section(block_id="b"), section(block_id="a"))
        assert [error.pointer for error in errors] == ["/blocks/2/block_id"]

    def test_the_same_action_id_may_stand_in_two_blocks(self) -> None:
        assert faults(actions(button()), actions(button())) == []

    def test_markdown_is_limited_in_sum(self) -> None:
        errors = faults({"type": "markdown", "text": "x" * 6000}, {"type": "markdown", "text": "x" * 6001})
        assert [error.code for error in errors] == ["msg_blocks_too_long"]

    def test_text_is_limited_in_sum_although_each_block_is_legal(self) -> None:
        assert faults(*[section("x" * 2640)] * 5) == []
        assert [error.code for error in faults(*[section("x" * 2641)] * 5)] == ["msg_blocks_too_long"]

    def test_a_message_has_one_table(self) -> None:
        assert [(error.code, error.message) for error in faults(table(), table())] == [
            ("invalid_attachments", "only_one_table_allowed")
        ]

    def test_one_element_has_the_focus(self) -> None:
        focused = entry(typed(focus_on_load=True))
        assert validate_view(modal(focused)) == []
        assert validate_view(modal(focused, focused))


class TestViews:
    @pytest.mark.parametrize(
        ("view", "pointer"),
        [
            ({"type": "modal", "blocks": [section()]}, "/view"),
            ({"type": "popup"}, "/view/type"),
            (modal(title=plain("x" * 25)), "/view/title/text"),
            (modal(submit=plain("x" * 25)), "/view/submit/text"),
            (modal(close=plain("x" * 25)), "/view/close/text"),
            (modal(title=mrkdwn()), "/view/title/type"),
            (modal(private_metadata="x" * 3001), "/view/private_metadata"),
            (modal(callback_id="x" * 256), "/view/callback_id"),
            (modal(external_id="x" * 256), "/view/external_id"),
            (modal(blocks=[]), "/view/blocks"),
            (modal(*[section()] * 101), "/view/blocks"),
            (home(title=plain()), "/view"),
            (home(submit=plain()), "/view"),
            ({"type": "modal", "title": plain(), "blocks": [entry(typed())]}, "/view"),
        ],
    )
    def test_the_fault_of_a_view_is_an_invalid_argument(self, view: Json, pointer: str) -> None:
        assert [(error.pointer, error.code) for error in validate_view(view)] == [(pointer, "invalid_arguments")]

    def test_the_fault_of_a_block_is_an_invalid_block(self) -> None:
        assert [(error.pointer, error.code) for error in validate_view(modal(section("")))] == [
            ("/view/blocks/0/text/text", "invalid_blocks")
        ]

    @pytest.mark.parametrize("kind", ["markdown", "context_actions", "plan", "task_card"])
    def test_what_belongs_in_messages_is_refused_in_views(self, kind: str) -> None:
        block = {
            "markdown": {"text": "x"},
            "context_actions": {"elements": [FEEDBACK]},
            "plan": {"title": "x"},
            "task_card": {"task_id": "x", "title": "x"},
        }[kind]
        for view in (modal({"type": kind, **block}), home({"type": kind, **block})):
            assert [error.pointer for error in validate_view(view)] == ["/view/blocks/0/type"]
        assert faults({"type": kind, **block}) == []

    def test_tables_stand_in_messages_and_on_the_home_tab(self) -> None:
        assert validate_view(home(table())) == []
        assert validate_view(modal(table()))

    def test_files_are_put_in_modals_only(self) -> None:
        files = entry({"type": "file_input", "action_id": "files", "max_files": 3})
        assert validate_view(modal(files)) == []
        assert [error.pointer for error in validate_view(home(files))] == ["/view/blocks/0/element/type"]

    def test_a_view_is_at_most_250_kb(self) -> None:
        assert [error.code for error in validate_view(modal(*[section("x" * 3000)] * 84))] == ["view_too_large"]
        assert validate_view(modal(*[section("x" * 3000)] * 80)) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
_NAMES = st.sampled_from(
    ["type", "text", "elements", "element", "accessory", "fields", "options", "option_groups",
     "initial_option", "label", "initial_options", "value", "block_id", "action_id", "rows", "is_decimal_allowed",
     "min_value", "max_value", "initial_value", "blocks", "title", "submit"]
)  # fmt: skip
_KINDS = st.sampled_from(
    [*BLOCKS, "plain_text", "mrkdwn", "number_input", "static_select", "checkboxes", "modal", "home"]
)
_HOSTILE = st.recursive(
    _JSON | _KINDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(
            lambda kind, more: {**more, "type": kind}, _KINDS | _JSON, st.dictionaries(_NAMES, inner, max_size=5)
        )
    ),
    max_leaves=20,
)


class TestHostileShapes:
    @given(_HOSTILE)
    def test_no_json_makes_the_validator_raise(self, value: Any) -> None:
        before = copy.deepcopy(value)
        for check in (validate_message_blocks, validate_view):
            check(value)
        validate_message_blocks([value])
        validate_view({"type": "modal", "title": plain(), "blocks": [value]})
        assert repr(value) == repr(before)
