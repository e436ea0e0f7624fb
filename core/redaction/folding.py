"""A text as detectors read it: without what hides a value from them. Only the original ever goes anywhere."""

import unicodedata
from collections.abc import Sequence


def fold(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters, and for its end, where that stands in the original.

    Format characters (zero-width, soft hyphens, direction marks) go; other characters come in their compatibility form,
    digits of any script as 0-9, spaces as a space, hyphens as a hyphen."""
    if text.isascii():
        return text, range(len(text) + 1)
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for one in _folded(character):
            folded.append(one)
            places.append(place)
    return "".join(folded), [*places, len(text)]


def lowered(text: str) -> str:
    """In lower case and as long as before."""
    return text.replace("\u0130", "i").lower()  # the one letter that would grow


def is_one_word(two: str) -> bool:
    """Whether these are two letters, or two digits: no word or number ends between them. In scripts that put no space
    between words, one may."""
    return len(two) == 2 and two.isalnum() and max(two) < "\u0530" and two[0].isdecimal() == two[1].isdecimal()


def _folded(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\u2212":
        return "-"
    digit = unicodedata.decimal(character, None)
    return str(digit) if digit is not None else unicodedata.normalize("NFKC", character)
