"""Names in tables of text: what stands below a heading such as `name`."""

import re
from collections.abc import Iterator, Sequence

from core.redaction.name_forms import ANY, LOWER, SHOUTED, name_size

_HINTS = ("name", "author", "assignee", "customer", "reporter", "owner")
_WANTED = re.compile(
    r"\s*[\"']?(?:(?:first|last|full|customer|client|contact|employee|patient|sur|given|family|user)[ _]?name"
    r"|name|author|assignee|customer|reporter|owner)[\"']?\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\s*[\"']?[A-Za-z_]\w{0,30}(?: [A-Za-z]\w{0,20})?[\"']?\s*")
_STATEMENT = re.compile(r"\s*(?:select|import|from|def|return|insert)\b", re.IGNORECASE)
_CELL = re.compile(rf"[ \t]*[\"']?(?P<name>{ANY}|{LOWER}(?: {LOWER}){{0,2}}|{SHOUTED})[\"']?[ \t]*")
_SEPARATORS = (",", "\t", ";", "|")


def names_in_columns(text: str) -> Iterator[tuple[int, int]]:
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return
    separator, wanted, width, place = "", frozenset[int](), 0, 0
    for whole in text.splitlines(keepends=True):
        line = whole.rstrip("\r\n")
        cells = line.split(separator) if separator else []
        if cells and len(cells) == width:
            yield from _names_in(cells, wanted, place)
        elif not set(line) <= set("|-:+ "):  # what rules off a heading
            separator, wanted, width = _heading(line)
        place += len(whole)


def _heading(line: str) -> tuple[str, frozenset[int], int]:
    """What separates its cells, which of them head names, and how many there are."""
    for separator in _SEPARATORS:
        cells = line.strip("|" if separator == "|" else "").split(separator) if separator in line else []
        if len(cells) > 1 and all(map(_HEADING.fullmatch, cells)) and not _STATEMENT.match(line):
            cells = line.split(separator)
            return separator, frozenset(at for at, cell in enumerate(cells) if _WANTED.fullmatch(cell)), len(cells)
    return "", frozenset(), 0


def _names_in(cells: Sequence[str], wanted: frozenset[int], place: int) -> Iterator[tuple[int, int]]:
    for at, cell in enumerate(cells):
        found = _CELL.fullmatch(cell) if at in wanted else None
        if found is not None and (size := name_size(found["name"])):
            yield place + found.start("name"), place + found.start("name") + size
        place += len(cell) + 1
