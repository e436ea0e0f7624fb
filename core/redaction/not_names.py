"""What a model that guesses names takes for one, and is none."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from core.redaction.placeholders import FORMS

_IDENTIFIERS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s|<>]+"  # URLs
    r"|<[@#!][^>|\n]*\|?"  # Slack's ids, not their labels
    r"|(?<![\w/])[.~]?/[\w./@-]*|\b[\w.-]{1,60}/[\w.-]{1,60}/[\w./-]*"  # paths
    r"|\b\w*[^\W_]_+[^\W_]\w*\b"  # snake_case, CONSTANTS_TOO
    r"|\b[a-z][a-z0-9]*[A-Z]\w*\b|\b(?:[A-Z][a-z0-9]+){3,}\b"  # camelCase, CrashLoopBackOff
    r"|\b[A-Z][a-z0-9]+(?:Error|Exception|Warning)\b"
    r"|\b[a-z]\w*(?:\.[a-z_]\w*)+\b|\b\w+(?:\.\w+){2,}\b"  # dotted.names
    r"|\b\w+\(\)"  # calls()
    r"|\b(?=\w*[A-Za-z])\w*\d\w*\b"  # v2, k8s
    r"|(?<![^\W_])[_*~]+|[_*~]+(?![^\W_])"  # Slack's marks
    r"|[\ud800-\udfff]"  # halves of characters, which no model can read
)
_MARKS = re.compile(r"[^\w\s.:-]")
_EDGES = " \t.,;:!?\"'()[]{}<>*_~`|/\\-+=#&@\u2019\u2018\u201c\u201d\u2013\u2014\u2026\u2022"
_POSSESSIVE = re.compile(r"['\u2019]s\Z", re.IGNORECASE)
_ORDINARY = frozenset(
    # Beside a name, and never part of it.
    """
    a about all also am an and any are as ask at be best both but by call called can cc cheers contact could dear did do
    does email for from good great had has have hello her hey hi him his how i if in into is it its just let mail many
    meet me morning mr mrs ms my new no not of on or our over per please re regarding regards said says see send she
    sincerely so some tell than thank thanks that the their them then there they this to today tomorrow up via was we
    were what when where which who why with yesterday yes yours
    """.split()  # noqa: SIM905 a list would be a hundred lines
)


def blanked(text: str, code: Iterable[tuple[int, int]]) -> str:
    """As long as before, without identifiers, placeholders and the marks of code, of which models make words."""
    characters = list(text)
    for start, end in code:
        characters[start:end] = _MARKS.sub(" ", text[start:end])
    text = "".join(characters)
    for pattern in (_IDENTIFIERS, FORMS):
        text = pattern.sub(_spaces, text)
    return text


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without marks, possessives and ordinary words at its ends."""
    while True:
        before = (start, end)
        while start < end and text[start] in _EDGES:
            start += 1
        while end > start and text[end - 1] in _EDGES:
            end -= 1
        possessive = _POSSESSIVE.search(text[start:end])
        end = end if possessive is None else start + possessive.start()
        words = text[start:end].split()
        if words and words[0].casefold() in _ORDINARY:
            start += len(words[0])
        elif len(words) > 1 and words[-1].casefold() in _ORDINARY:
            end -= len(words[-1])
        if (start, end) == before:
            return start, max(start, end)


def is_of_computing(words: Sequence[str]) -> bool:
    """Whether these, in lower case, are a product or a term, or hold what is no part of any name."""
    lists = _lists()
    return any(one in lists["never"] for one in words) or all(one in lists["alone"] for one in words)


def ends_like_a_company(words: Sequence[str]) -> bool:
    return words[-1] in _lists()["ends"]


def _spaces(found: re.Match[str]) -> str:
    return " " * len(found[0])


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    told = tomllib.loads(files("core.redaction").joinpath("not_names.toml").read_text(encoding="utf-8"))
    return {name: frozenset(words.split()) for name, words in told.items()}
