"""Block Kit's shapes as functions, so that views read like what they show. Limits: reference section 6.

`text` is mrkdwn: whatever a person typed in it has to be escaped first (bot.mrkdwn.escape)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Block = dict[str, Any]
Option = dict[str, Any]

OPTION_TEXT_LIMIT = 75
TEXT_LIMIT = 3000


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}


def section(text: str, *, accessory: Mapping[str, Any] | None = None, block_id: str | None = None) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(text)}
    if accessory is not None:
        block["accessory"] = dict(accessory)
    return _with_id(block, block_id)


def sections(lines: Iterable[str]) -> list[Block]:
    """Lines of mrkdwn, as many in a section as it takes."""
    texts = [""]
    for line in lines:
        if texts[-1] and len(texts[-1]) + len(line) >= TEXT_LIMIT:
            texts.append("")
        texts[-1] += f"\n{line}" if texts[-1] else line
    return [section(text) for text in texts if text]


def verbatim(text: str) -> list[Block]:
    """Somebody's text to the letter: nothing in it is read as a mark, a mention or an emoji."""
    pieces = [text[at : at + TEXT_LIMIT] for at in range(0, len(text), TEXT_LIMIT)]
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": piece}]}],
        }
        for piece in pieces
    ]


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text)}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Mapping[str, Any], block_id: str | None = None) -> Block:
    return _with_id({"type": "actions", "elements": [dict(element) for element in elements]}, block_id)


def button(
    text: str,
    action_id: str,
    *,
    value: str = "",
    style: str | None = None,
    confirm: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "button", "text": plain(text), "action_id": action_id}
    if value:
        element["value"] = value
    if style is not None:
        element["style"] = style
    if confirm is not None:
        element["confirm"] = dict(confirm)
    return element


def confirm(title: str, text: str, *, verb: str, danger: bool = False) -> dict[str, Any]:
    """The dialog in front of an action; its button carries the action's own verb."""
    dialog: dict[str, Any] = {
        "title": plain(title),
        "text": mrkdwn(text),
        "confirm": plain(verb),
        "deny": plain("Back"),
    }
    if danger:
        dialog["style"] = "danger"
    return dialog


def option(text: str, value: str, *, description: str | None = None) -> Option:
    made: Option = {"text": plain(text[:OPTION_TEXT_LIMIT]), "value": value}
    if description is not None:
        made["description"] = plain(description[:OPTION_TEXT_LIMIT])
    return made


def select(
    action_id: str, options: Sequence[Option], *, placeholder: str = "Choose", initial: Option | None = None
) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(placeholder),
        "options": list(options),
    }
    return _starting_with(element, "initial_option", initial)


def grouped_select(
    action_id: str,
    groups: Mapping[str, Sequence[Option]],
    *,
    placeholder: str = "Choose",
    initial: Option | None = None,
) -> dict[str, Any]:
    """`groups` by their label; none of them is empty."""
    element: dict[str, Any] = {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(placeholder),
        "option_groups": [{"label": plain(label), "options": list(options)} for label, options in groups.items()],
    }
    return _starting_with(element, "initial_option", initial)


def external_select(action_id: str, *, placeholder: str, initial: Option | None = None) -> dict[str, Any]:
    """Its options are loaded when it opens and at each letter."""
    element: dict[str, Any] = {
        "type": "external_select",
        "action_id": action_id,
        "placeholder": plain(placeholder),
        "min_query_length": 0,
    }
    return _starting_with(element, "initial_option", initial)


def users_select(action_id: str, *, placeholder: str) -> dict[str, Any]:
    return {"type": "users_select", "action_id": action_id, "placeholder": plain(placeholder)}


def channel_select(action_id: str, *, placeholder: str, initial: str | None = None) -> dict[str, Any]:
    """Public and private channels."""
    element: dict[str, Any] = {
        "type": "conversations_select",
        "action_id": action_id,
        "placeholder": plain(placeholder),
        "filter": {"include": ["public", "private"]},
    }
    return _starting_with(element, "initial_conversation", initial)


def number_input(action_id: str, *, least: int, most: int, initial: int | None = None) -> dict[str, Any]:
    """Whole numbers."""
    element: dict[str, Any] = {
        "type": "number_input",
        "action_id": action_id,
        "is_decimal_allowed": False,
        "min_value": str(least),
        "max_value": str(most),
    }
    return _starting_with(element, "initial_value", None if initial is None else str(initial))


def datetime_picker(action_id: str, *, initial: int | None = None) -> dict[str, Any]:
    """`initial`: seconds since 1970."""
    return _starting_with({"type": "datetimepicker", "action_id": action_id}, "initial_date_time", initial)


def checkbox(action_id: str, text: str, *, ticked: bool = False) -> dict[str, Any]:
    """A single box."""
    box = option(text, "yes")
    return _starting_with(checkboxes(action_id, [box]), "initial_options", [box] if ticked else None)


def checkboxes(action_id: str, options: Sequence[Option]) -> dict[str, Any]:
    return {"type": "checkboxes", "action_id": action_id, "options": list(options)}


def file_input(action_id: str, *, filetypes: Sequence[str], most: int = 1) -> dict[str, Any]:
    return {"type": "file_input", "action_id": action_id, "filetypes": list(filetypes), "max_files": most}


def radio(action_id: str, options: Sequence[Option], *, initial: Option) -> dict[str, Any]:
    return {"type": "radio_buttons", "action_id": action_id, "options": list(options), "initial_option": initial}


def overflow(action_id: str, options: Sequence[Option]) -> dict[str, Any]:
    return {"type": "overflow", "action_id": action_id, "options": list(options)}


def text_input(
    action_id: str,
    *,
    multiline: bool = False,
    max_length: int | None = None,
    placeholder: str | None = None,
    initial: str | None = None,
) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "plain_text_input", "action_id": action_id, "multiline": multiline}
    if max_length is not None:
        element["max_length"] = max_length
    if placeholder is not None:
        element["placeholder"] = plain(placeholder)
    return _starting_with(element, "initial_value", initial)


def labelled(
    label: str,
    element: Mapping[str, Any],
    *,
    block_id: str,
    hint: str | None = None,
    optional: bool = False,
    dispatch: bool = False,
) -> Block:
    """An input block; errors of a submission name its `block_id`. `dispatch`: each choice is told at once."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": dict(element),
        "optional": optional,
    }
    if dispatch:
        block["dispatch_action"] = True
    if hint is not None:
        block["hint"] = plain(hint)
    return block


def modal(
    callback_id: str,
    title: str,
    blocks: Iterable[Block],
    *,
    submit: str | None = None,
    close: str = "Cancel",
    private_metadata: str = "",
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        "close": plain(close),
        "blocks": list(blocks),
        "private_metadata": private_metadata,
    }
    if submit is not None:
        view["submit"] = plain(submit)
    return view


def _starting_with(element: dict[str, Any], key: str, initial: object) -> dict[str, Any]:
    if initial:
        element[key] = initial
    return element


def _with_id(block: Block, block_id: str | None) -> Block:
    if block_id is not None:
        block["block_id"] = block_id
    return block
