r"""What stands in a redacted text in place of a value: `[EMAIL_1]`; `[EMAIL_1_B]` is another way to write the same.

Models change what they repeat. Taken for `[PERSON_1_B]` are also, and in any mixture:
- another case, and spaces: `[person_1_b]`, `[ Person 1 B ]`, `[PERSON _1_B]`
- other brackets: `<PERSON_1_B>`, full-width ones
- escapes: `[PERSON\_1\_B]`, `\[PERSON_1_B\]`
- emphasis or code inside: `[**PERSON_1_B**]`, ``[`PERSON_1_B`]``
- no brackets: `PERSON_1_B`, but only in capitals, with underscores, and as a word of its own
What stands around it, such as `**` or `'s`, stays. A letter that was not given out is left away, but not without
brackets: there `PERSON_1_ID` is something else. A number that was not given out, or none, means nothing."""

import re

from core.redaction.model import EntityType

LITERAL = "TEXT"
"""The kind of what only looks like a placeholder: words that somebody typed."""
LINK = "LINK"
"""The kind of a URL or link with a value inside."""
KINDS = tuple(sorted((*(one.value for one in EntityType), LITERAL, LINK), key=len, reverse=True))
LONGEST = 48
"""Characters that a placeholder may have in any of its forms."""
MOST_WAYS = 26 + 26 * 26
"""To write one value: as many as there are words of two letters."""

_FRONTS = r"\[<\uff3b\uff1c\u3010"
_ENDS = r"\]>\uff3d\uff1e\u3011"
_MARKS = r"[ *_`~]{0,3}"
_BETWEEN = r"(?: ?\\?_ ?| )"
_BETWEEN_BEGUN = r"(?: ?\\?| ?\\?_ ?)"
_BETWEEN_BARE = r"\\?_"
_BETWEEN_BARE_BEGUN = r"\\?_?"
_NUMBER = "[0-9]{1,6}"
_LETTERS = "[A-Z]{1,2}"
_BARE_BEGINS = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]_)"


def _name(form: int, between: str) -> str:
    kinds = "|".join(one.replace("_", between) for one in KINDS)
    return rf"(?P<kind{form}>{kinds}){between}(?P<number{form}>{_NUMBER})(?:{between}(?P<letters{form}>{_LETTERS}))?"


FORMS = re.compile(
    rf"[{_FRONTS}]{_MARKS}{_name(1, _BETWEEN)}{_MARKS}\\?[{_ENDS}]"
    rf"|\\[{_FRONTS}]{_MARKS}{_name(2, _BETWEEN)}{_MARKS}\\[{_ENDS}]"
    rf"|(?-i:{_BARE_BEGINS}{_name(3, _BETWEEN_BARE)}(?=s?(?!\\?_?[A-Za-z0-9])))",
    re.IGNORECASE | re.ASCII,
)


def _begun(between: str, between_begun: str, after: str) -> str:
    """What may yet become a name: a pattern for all that it can begin with. `after`: what may follow before its end is
    settled."""
    kinds = "|".join(_kind_begun(one.split("_"), between, between_begun) for one in KINDS)
    whole = "|".join(one.replace("_", between) for one in KINDS)
    numbered = rf"{between}{_NUMBER}(?:{between_begun}|(?:{between}{_LETTERS})?{after})"
    return rf"(?:{kinds}|(?:{whole})(?:{between_begun}|{numbered}))"


def _kind_begun(words: list[str], between: str, between_begun: str) -> str:
    word, *others = words
    begun = "".join(f"(?:{letter}" for letter in word) + ")?" * len(word)
    return (
        rf"{begun}|{word}(?:{between_begun}|{between}(?:{_kind_begun(others, between, between_begun)}))"
        if others
        else begun
    )


_BEGUN = _begun(_BETWEEN, _BETWEEN_BEGUN, rf"{_MARKS}\\?")
_BEGUN_BARE = _begun(_BETWEEN_BARE, _BETWEEN_BARE_BEGUN, r"s?\\?_?")
_UNFINISHED = re.compile(
    rf"(?:\\|\\?[{_FRONTS}]{_MARKS}{_BEGUN}|(?-i:{_BARE_BEGINS}(?=[A-Z]){_BEGUN_BARE}))\Z", re.IGNORECASE | re.ASCII
)
_MAY_HOLD_ONE = re.compile(rf"[{_FRONTS}\\]|[A-Z]_|[A-Z]\Z", re.ASCII)
_ISSUED = re.compile(rf"\[(?P<kind>[A-Z_]+)_(?P<number>[0-9]+)(?:_(?P<letters>{_LETTERS}))?\]", re.ASCII)


def placeholder(kind: str, number: int, way: int = 0) -> str:
    """`way`: how many other ways to write the same value there were before, below MOST_WAYS."""
    return f"[{kind}_{number}]" if way == 0 else f"[{kind}_{number}_{_word(way)}]"


def kind_of(one: str) -> str:
    return _read(one)["kind"]


def number_of(one: str) -> int:
    return int(_read(one)["number"])


def is_base(one: str) -> bool:
    """Whether it stands for the value as it was written first."""
    return _read(one)["letters"] is None


def meant(found: re.Match[str]) -> str:
    """Which placeholder one of its FORMS means."""
    letters = _part(found, "letters")
    return f"{_base(found)[:-1]}_{letters.upper()}]" if letters else _base(found)


def meant_otherwise(found: re.Match[str]) -> str | None:
    """And which if that was not given out."""
    return None if found["kind3"] else _base(found)


def may_hold_one(text: str) -> bool:
    """Whether a text may hold one of the FORMS, or may begin one at its end. Costs next to nothing."""
    return _MAY_HOLD_ONE.search(text) is not None


def unfinished(text: str, since: int = 0) -> int:
    """Where the end of the text begins, after `since`, that may yet become one of the FORMS, or another one than it is;
    the text's length if there is none."""
    found = _UNFINISHED.search(text, max(since, len(text) - LONGEST))
    return len(text) if found is None else found.start()


def _base(found: re.Match[str]) -> str:
    kind = re.sub(r"[ \\_]+", "_", _part(found, "kind")).upper()
    return placeholder(kind, int(_part(found, "number")))


def _part(found: re.Match[str], name: str) -> str:
    return found[f"{name}1"] or found[f"{name}2"] or found[f"{name}3"]


def _read(one: str) -> re.Match[str]:
    found = _ISSUED.fullmatch(one)
    assert found is not None, "it was made here"
    return found


def _word(way: int) -> str:
    """B, C, ... Z, AA, AB, ... ZZ."""
    first, second = divmod(way, 26)
    return (chr(ord("A") + first - 1) if first else "") + chr(ord("A") + second)
