"""Detection by rules alone: starts in no time, needs no model, and finds what has a form. Of names it sees only those
that something beside them tells."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.redaction.folding import fold, stretch
from core.redaction.model import Finding
from core.redaction.ports import Detector
from core.redaction.recognizers import find

ON_LOOP = 4000
"""Characters that are looked through while the event loop waits; more goes to a thread."""


class RulesDetector(Detector):
    @property
    def is_ready(self) -> bool:
        return True

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        if sum(map(len, texts)) <= ON_LOOP:
            return find_by_rules(texts)
        return await asyncio.to_thread(find_by_rules, texts)


class RulesReader:
    """The same in a process of its own (core/redaction/detector_process.py)."""

    def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        return find_by_rules(texts)


def find_by_rules(texts: Sequence[str]) -> list[list[Finding]]:
    """Of each text, in its own characters; stretches may overlap."""
    return [_looked_through(text) for text in texts]


def _looked_through(text: str) -> list[Finding]:
    folded, places = fold(text)
    return in_original(find(folded), text, places)


def in_original(findings: Iterable[Finding], text: str, places: Sequence[int]) -> list[Finding]:
    """What was found in a folded text."""
    stretches = ((one, *stretch(text, places, one.start, one.end)) for one in findings)
    return [replace(one, start=start, end=end) for one, start, end in stretches]
