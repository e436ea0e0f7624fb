"""Turns written as plain text, for models that were not made for turns.

    <system prompt>

    User: What is a llama?
    Assistant: An animal.
    User: Where does it live?
    Assistant:

The model carries the text on; it is stopped where it would speak for the user."""

from collections.abc import Sequence

from core.redaction.model import RedactedText
from core.redaction.stored import seen_by_model
from core.talk.context import Exchange

STOP = "\nUser:"


def transcript_of(exchanges: Sequence[Exchange], *, system: RedactedText | None) -> RedactedText:
    lines = [] if system is None else [system.text, ""]
    for one in exchanges:
        lines.append(f"User: {one.asked}")
        lines.append(f"Assistant: {one.answer}" if one.answer else "Assistant:")
    return seen_by_model("\n".join(lines))


class OwnWords:
    """What a model said for itself, as it comes: without the space in front, and without the stop sequence, which some
    engines leave in."""

    def __init__(self, *, goes_on: bool) -> None:
        """`goes_on`: with an answer that was begun before."""
        self._has_begun = goes_on
        self._held = ""
        self._is_over = False

    def feed(self, text: str) -> str:
        held = self._held + text
        if not self._has_begun:
            held = held.lstrip()
            self._has_begun = bool(held)
        if self._is_over or STOP in held:
            said, self._held, self._is_over = ("" if self._is_over else held.partition(STOP)[0]), "", True
            return said
        kept = next((size for size in range(len(STOP) - 1, 0, -1) if held.endswith(STOP[:size])), 0)
        self._held = held[len(held) - kept :]
        return held[: len(held) - kept]

    def flush(self) -> str:
        rest, self._held = self._held, ""
        return rest


class AllWords:
    """Of a model whose words need no looking through."""

    def feed(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""
