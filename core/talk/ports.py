"""What talking needs from outside."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.catalog.model import EngineKind
from core.people.model import PersonId
from core.redaction.gate import Gate
from core.redaction.model import EntityType, RedactedText
from core.redaction.vault import Vault
from core.servers.model import Endpoint, Server
from core.talk.model import (
    Answered,
    Conversation,
    End,
    EngineInfo,
    Message,
    NewTurn,
    Part,
    Sampling,
    ServerTalk,
    Settings,
    Thread,
    Token,
    Turn,
    TurnState,
    Votes,
)

Events = AsyncGenerator[Sequence[Token | End]]
"""What came, as it came: whatever arrived together is given together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where text goes."""

    endpoint: Endpoint
    model: str
    """The one that was launched."""
    gate: Gate
    """What the bytes pass before they leave."""


class ModelServer(Protocol):
    """An engine, as it is talked to. Takes nothing but RedactedText."""

    def chat(self, to: Recipient, messages: Sequence[Message], sampling: Sampling, *, stall_seconds: float) -> Events:
        """The answer as it comes, with an `End` last if it came whole. Not repeated inside; close it to stop the
        engine. If the last message is the assistant's, the model goes on with it.

        Raises GateError (nothing was sent), EngineUnreachableError, EngineStalledError (no byte for
        `stall_seconds`), AnswerCutError (it ended without an end), EngineOverloadedError, PromptRefusedError,
        NoChatTemplateError, GenerationFailedError, IdentityError."""
        ...

    def generate(self, to: Recipient, prompt: RedactedText, sampling: Sampling, *, stall_seconds: float) -> Events:
        """How the prompt goes on; otherwise as `chat`. Give `max_tokens`: vLLM's own choice is 16 here."""
        ...

    async def info(self, endpoint: Endpoint) -> EngineInfo:
        """Its limits. Raises EngineUnreachableError, IdentityError."""
        ...

    async def count_messages(self, to: Recipient, messages: Sequence[Message]) -> int | None:
        """Tokens of a chat, its template included, by the engine's own tokenizer; None where it cannot tell.

        Raises GateError, EngineUnreachableError, NoChatTemplateError, IdentityError."""
        ...

    async def count_text(self, to: Recipient, text: RedactedText) -> int | None:
        """Tokens of a plain prompt; None where it cannot tell. Raises GateError, EngineUnreachableError,
        IdentityError."""
        ...


class ModelServers(Protocol):
    def of(self, kind: EngineKind) -> ModelServer: ...


class Reply(Protocol):
    """The messages that become one answer. Only its opener writes to it, and it alone edits those messages, at Slack's
    pace: what is added between two edits goes out together."""

    @property
    def parts(self) -> Sequence[Part]:
        """The messages that stand now."""
        ...

    def queue(self, position: int) -> None:
        """Shows that the engine is full and how many answers are in front (1: it is next)."""
        ...

    def add(self, text: str) -> None:
        """More of the answer, as people see it: restored. Returns at once."""
        ...

    async def finish(self, answered: Answered, turn: Turn) -> Sequence[Part]:
        """Shows the whole, for good, with what is told under it; the messages that it came to.

        Raises UnavailableError if Slack does not take it for now: call it again later."""
        ...


class Replies(Protocol):
    """Answers in Slack."""

    def open(
        self,
        turn: Turn,
        conversation: Conversation,
        server: Server,
        *,
        before_showing: Callable[[Sequence[Part]], Awaitable[None]],
    ) -> AbstractAsyncContextManager[Reply]:
        """Writes into the messages of `turn.parts`. `before_showing` is awaited before each edit and after each new
        message: when it returns, all that was added so far, and where it stands, is written down."""
        ...

    async def show_asleep(
        self,
        turn: Turn,
        conversation: Conversation,
        server: Server,
        *,
        still_waits: Callable[[], Awaitable[bool]],
    ) -> None:
        """Offers to start the server, or says that it comes up, in the turn's message: unless it does not wait any more
        when that message is about to be edited. Raises UnavailableError."""
        ...

    async def warn(
        self,
        turn: Turn,
        conversation: Conversation,
        found: Mapping[EntityType, Sequence[str]],
        *,
        risk: int,
    ) -> None:
        """Says in the turn's message that it waits for its author's word, and asks them, them alone, with what was
        found. Raises UnavailableError."""
        ...

    async def tell_author(self, turn: Turn, conversation: Conversation, sentence: str) -> None:
        """To them alone. Raises UnavailableError."""
        ...

    async def close(
        self, turn: Turn, conversation: Conversation, server: Server | None, text: str, answered: Answered
    ) -> Sequence[Part]:
        """Shows an answer that ended without a writer: one whose replica died, or that never began. `text` is restored.
        Finds messages that were posted and not noted. Raises UnavailableError."""
        ...


class TalkStore(Protocol):
    """Conversations and turns, inside the caller's transaction."""

    # --- conversations

    async def open_conversation(
        self, thread: Thread, *, starter: PersonId, in_thread: bool, now: datetime
    ) -> Conversation:
        """The thread's, made if it is new; locked until the transaction ends, so that one change at a time is made to
        a conversation and to its turns by people."""
        ...

    async def lock(self, conversation_id: int) -> Conversation:
        """The same for one that is known. Raises NotFoundError."""
        ...

    async def find(self, thread: Thread) -> Conversation | None: ...

    async def get(self, conversation_id: int) -> Conversation | None: ...

    async def save(self, conversation: Conversation) -> None:
        """Writes all that may change: server, settings, next_settings, cleared_ts, began_in_thread."""
        ...

    async def is_heard(self, thread: Thread) -> bool:
        """Whether Prime talks in the thread, or was asked to in a message that is not worked on yet."""
        ...

    async def active(self, *, since: datetime, known_before: datetime, limit: int) -> Sequence[tuple[Thread, str]]:
        """Threads in which somebody asked something since then, latest first, with the ts of the last prompt that was
        known before `known_before`."""
        ...

    async def vault(self, conversation_id: int) -> Vault:
        """Its map from placeholders to values; empty at first."""
        ...

    async def save_vault(self, conversation_id: int, vault: Vault) -> None: ...

    async def forget(self, conversation_id: int) -> bool:
        """Destroys its data key and wipes its texts: what was said is gone, that something was said stays. False if
        there was nothing to forget."""
        ...

    async def forgettable(self, *, before: datetime, limit: int) -> Sequence[int]:
        """Conversations with a key in which nobody asked anything since then and nothing is open, locked until the
        transaction ends."""
        ...

    # --- turns

    async def add(self, turn: NewTurn, *, now: datetime) -> tuple[Turn, bool]:
        """The turn; False if one with its key was there, which is given then."""
        ...

    async def turn(self, turn_id: int) -> Turn | None: ...

    async def with_key(self, conversation_id: int, key: str) -> Turn | None: ...

    async def turns(self, conversation_id: int, *, limit: int = 400) -> Sequence[Turn]:
        """The last ones, in their order."""
        ...

    async def change(self, turn: Turn) -> bool:
        """Writes a turn that nobody runs; False, and nothing, if somebody does, or if it came to its end since it was
        read. Under the conversation's lock."""
        ...

    async def claim(
        self, *, holder: str, now: datetime, lease_until: datetime, limit: int, per_person: int
    ) -> Sequence[Turn]:
        """Takes turns that are WAITING, or RUNNING with their lease over, and makes them RUNNING, in their order: of
        each conversation only the first that is WAKING, WAITING or RUNNING, of each author so many that no more than
        `per_person` run; what somebody stopped waits for no other. `tries` counts up."""
        ...

    async def extend(self, turn_ids: Collection[int], *, holder: str, lease_until: datetime) -> Collection[int]:
        """Those of them that this holder still has."""
        ...

    async def write(self, turn: Turn, *, holder: str) -> bool:
        """Writes all but `is_seen`, `stopped_by` and `replaces` of a turn that this holder runs, its end included;
        False, and nothing, if it has it no more."""
        ...

    async def release(self, turn_id: int, *, holder: str, state: TurnState) -> bool:
        """Gives it back untouched, as WAITING, WAKING or WARNED; as WAITING if it was stopped meanwhile. False if this
        holder has it no more. `tries` counts down."""
        ...

    async def ask_stop(self, turn_id: int, *, by: PersonId) -> Turn | None:
        """Notes it on a turn that runs, unless somebody did; the turn as it is now."""
        ...

    async def stops(self, *, holder: str) -> Mapping[int, PersonId]:
        """Of the turns that this holder runs: those to stop, and who asked."""
        ...

    async def wake(self) -> int:
        """Makes every WAKING turn whose server is ready WAITING; how many."""
        ...

    async def waking(self) -> Sequence[tuple[Turn, int]]:
        """Those that still are, with their server's id."""
        ...

    async def left(self, *, new_before: datetime, offered_before: datetime) -> Sequence[Turn]:
        """Those that are still NEW though they were asked before then, and those that are OFFERED prompts or WARNED
        likewise."""
        ...

    async def open_turns(self, author: PersonId) -> int:
        """How many of somebody's turns are WAITING or RUNNING."""
        ...

    # --- what people chose

    async def vote(self, turn_id: int, person: PersonId, *, up: bool | None) -> None:
        """None takes it back."""
        ...

    async def vote_of(self, turn_id: int, person: PersonId) -> bool | None: ...

    async def votes(self, server_id: int) -> Votes: ...

    async def personal(self, person: PersonId) -> Settings: ...

    async def save_personal(self, person: PersonId, settings: Settings) -> None: ...

    async def of_server(self, server_id: int) -> ServerTalk: ...

    async def save_of_server(self, server_id: int, talk: ServerTalk) -> None: ...

    async def channel_server(self, team: str, channel: str) -> int | None:
        """The channel's default."""
        ...

    async def set_channel_server(self, team: str, channel: str, server_id: int | None) -> None: ...
