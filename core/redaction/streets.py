"""Streets with their numbers. Each begins with a number: the words behind it are looked at, then those before it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib.resources import files

from core.redaction.address_pieces import Piece, Strength

_WORDS: dict[str, Sequence[str]] = {
    key: words.split()
    for key, words in tomllib.loads(
        files("core.redaction").joinpath("street_words.toml").read_text(encoding="utf-8")
    ).items()
}
_SURE = frozenset(_WORDS["english"])
_SURE_IN_LOWER = frozenset(_WORDS["english_in_lower"])
_UNSURE = frozenset(_WORDS["english_unsure"])
_NO_NAMES = frozenset(_WORDS["no_names"])
_OFTEN_NO_STREET = frozenset({"way", "place", "square", "circle", "drive"})
_DIRECTIONS = frozenset({"n", "s", "e", "w", "ne", "nw", "se", "sw", "north", "south", "east", "west"})
_ORDINALS = ("st", "nd", "rd", "th")
_ALL_PREFIXES = frozenset([*_WORDS["prefixes"], *_WORDS["prefixes_unsure"]])
_SUFFIXES, _SUFFIXES_OF_NAMES = frozenset(_WORDS["suffixes"]), frozenset(_WORDS["suffixes_of_names"])
_ALL_SUFFIXES = (*_WORDS["suffixes"], *_WORDS["suffixes_of_names"], *_WORDS["suffixes_unsure"])
PREFIXES = "|".join(map(re.escape, _WORDS["prefixes"]))

_LETTER = r"A-Za-z\u00c0-\u024f\u0300-\u036f"
_BIG = r"A-Z\u00c0-\u00de\u0100-\u017d\u0410-\u042f"
_NUMBER = re.compile(
    r"(?<![\w.,:$\u20ac\u00a3#%+=/-])\d{1,6}(?: ?[-/] ?\d{1,4})?(?: ?[A-Za-z]\b)?(?: (?:bis|ter|quater)\b)?"
    rf"(?![\w%\u20ac:=]|[.,/-]\d)(?=(?P<words>(?:,? [{_LETTER}0-9][{_LETTER}0-9.'\u2019-]{{0,30}}){{0,7}}))"
)
_BEFORE = 80
"""Characters in front of a number in which its street stands."""
_PARTICLE = r"(?:de|du|des|la|le|les|del|della|dei|degli|di|da|do|dos|das|los|las|el|of|the|y|e|i|von|van|zur?|zum)"
_NAME = rf"(?:{_PARTICLE} |[dl]['\u2019])*[{_BIG}0-9][\w.'\u2019-]{{0,30}}"
_NAMES_BEHIND = re.compile(rf"{_NAME}(?: {_NAME}){{0,3}}")
_KIND = rf"(?:(?P<sure>(?i:{PREFIXES}))|(?i:{'|'.join(map(re.escape, _WORDS['prefixes_unsure']))}))(?:\.|\b)"
_KIND_BEHIND = re.compile(rf",? {_KIND} ")
_NUMBER_SIGN = r",? ?(?:n[o\u00b0\u00ba.]{1,2} ?)?"
_PREFIXED = re.compile(rf"(?<![\w/]){_KIND} ?{_NAME}(?: {_NAME}){{0,4}}{_NUMBER_SIGN}\Z")
_NAME_AT_END = re.compile(rf"(?<!\w)[{_BIG}][\w.'\u2019-]{{0,30}}{_NUMBER_SIGN}\Z")
_SUFFIXED = re.compile(rf"(?<![\w-])(?:[{_BIG}][{_LETTER}.-]{{1,30}} ){{0,2}}[{_LETTER}.-]{{1,50}},? \Z")


def streets(text: str) -> Iterator[Piece]:
    for number in _NUMBER.finditer(text):
        words = number["words"].split(" ")[1:]
        if words and not words[0].isdecimal():
            piece = _english(number, words)
            if piece is None and words[0].rstrip(".").lower() in _ALL_PREFIXES:
                piece = _prefixed_behind(text, number)
            if piece is not None:
                yield piece
        before = text[max(0, number.start() - _BEFORE) : number.start()]
        if before.endswith((" ", "\u00b0", "\u00ba")):
            piece = _prefixed_before(before, number) or _suffixed_before(before, number)
            if piece is not None:
                yield piece


def _english(number: re.Match[str], words: Sequence[str]) -> Piece | None:
    """`12 North Main St. E`: these are the words behind the number."""
    for count in range(1, min(len(words), 5)):
        if words[count - 1].endswith(","):
            return None
        street = [one.strip(".,") for one in words[: count + 1]]
        strength = _strength(number[0], street)
        if strength is not None:
            next_word = words[count + 1].strip(".,") if len(words) > count + 1 else ""
            is_direction = next_word.lower() in _DIRECTIONS and next_word[0].isupper()
            has_it = is_direction and not words[count].endswith(",")
            whole = " ".join(words[: count + 2 if has_it else count + 1]).rstrip(".,")
            return Piece(number.start(), number.end() + number["words"].index(" ") + 1 + len(whole), strength)
    return None


def _strength(number: str, street: Sequence[str]) -> Strength | None:
    """Of words that are a street if the last is a kind of street."""
    names, last = street[:-1], street[-1]
    kind = last.lower()
    if kind not in _SURE and kind not in _UNSURE:
        return None
    digits = sum(map(str.isdigit, number))
    is_named = all(one[:1].isupper() or (one.endswith(_ORDINALS) and one[0].isdigit()) for one in names)
    if is_named and (last[0].isupper() or kind in _SURE_IN_LOWER):
        is_sure = kind in _SURE and not (kind in _OFTEN_NO_STREET and digits == 1 and len(names) > 1)
        return Strength.ALONE if is_sure or (digits >= 3 and len(names) <= 2) else Strength.STREET
    is_name = all((one.isalpha() or one.endswith(_ORDINALS)) and one.lower() not in _NO_NAMES for one in names)
    if not is_name or len(names) > 3:
        return None
    is_sure = kind in _SURE_IN_LOWER and (digits >= 2 or len(names) == 1)
    return Strength.ALONE if is_sure else Strength.STREET


def _prefixed_behind(text: str, number: re.Match[str]) -> Piece | None:
    """`12 bis, rue de la Paix`."""
    kind = _KIND_BEHIND.match(text, number.end())
    name = None if kind is None else _NAMES_BEHIND.match(text, kind.end())
    if kind is None or name is None:
        return None
    return Piece(number.start(), name.end(), Strength.ALONE if kind["sure"] else Strength.STREET)


def _prefixed_before(before: str, number: re.Match[str]) -> Piece | None:
    """`Calle de Alcal\u00e1, 45`."""
    found = _PREFIXED.search(before) if _NAME_AT_END.search(before) else None
    if found is None:
        return None
    is_sure = found["sure"] or found[0][0].isupper()
    start = number.start() - len(before) + found.start()
    return Piece(start, number.end(), Strength.ALONE if is_sure else Strength.STREET)


def _suffixed_before(before: str, number: re.Match[str]) -> Piece | None:
    """`Hauptstra\u00dfe 5`."""
    last = before.rstrip(" ,").rpartition(" ")[2]
    names = _SUFFIXED.search(before) if last.lower().endswith(_ALL_SUFFIXES) else None
    if names is None:
        return None
    suffix = next(one for one in _ALL_SUFFIXES if last.lower().endswith(one))
    has_capital = suffix in _SUFFIXES_OF_NAMES and names[0][0].isupper()
    is_named = " " in names[0].rstrip() or len(last) > len(suffix)
    is_sure = is_named and (suffix in _SUFFIXES or has_capital or last.endswith(f"-{suffix.title()}"))
    start = number.start() - len(before) + names.start()
    return Piece(start, number.end(), Strength.ALONE if is_sure else Strength.STREET)
