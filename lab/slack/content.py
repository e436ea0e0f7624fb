"""What a message says: reading text, blocks and the rest from an app, with Slack's limits."""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.slack.arguments import Arguments
from lab.slack.block_state import with_ids
from lab.slack.blocks import BlockError, validate_message_blocks
from lab.slack.errors import SlackError, invalid_arguments

TEXT_CUT = 40_000
MARKDOWN_LIMIT = 12_000
ATTACHMENT_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """None is "not given", which differs from empty where a message is updated."""

    text: str | None
    blocks: list[dict[str, Any]] | None
    attachments: list[dict[str, Any]] | None
    metadata: dict[str, Any] | None

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.blocks and not self.attachments

    def as_fields(self) -> dict[str, Any]:
        """The fields of a new message."""
        fields: dict[str, Any] = {"text": (self.text or "")[:TEXT_CUT]}
        if self.blocks:
            fields["blocks"] = self.blocks
        if self.attachments:
            fields["attachments"] = self.attachments
        if self.metadata:
            fields["metadata"] = self.metadata
        return fields


def read_content(arguments: Arguments) -> Content:
    """Raises SlackError with Slack's code for what Slack would not take."""
    markdown = arguments.optional_text("markdown_text")
    text = arguments.optional_text("text")
    blocks = _list_of_objects(arguments, "blocks")
    attachments = _list_of_objects(arguments, "attachments")
    if markdown is not None:
        if text is not None or blocks is not None:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_LIMIT:
            raise SlackError("msg_too_long")
        text, blocks = markdown, [{"type": "markdown", "text": markdown}]
    if attachments and len(attachments) > ATTACHMENT_LIMIT:
        raise SlackError("too_many_attachments")
    return Content(
        text=text,
        blocks=None if blocks is None else checked_blocks(blocks),
        attachments=attachments,
        metadata=_metadata(arguments),
    )


def checked_blocks(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks with ids for all; raises what `refusal` makes of their faults."""
    if errors := validate_message_blocks(blocks):
        raise refusal(errors)
    return with_ids(blocks, fresh_ids())


def refusal(errors: list[BlockError]) -> SlackError:
    messages = [f"[ERROR] {error.message} [json-pointer:{error.pointer}]" for error in errors]
    return SlackError(errors[0].code, response_metadata={"messages": messages})


def fresh_ids() -> Iterator[str]:
    return (secrets.token_urlsafe(4)[:5] for _ in itertools.count())


def _list_of_objects(arguments: Arguments, name: str) -> list[dict[str, Any]] | None:
    value = arguments.structure(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise (
            SlackError(f"invalid_{name}") if name == "blocks" else invalid_arguments(f"{name} is not a list of objects")
        )
    return value


def _metadata(arguments: Arguments) -> dict[str, Any] | None:
    value = arguments.structure("metadata")
    if value is None or value == {}:
        return value
    if not isinstance(value, dict) or set(value) != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    return value
