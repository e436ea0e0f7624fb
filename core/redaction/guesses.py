"""What is believed of a model's guesses."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files

from core.redaction.model import EntityType, Finding
from core.redaction.not_names import ends_like_a_company, is_of_computing, trimmed

GUESSED = 0.85
"""As sure as a guess is: below every form."""

Guess = tuple[int, int, EntityType]
Span = tuple[int, int]

_LETTERS = re.compile(r"[^\W\d_]+")
_NAME = r"[^\W\d_a-z][^\W\d_]*\.?(?:[-'\u2019][^\W\d_]+)*"
_LIKE_A_PERSON = re.compile(
    rf"{_NAME}(?: (?:(?:van|von|de|der|den|da|di|del|dos|du|la|le|al|el|bin|y) ){{0,2}}{_NAME}){{1,3}}"
)


class Believer:
    def __init__(self, ordinary: Collection[str]) -> None:
        """`ordinary` are the words of a dictionary, in lower case: a name holds one at least that is not among them."""
        self._ordinary = ordinary

    def believed(
        self, text: str, guesses: Iterable[Guess], *, code: Sequence[Span], by_form: Sequence[Finding]
    ) -> Iterator[Finding]:
        """Names of one line each, outside of code and of what has a form and is something else, and without what only
        surrounds them."""
        taken: dict[EntityType, Sequence[Span]] = {}
        for start, end, kind in guesses:
            if kind not in taken:
                taken[kind] = _joined([*code, *((one.start, one.end) for one in by_form if one.type is not kind)])
            for first, last in _outside(_lines(text, start, end), taken[kind]):
                begin, stop = trimmed(text, first, last)
                what = self._kind(text[begin:stop], kind)
                if what is not None:
                    yield Finding(start=begin, end=stop, type=what, score=GUESSED)

    def _kind(self, name: str, guessed: EntityType) -> EntityType | None:
        """What it is rather than what was guessed: a small model takes many people for organizations."""
        words = _LETTERS.findall(name.casefold())
        if len(name) < 2 or not words or is_of_computing(words):
            return None
        if not any(map(str.isupper, name)):
            is_one = guessed is EntityType.LOCATION or (
                guessed is EntityType.PERSON and self._is_a_name_in_lower_case(words)
            )
            return guessed if is_one else None
        if guessed is not EntityType.PERSON and not self._is_a_person(name, words, guessed):
            return guessed
        return None if name.isupper() or self._are_ordinary(words) else EntityType.PERSON

    def _is_a_person(self, name: str, words: Sequence[str], guessed: EntityType) -> bool:
        if guessed is EntityType.ORGANIZATION and _LIKE_A_PERSON.fullmatch(name):
            return not (name.isupper() or ends_like_a_company(words) or self._are_ordinary(words))
        return len(words) == 1 and words[0] in _words_of("first_names.txt")

    def _is_a_name_in_lower_case(self, words: Sequence[str]) -> bool:
        if len(words) == 1:
            return words[0] in _words_of("first_names.txt")
        return not any(self._is_ordinary(word) for word in words)

    def _are_ordinary(self, words: Sequence[str]) -> bool:
        return all(self._is_ordinary(word) for word in words)

    def _is_ordinary(self, word: str) -> bool:
        if word in _words_of("dictionary_names.txt"):
            return False
        stems = (word.removesuffix(ending) for ending in ("", "s", "es", "d", "ed", "ing"))
        return any(stem in self._ordinary for stem in stems)


def outermost(found: Iterable[Finding]) -> Iterator[Finding]:
    """Without what lies in another of its type that is as sure: a name that a window's end cut is whole in the next."""
    last: dict[EntityType, Finding] = {}
    for one in sorted(found, key=lambda one: (one.start, -one.end, -one.score)):
        outer = last.get(one.type)
        if outer is None or one.end > outer.end or one.score > outer.score:
            last[one.type] = one
            yield one


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    for line in text[start:end].splitlines(keepends=True):
        yield start, start + len(line)
        start += len(line)


def _joined(spans: Iterable[Span]) -> Sequence[Span]:
    """In order, none touching another."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _outside(stretches: Iterable[Span], taken: Sequence[Span]) -> Iterator[Span]:
    for start, end in stretches:
        place = start
        for at in range(bisect_right(taken, start, key=lambda one: one[1]), len(taken)):
            first, last = taken[at]
            if first >= end:
                break
            yield place, max(place, first)
            place = last
        yield place, max(place, end)


@cache
def _words_of(file: str) -> frozenset[str]:
    lines = files("core.redaction").joinpath(file).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
