"""What an engine tells of itself, and what is said to it and by it."""

from dataclasses import dataclass
from enum import StrEnum

from core.redaction.model import RedactedText


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """None: this engine has no such limit, or does not tell."""

    model: str
    version: str | None
    max_input_tokens: int | None
    max_total_tokens: int | None
    max_concurrent_requests: int | None
    max_stop_sequences: int | None


class Speaker(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    speaker: Speaker
    text: RedactedText


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """None: the engine's own choice."""

    max_tokens: int | None = None
    temperature: float | None = None
    """0 picks the likeliest token each time."""
    top_p: float | None = None
    """1 leaves nothing out."""
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    """One or more whole characters."""


class EndReason(StrEnum):
    STOP = "stop"
    """The model was done, or said a stop sequence."""
    LENGTH = "length"
    """There was no more room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last event of an answer that came whole."""

    reason: EndReason
    prompt_tokens: int | None
    generated_tokens: int | None
