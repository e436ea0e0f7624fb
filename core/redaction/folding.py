"""A text as detectors read it: without what hides a value from them. Only the original ever goes anywhere."""

import re
import unicodedata
from collections.abc import Sequence

_TO_FOLD = re.compile(r"&(?:amp|lt|gt);|[^\x00-\x7f]")
_ESCAPE = re.compile(r"&(?:amp|lt|gt);")
_ESCAPES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
"""Slack's, all there are."""
_WORD = re.compile(r"\w+")
_LOOK_ALIKE = str.maketrans(
    "АВЕКМНОРСТУХІЈЅԚԜаеорсухіјѕԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορ",
    "ABEKMHOPCTYXIJSQWaeopcyxijsdhqwABEZHIKMNOPTYXaivop",
)
"""Letters of Cyrillic and Greek -> Latin (Unicode Technical Standard 39, confusables)."""


def fold(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters, and for its end, where that stands in the original.

    Format characters (zero-width, soft hyphens, direction marks) go; other characters come in their compatibility form,
    digits of any script as 0-9, spaces as a space, hyphens as a hyphen; Slack's escapes are undone. A letter that only
    looks like a Latin one is taken for that, inside a word that has Latin ones."""
    if text.isascii() and "&" not in text:
        return text, range(len(text) + 1)
    folded: list[str] = []
    places: list[int] = []
    done = 0
    for found in _TO_FOLD.finditer(text):
        place = found.start()
        one = _folded(found[0])
        folded += (text[done:place], one)
        places += range(done, place)
        places += [place] * len(one)
        done = found.end()
    folded.append(text[done:])
    places += range(done, len(text) + 1)
    whole = "".join(folded)
    return whole if whole.isascii() else _WORD.sub(_in_latin, whole), places


def stretch(text: str, places: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Where a stretch of the folded text stands in the original, without what was dropped behind it."""
    last = places[end - 1]
    escape = _ESCAPE.match(text, last)
    return places[start], last + 1 if escape is None else escape.end()


def lowered(text: str) -> str:
    """In lower case and as long as before."""
    return text.replace("\u0130", "i").lower()  # the one letter that would grow


def is_one_word(two: str) -> bool:
    """Whether these are two letters, or two digits: no word or number ends between them. In scripts that put no space
    between words, one may."""
    return len(two) == 2 and two.isalnum() and max(two) < "\u0530" and two[0].isdecimal() == two[1].isdecimal()


def _folded(one: str) -> str:
    if one.isascii():
        return _ESCAPES[one]
    category = unicodedata.category(one)
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    if category == "Pd" or one == "\u2212":
        return "-"
    digit = unicodedata.decimal(one, None)
    return str(digit) if digit is not None else unicodedata.normalize("NFKC", one)


def _in_latin(word: re.Match[str]) -> str:
    if word[0].isascii() or not any("A" <= one <= "z" and one.isalpha() for one in word[0]):
        return word[0]
    return word[0].translate(_LOOK_ALIKE)
