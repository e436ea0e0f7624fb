"""How names are written, and which words are none."""

from functools import cache
from importlib.resources import files

_BIG = (
    r"A-Z\u00c0-\u00d6\u00d8-\u00de\u0100\u0104\u0106\u010c\u010e\u0110\u0118\u011a\u011e\u0130\u0139\u013d\u0141\u0143\u0147"
    r"\u0150\u0158-\u015a\u015e\u0160\u0164\u016e\u0170\u0178-\u017b\u017d\u0218\u021a"
)
_SMALL = r"a-z\u00df-\u00f6\u00f8-\u017e\u0219\u021b\u0300-\u036f"
_FRONT = r"(?:[A-Z]['\u2019]|Ma?c|D[aei]|La|Le|V[ao]n)?"
_PARTICLE = r"(?:van|von|de|der|den|da|di|del|della|dos|du|la|le|al|el|bin|ibn|ter|ten|zu|y)"
_NEXT = rf"(?: [{_BIG}]\.?)?(?: {_PARTICLE}){{0,2}}"

WORD = rf"{_FRONT}[{_BIG}][{_SMALL}]+(?:[-'\u2019][{_BIG}{_SMALL}][{_SMALL}]+)?"
"""`Alice`, `Anna-Lena`, `O'Brien`, `McCoy`."""
FULL = rf"{WORD}(?:{_NEXT} {WORD}){{1,3}}"
NAME = rf"{WORD}(?:{_NEXT} {WORD}){{0,3}}"
ANY = rf"{FULL}|(?:[{_BIG}]\.[ -]?){{1,3}}{WORD}|{NAME}"
"""In the usual case, with initials or not."""
CAPITALS = rf"[{_BIG}'-]{{2,20}}"
SHOUTED = rf"(?:{CAPITALS} ){{1,2}}{CAPITALS}"
LOWER = rf"[{_SMALL}][{_SMALL}'\u2019-]{{1,24}}"
ENDS = r"(?![\w(\[{=/\\@$]|[.:]\w|::|->|_)"
"""No identifier, call or path goes on behind it."""


def name_size(name: str, *, fewest_words: int = 1) -> int:
    """How many characters of it are a name: an ordinary word ends it. 0: there is none."""
    words = name.split(" ")
    count = next((at for at, word in enumerate(words) if _is_ordinary(word)), len(words))
    while count and words[count - 1][0].islower() and words[0][0].isupper():
        count -= 1
    return len(" ".join(words[:count])) if count >= fewest_words else 0


def _is_ordinary(word: str) -> bool:
    return word.lower().replace("\u2019", "'").rstrip(".,").removesuffix("'s") in _words_no_names()


@cache
def _words_no_names() -> frozenset[str]:
    lines = files("core.redaction").joinpath("words_no_names.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
