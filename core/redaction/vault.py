"""Which placeholder stands for which value in one conversation."""

from collections.abc import Collection, Iterator, Mapping

from core.redaction.folding import fold
from core.redaction.model import EntityType
from core.redaction.name_parts import core_of, parts_of
from core.redaction.phrases import caseless
from core.redaction.placeholders import LINK, LITERAL, MOST_WAYS, is_base, kind_of, number_of, placeholder

NUMBERS = frozenset({EntityType.PHONE, EntityType.CARD, EntityType.IBAN, EntityType.NATIONAL_ID})
"""What separates the characters of these does not count."""


class Vault:
    """Values and their placeholders.

    A value has one number: in any case, in whatever way it is hidden or encoded (core/redaction/folding.py), a person
    with title and `'s` or without. Each way to write it has a letter, so that it comes back byte for byte. What follows
    a name of several words and is part of it ("Alice" after "Alice Smith") has its number, too, as long as nobody
    shares it; then it gets its own. Links and words that look like placeholders are the same only to the letter. What a
    placeholder stands for never changes."""

    def __init__(self, values: Mapping[str, str] | None = None, released: Collection[tuple[str, str]] = ()) -> None:
        """As `values` and `released` gave them."""
        self._released = {(kind, value) for kind, value in released}
        self._values: dict[str, str] = {}
        self._written: dict[tuple[str, int, str], str] = {}
        """Type, number and the very text -> placeholder."""
        self._numbers: dict[tuple[str, str], int] = {}
        """Type and what counts of a value -> number."""
        self._ways: dict[tuple[str, int], int] = {}
        """Type and number -> how many ways to write it there are."""
        self._last: dict[str, int] = {}
        """Type -> highest number."""
        self._parts: dict[str, set[int]] = {}
        """Part of a person's name -> numbers of all who have it."""
        for one, value in (values or {}).items():
            self._keep(one, value)

    @property
    def values(self) -> Mapping[str, str]:
        """By placeholder: what is kept of it, encrypted."""
        return self._values

    @property
    def released(self) -> Collection[tuple[str, str]]:
        """What somebody sent as it is: type and what counts of the value."""
        return self._released

    def copy(self) -> "Vault":
        return Vault(self._values, self._released)

    def knows(self, kind: str, value: str) -> bool:
        return self._number(kind, _what_counts(kind, value)) is not None

    def release(self, kind: str, value: str) -> None:
        """It may be sent as it is from now on, where the policy only warns of it."""
        self._released.add((kind, _what_counts(kind, value)))

    def is_released(self, kind: str, value: str) -> bool:
        return (kind, _what_counts(kind, value)) in self._released

    def add(self, kind: str, value: str) -> str:
        """The value's placeholder, a new one if it has none."""
        number = self._number(kind, _what_counts(kind, value))
        if number is not None and (known := self._written.get((kind, number, value))) is not None:
            return known
        way = 0 if number is None else self._ways[kind, number]
        if number is None or way == MOST_WAYS:
            number, way = self._last.get(kind, 0) + 1, 0
        new = placeholder(kind, number, way)
        self._keep(new, value)
        return new

    def entities(self) -> Iterator[tuple[str, str]]:
        """Type and what counts of all that was found in texts."""
        return (key for key in self._numbers if key[0] not in (LITERAL, LINK))

    def parts(self) -> Collection[str]:
        """What names of several words consist of, caseless."""
        return self._parts

    def _number(self, kind: str, counts: str) -> int | None:
        if (kind, counts) in self._numbers:
            return self._numbers[kind, counts]
        whose = self._parts.get(counts, ()) if kind == EntityType.PERSON else ()
        return next(iter(whose)) if len(whose) == 1 else None

    def _keep(self, one: str, value: str) -> None:
        kind, number = kind_of(one), number_of(one)
        self._values[one] = value
        self._written[kind, number, value] = one
        self._ways[kind, number] = self._ways.get((kind, number), 0) + 1
        self._last[kind] = max(self._last.get(kind, 0), number)
        if is_base(one):
            counts = _what_counts(kind, value)
            self._numbers[kind, counts] = number
            for part in parts_of(counts) if kind == EntityType.PERSON else ():
                self._parts.setdefault(part, set()).add(number)


def _what_counts(kind: str, value: str) -> str:
    if kind in (LITERAL, LINK):
        return value
    plain, _ = caseless(fold(value)[0])
    plain = " ".join(plain.split())
    if kind in NUMBERS:
        return "".join(filter(str.isalnum, plain)) or plain
    return core_of(plain) if kind == EntityType.PERSON else plain
