"""What a workspace knows by itself: the names of its people, and its team's own lists."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

from core.redaction.folding import fold
from core.redaction.known import name_phrase
from core.redaction.model import EntityType, Finding
from core.redaction.name_parts import core_of, parts_of
from core.redaction.phrases import Phrases, caseless
from core.redaction.slack_ids import without_slack_ids

DIGEST_BYTES = 16
SURE = 1.0
_PIECE = re.compile(r"[^\W\d_\u0530-\U0010ffff]+|\d+|[^\s,;:!?\"'()<>\[\]{}=*`~|/\\_.\u2019\u2013\u2014-]")
"""What a term may begin and end with: a word, a number, a character of a script without spaces, `+`, `#`, `@`."""
_EDGES = ",;:!?\"'()<>[]{}=*`~|/\\_.\u2019\u2013\u2014- "
_WHITE = re.compile(r"\s+")
_WRITER = re.compile(r"[^:\n]{1,100}(?=:)")
"""In front of what somebody else said in the thread (core/talk/service.py)."""
_COMMENT = re.compile(r"(?:^|\s)#.*")
_MOST_PIECES = 2
"""For each word of a term: `Smith-Jones` has two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """`find` and `allows` are given folded text."""

    people: Sequence[str] = ()
    """Full names of the workspace's people: each is a name wherever it stands."""
    present: Sequence[str] = ()
    """Of those in the channel or mentioned: their parts are names too."""
    key: bytes = field(default=b"", repr=False)
    denied: Mapping[bytes, EntityType] = field(default_factory=dict[bytes, EntityType])
    allowed: frozenset[bytes] = frozenset()
    longest: int = 8
    """Words that a term may have."""

    def find(self, folded: str) -> list[Finding]:
        """Names, and what is on the team's list of what must not be told."""
        folded = without_slack_ids(folded)
        names = [
            Finding(start=start, end=end, type=EntityType.PERSON, score=SURE)
            for phrases in (_full_names(tuple(self.people)), _parts_of_names(tuple(self.present)))
            for start, end, _ in phrases.find(folded)
        ]
        writer = _WRITER.match(folded)
        if writer is not None and _plain(writer[0]) in _whole_names(tuple(self.present)):
            names.append(Finding(start=0, end=writer.end(), type=EntityType.PERSON, score=SURE))
        return [*names, *self._terms(folded)] if self.denied else names

    def allows(self, value: str) -> bool:
        """Whether the team said that this is nothing personal."""
        return bool(self.allowed) and digest(value, key=self.key) in self.allowed

    def _terms(self, folded: str) -> Iterator[Finding]:
        """Whatever words follow each other are looked up, since nobody knows here what the terms are."""
        text, places = caseless(folded)
        pieces = [one.span() for one in _PIECE.finditer(text)]
        gaps = [_WHITE.sub(" ", text[end:start]) for (_, end), (start, _) in pairwise(pieces)]
        for first, (start, end) in enumerate(pieces):
            term, words = text[start:end], 1
            for last in range(first, min(first + _MOST_PIECES * self.longest, len(pieces))):
                if last > first:
                    term += gaps[last - 1] + text[slice(*pieces[last])]
                    words += " " in gaps[last - 1]
                if words > self.longest:
                    break
                if (kind := self.denied.get(_digest(term, self.key))) is not None:
                    yield Finding(start=places[start], end=places[pieces[last][1]], type=kind, score=SURE)


@lru_cache(maxsize=8)
def _full_names(people: Collection[str]) -> Phrases:
    return Phrases(name_phrase(one) for one in map(_name, people) if any(map(str.isalpha, one)))


@lru_cache(maxsize=64)
def _whole_names(people: Collection[str]) -> Collection[str]:
    return {_plain(one) for one in people}


@lru_cache(maxsize=64)
def _parts_of_names(people: Collection[str]) -> Phrases:
    return Phrases(name_phrase(part) for one in people for part in parts_of(_name(one)))


def _name(written: str) -> str:
    return core_of(_plain(written))


def _plain(written: str) -> str:
    return " ".join(caseless(fold(written)[0])[0].split())


def digest(term: str, *, key: bytes) -> bytes:
    """The same for all ways to write a term: case, width, spaces and marks around it do not count."""
    return _digest(_plain(term).strip(_EDGES), key)


def _digest(plain: str, key: bytes) -> bytes:
    return blake2b(plain.encode(errors="replace"), key=key, digest_size=DIGEST_BYTES).digest()


def read_terms(text: str) -> Collection[str]:
    """One a line; `#` begins a comment, but not inside a word."""
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    return dict.fromkeys(line for line in lines if line)
