"""E-mail addresses, those inside links and percent-encoded ones too."""

import re
from collections.abc import Iterator

# Word bounds are those of ASCII: in Chinese or Japanese no space stands between a value and the words around it.
_LETTER = r"A-Za-z0-9\u00c0-\u052f"
_LOCAL_PART = re.compile(rf"[{_LETTER}][{_LETTER}_.+%'-]{{0,63}}\Z")
_DOMAIN = re.compile(
    rf"(?:@|%40| ?[\[(](?:at|AT)[\])] ?)(?:[{_LETTER}](?:[{_LETTER}-]{{0,62}})(?:\.| ?[\[(](?:dot|DOT)[\])] ?)){{1,12}}"
    r"[A-Za-z\u00c0-\u052f]{2,24}"
)


def emails(text: str) -> Iterator[tuple[int, int]]:
    """From the `@` to both sides, so that a long run of letters costs nothing."""
    for found in _DOMAIN.finditer(text):
        local = _LOCAL_PART.search(text, max(0, found.start() - 64), found.start())
        if local is not None:
            yield local.start(), found.end()
