"""Which placeholder stands for which value in one conversation."""

from collections.abc import Iterator, Mapping

from core.redaction.folding import fold
from core.redaction.model import EntityType
from core.redaction.placeholders import LINK, LITERAL, kind_of, number_of, placeholder


class Vault:
    """Values and their placeholders. The same value always has the same one, and none is ever given to another.

    A value is the same in whatever way it is hidden or encoded (core/redaction/folding.py), an e-mail in any case: it
    comes back as it was written first. Links and words that look like placeholders are the same only to the letter."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """`values` by placeholder, as `values` gave them."""
        self._values = dict(values or {})
        self._placeholders = {_key(kind_of(one), value): one for one, value in self._values.items()}
        self._numbers: dict[str, int] = {}
        for one in self._values:
            self._numbers[kind_of(one)] = max(self._numbers.get(kind_of(one), 0), number_of(one))

    @property
    def values(self) -> Mapping[str, str]:
        """By placeholder: what is kept of it, encrypted."""
        return self._values

    def add(self, kind: str, value: str) -> str:
        """The value's placeholder, a new one if it has none."""
        key = _key(kind, value)
        known = self._placeholders.get(key)
        if known is not None:
            return known
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        new = placeholder(kind, self._numbers[kind])
        self._values[new] = value
        self._placeholders[key] = new
        return new

    def entities(self) -> Iterator[tuple[str, str]]:
        """Type and folded value of all that was found in texts."""
        return (key for key in self._placeholders if key[0] not in (LITERAL, LINK))


def _key(kind: str, value: str) -> tuple[str, str]:
    if kind in (LITERAL, LINK):
        return kind, value
    folded, _ = fold(value)
    return kind, folded.lower() if kind == EntityType.EMAIL else folded
