"""URLs and links in a text. Nothing is restored inside them: a link that a model made must not carry a value away. So a
URL that somebody typed with a value inside becomes one placeholder as a whole, and comes back as it was."""

import re
from collections.abc import Sequence

from core.redaction.folding import lowered
from core.redaction.known import Span
from core.redaction.placeholders import LINK

REACH = 2000
"""Characters before a place in which a link may begin: browsers open few longer ones."""
_OUTSIDE = re.compile(r"[\s<>\"`]")
"""What cannot stand in a URL (RFC 3986)."""
_REST = re.compile(r"[^\s<>\"`)\]|,;]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}\Z")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,80}\Z")
_FRONTS = ("://", "](", "www.")
_BARE = re.compile(r"(?<=[a-z0-9])\.[a-z]{2,24}(?::[0-9]{1,5})?[/?#]")
"""A host without a scheme, which Slack makes a link of, too."""


def is_in_link(before: str) -> bool:
    """Whether what follows this text is part of a URL or of the target of a link that begins in it."""
    return _front(before) is not None


def link_start(text: str, since: int, place: int) -> int | None:
    """Where the link begins that this place is in, if one does after `since`, where a placeholder ends (0: none)."""
    begin = max(since, place - REACH)
    before = text[begin:place]
    if 0 < since == begin:
        begin, before = since - 1, "]" + before
    front = _front(before)
    if front is None:
        return None
    start = begin + front
    if start < since:
        return start
    if text.startswith("](", start):
        return _label_start(text, start)
    name = (_SCHEME if text.startswith("://", start) else _HOST).search(text, max(since, start - 80), start)
    return start if name is None else name.start()


def link_end(text: str, start: int, place: int) -> int:
    """Where the link ends that begins at `start` and goes on up to this place at least."""
    rest = _REST.match(text, place)
    end = place if rest is None else place + len(rest[0].rstrip(".!?:'*_~"))
    return end + 1 if text[start] == "[" and text.startswith(")", end) else end


def with_links(text: str, spans: Sequence[Span]) -> list[Span]:
    """In order, none touching another, and none in a link: what is in one takes all of it along."""
    whole: list[Span] = []
    for span in sorted(spans):
        start, end, kind = span.start, span.end, span.kind
        while True:
            since = whole[-1].end if whole else 0
            if start < since:
                last = whole.pop()
                start, end, kind = min(start, last.start), max(end, last.end), LINK
            elif (begin := link_start(text, since, start)) is not None:
                start, end, kind = begin, link_end(text, begin, end), LINK
            else:
                break
        whole.append(Span(start, end, kind))
    return whole


def _front(before: str) -> int | None:
    """Where the first thing stands in its last run that begins a link."""
    backwards = before[: -REACH - 1 : -1]
    outside = _OUTSIDE.search(backwards)
    length = len(backwards) if outside is None else outside.start()
    run = lowered(before[len(before) - length :])
    bare = _BARE.search(run)
    fronts = [*(run.find(front) for front in _FRONTS), -1 if bare is None else bare.start()]
    first = min((one for one in fronts if one >= 0), default=None)
    return None if first is None else len(before) - length + first


def _label_start(text: str, end: int) -> int:
    start = text.rfind("[", max(0, end - 300), end)
    return end if start < 0 or "\n" in text[start:end] else start
