"""Where values that a conversation knows stand in a text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from core.redaction.model import EntityType
from core.redaction.name_parts import is_ordinary, tells
from core.redaction.phrases import Number, Phrase, Phrases
from core.redaction.slack_ids import without_slack_ids
from core.redaction.vault import NUMBERS, Vault

SHORTEST_KNOWN = 4
"""Characters of a value that is replaced wherever else it stands, though nothing tells there what it is."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text, and the kind of placeholder for it."""

    start: int
    end: int
    kind: str


_made: WeakKeyDictionary[Vault, tuple[int, Phrases]] = WeakKeyDictionary()
"""For how many values; a vault only ever gets more."""


def known_in(folded: str, found: Sequence[Span], vault: Vault) -> list[Span]:
    """Where values of the conversation stand, and parts of people's names, as words of their own, that nothing else
    found in this text. A single word of a name that is an ordinary word, or short, counts with a capital alone."""
    size, phrases = _made.get(vault, (0, None))
    if phrases is None or size != len(vault.values):
        phrases = Phrases(_known(vault))
        _made[vault] = len(vault.values), phrases
    return [Span(start, end, kind) for start, end, kind in phrases.find(without_slack_ids(blanked(folded, found)))]


def blanked(text: str, spans: Sequence[Span]) -> str:
    """As long as it was, with nothing where these stand."""
    if not spans:
        return text
    characters = list(text)
    for span in spans:
        characters[span.start : span.end] = "\0" * (span.end - span.start)
    return "".join(characters)


def name_phrase(name: str) -> Phrase:
    """For a caseless name, or part of one."""
    needs_capital = " " not in name and (len(name) < SHORTEST_KNOWN or is_ordinary(name))
    return Phrase(name, EntityType.PERSON, needs_capital=needs_capital)


def _known(vault: Vault) -> Iterator[Phrase | Number]:
    for kind, value in vault.entities():
        if kind == EntityType.PERSON:
            if " " in value or tells(value):
                yield name_phrase(value)
        elif len(value) >= SHORTEST_KNOWN:
            yield Number(value, kind) if kind in NUMBERS else Phrase(value, kind)
    yield from map(name_phrase, vault.parts())
