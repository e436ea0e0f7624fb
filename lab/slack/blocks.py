"""The Block Kit validator: says what Slack would not take, and why (slack-platform.md sections 4, 6 and 19).

Each block by itself is looked at first, by the tables of `block_kit.py`; a payload made of good blocks is then looked
at as a whole, by the rules listed below.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lab.slack.block_kit import MESSAGE_BLOCKS, SURFACES, VIEW, Surface
from lab.slack.shapes import BlockError, Json

MARKDOWN_LIMIT = 12_000
TEXT_LIMIT = 13_200
VIEW_BYTES_LIMIT = 250_000


def validate_message_blocks(blocks: object) -> list[BlockError]:
    """What keeps these blocks from being a message's. Pointers start at `/blocks`. Never raises."""
    if errors := list(MESSAGE_BLOCKS(blocks, "/blocks")):
        return errors
    return [error for rule in _MESSAGE_RULES for error in rule(_block_list(blocks), "/blocks")]


def validate_view(view: object) -> list[BlockError]:
    """What keeps this from being a modal or a Home tab. Pointers start at `/view`. Never raises.

    Faults of the view itself have the code `invalid_arguments`, those of its blocks `invalid_blocks`."""
    if errors := [_with_code(error) for error in VIEW(view, "/view")]:
        return errors
    assert isinstance(view, dict)
    surface_rules = _MODAL_RULES if view["type"] == "modal" else _HOME_RULES
    of_blocks = [error for rule in surface_rules for error in rule(_block_list(view["blocks"]), "/view/blocks")]
    return [*_needs_submit(view), *_small_enough(view), *of_blocks]


def _block_list(blocks: object) -> list[Json]:
    assert isinstance(blocks, list)
    return blocks


def _with_code(error: BlockError) -> BlockError:
    return error if error.pointer.startswith("/view/blocks/") else replace(error, code="invalid_arguments")


# --- a view as a whole ---------------------------------------------------------------------------


def _needs_submit(view: Json) -> Iterator[BlockError]:
    if view["type"] == "modal" and "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        yield BlockError("/view", "missing required field: submit (the view has input blocks)", "invalid_arguments")


def _small_enough(view: Json) -> Iterator[BlockError]:
    size = len(json.dumps(view, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > VIEW_BYTES_LIMIT:
        yield BlockError("/view", f"must be smaller than {VIEW_BYTES_LIMIT} bytes", "view_too_large")


# --- blocks as a whole ---------------------------------------------------------------------------

Rule = Callable[[list[Json], str], Iterator[BlockError]]


def _only_on(surface: Surface) -> Rule:
    def rule(blocks: list[Json], at: str) -> Iterator[BlockError]:
        for index, block in enumerate(blocks):
            for part, where in ((block, ""), (block.get("element", {}), "/element")):
                if surface not in SURFACES.get(part.get("type", ""), Surface):
                    yield BlockError(f"{at}/{index}{where}/type", f"unsupported type: {part['type']} in a {surface}")

    return rule


def _unique_block_ids(blocks: list[Json], at: str) -> Iterator[BlockError]:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        # The block_id of a markdown block is ignored.
        block_id = None if block["type"] == "markdown" else block.get("block_id")
        if block_id in seen:
            yield BlockError(f"{at}/{index}/block_id", f"block_id already exists: {block_id}")
        if block_id is not None:
            seen.add(block_id)


def _unique_action_ids(blocks: list[Json], at: str) -> Iterator[BlockError]:
    for index, block in enumerate(blocks):
        seen: set[str] = set()
        for position, element in enumerate(block.get("elements", ())):
            action_id = element.get("action_id")
            if action_id in seen:
                yield BlockError(
                    f"{at}/{index}/elements/{position}/action_id", f"action_id already exists: {action_id}"
                )
            if action_id is not None:
                seen.add(action_id)


def _one_focus(blocks: list[Json], at: str) -> Iterator[BlockError]:
    if sum(value is True for name, value in _fields(blocks) if name == "focus_on_load") > 1:
        yield BlockError(at, "only one element may have focus_on_load")


def _one_table(blocks: list[Json], at: str) -> Iterator[BlockError]:
    if sum(block["type"] in ("table", "data_table") for block in blocks) > 1:
        yield BlockError(at, "only_one_table_allowed", "invalid_attachments")


def _two_charts(blocks: list[Json], at: str) -> Iterator[BlockError]:
    if sum(block["type"] == "data_visualization" for block in blocks) > 2:
        yield BlockError(at, "no more than 2 data_visualization blocks allowed")


def _markdown_in_sum(blocks: list[Json], at: str) -> Iterator[BlockError]:
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_LIMIT:
        yield BlockError(at, f"all markdown must be less than {MARKDOWN_LIMIT + 1} characters", "msg_blocks_too_long")


def _text_in_sum(blocks: list[Json], at: str) -> Iterator[BlockError]:
    if sum(len(value) for name, value in _fields(blocks) if name == "text" and isinstance(value, str)) > TEXT_LIMIT:
        yield BlockError(at, f"all text must be less than {TEXT_LIMIT + 1} characters", "msg_blocks_too_long")


def _fields(value: object) -> Iterator[tuple[str, Any]]:
    """Every named value, however deep."""
    if isinstance(value, dict):
        for name, entry in value.items():
            yield name, entry
            yield from _fields(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _fields(entry)


_EVERYWHERE: tuple[Rule, ...] = (_unique_block_ids, _unique_action_ids, _one_focus)
_MESSAGE_RULES: tuple[Rule, ...] = (
    _only_on(Surface.MESSAGE), *_EVERYWHERE, _one_table, _two_charts, _markdown_in_sum, _text_in_sum,
)  # fmt: skip
_MODAL_RULES: tuple[Rule, ...] = (_only_on(Surface.MODAL), *_EVERYWHERE)
_HOME_RULES: tuple[Rule, ...] = (_only_on(Surface.HOME), *_EVERYWHERE, _one_table, _two_charts)
