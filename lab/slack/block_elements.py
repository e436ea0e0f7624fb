"""Block Kit's elements and the objects they are made of (slack-platform.md sections 6.2 and 6.4), written down."""

from collections.abc import Iterator

from lab.slack.shapes import (
    BlockError,
    Check,
    Json,
    array,
    exactly_one_of,
    flag,
    in_order,
    integer,
    kinds,
    matching,
    one_of,
    shape,
    some_of,
    string,
)

# --- rules between fields ------------------------------------------------------------------------


def _options(value: Json) -> list[Json]:
    grouped = [option for group in value.get("option_groups", ()) for option in group["options"]]
    return [*value.get("options", ()), *grouped]


def _distinct_values(value: Json, at: str) -> Iterator[BlockError]:
    seen: set[str] = set()
    for option in _options(value):
        if option["value"] in seen:
            yield BlockError(at, f"option values must be unique: {option['value']}")
        seen.add(option["value"])


def _initial_among_options(value: Json, at: str) -> Iterator[BlockError]:
    options = _options(value)
    if "initial_option" in value and value["initial_option"] not in options:
        yield BlockError(f"{at}/initial_option", "initial_option must be one of the options")
    for index, initial in enumerate(value.get("initial_options", ())):
        if initial not in options:
            yield BlockError(f"{at}/initial_options/{index}", "initial_options must be among the options")


def _whole_unless_decimal(value: Json, at: str) -> Iterator[BlockError]:
    if not value["is_decimal_allowed"]:
        for name in ("min_value", "max_value", "initial_value"):
            if "." in value.get(name, ""):
                yield BlockError(f"{at}/{name}", "decimals are not allowed here")


# --- 6.2 objects ---------------------------------------------------------------------------------


def plain_text(most: int) -> Check:
    return kinds({"plain_text": shape({"text": string(most)}, {"emoji": flag})})


def any_text(most: int) -> Check:
    return kinds(
        {
            "plain_text": shape({"text": string(most)}, {"emoji": flag}),
            "mrkdwn": shape({"text": string(most)}, {"verbatim": flag}),
        }
    )


URL = matching(r"[a-z][a-z0-9+.-]*:\S+", "must be a valid URL")
USER = matching(r"[UW][A-Z0-9]+", "must be a user id", most=255)
CHANNEL = matching(r"[CG][A-Z0-9]+", "must be a channel id", most=255)
ID = string(255)

OPTION = shape({"text": plain_text(75), "value": string(150)}, {"description": plain_text(75)})
OVERFLOW_OPTION = shape({"text": plain_text(75), "value": string(150)}, {"description": plain_text(75), "url": URL})
CHOICE = shape({"text": any_text(75), "value": string(150)}, {"description": any_text(75)})
OPTION_GROUP = shape({"label": plain_text(75), "options": array(OPTION, most=100)})

STYLE = one_of("primary", "danger")
CONFIRM = shape(
    {"title": plain_text(100), "text": any_text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": STYLE},
)
DISPATCH = shape({"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), most=2)})
FILTER = shape(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), most=4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
    some_of("include", "exclude_external_shared_channels", "exclude_bot_users"),
)
SLACK_FILE = shape({}, {"url": URL, "id": ID}, exactly_one_of("url", "id"))

# --- rich text -----------------------------------------------------------------------------------

_TEXT_STYLE = shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "underline", "code", "highlight", "client_highlight", "unlink"), flag
    ),
)  # fmt: skip
_STYLED: dict[str, Check] = {"style": _TEXT_STYLE}
_EPOCH = integer(0, 9_999_999_999)
LONG_TEXT = string(40_000, least=0)
_LEAF = kinds(
    {
        "text": shape({"text": LONG_TEXT}, _STYLED),
        "link": shape({"url": URL}, {"text": LONG_TEXT, "unsafe": flag, **_STYLED}),
        "user": shape({"user_id": USER}, _STYLED),
        "usergroup": shape({"usergroup_id": ID}, _STYLED),
        "channel": shape({"channel_id": ID}, _STYLED),
        "team": shape({"team_id": ID}, _STYLED),
        "emoji": shape({"name": ID}, {"unicode": ID, "skin_tone": integer(1, 6), **_STYLED}),
        "broadcast": shape({"range": one_of("here", "channel", "everyone")}, _STYLED),
        "color": shape({"value": matching("#?[0-9a-fA-F]{6}", "must be a colour")}, _STYLED),
        "date": shape({"timestamp": _EPOCH, "format": ID}, {"url": URL, "fallback": LONG_TEXT, **_STYLED}),
    }
)  # fmt: skip
_LEAVES = array(_LEAF, most=10_000, least=0)
_BORDER = integer(0, 1)
_RICH_SECTION = shape({"elements": _LEAVES})
_RICH_TEXT_PARTS = array(
    kinds(
        {
            "rich_text_section": _RICH_SECTION,
            "rich_text_preformatted": shape({"elements": _LEAVES}, {"border": _BORDER, "language": ID}),
            "rich_text_quote": shape({"elements": _LEAVES}, {"border": _BORDER}),
            "rich_text_list": shape(
                {
                    "style": one_of("bullet", "ordered"),
                    "elements": array(kinds({"rich_text_section": _RICH_SECTION}), most=1000),
                },
                {"indent": integer(0, 8), "offset": integer(0, 100_000), "border": _BORDER},
            ),
        }
    ),
    most=1000,
    least=0,
)
RICH_TEXT = shape({"elements": _RICH_TEXT_PARTS}, {"block_id": ID})
RICH_TEXT_OBJECT = kinds({"rich_text": RICH_TEXT})

# --- 6.4 elements --------------------------------------------------------------------------------

IMAGE_ELEMENT = shape(
    {"alt_text": string(2000)}, {"image_url": URL, "slack_file": SLACK_FILE}, exactly_one_of("image_url", "slack_file")
)

_ACTION: dict[str, Check] = {"action_id": ID}
_FIELD: dict[str, Check] = {**_ACTION, "focus_on_load": flag}
_WRITTEN: dict[str, Check] = {**_FIELD, "placeholder": plain_text(150), "dispatch_action_config": DISPATCH}
_CHOSEN: dict[str, Check] = {**_FIELD, "confirm": CONFIRM}
_SELECT: dict[str, Check] = {**_CHOSEN, "placeholder": plain_text(150)}
_MULTI: dict[str, Check] = {**_SELECT, "max_selected_items": integer(1, 10_000)}
_STATIC: dict[str, Check] = {"options": array(OPTION, most=100), "option_groups": array(OPTION_GROUP, most=100)}
_QUERY: dict[str, Check] = {"min_query_length": integer(0, 255)}
_CONVERSATIONS: dict[str, Check] = {"filter": FILTER, "default_to_current_conversation": flag}
_STATIC_RULES = (exactly_one_of("options", "option_groups"), _distinct_values, _initial_among_options)

SELECTS: dict[str, Check] = {
    "static_select": shape({}, {**_SELECT, **_STATIC, "initial_option": OPTION}, *_STATIC_RULES),
    "external_select": shape({}, {**_SELECT, **_QUERY, "initial_option": OPTION}),
    "users_select": shape({}, {**_SELECT, "initial_user": USER}),
    "conversations_select": shape(
        {}, {**_SELECT, **_CONVERSATIONS, "initial_conversation": ID, "response_url_enabled": flag}
    ),
    "channels_select": shape({}, {**_SELECT, "initial_channel": CHANNEL, "response_url_enabled": flag}),
    "multi_static_select": shape(
        {}, {**_MULTI, **_STATIC, "initial_options": array(OPTION, most=100)}, *_STATIC_RULES
    ),
    "multi_external_select": shape({}, {**_MULTI, **_QUERY, "initial_options": array(OPTION, most=100)}),
    "multi_users_select": shape({}, {**_MULTI, "initial_users": array(USER, most=1000)}),
    "multi_conversations_select": shape(
        {}, {**_MULTI, **_CONVERSATIONS, "initial_conversations": array(ID, most=1000)}
    ),
    "multi_channels_select": shape({}, {**_MULTI, "initial_channels": array(CHANNEL, most=1000)}),
}  # fmt: skip

_DATE = matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "must be a date: YYYY-MM-DD")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "must be a time: HH:mm")
_CHOICES = array(CHOICE, most=10)

BUTTON = shape(
    {"text": plain_text(75)},
    {
        **_ACTION,
        "value": string(2000),
        "url": URL,
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "agent_prompt": string(4000),
    },
)
PICKERS: dict[str, Check] = {
    "checkboxes": shape(
        {"options": _CHOICES}, {**_CHOSEN, "initial_options": _CHOICES}, _distinct_values, _initial_among_options
    ),
    "radio_buttons": shape(
        {"options": _CHOICES}, {**_CHOSEN, "initial_option": CHOICE}, _distinct_values, _initial_among_options
    ),
    "datepicker": shape({}, {**_SELECT, "initial_date": _DATE}),
    "timepicker": shape({}, {**_SELECT, "initial_time": _TIME, "timezone": ID}),
}
DATETIMEPICKER = shape({}, {**_CHOSEN, "initial_date_time": integer(1_000_000_000, 9_999_999_999)})

ACCESSORIES: dict[str, Check] = {
    "button": BUTTON,
    "overflow": shape({"options": array(OVERFLOW_OPTION, most=5)}, {**_ACTION, "confirm": CONFIRM}, _distinct_values),
    **SELECTS,
    **PICKERS,
}

_NUMERAL = matching(r"-?\d+(\.\d+)?", "must be a number in a string", most=255)
INPUTS: dict[str, Check] = {
    "plain_text_input": shape(
        {},
        {
            **_WRITTEN,
            "initial_value": string(3000, least=0),
            "multiline": flag,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        in_order("min_length", "max_length"),
    ),
    "email_text_input": shape({}, {**_WRITTEN, "initial_value": string(3000)}),
    "url_text_input": shape({}, {**_WRITTEN, "initial_value": string(3000)}),
    "number_input": shape(
        {"is_decimal_allowed": flag},
        {**_WRITTEN, "min_value": _NUMERAL, "max_value": _NUMERAL, "initial_value": _NUMERAL},
        in_order("min_value", "initial_value", "max_value"),
        _whole_unless_decimal,
    ),
    "rich_text_input": shape({}, {**_WRITTEN, "initial_value": RICH_TEXT_OBJECT}),
    "file_input": shape({}, {**_ACTION, "filetypes": array(ID, most=100), "max_files": integer(1, 10)}),
    "datetimepicker": DATETIMEPICKER,
    **SELECTS,
    **PICKERS,
}

_FEEDBACK = shape({"text": plain_text(75), "value": string(2000)}, {"accessibility_label": string(75)})
CONTEXT_ACTIONS: dict[str, Check] = {
    "feedback_buttons": shape({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, _ACTION),
    "icon_button": shape(
        {"icon": one_of("trash"), "text": plain_text(75)},
        {
            **_ACTION,
            "value": string(2000),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
            "visible_to_user_ids": array(USER, most=1000),
        },
    ),
}
