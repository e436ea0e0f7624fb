"""Where a text is code: there only comments and words in quotes may hold a name."""

import re
from collections.abc import Iterator

_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_LINE = re.compile(r"[^\n]+")
_STATEMENT = re.compile(
    r"\s*(?:def \w+\(|class \w+[(:{]|import [\w.*{]|from [\w.]+ import |return\b.{0,80}[;()=]|\$ |>>> |at [\w.$<>]+\()"
    r"|\s*(?:const |let |var )?[\w.]+ ?(?:=|:=|\+=) "
    r"|\s*\w[\w.]*\(.*\)\s*\Z"
    r'|\s*File "|.{0,80}\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE) '
)
"""How a line of it begins."""
_WORDS = re.compile(
    r"(?:(?:^|\s)(?:#|//|--)|^[ \t]*/?\*{1,2}) (?P<comment>[^\n]*)"
    r"|\"(?P<double>[^\"\n]*[^\W\d_][ ][^\W\d_][^\"\n]*)\"|'(?P<single>[^'\n]*[^\W\d_][ ][^\W\d_][^'\n]*)'",
    re.MULTILINE,
)


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """From, to; they may overlap."""
    for found in _FENCED.finditer(text):
        yield from _without_words(found)
    for found in _LINE.finditer(text):
        line = found[0].rstrip()
        is_statement = line.endswith((";", "{", "}")) and any(one in line for one in "(=")
        if is_statement or _STATEMENT.match(line):
            yield from _without_words(found)


def _without_words(code: re.Match[str]) -> Iterator[tuple[int, int]]:
    start = code.start()
    for words in _WORDS.finditer(code.string, code.start(), code.end()):
        first, last = words.span(words.lastgroup or 0)
        yield start, first
        start = last
    yield start, code.end()
