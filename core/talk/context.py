"""What a model gets to see of a conversation: as many of its turns as fit, the oldest left out first."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from core.redaction.model import RedactedText
from core.redaction.stored import seen_by_model
from core.servers.errors import PromptRefusedError
from core.talk.model import Message, Speaker, Turn, TurnKind, TurnState
from core.talk.rules import place_of

CHARACTERS_A_TOKEN = 3
"""Where an engine cannot count: fewer than English text has, so that the guess is on the safe side."""
ANSWER_SHARE = 4
"""Of the window a quarter is kept free for the answer, unless somebody said how long it may be."""
RECOUNTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Something asked, with what was noted before it, and the answer."""

    asked: str
    answer: str = ""
    prompts: int = 1
    """How many turns of people are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    exchanges: Sequence[Exchange]
    tokens: int
    left_out: int
    """Turns."""


def exchanges_before(turn: Turn, turns: Sequence[Turn], *, cleared_ts: str) -> list[Exchange]:
    """All that this turn sees, in order; its own prompt stands in the last one, without an answer unless it goes on
    with one. `turns` are the conversation's."""
    seen = [
        one
        for one in sorted(turns, key=place_of)
        if one.is_seen and one.prompt_ts > cleared_ts and place_of(one) < place_of(turn) and one.id != turn.replaces
    ]
    found: list[Exchange] = []
    noted: list[str] = []
    for one in seen:
        if one.state is TurnState.NOTED:
            noted.append(one.prompt)
        elif one.kind is TurnKind.MORE and found:
            found[-1] = _going_on(found[-1], one.answer)
        elif one.answer:
            found.append(Exchange(asked=_joined([*noted, one.prompt]), answer=one.answer))
            noted = []
    if turn.kind is TurnKind.MORE and found:
        return found
    return [*found, Exchange(asked=_joined([*noted, turn.prompt]))]


def messages_of(
    exchanges: Sequence[Exchange], *, system: RedactedText | None, has_system_role: bool = True
) -> list[Message]:
    """Turns of user and assistant, one after the other. Where there is no role for it, the system prompt stands in
    front of the first."""
    messages: list[Message] = []
    in_front = ""
    if system is not None and has_system_role:
        messages.append(Message(speaker=Speaker.SYSTEM, text=system))
    elif system is not None:
        in_front = f"{system.text}\n\n"
    for one in exchanges:
        messages.append(Message(speaker=Speaker.USER, text=seen_by_model(in_front + one.asked)))
        in_front = ""
        if one.answer:
            messages.append(Message(speaker=Speaker.ASSISTANT, text=seen_by_model(one.answer)))
    return messages


async def fit(
    exchanges: Sequence[Exchange], count: Callable[[Sequence[Exchange]], Awaitable[int | None]], *, most: int | None
) -> Fitted:
    """As many of the last exchanges as come to at most `most` tokens. Raises PromptRefusedError if not even the last
    one does, and what `count` raises."""
    kept = list(exchanges)
    for _ in range(RECOUNTS):
        told = await count(kept)
        tokens = _guess(kept) if told is None else told
        if most is None or tokens <= most:
            return Fitted(exchanges=kept, tokens=tokens, left_out=_prompts(exchanges) - _prompts(kept))
        if len(kept) == 1:
            raise PromptRefusedError(
                f"This is too long for the model: it comes to {tokens:,} tokens, and the model reads at most {most:,} "
                "beside its answer. Shorten it, or ask for a shorter answer in Settings."
            )
        kept = _without_oldest(kept, share=1 - most / tokens)
    return Fitted(exchanges=kept[-1:], tokens=most or 0, left_out=_prompts(exchanges) - 1)


def input_limit(*, max_input: int | None, max_total: int | None, answer: int | None) -> int | None:
    """Tokens that a prompt may have beside its answer of so many; None where the engine tells no limit."""
    if max_total is None:
        return max_input
    kept_free = max_total // ANSWER_SHARE if answer is None else min(answer, max_total // 2)
    room = max_total - max(1, kept_free)
    return room if max_input is None else min(room, max_input)


def answer_limit(*, max_total: int | None, prompt: int, answer: int | None) -> int | None:
    """Tokens that the answer may have after a prompt of so many; None: the engine decides."""
    if max_total is None:
        return answer
    room = max(1, max_total - prompt)
    return room if answer is None else min(answer, room)


def _without_oldest(kept: Sequence[Exchange], *, share: float) -> list[Exchange]:
    """Leaves out so many that this share of the text goes, at least one and never the last."""
    excess = share * sum(map(_size, kept))
    gone, number = 0, 0
    while number < len(kept) - 1 and (number == 0 or gone < excess):
        gone += _size(kept[number])
        number += 1
    return list(kept[number:])


def _size(exchange: Exchange) -> int:
    return len(exchange.asked) + len(exchange.answer)


def _guess(exchanges: Sequence[Exchange]) -> int:
    return sum(_size(one) // CHARACTERS_A_TOKEN + 8 for one in exchanges)


def _prompts(exchanges: Sequence[Exchange]) -> int:
    return sum(one.prompts for one in exchanges)


def _going_on(exchange: Exchange, more: str) -> Exchange:
    return Exchange(asked=exchange.asked, answer=exchange.answer + more, prompts=exchange.prompts)


def _joined(texts: Sequence[str]) -> str:
    return "\n\n".join(text for text in texts if text)
