"""Block Kit's blocks and views (slack-platform.md sections 4, 6.1 and 6.3), written down.

What concerns a payload as a whole (surfaces, sums, unique ids) is in `blocks.py`.
"""

from collections.abc import Iterator
from enum import StrEnum

from lab.slack.block_elements import (
    ACCESSORIES,
    BUTTON,
    CONTEXT_ACTIONS,
    DATETIMEPICKER,
    ID,
    IMAGE_ELEMENT,
    INPUTS,
    LONG_TEXT,
    RICH_TEXT,
    RICH_TEXT_OBJECT,
    SLACK_FILE,
    URL,
    any_text,
    plain_text,
)
from lab.slack.shapes import (
    BlockError,
    Check,
    Json,
    array,
    either,
    exactly_one_of,
    flag,
    integer,
    kinds,
    nothing,
    number,
    one_of,
    shape,
    some_of,
    string,
)


class Surface(StrEnum):
    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


# --- 6.1 where blocks may appear; those not named appear everywhere ------------------------------

SURFACES: dict[str, frozenset[Surface]] = {
    **dict.fromkeys(("context_actions", "markdown", "plan", "task_card"), frozenset({Surface.MESSAGE})),
    **dict.fromkeys(
        ("carousel", "container", "data_table", "data_visualization", "table"),
        frozenset({Surface.MESSAGE, Surface.HOME}),
    ),
    **dict.fromkeys(("alert", "file_input"), frozenset({Surface.MODAL})),
}


# --- rules between fields ------------------------------------------------------------------------


def _no_dispatch_with_file_input(value: Json, at: str) -> Iterator[BlockError]:
    if value.get("dispatch_action") and value["element"]["type"] == "file_input":
        yield BlockError(f"{at}/dispatch_action", "dispatch_action is not allowed with file_input")


def _header_without_rich_text(value: Json, at: str) -> Iterator[BlockError]:
    for column, cell in enumerate(value["rows"][0]):
        if cell["type"] == "rich_text":
            yield BlockError(f"{at}/rows/0/{column}", "the header row must not hold rich_text")


def _collapsed_only_if_collapsible(value: Json, at: str) -> Iterator[BlockError]:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        yield BlockError(f"{at}/default_collapsed", "default_collapsed needs is_collapsible")


# --- 6.3 blocks ----------------------------------------------------------------------------------

_BLOCK: dict[str, Check] = {"block_id": ID}
_ONE_IMAGE = exactly_one_of("image_url", "slack_file")
_IMAGE_OBJECT = kinds({"image": IMAGE_ELEMENT})

_RAW_CELLS: dict[str, Check] = {
    "raw_text": shape({"text": LONG_TEXT}),
    "raw_number": shape({"value": number}, {"text": LONG_TEXT}),
    "rich_text": RICH_TEXT,
}
_ROW = array(kinds(_RAW_CELLS), most=20)
_COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": flag})

_TASK_CARD = shape(
    {"task_id": ID, "title": string(256)},
    {
        **_BLOCK,
        "status": one_of("pending", "in_progress", "complete", "error"),
        "details": RICH_TEXT_OBJECT,
        "output": RICH_TEXT_OBJECT,
        "sources": array(kinds({"url": shape({"url": URL, "text": string(3000)})}), most=100),
    },
)
_CARD = shape(
    {},
    {
        **_BLOCK,
        "hero_image": _IMAGE_OBJECT,
        "icon": _IMAGE_OBJECT,
        "title": any_text(150),
        "subtitle": any_text(150),
        "body": any_text(200),
        "actions": array(kinds({"button": BUTTON}), most=2),
    },
    some_of("hero_image", "title", "actions", "body"),
)
_POINT = shape({"label": string(20), "value": number})
_SERIES = shape({"name": string(20), "data": array(_POINT, most=20)})
_PLOT = shape(
    {"series": array(_SERIES, most=12)},
    {"axis_config": shape({}, {"categories": array(string(20), most=20), "x_label": ID, "y_label": ID})},
)  # fmt: skip

CHILD_BLOCKS: dict[str, Check] = {
    "section": shape(
        {},
        {
            **_BLOCK,
            "text": any_text(3000),
            "fields": array(any_text(2000), most=10),
            "accessory": kinds({**ACCESSORIES, "image": IMAGE_ELEMENT}),
            "expand": flag,
        },
        some_of("text", "fields"),
    ),
    "header": shape({"text": plain_text(150)}, {**_BLOCK, "level": integer(1, 4)}),
    "divider": shape({}, _BLOCK),
    "context": shape(
        {
            "elements": array(
                kinds(
                    {
                        "image": IMAGE_ELEMENT,
                        "plain_text": shape({"text": string(3000)}, {"emoji": flag}),
                        "mrkdwn": shape({"text": string(3000)}, {"verbatim": flag}),
                    }
                ),
                most=10,
            )
        },
        _BLOCK,
    ),
    "actions": shape({"elements": array(kinds({**ACCESSORIES, "datetimepicker": DATETIMEPICKER}), most=25)}, _BLOCK),
    "input": shape(
        {"label": plain_text(2000), "element": kinds(INPUTS)},
        {**_BLOCK, "hint": plain_text(2000), "optional": flag, "dispatch_action": flag},
        _no_dispatch_with_file_input,
    ),
    "image": shape(
        {"alt_text": string(2000)},
        {**_BLOCK, "image_url": URL, "slack_file": SLACK_FILE, "title": plain_text(2000)},
        _ONE_IMAGE,
    ),
    "rich_text": RICH_TEXT,
    "table": shape(
        {"rows": array(_ROW, most=100)},
        {**_BLOCK, "column_settings": array(either(nothing, _COLUMN), most=20, least=0)},
    ),
    "video": shape(
        {"alt_text": string(2000), "title": plain_text(199), "thumbnail_url": URL, "video_url": URL},
        {
            **_BLOCK,
            "author_name": string(49),
            "description": plain_text(199),
            "provider_icon_url": URL,
            "provider_name": ID,
            "title_url": URL,
        },
    ),
}

BLOCKS: dict[str, Check] = {
    **CHILD_BLOCKS,
    "context_actions": shape({"elements": array(kinds(CONTEXT_ACTIONS), most=5)}, _BLOCK),
    "markdown": shape({"text": string(12_000)}, _BLOCK),
    "task_card": _TASK_CARD,
    "plan": shape(
        {"title": either(string(256), plain_text(256))},
        {**_BLOCK, "tasks": array(either(_TASK_CARD, kinds({"task_card": _TASK_CARD})), most=100, least=0)},
    ),
    "card": _CARD,
    "carousel": shape({"elements": array(kinds({"card": _CARD}), most=10)}, _BLOCK),
    "container": shape(
        {"child_blocks": array(kinds(CHILD_BLOCKS), most=10)},
        {
            **_BLOCK,
            "title": plain_text(150),
            "rich_text_title": RICH_TEXT_OBJECT,
            "subtitle": any_text(150),
            "icon": _IMAGE_OBJECT,
            "width": one_of("narrow", "standard", "wide", "full"),
            "is_collapsible": flag,
            "default_collapsed": flag,
            "has_header_divider": flag,
        },
        some_of("title", "rich_text_title"),
        _collapsed_only_if_collapsible,
    ),
    "data_table": shape(
        {"caption": string(3000), "rows": array(_ROW, least=2, most=101)},
        {**_BLOCK, "page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
        _header_without_rich_text,
    ),
    "data_visualization": shape(
        {
            "title": string(50),
            "chart": kinds(
                {
                    **dict.fromkeys(("line", "bar", "area"), _PLOT),
                    "pie": shape({"segments": array(_POINT, most=6)}),
                }
            ),
        },
        _BLOCK,
    ),
    "alert": shape(
        {"text": any_text(200)}, {**_BLOCK, "level": one_of("default", "info", "warning", "error", "success")}
    ),
}

# --- 4 views, and the blocks of messages -----------------------------------------------------------


def _view(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    ids = string(255, least=0)
    return shape(
        {"blocks": array(kinds(BLOCKS), most=100), **required},
        {"private_metadata": string(3000, least=0), "callback_id": ids, "external_id": ids, **optional},
    )


VIEW = kinds(
    {
        "modal": _view(
            {"title": plain_text(24)},
            {
                "submit": plain_text(24),
                "close": plain_text(24),
                "clear_on_close": flag,
                "notify_on_close": flag,
                "submit_disabled": flag,
            },
        ),
        "home": _view({}, {}),
    }
)
MESSAGE_BLOCKS = array(kinds(BLOCKS), most=50, least=0)
