"""Who may steer a turn, which server it is for, and how that is asked. Pure."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta

from core.access.model import Principal, Role
from core.errors import ConflictError, InvalidInputError
from core.people.model import PersonId
from core.servers.model import HOW_ADOPTED, Server, ServerState
from core.servers.rules import WAY_UP
from core.talk.model import (
    Answered,
    Choice,
    Conversation,
    EndReason,
    Sampling,
    Settings,
    Turn,
    TurnKind,
    TurnState,
)

LEASE = timedelta(seconds=15)
"""What a killed replica was answering is taken over after this."""
PER_PERSON = 2
"""Answers that somebody may have under way at once; further prompts wait."""
MOST_WAITING = 20
"""Of somebody's questions that wait at once; what is asked beyond that is not taken."""
OFFER_LIMIT = timedelta(hours=24)
"""How long a question waits for its server, or for its author to choose one."""
PLACE_LIMIT = timedelta(minutes=10)
"""A question whose message does not stand by then was given up by whoever took it in."""
TAKEN_OVER_TRIES = 3
"""A turn whose replica died this often is given up, since it may be what kills them."""

PROMPT_LENGTH = 400_000
"""Characters of one prompt with its files: more than any window of these models holds."""
SYSTEM_PROMPT_LENGTH = 3000
"""What an input of a modal takes."""
STOP_SEQUENCES = 3
"""Of the four that TGI takes; a transcript needs one itself."""
STOP_LENGTH = 200


def is_stop(text: str) -> bool:
    """Whether a reply is nothing but the word that stops."""
    return text.strip().rstrip(".!").strip().lower() == "stop"


def may_steer(actor: Principal, author: PersonId, server: Server | None) -> bool:
    """Stop, drop, clear: for whoever asked, for the server's owner and for ADMINs."""
    return actor.role >= Role.ADMIN or actor.person == author or (server is not None and actor.person == server.owner)


def place_of(turn: Turn) -> tuple[str, int]:
    """By which turns of a conversation are ordered."""
    return (turn.prompt_ts, turn.id)


# --- which server


def check_talks(server: Server) -> None:
    """Raises ConflictError for a server that no question can ever reach as it is."""
    if server.is_adopted:
        raise ConflictError(f"`{server.spec.name}`: {HOW_ADOPTED}")
    if server.state in (ServerState.DELETING, ServerState.DELETED, ServerState.GONE):
        raise ConflictError(f"`{server.spec.name}` is {server.state}. `/prime servers` lists those that are there.")


def can_talk(server: Server) -> bool:
    try:
        check_talks(server)
    except ConflictError:
        return False
    return True


def comes_up(server: Server) -> bool:
    return server.state in WAY_UP


def choice_of(server: Server) -> Choice:
    return Choice(
        server_id=server.id,
        name=server.spec.name,
        model=server.spec.model,
        is_ready=server.state is ServerState.READY,
    )


# --- how it is asked


def merge(layers: Sequence[Settings]) -> Settings:
    """What holds: of each setting the first that is set, the narrowest place first."""
    merged: dict[str, object] = {}
    for layer in layers:
        for one in fields(Settings):
            value = getattr(layer, one.name)
            if value is not None:
                merged.setdefault(one.name, value)
    return Settings(**merged)  # pyright: ignore[reportArgumentType]: the same fields


def sampling_of(settings: Settings, *, max_tokens: int | None, also_stop: Sequence[str] = ()) -> Sampling:
    return Sampling(
        max_tokens=max_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        repetition_penalty=settings.repetition_penalty,
        seed=settings.seed,
        stop=(*(settings.stop or ()), *also_stop),
    )


def check_settings(settings: Settings) -> None:
    """What holds for every engine. Raises InvalidInputError whose `field` is the setting's name."""
    if settings.max_tokens is not None and settings.max_tokens < 1:
        raise InvalidInputError("An answer has at least one token.", field="max_tokens")
    if settings.temperature is not None and not 0 <= settings.temperature <= 2:
        raise InvalidInputError("The temperature is between 0 and 2.", field="temperature")
    if settings.top_p is not None and not 0 < settings.top_p <= 1:
        raise InvalidInputError("Top p is above 0 and at most 1.", field="top_p")
    if settings.repetition_penalty is not None and not 0 < settings.repetition_penalty < 4:
        raise InvalidInputError("The repetition penalty is above 0 and below 4; 1 is none.", field="repetition_penalty")
    if settings.seed is not None and not 0 <= settings.seed < 2**63:
        raise InvalidInputError("A seed is a whole number, 0 or above, of at most 18 digits.", field="seed")
    stop = settings.stop or ()
    if len(stop) > STOP_SEQUENCES or any(not 0 < len(word) <= STOP_LENGTH for word in stop):
        raise InvalidInputError(
            f"At most {STOP_SEQUENCES} stop sequences, each of at most {STOP_LENGTH} characters.", field="stop"
        )


# --- what is told under an answer


def answered_of(turn: Turn, server: Server | None, conversation: Conversation, *, is_first: bool = False) -> Answered:
    seconds = None
    if turn.first_token_at is not None and turn.ended_at is not None:
        seconds = (turn.ended_at - turn.first_token_at).total_seconds()
    return Answered(
        state=turn.state,
        server="" if server is None else server.spec.name,
        model="" if server is None else server.spec.model,
        generated_tokens=turn.generated_tokens,
        seconds=seconds,
        redactions=turn.redactions,
        left_out=turn.left_out,
        end=turn.end,
        failure=turn.failure,
        is_masked=turn.is_masked,
        may_read_thread=conversation.began_in_thread and is_first,
    )


def end_state(turn: Turn) -> TurnState:
    """Of a turn that has ended but is not told so yet."""
    if turn.stopped_by is not None:
        return TurnState.STOPPED
    return TurnState.FAILED if turn.failure else TurnState.DONE


def withdrawn(turn: Turn) -> Turn:
    """A prompt that is not to be sent after all: nothing of it is kept. It stays the last one, so that its author can
    edit it and ask again."""
    return replace(turn, prompt="", is_redacted=True)


def is_offered_edit(turn: Turn) -> bool:
    """Whether it is only an offer to answer what was edited, which nobody may ever take."""
    return turn.kind is TurnKind.EDIT and turn.state is TurnState.OFFERED


def can_go_on(turn: Turn) -> bool:
    return turn.state is TurnState.DONE and turn.end is EndReason.LENGTH
