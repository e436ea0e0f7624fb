"""Finds many phrases at once in one pass over a text, at word bounds."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.redaction.folding import is_one_word

_LETTERS = r"[^\W\d_\u0530-\U0010ffff]+"
_WORDS = re.compile(rf"{_LETTERS}|\d+|\S")
"""A phrase begins where one of these does: a word, a number, a mark, a character of a script without spaces."""
_SPACES = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[\s./()_-]{0,3}")
"""What may stand between two characters of a number."""
_NUMBER_FRONT = 4


@dataclass(frozen=True, slots=True)
class Phrase:
    text: str
    """Caseless."""
    kind: str
    needs_capital: bool = False
    """In lower case it means something else."""


@dataclass(frozen=True, slots=True)
class Number:
    """What is the same whatever separates its characters, such as that of a telephone."""

    text: str
    """Letters and digits only, at least `_NUMBER_FRONT`; caseless."""
    kind: str


class Phrases:
    """Made once, asked often. A space in a phrase stands for any white space."""

    def __init__(self, phrases: Iterable[Phrase | Number]) -> None:
        self._words: dict[str, list[Phrase]] = {}
        self._numbers: dict[str, list[Number]] = {}
        for one in sorted(phrases, key=lambda one: -len(one.text)):
            first = _WORDS.search(one.text)
            if isinstance(one, Number):
                self._numbers.setdefault(one.text[:_NUMBER_FRONT], []).append(one)
            elif first is not None:
                self._words.setdefault(first[0], []).append(one)

    def find(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Where they stand in a folded text, and of what kind they are; in order, the longest of those that begin
        together, none touching another."""
        if not self._words and not self._numbers:
            return
        text, places = caseless(folded)
        end = 0
        for word in _WORDS.finditer(text):
            start = word.start()
            if start < end:
                continue
            found = self._phrase_at(text, start, word[0], is_capital=not folded[places[start]].islower())
            if found is None and self._numbers:
                found = self._number_at(text, start)
                start -= start > end and text[start - 1] == "+"
            if found is not None:
                end, kind = found
                yield places[start], places[end], kind

    def _phrase_at(self, text: str, start: int, word: str, *, is_capital: bool) -> tuple[int, str] | None:
        for phrase in self._words.get(word, ()):
            end = _end_of(phrase.text, text, start)
            if end is not None and (is_capital or not phrase.needs_capital):
                return end, phrase.kind
        return None

    def _number_at(self, text: str, start: int) -> tuple[int, str] | None:
        front, _ = _characters(text, start, _NUMBER_FRONT)
        for number in self._numbers.get(front, ()):
            characters, end = _characters(text, start, len(number.text))
            if characters == number.text and not is_one_word(text[end - 1 : end + 1]):
                return end, number.kind
        return None


def caseless(folded: str) -> tuple[str, Sequence[int]]:
    """Without case and with accents composed, and for each character, and for the end, where that stands."""
    text = folded.casefold()
    if folded.isascii() or (len(text) == len(folded) and unicodedata.is_normalized("NFC", text)):
        return text, range(len(text) + 1)
    pieces: list[str] = []
    places: list[int] = []
    start = 0
    while start < len(folded):
        end = start + 1
        while end < len(folded) and unicodedata.combining(folded[end]):
            end += 1
        piece = unicodedata.normalize("NFC", folded[start:end].casefold())
        pieces.append(piece)
        places += [start] * len(piece)
        start = end
    return "".join(pieces), [*places, len(folded)]


def _end_of(phrase: str, text: str, start: int) -> int | None:
    """Where it ends that begins here."""
    place = start
    for number, word in enumerate(phrase.split()):
        if number:
            spaces = _SPACES.match(text, place)
            if spaces is None:
                return None
            place = spaces.end()
        if not text.startswith(word, place):
            return None
        place += len(word)
    return None if is_one_word(text[place - 1 : place + 1]) else place


def _characters(text: str, start: int, count: int) -> tuple[str, int]:
    """So many letters and digits from here on, or fewer if something else stands there, and where they end."""
    found: list[str] = []
    place = end = start
    while len(found) < count and place < len(text) and text[place].isalnum():
        found.append(text[place])
        end = place + 1
        separators = _SEPARATORS.match(text, end)
        place = end if separators is None else separators.end()
    return "".join(found), end
