"""How well what was found agrees with what there is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.redaction.model import EntityType
from tests.corpus.generate import Labelled, Span

PLACES = frozenset({EntityType.ADDRESS, EntityType.LOCATION})
"""Peers have one type for both, so that either counts for the other."""


@dataclass(slots=True)
class Score:
    """Of one type. A span is found if one of the same type covers it with an overlap of at least half of both together
    (IoU >= 0.5)."""

    there: int = 0
    found: int = 0
    wrong: int = 0
    """Found where there is nothing of the type."""
    leaked: int = 0
    """Of those that are there: some character is not covered by anything that was found, of whatever type."""

    @property
    def recall(self) -> float:
        return self.found / self.there if self.there else 1.0

    @property
    def precision(self) -> float:
        told = self.found + self.wrong
        return self.found / told if told else 1.0

    @property
    def f2(self) -> float:
        both = 4 * self.precision + self.recall
        return 5 * self.precision * self.recall / both if both else 0.0

    @property
    def leak(self) -> float:
        return self.leaked / self.there if self.there else 0.0


@dataclass(slots=True)
class Scores:
    by_type: dict[EntityType, Score] = field(default_factory=lambda: {one: Score() for one in EntityType})
    missed: Counter[tuple[EntityType, str, str]] = field(default_factory=Counter[tuple[EntityType, str, str]])
    """Type, register, value."""
    invented: Counter[tuple[EntityType, str, str]] = field(default_factory=Counter[tuple[EntityType, str, str]])

    def add(self, text: Labelled, found: Sequence[Span]) -> None:
        for span in text.spans:
            score = self.by_type[span.type]
            score.there += 1
            if any(_agrees(span, one) for one in found):
                score.found += 1
            else:
                self.missed[span.type, text.register, text.text[span.start : span.end]] += 1
            score.leaked += _leaks(text.text, span, found)
        for one in _outermost(found):
            if not any(_agrees(span, one) or _lies_in(one, span) for span in text.spans):
                self.by_type[one.type].wrong += 1
                self.invented[one.type, text.register, text.text[one.start : one.end]] += 1


def _agrees(span: Span, one: Span) -> bool:
    both = min(span.end, one.end) - max(span.start, one.start)
    either = max(span.end, one.end) - min(span.start, one.start)
    return both > 0 and 2 * both >= either and (span.type is one.type or {span.type, one.type} <= PLACES)


def _lies_in(one: Span, span: Span) -> bool:
    """A piece of what there is, such as the city of an address, is not made up."""
    return (
        span.start <= one.start and one.end <= span.end and (span.type is one.type or {span.type, one.type} <= PLACES)
    )


def _leaks(text: str, span: Span, found: Sequence[Span]) -> bool:
    covered = {place for one in found for place in range(max(one.start, span.start), min(one.end, span.end))}
    return any(text[place].isalnum() and place not in covered for place in range(span.start, span.end))


def _outermost(found: Iterable[Span]) -> list[Span]:
    """Without what lies in another of its type."""
    kept: list[Span] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not any(one.type is other.type and one.end <= other.end for other in kept):
            kept.append(one)
    return kept
