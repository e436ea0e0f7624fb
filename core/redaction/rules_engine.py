"""Redaction by rules alone: starts in no time, needs no model, and finds what has a form. It does not see names."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.redaction.errors import PromptBlockedError, RedactionFailedError
from core.redaction.folding import fold, is_one_word, lowered
from core.redaction.links import link_end, link_start
from core.redaction.model import Disposition, EntityType, Finding, RedactedText, Redaction
from core.redaction.placeholders import FORMS, LINK, LITERAL
from core.redaction.ports import Redactor
from core.redaction.recognizers import find
from core.redaction.vault import Vault

DEFAULT_POLICY: Mapping[EntityType, Disposition] = {
    EntityType.EMAIL: Disposition.REDACT,
    EntityType.PHONE: Disposition.REDACT,
    EntityType.CARD: Disposition.REDACT,
    EntityType.IBAN: Disposition.REDACT,
    EntityType.NATIONAL_ID: Disposition.REDACT,
    # A secret is worth nothing to a model, and who pasted one should know: it may have to be changed.
    EntityType.SECRET: Disposition.BLOCK,
    # Mostly machines, whose addresses are what a question is about; people are seldom found by them.
    EntityType.IP_ADDRESS: Disposition.PASSTHROUGH,
}
ON_LOOP = 4000
"""Characters that are looked through where the event loop waits for it; more goes to a thread."""
LONGEST = 2_000_000
SHORTEST_KNOWN = 5
"""Characters of a value that is replaced wherever else it stands, though nothing tells there what it is."""


class RulesRedactor(Redactor):
    """What is to be warned of is replaced."""

    def __init__(self, policy: Mapping[EntityType, Disposition] = DEFAULT_POLICY) -> None:
        self._policy = policy

    async def redact(self, texts: Sequence[str], vault: Vault) -> Sequence[Redaction]:
        length = sum(map(len, texts))
        if length > LONGEST:
            raise RedactionFailedError
        if length <= ON_LOOP:
            return self._redact(texts, vault)
        return await asyncio.to_thread(self._redact, texts, vault)

    def _redact(self, texts: Sequence[str], vault: Vault) -> Sequence[Redaction]:
        """All are looked through before anything is replaced: what stands in one is known in the others."""
        readings = [_Reading(text) for text in texts]
        found = {one.type for reading in readings for one in reading.findings}
        if blocked := {one for one in found if self._policy[one] is Disposition.BLOCK}:
            raise PromptBlockedError(blocked)
        kept = {one for one in found if self._policy[one] is Disposition.PASSTHROUGH}
        values = [_without_overlaps([one for one in reading.findings if one.type not in kept]) for reading in readings]
        for reading, some in zip(readings, values, strict=True):
            for one in some:
                vault.add(one.type, reading.original(one.start, one.end))
        return [reading.redacted(some, vault) for reading, some in zip(readings, values, strict=True)]


@dataclass(frozen=True, slots=True, order=True)
class _Span:
    start: int
    end: int
    kind: str


class _Reading:
    """A text as detectors read it; what they find has places in the folded text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._folded, self._places = fold(text)
        self.findings = find(self._folded)

    def original(self, start: int, end: int) -> str:
        return self._text[self._place(start) : self._end(end)]

    def redacted(self, values: Sequence[Finding], vault: Vault) -> Redaction:
        found = [_Span(one.start, one.end, one.type) for one in values]
        found += _known(lowered(self._folded), found, vault)
        spans = [_Span(self._place(one.start), self._end(one.end), one.kind) for one in found]
        pieces: list[str] = []
        end = 0
        for span in _with_links(self._text, [*spans, *_literals(self._text)]):
            pieces += self._text[end : span.start], vault.add(span.kind, self._text[span.start : span.end])
            end = span.end
        text = RedactedText("".join([*pieces, self._text[end:]]))
        findings = [
            replace(one, start=self._place(one.start), end=self._end(one.end))
            for one in _without_overlaps(self.findings)
        ]
        return Redaction(text=text, findings=findings, replaced=len(spans))

    def _place(self, start: int) -> int:
        return self._places[start]

    def _end(self, end: int) -> int:
        """What was dropped behind the last character is left out."""
        return self._places[end - 1] + 1


def _without_overlaps(findings: Sequence[Finding]) -> list[Finding]:
    """One for each stretch that any of them covers: a secret before all else, then the longer one, then the surer one.
    What they cover together is covered."""
    kept: list[Finding] = []
    for one in sorted(findings, key=lambda one: (one.start, -one.end)):
        if kept and one.start < kept[-1].end:
            last = kept.pop()
            first = max(last, one, key=lambda one: (one.type is EntityType.SECRET, one.end - one.start, one.score))
            kept.append(replace(first, start=last.start, end=max(last.end, one.end)))
        else:
            kept.append(one)
    return kept


def _known(text: str, found: Sequence[_Span], vault: Vault) -> list[_Span]:
    """Where values of the conversation stand, as words of their own, that nothing else found in this text."""
    text = _blanked(text, found)
    known: list[_Span] = []
    for kind, value in sorted(vault.entities(), key=lambda one: -len(one[1])):
        if len(value) >= SHORTEST_KNOWN and (here := list(_words(text, lowered(value), kind))):
            known += here
            text = _blanked(text, here)
    return known


def _words(text: str, value: str, kind: str) -> Iterator[_Span]:
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        if not is_one_word(text[max(0, start - 1) : start + 1]) and not is_one_word(text[end - 1 : end + 1]):
            yield _Span(start, end, kind)
        start = text.find(value, end)


def _blanked(text: str, spans: Sequence[_Span]) -> str:
    characters = list(text)
    for span in spans:
        characters[span.start : span.end] = "\0" * (span.end - span.start)
    return "".join(characters)


def _literals(text: str) -> list[_Span]:
    return [_Span(*found.span(), LITERAL) for found in FORMS.finditer(text)]


def _with_links(text: str, spans: Sequence[_Span]) -> list[_Span]:
    """In order, none touching another, and none in a link: what is in one takes all of it along."""
    whole: list[_Span] = []
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
        whole.append(_Span(start, end, kind))
    return whole
