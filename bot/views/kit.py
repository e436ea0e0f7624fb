"""Block Kit's shapes as functions, so that views read like what they show. Limits: reference section 6.

`text` is mrkdwn: whatever a person typed in it has to be escaped first (bot.mrkdwn.escape)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Block = dict[str, Any]
Option = dict[str, Any]

OPTION_TEXT_LIMIT = 75


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}


def section(text: str, *, accessory: Mapping[str, Any] | None = None, block_id: str | None = None) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(text)}
    if accessory is not None:
        block["accessory"] = dict(accessory)
    return _with_id(block, block_id)


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
    if initial is not None:
        element["initial_option"] = initial
    return element


def overflow(action_id: str, options: Sequence[Option]) -> dict[str, Any]:
    return {"type": "overflow", "action_id": action_id, "options": list(options)}


def text_input(
    action_id: str, *, multiline: bool = False, max_length: int | None = None, placeholder: str | None = None
) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "plain_text_input", "action_id": action_id, "multiline": multiline}
    if max_length is not None:
        element["max_length"] = max_length
    if placeholder is not None:
        element["placeholder"] = plain(placeholder)
    return element


def labelled(
    label: str, element: Mapping[str, Any], *, block_id: str, hint: str | None = None, optional: bool = False
) -> Block:
    """An input block; errors of a submission name its `block_id`."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": dict(element),
        "optional": optional,
    }
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


def _with_id(block: Block, block_id: str | None) -> Block:
    if block_id is not None:
        block["block_id"] = block_id
    return block
