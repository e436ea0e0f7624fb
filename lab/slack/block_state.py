"""What people chose and typed in blocks: `state.values`, and the interactive elements it comes from."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

VALUE_KEYS: dict[str, tuple[str, str | None]] = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "file_input": ("files", None),
}
"""By element type: the key of its value in a payload, and the key of its first value in its definition."""

_LISTS = {"checkboxes", "file_input"}


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block."""
    for block in blocks:
        found = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
        for element in found:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def find(blocks: list[Json], block_id: str, action_id: str) -> tuple[Json, Json] | None:
    return next(
        (
            (block, element)
            for block, element in elements(blocks)
            if block.get("block_id") == block_id and element["action_id"] == action_id
        ),
        None,
    )


def read(blocks: list[Json], given: Json | None = None, *, channel: str | None = None) -> Json:
    """`state.values`: for each element that holds a value what was `given`, else what its definition starts with.

    What is given for elements that are not in the blocks is dropped, so state lives on only where both ids stay.
    """
    values: Json = {}
    for block, element in elements(blocks):
        kind = element["type"]
        if kind not in VALUE_KEYS:
            continue
        value = _given_value(given, block["block_id"], element)
        if value is None:
            value = _first_value(element, channel)
        values.setdefault(block["block_id"], {})[element["action_id"]] = value
    return values


def with_ids(blocks: list[Json], fresh: Iterator[str]) -> list[Json]:
    """The blocks, each with a `block_id` and each interactive element with an `action_id`, made up where absent."""
    return [_block_with_ids(block, fresh) for block in blocks]


def _block_with_ids(block: Json, fresh: Iterator[str]) -> Json:
    # The block_id of a markdown block is ignored (slack-platform.md 6.3).
    named = block if block.get("block_id") and block["type"] != "markdown" else {**block, "block_id": next(fresh)}
    for key in ("element", "accessory"):
        if isinstance(element := named.get(key), dict):
            named = {**named, key: _element_with_id(element, fresh)}
    if named["type"] in ("actions", "context_actions"):
        named = {**named, "elements": [_element_with_id(element, fresh) for element in named["elements"]]}
    return named


def _element_with_id(element: Json, fresh: Iterator[str]) -> Json:
    if element.get("type") == "image" or element.get("action_id"):
        return element
    return {**element, "action_id": next(fresh)}


def _given_value(given: Json | None, block_id: str, element: Json) -> Json | None:
    value = ((given or {}).get(block_id) or {}).get(element["action_id"])
    key = VALUE_KEYS[element["type"]][0]
    if not isinstance(value, dict) or key not in value or value.get("type", element["type"]) != element["type"]:
        return None
    return {"type": element["type"], key: value[key]}


def _first_value(element: Json, channel: str | None) -> Json:
    kind = element["type"]
    key, first = VALUE_KEYS[kind]
    value = element.get(first) if first else None
    if value is None and kind == "conversations_select" and element.get("default_to_current_conversation"):
        value = channel
    if value is None and (kind in _LISTS or kind.startswith("multi_")):
        value = []
    return {"type": kind, key: value}
