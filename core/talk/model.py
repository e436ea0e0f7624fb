"""Talking: a conversation is a thread that is bound to a server, a turn is one prompt in it and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.people.model import PersonId
from core.redaction.model import Disposition, EntityType, RedactedText
from core.servers.model import Server

# --- what is said to an engine, and by it


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
    repetition_penalty: float | None = None
    """1 is none."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """None: this engine has no such limit, or does not tell."""

    model: str
    version: str | None
    max_input_tokens: int | None
    max_total_tokens: int | None
    max_concurrent_requests: int | None
    max_stop_sequences: int | None


# --- how it is asked


class Mode(StrEnum):
    CHAT = "chat"
    """Turns with roles; for a model without a chat template they are written as a transcript."""
    COMPLETION = "completion"
    """The prompt alone, which the model carries on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How answers are generated. None: not set here, so the next wider place decides."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    mode: Mode | None = None

    @property
    def is_empty(self) -> bool:
        return self == Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTalk:
    """What an ADMIN set for everybody who talks to a server."""

    system_prompt: str = ""
    settings: Settings = Settings()


# --- conversations and turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A thread in Slack."""

    team: str
    channel: str
    ts: str
    """Of the message that it hangs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    id: int
    thread: Thread
    server_id: int | None
    """None until one is chosen."""
    starter: PersonId
    created_at: datetime
    began_in_thread: bool = False
    """Whether people had talked in the thread before."""
    settings: Settings = Settings()
    next_settings: Settings = Settings()
    """Of the next turn alone."""
    cleared_ts: str = ""
    """Turns up to this ts are not seen by the model any more."""


class TurnKind(StrEnum):
    PROMPT = "prompt"
    NOTE = "note"
    """Somebody said it to somebody else; it is context and has no answer."""
    EDIT = "edit"
    """A prompt that its author edited."""
    MORE = "more"
    """Goes on with the answer of the turn before."""


class TurnState(StrEnum):
    """NEW or OFFERED, then WAITING (or first WAKING), RUNNING (perhaps WARNED, and RUNNING again), and one of the ends.
    A stop takes each to its end by way of WAITING, so that the talker alone closes messages."""

    NEW = "new"
    """Written down; the message that becomes its answer does not stand yet."""
    OFFERED = "offered"
    """Waits for a press: which server, or whether to answer an edited prompt."""
    WARNED = "warned"
    """Waits for its author's word on what the policy warns of; nothing of it was sent."""
    WAKING = "waking"
    """Waits until its server is ready."""
    WAITING = "waiting"
    """For a replica to take it, for the turn before it, or for its author's other turns."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By a person."""
    FAILED = "failed"
    """`failure` says why. What came so far stays."""
    INTERRUPTED = "interrupted"
    """Prime itself died or was stopped in the middle."""
    NOTED = "noted"
    """A NOTE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A message that shows a stretch of the answer."""

    ts: str
    start: int
    """Where in the shown text it begins, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    id: int
    conversation_id: int
    kind: TurnKind
    state: TurnState
    author: PersonId
    prompt_ts: str
    """Of the message that asked. Turns have the order of these, then of their ids."""
    created_at: datetime
    replaces: int | None = None
    """The turn whose place it takes: the same prompt once more, or an edited one."""
    is_seen: bool = True
    """Whether later turns see it: neither dropped nor replaced."""
    prompt: str = ""
    """As it was typed, until it is redacted; then as the model gets it."""
    is_redacted: bool = False
    answer: str = ""
    """As the model gave it: with placeholders."""
    parts: Sequence[Part] = ()
    """The first is the message that stood in for the answer."""
    settings: Settings = Settings()
    tries: int = 0
    """How often it was taken up."""
    stopped_by: PersonId | None = None
    """Who asked to stop it; it may take a moment to do so."""
    started_at: datetime | None = None
    first_token_at: datetime | None = None
    ended_at: datetime | None = None
    prompt_tokens: int | None = None
    generated_tokens: int | None = None
    end: EndReason | None = None
    redactions: int = 0
    """How many values of the prompt were replaced."""
    decided: Disposition | None = None
    """What its author said about what the policy warns of: REDACT or PASSTHROUGH."""
    warned: Mapping[EntityType, int] = field(default_factory=dict[EntityType, int])
    """How many values of each type its author was asked about."""
    risk: int = 0
    """Of the prompt, 0 to 100: see core.redaction.policy.risk."""
    is_masked: bool = False
    """Whether the answer is shown with placeholders, since outsiders read along."""
    left_out: int = 0
    """How many of the oldest turns did not fit."""
    failure: str = ""
    """One sentence."""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


OPEN = frozenset(
    {
        TurnState.NEW,
        TurnState.OFFERED,
        TurnState.WARNED,
        TurnState.WAKING,
        TurnState.WAITING,
        TurnState.RUNNING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A turn to write down. `key` is unique in its conversation: what asks for the same turn again finds it."""

    key: str
    conversation_id: int
    kind: TurnKind
    state: TurnState
    author: PersonId
    prompt_ts: str
    prompt: str
    is_redacted: bool = False
    redactions: int = 0
    risk: int = 0
    """Both of a prompt that was redacted before."""
    replaces: int | None = None
    settings: Settings = Settings()
    parts: Sequence[Part] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    up: int
    down: int


# --- what somebody asks, and what comes of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A text file that was shared with the prompt."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRequest:
    """Something that was said to Prime, or in a thread in which Prime talks."""

    thread: Thread
    ts: str
    """Of the message."""
    author: PersonId
    author_name: str
    text: str
    """Without Slack's escapes and without the leading mention of Prime."""
    is_addressed: bool
    """Whether it mentions Prime or was written to it directly."""
    to_somebody_else: bool = False
    """Whether it begins with a mention of another person."""
    server_name: str = ""
    """Of `on NAME:` in front of it."""
    in_thread: bool = False
    """Whether it is a reply, and not the message that a thread hangs on."""
    attachments: Sequence[Attachment] = ()


class Fate(StrEnum):
    """What became of a PromptRequest."""

    ACCEPTED = "accepted"
    """The turn is NEW or WAITING: show the placeholder."""
    CHOOSE = "choose"
    """The turn is OFFERED: ask which server."""
    ASLEEP = "asleep"
    """The turn is WAKING, and the server neither ready nor on its way: offer to start it."""
    COMES_UP = "comes up"
    """The turn is WAKING, and the server is on its way."""
    NOTED = "noted"
    """Kept as context; nothing to show."""
    STOPPED = "stopped"
    """It was the word `stop`: the answers that ran in the thread end; nothing to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    fate: Fate
    conversation: Conversation
    turn: Turn | None
    """None for NOTED and STOPPED."""
    server: Server | None = None
    """Which is to answer, once that is known."""
    choices: Sequence["Choice"] = ()
    """For CHOOSE."""
    is_behind: bool = False
    """Whether another turn has to end before this one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    server_id: int
    name: str
    model: str
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is told under an answer that has ended."""

    state: TurnState
    server: str
    """Its name."""
    model: str
    generated_tokens: int | None
    seconds: float | None
    """From the first token to the last."""
    redactions: int
    left_out: int
    end: EndReason | None
    failure: str
    is_masked: bool = False
    """Whether values stand as placeholders, for everybody to read but not to learn from."""
    may_read_thread: bool = False
    """Whether there is text above a conversation that began in the middle of a thread, which nobody asked to read."""
