"""Street addresses: pieces that touch are one; a piece that could be something else needs another beside it."""

import re
from collections.abc import Iterator

from core.redaction.address_pieces import Piece, Strength
from core.redaction.postcodes import flats, postcodes
from core.redaction.streets import PREFIXES, streets

_GAP = re.compile(r"[.,;]?[ \t]{0,3}(?:\r?\n)?[ \t>*]{0,3}(?:[-|/(][ \t]?)?")
_TOWN_BEHIND = re.compile(
    r", ?\n?[A-Z\u00c0-\u00de][\w'\u2019-]{1,25}(?:[ -][A-Z\u00c0-\u00de][\w'\u2019-]{1,25}){0,2}(?=[.,;)]?(?:\s|\Z))"
)
_WINDOW = 130
"""Characters before a postcode in which its address may begin."""
_PART = r"[A-Za-z0-9\u00c0-\u024f][\w.'\u2019-]{0,30}"
_LINES_BEFORE = re.compile(
    rf"(?<![\w.,/-])(?:(?i:flat|studio|unit|apt|suite|room|level|(?:h|house|plot|door)\.? ?no)\.? \w{{1,5}}"
    rf"|(?:\d{{1,4}}/)?\d{{1,5}}[A-Za-z]?)(?: {_PART}){{0,4}}"
    rf"(?:(?:,\ ?|\ ?\n)[A-Z0-9][\w.'\u2019-]{{0,30}}(?: {_PART}){{0,3}}){{0,4}}(?:, ?| ?\n| )\Z"
)
"""From a number or a flat, line by line or with commas, to where a postcode begins."""
_BIG_WORD = r"[A-Z\u00c0-\u00de\u0100-\u017d][\w.'\u2019-]{1,30}"
_STREET_BEFORE = re.compile(
    rf"(?<![\w.-])(?:(?:{_BIG_WORD}|de|da|do|dos|des) ){{0,4}}{_BIG_WORD},? "
    rf"\d{{1,4}} ?[A-Za-z]?(?:[/-]\d{{1,3}})?(?:, ?| ?\n)"
    rf"(?:{_BIG_WORD}(?: [\w'-]{{1,30}}){{0,3}}\n)?\Z"
    rf"|(?<![\w/])(?i:{PREFIXES}) (?:(?:{_BIG_WORD}|de|du|des|la|le|les|del) ){{0,4}}{_BIG_WORD}(?:, ?| ?\n)\Z"
)
"""`Am Markt 5, ` or `rue Lepic, `, where postcodes stand before towns."""
_LONG_CODE = re.compile(r"\d{5}|\d{3} \d\d|\d ?[A-Za-z]{2}\b|\d\d-\d{3}|\d[A-Za-z] ?\d")
"""Others are as well years and counts."""
_CODE_FIRST = re.compile(r"(?:[A-Z]{1,2}-)?(?:\d{5}(?:-?\d{3})?|\d{4} ?[A-Z]{2}\b|\d\d-\d{3}),?[ \n]")


def addresses(text: str) -> Iterator[tuple[int, int]]:
    pieces = _pieces(text)
    at = 0
    while at < len(pieces):
        start, end, strengths = pieces[at].start, pieces[at].end, {pieces[at].strength}
        at += 1
        while at < len(pieces) and (pieces[at].start <= end or _GAP.fullmatch(text, end, pieces[at].start)):
            end = max(end, pieces[at].end)
            strengths.add(pieces[at].strength)
            at += 1
        if Strength.ALONE in strengths or len(strengths) > 1:
            town = _TOWN_BEHIND.match(text, end)
            yield start, end if town is None else town.end()


def _pieces(text: str) -> list[Piece]:
    heads = list(streets(text))
    tails = list(postcodes(text))
    for tail in tails:
        before = text[max(0, tail.start - _WINDOW) : tail.start]
        pattern = _STREET_BEFORE if _CODE_FIRST.match(text, tail.start) else _LINES_BEFORE
        lines = pattern.search(before)
        is_sure = tail.strength is Strength.ALONE
        is_long = any(one in before for one in ",\n") and _LONG_CODE.search(text, tail.start, tail.end)
        if lines is not None and (is_sure or is_long):
            heads.append(Piece(tail.start - len(before) + lines.start(), tail.start, Strength.STREET))
    if heads or tails:
        tails += flats(text)
    return sorted(heads + tails, key=lambda one: one.start)
