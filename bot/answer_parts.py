"""Where a long answer is cut into messages.

Each cut is decided by the text up to the limit alone, so that it stays where it is while more text comes. The joined
parts are the text again, but for fences that are closed at a cut and opened anew behind it."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

PART_LIMIT = 11_000
"""Characters of one message, escapes included. A message takes 12,000 in its markdown blocks and some 13,200 in all
(reference 6.3 and 6.5), of which some are for what is told under the answer."""
SHOWN_LIMIT = 40_000
"""Of a whole answer; the rest comes as a file."""

_CLOSING_ROOM = 80
"""Kept free for closing a fence, whether or not one will be open: how much fits has to be known before."""
_INFO_LENGTH = 40
_MARK_LENGTH = 20
"""A fence that is longer than anybody writes is not opened anew."""
_LEAST_SHARE = 0.3
"""Of a message that has to be used before it may end in the middle of a block, or in front of a mere paragraph."""
_LEAST_SHARE_BEFORE_WHOLE = 0.1
"""The same in front of a list, table or code that does not fit: if even less is before it, it hardly fits into the next
message either."""

_WHOLE_IF_IT_FITS = frozenset({"bullet_list_open", "ordered_list_open", "table_open", "fence", "code_block"})
_OF_TABLES = frozenset({"thead_open", "tbody_open", "tr_open"})
_DEEP = re.compile(r" {4}| {0,3}\t")
_NEWLINE = re.compile(r"\r\n?|\n")
"""markdown-it's lines."""
_SENTENCE = re.compile(r"[.!?。！？][\"')\]]*\s+")
_JOINED_STEPS = 64
"""The most characters that are taken for one."""

_blocks_only = MarkdownIt("commonmark").enable("table")
_blocks_only.core.ruler.enableOnly(["normalize", "block"])


@dataclass(frozen=True, slots=True)
class Fence:
    """An open block of code."""

    indent: str
    """What stands in front of each of its lines: spaces, or the marks of a quote."""
    mark: str
    info: str
    """Its language."""

    @property
    def opening(self) -> str:
        return f"{self.indent}{self.mark}{self.info}\n"

    @property
    def closing(self) -> str:
        return f"{self.indent}{self.mark}"


@dataclass(frozen=True, slots=True)
class Cut:
    """The beginning of a part."""

    start: int
    """In characters of the answer."""
    fence: Fence | None = None
    """What was open there, so that it is closed before and opened anew."""

    @property
    def opening(self) -> str:
        return "" if self.fence is None else self.fence.opening


FIRST = Cut(0)


def cuts(text: str, known: Sequence[Cut] = (FIRST,), *, limit: int = PART_LIMIT) -> list[Cut]:
    """Where the parts of the answer begin. `known` are those of an earlier part of the same text."""
    found = list(known)
    while not _fits(text, found[-1], limit):
        found.append(_next_cut(text, found[-1], limit))
    return found


def part_text(text: str, found: Sequence[Cut], number: int, *, end: int | None = None) -> str:
    """A part as Markdown, not neutralised yet. `end`: where the shown text ends, which counts for the last part
    alone."""
    cut = found[number]
    following = found[number + 1] if number + 1 < len(found) else None
    shown = text[cut.start : (end if following is None else following.start)]
    closing = ""
    if following is not None and following.fence is not None:
        closing = following.fence.closing if shown.endswith("\n") else f"\n{following.fence.closing}"
    return f"{cut.opening}{shown}{closing}"


def shown_cut(text: str, found: Sequence[Cut]) -> Cut | None:
    """Where the file begins that has the rest of an answer; None if all of it is shown."""
    if len(text) <= SHOWN_LIMIT:
        return None
    last = [cut for cut in found if cut.start < SHOWN_LIMIT][-1]
    is_short = SHOWN_LIMIT - last.start < PART_LIMIT * _LEAST_SHARE
    return last if is_short else _next_cut(text[:SHOWN_LIMIT], last, PART_LIMIT)


def file_text(text: str, cut: Cut) -> str:
    return cut.opening + text[cut.start :]


# --- how much fits


def _fits(text: str, cut: Cut, limit: int) -> bool:
    room = limit - len(cut.opening)
    return len(text) - cut.start <= room and _size(text[cut.start :]) <= room


def _size(text: str) -> int:
    """The most that it may be once neutralised, whatever stands around it."""
    return len(text) + 3 * text.count("<") + 4 * text.count("&")


def _next_cut(text: str, cut: Cut, limit: int) -> Cut:
    room = limit - len(cut.opening) - _CLOSING_ROOM
    window = text[cut.start : cut.start + room]
    while (excess := _size(window) - room) > 0:
        window = window[: len(window) - (excess + 4) // 5]  # no fewer are too much, since one counts for five at most
    return _Window(window, cut).best()


# --- where to cut


class _Window:
    """As much of the answer as a message holds; there is more behind it."""

    def __init__(self, text: str, cut: Cut) -> None:
        self._text = text
        self._cut = cut
        self._opening_lines = 0 if cut.fence is None else 1
        self._starts = [0, *(found.end() for found in _NEWLINE.finditer(text))]
        """Of the lines."""
        tokens: Sequence[Token] = _blocks_only.parse(cut.opening + text + ("" if text.endswith("\n") else "\n"))
        self._tokens = [token for token in tokens if token.map is not None and token.type != "inline"]
        self._fences = [token for token in self._tokens if token.type == "fence"]

    def best(self) -> Cut:
        """Before the block that does not fit, else inside it."""
        offset = self._before_last_block()
        for places in (self._inner_blocks, self._lines):
            if offset is None:
                offset = self._last_of(places())
        if offset is None:
            offset = self._in_line()
        return Cut(self._cut.start + offset, self._fence_at(offset))

    def _before_last_block(self) -> int | None:
        blocks = [token for token in self._tokens if token.level == 0]
        last = len(blocks) - 1
        if last < 1:
            return None
        share = _LEAST_SHARE_BEFORE_WHOLE if blocks[last].type in _WHOLE_IF_IT_FITS else _LEAST_SHARE
        while last > 0 and self._introduces(blocks[last - 1]):
            last -= 1
        offset = self._start_of(self._first_line(blocks[last]))
        return offset if offset >= self._least(share) else None

    def _introduces(self, block: Token) -> bool:
        """Whether it stays with what follows: a heading, or `For example:`."""
        text = self._text[self._start_of(self._first_line(block)) : self._start_of(self._last_line(block) + 1)]
        return block.type == "heading_open" or (block.type == "paragraph_open" and text.rstrip().endswith(":"))

    def _last_of(self, places: Sequence[int]) -> int | None:
        """Rather one whose line is not indented so much that it would be code at the beginning of a message."""
        good = [place for place in places if place >= self._least()]
        return next((one for one in reversed(good) if not self._looks_like_code(one)), good[-1] if good else None)

    def _looks_like_code(self, offset: int) -> bool:
        return _DEEP.match(self._text, offset) is not None and self._fence_at(offset) is None

    def _inner_blocks(self) -> Sequence[int]:
        """Of lists and quotes; a table is one block."""
        inner = [token for token in self._tokens if token.level > 0 and token.type not in _OF_TABLES]
        return sorted({self._start_of(self._first_line(token)) for token in inner})

    def _lines(self) -> Sequence[int]:
        closing = self._closing_lines()
        return [start for start in self._starts if start not in closing and start < len(self._text)]

    def _closing_lines(self) -> Collection[int]:
        """Where those begin that close a block of code: a cut in front would leave an empty one behind it."""
        return {self._start_of(self._last_line(fence)) for fence in self._fences if self._is_ended(fence)}

    def _is_ended(self, fence: Token) -> bool:
        """Whether its last line closes it, or seems to be about to."""
        cut_off = self._text[self._start_of(self._last_line(fence)) :]
        return _is_closed(fence) or not cut_off.strip(f" \t>{fence.markup[0]}")

    def _in_line(self) -> int:
        """After a sentence, else after a word, else between two characters."""
        last_line = max(start for start in self._starts if start < len(self._text))
        is_closing = last_line > self._least() and last_line in self._closing_lines()
        text = self._text[:last_line] if is_closing else self._text
        half = max(self._least(), len(text) // 2)
        sentences = [found.end() for found in _SENTENCE.finditer(text, half) if found.end() < len(text)]
        if sentences:
            return sentences[-1]
        spaces = [found.end() for found in re.finditer(r"\s", text[half:-1])]
        return half + spaces[-1] if spaces else _between_characters(text, least=self._least())

    def _fence_at(self, offset: int) -> Fence | None:
        line = bisect_right(self._starts, offset) - 1
        is_in_line = self._starts[line] < offset
        for fence in self._fences:
            first, last = self._first_line(fence), self._last_line(fence)
            if first < line <= last or (first == line and is_in_line):
                is_behind = line == last and is_in_line and _is_closed(fence)
                return None if is_behind else self._fence_of(fence, is_in_line=is_in_line)
        return None

    def _fence_of(self, token: Token, *, is_in_line: bool) -> Fence | None:
        """None where it would be none: too deep in a list, whose lines look like code anyway, or with a line of a quote
        cut in two."""
        first = self._first_line(token)
        if first < 0:
            return self._cut.fence
        line = self._text[self._start_of(first) :].split("\n", 1)[0]
        indent = re.sub(r"[^ \t>]", " ", line[: line.index(token.markup)])
        is_quoted = ">" in indent
        is_deep = "\t" in indent or len(indent.rpartition(">")[2]) > 3 + is_quoted
        if is_deep or (is_quoted and is_in_line) or len(token.markup) > _MARK_LENGTH:
            return None
        language = token.info.split()
        return Fence(indent, token.markup, language[0][:_INFO_LENGTH] if language else "")

    def _least(self, share: float = _LEAST_SHARE) -> int:
        """Where a part may end: not before its first word."""
        blank = len(self._text) - len(self._text.lstrip())
        return max(blank + 1, int(len(self._text) * share))

    def _first_line(self, token: Token) -> int:
        """Of the window's; -1 is the fence that was opened anew."""
        assert token.map is not None, "only such tokens are kept"
        return token.map[0] - self._opening_lines

    def _last_line(self, token: Token) -> int:
        assert token.map is not None, "only such tokens are kept"
        return token.map[1] - self._opening_lines - 1

    def _start_of(self, line: int) -> int:
        return self._starts[line] if line > 0 else 0


def _is_closed(fence: Token) -> bool:
    assert fence.map is not None, "only such tokens are kept"
    lines = fence.map[1] - fence.map[0]
    return fence.content.count("\n") == lines - 2


def _between_characters(text: str, *, least: int) -> int:
    """Neither inside what is shown as one character, nor where escaping a part, or undoing it, would go wrong."""
    end = max(1, len(text) - 1)
    places = range(end, max(least, end // 2, end - _JOINED_STEPS) - 1, -1)
    return next((place for place in places if not _are_joined(text, place)), end)


def _are_joined(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    return (
        unicodedata.category(after) in ("Mn", "Me", "Mc", "Cf")
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # the colour of a skin
        or before == "\u200d"
        or (_is_flag(before) and _is_flag(after))
        or before in "<\r"
        or _is_in_entity(text, place)
    )


def _is_in_entity(text: str, place: int) -> bool:
    """Or may be, as far as the text is known."""
    start = text.rfind("&", max(0, place - 4), place)
    begun = text[start : start + 5]
    return start >= 0 and any(begun.startswith(one) or one.startswith(begun) for one in ("&lt;", "&gt;", "&amp;"))


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
