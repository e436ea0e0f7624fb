"""A tokenizer of the lab's own: short pieces of text that join to the whole again."""

import re
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

PIECE = re.compile(r"\s?\w{1,8}|\s?[^\w\s]|\s")
BEYOND = 0x10000
"""A character from here on takes three tokens; the text stands in the last."""


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    id: int
    logprob: float = -0.25
    special: bool = False


class Finish(StrEnum):
    """In TGI's words."""

    END = "eos_token"
    LENGTH = "length"
    STOP = "stop_sequence"


@dataclass(frozen=True, slots=True)
class Step:
    token: Token
    finish: Finish | None = None
    """Given with the last."""


def tokens(text: str) -> list[Token]:
    """Their texts join to `text`."""
    found: list[Token] = []
    for piece in PIECE.findall(text):
        if ord(piece[-1]) >= BEYOND:
            found += [_token(""), _token("")]
        found.append(_token(piece))
    return found


def count(text: str) -> int:
    return len(tokens(text))


def steps(answer: str, *, most: int, stop: list[str], end: str) -> list[Step]:
    """The generation of an answer of at most `most` tokens, through the first that completes a stop sequence, else
    through the token `end`."""
    made: list[Step] = []
    text = ""
    for token in tokens(answer):
        text += token.text
        finish = Finish.LENGTH if len(made) + 1 >= most else None
        if any(sequence in text for sequence in stop):
            finish = Finish.STOP
        made.append(Step(token, finish))
        if finish:
            return made
    return [*made, Step(Token(end, 2, -0.1, special=True), Finish.END)]


def _token(piece: str) -> Token:
    return Token(piece, 300 + crc32(piece.encode()) % 100_000)
