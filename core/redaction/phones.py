"""Telephone numbers: told by a plus or zeros in front, by a form that numbers have, or by the word before them."""

import re
from collections.abc import Iterator

_SEPARATED = r"(?:(?: (?!\d{4}-\d\d|\d{1,2}:\d\d)|[./()-]){0,3}\d)"
"""A digit and what may stand before it, but not before a date or a time."""
_EXTENSION = r"(?: ?(?:ext\.?|extension|x|#) ?\d{1,6})?"
_INTERNATIONAL = re.compile(rf"(?<!\+)(?:\+ ?|\(\+|(?<![A-Za-z0-9_.])00 ?)[1-9]{_SEPARATED}{{6,14}}(?!\d){_EXTENSION}")
_AMERICAN = re.compile(
    r"(?<![A-Za-z0-9_+.,-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![A-Za-z0-9_]|-\d)"
    + _EXTENSION
)
_WITH_ZERO = re.compile(rf"(?<![A-Za-z0-9_+.,/-])\(?0[1-9]{_SEPARATED}{{7,10}}(?![A-Za-z0-9_])")
_CUED = re.compile(
    r"\b(?:phone|mobile|mob|cell|tel|telephone|fax|call|dial|whatsapp|reach|telefon|telefono|handy|mobil|movil|portable)"
    r"(?:[ :.#=-]{0,3}(?:number|no|nr|me|us|him|her|them|is|at|on|under|now)\b){0,3}[ :.#=-]{0,4}"
    rf"(?P<number>[+(]?\d{_SEPARATED}{{5,14}}(?!\d)){_EXTENSION}",
    re.IGNORECASE | re.ASCII,
)
_FRACTION = re.compile(r"\+ ?\d+\.\d+")
_DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}([-./])\d{1,2}\1(?:\d{4}|\d\d\Z)")


def phones(text: str) -> Iterator[tuple[int, int]]:
    for found in _INTERNATIONAL.finditer(text):
        if not _FRACTION.fullmatch(found[0]):
            yield found.span()
    yield from (found.span() for found in _AMERICAN.finditer(text))
    for found in _WITH_ZERO.finditer(text):
        if not found[0].isdecimal() and not _DATE.match(found[0]):
            yield found.span()
    for found in _CUED.finditer(text):
        if not _DATE.match(found["number"]):
            yield found.start("number"), found.end()
