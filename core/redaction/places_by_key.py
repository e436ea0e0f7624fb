"""Places that the name of a field tells: `city: "Lisbon"`. The model is not shown single words in code."""

import re
from collections.abc import Iterator

_KEYS = "city|town|country|birth_?place|place_of_birth|home_?town|stadt|ort|ville|pays|ciudad|citt\u00e0|miasto"
_FIELD = re.compile(
    rf"(?<![A-Za-z])(?i:{_KEYS})[\"']? ?[:=] ?[\"']?"
    r"(?P<place>[^\W\d_a-z][^\W\d_]+(?:[ '\u2019-][^\W\d_]+){0,4})(?=[\"',;|)}\]<]|\s*(?:\n|\Z))"
)


def places(text: str) -> Iterator[tuple[int, int]]:
    """In a folded text."""
    if ":" in text or "=" in text:
        for found in _FIELD.finditer(text):
            yield found.span("place")
