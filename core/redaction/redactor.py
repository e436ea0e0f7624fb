"""What is done about what was found: detectors → the team's lists → policy → placeholders."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.redaction.errors import PromptBlockedError, RedactionFailedError
from core.redaction.folding import fold, stretch
from core.redaction.known import Span, blanked, known_in
from core.redaction.links import with_links
from core.redaction.model import Disposition, EntityType, Finding, RedactedText, Redaction
from core.redaction.placeholders import FORMS, LITERAL
from core.redaction.policy import Policy
from core.redaction.ports import Detector, Rules
from core.redaction.replacing import replaced
from core.redaction.rules_detector import in_original
from core.redaction.secret_forms import certain_secrets_in
from core.redaction.vault import Vault

ON_LOOP = 4000
"""Characters that are replaced while the event loop waits; more goes to a thread."""
LONGEST = 500_000
"""Characters of all texts of a call: a prompt with its files, with what was said above it."""
BY_FORM = 0.85
"""Who is surer than this saw a form; others guess."""


class Redactor:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    async def redact(
        self, texts: Sequence[str], vault: Vault, rules: Rules, *, decided: Disposition | None = None
    ) -> Sequence[Redaction]:
        """Each text as it may leave; new values are added to the vault, and what one text tells is known in the others.

        `decided`: what is done with what is to be warned of, REDACT or PASSTHROUGH; None: nobody was asked yet. If then
        a `Redaction` has something in `warned`, none of these texts may leave.

        Raises PromptBlockedError (something that must not leave at all), RedactionFailedError: nothing may leave."""
        length = sum(map(len, texts))
        if length > LONGEST:
            raise RedactionFailedError
        found = await self._detector.find(texts)
        work = _Work(texts, found, vault, rules, decided)
        return work.run() if length <= ON_LOOP else await asyncio.to_thread(work.run)


def again(text: str, vault: Vault, *, secrets: bool = True) -> RedactedText:
    """A text that was redacted before, or that a model wrote, as it may leave now: with what was learned since. With
    `secrets`, what a model made up itself and looks like one is replaced, too."""
    folded, places = fold(text)
    issued = [Span(*one.span(), LITERAL) for one in FORMS.finditer(folded)]
    found = [Span(*span, EntityType.SECRET) for span in certain_secrets_in(folded)] if secrets else []
    found = [one for one in found if not any(one.start < other.end and other.start < one.end for other in issued)]
    found += known_in(folded, [*issued, *found], vault)
    return RedactedText(_written(text, [_in_original(one, text, places) for one in found], vault))


@dataclass(slots=True)
class _Work:
    """One call."""

    texts: Sequence[str]
    found: Sequence[Sequence[Finding]]
    vault: Vault
    rules: Rules
    decided: Disposition | None

    def run(self) -> Sequence[Redaction]:
        """All are looked through before anything is replaced."""
        found = [self._all_found(text, some) for text, some in zip(self.texts, self.found, strict=True)]
        policy = self.rules.policy
        if blocked := {one.type for some in found for one in some if policy.of(one.type) is Disposition.BLOCK}:
            raise PromptBlockedError(blocked)
        warned = [self._warned(text, some) for text, some in zip(self.texts, found, strict=True)]
        values = [self._to_replace(text, some) for text, some in zip(self.texts, found, strict=True)]
        for text, some in zip(self.texts, values, strict=True):
            for one in some:
                self.vault.add(one.type, text[one.start : one.end])
        return [
            self._redaction(text, all_found, some, to_warn)
            for text, all_found, some, to_warn in zip(self.texts, found, values, warned, strict=True)
        ]

    def _all_found(self, text: str, found: Sequence[Finding]) -> list[Finding]:
        folded, places = fold(text)
        lexicon = self.rules.lexicon
        known = in_original(lexicon.find(folded), text, places)
        return [
            one
            for one in [*found, *known]
            if one.type is EntityType.SECRET or not lexicon.allows(text[one.start : one.end])
        ]

    def _warned(self, text: str, found: Sequence[Finding]) -> Mapping[EntityType, Sequence[str]]:
        warned: dict[EntityType, dict[str, None]] = {}
        for one in without_overlaps(found, self.rules.policy):
            value = text[one.start : one.end]
            if self._needs_word(one.type, value):
                if self.decided is Disposition.PASSTHROUGH:
                    self.vault.release(one.type, value)
                elif self.decided is None:
                    warned.setdefault(one.type, {})[value] = None
        return {kind: list(values) for kind, values in warned.items()}

    def _needs_word(self, kind: EntityType, value: str) -> bool:
        is_settled = self.vault.knows(kind, value) or self.vault.is_released(kind, value)
        return self.rules.policy.of(kind) is Disposition.WARN and not is_settled

    def _to_replace(self, text: str, found: Sequence[Finding]) -> list[Finding]:
        """What somebody sent as it is takes along what stands in it and is only warned of, too."""
        policy = self.rules.policy
        released = [
            one for one in without_overlaps(found, policy) if self._is_released(one.type, text[one.start : one.end])
        ]
        starts = [one.start for one in released]

        def is_kept(one: Finding) -> bool:
            around = bisect_right(starts, one.start) - 1
            is_let_go = around >= 0 and one.end <= released[around].end and policy.of(one.type) is Disposition.WARN
            return policy.of(one.type) is not Disposition.PASSTHROUGH and not is_let_go

        return without_overlaps(list(filter(is_kept, found)), policy)

    def _is_released(self, kind: EntityType, value: str) -> bool:
        return (
            self.rules.policy.of(kind) is Disposition.WARN
            and self.vault.is_released(kind, value)
            and not self.vault.knows(kind, value)
        )

    def _redaction(
        self,
        text: str,
        found: Sequence[Finding],
        values: Sequence[Finding],
        warned: Mapping[EntityType, Sequence[str]],
    ) -> Redaction:
        folded, places = fold(text)
        spans = [Span(one.start, one.end, one.type) for one in values]
        in_folded = [_in_folded(one, places) for one in spans]
        spans += [_in_original(one, text, places) for one in known_in(folded, in_folded, self.vault)]
        return Redaction(
            text=RedactedText(_written(text, _with_typed(text, spans), self.vault)),
            findings=without_overlaps(found, self.rules.policy),
            replaced=len(spans),
            warned=warned,
        )


def without_overlaps(findings: Sequence[Finding], policy: Policy) -> list[Finding]:
    """One for each stretch that any of them covers: a secret before all else, then what the policy is stricter about,
    what has a form, what is longer, what is surer. What they cover together is covered."""
    kept: list[Finding] = []
    for one in sorted(findings, key=lambda one: (one.start, -one.end)):
        if kept and one.start < kept[-1].end:
            last = kept.pop()
            first = max(last, one, key=lambda one: _weight(one, policy))
            kept.append(replace(first, start=last.start, end=max(last.end, one.end)))
        else:
            kept.append(one)
    return kept


def _weight(one: Finding, policy: Policy) -> tuple[bool, bool, bool, int, float]:
    is_kept = policy.of(one.type) is not Disposition.PASSTHROUGH
    return (one.type is EntityType.SECRET, is_kept, one.score > BY_FORM, one.end - one.start, one.score)


def _with_typed(text: str, spans: Sequence[Span]) -> Sequence[Span]:
    """And what only looks like a placeholder, or will when what stands beside it is replaced: "EMAIL_1" as a word."""
    whole = with_links(text, spans)
    while typed := [Span(*one.span(), LITERAL) for one in FORMS.finditer(blanked(text, whole))]:
        whole = with_links(text, [*whole, *typed])
    return whole


def _written(text: str, spans: Sequence[Span], vault: Vault) -> str:
    whole = with_links(text, spans)
    return replaced(text, [(one.start, one.end, vault.add(one.kind, text[one.start : one.end])) for one in whole])


def _in_original(span: Span, text: str, places: Sequence[int]) -> Span:
    """What was dropped behind the last character is left out."""
    return Span(*stretch(text, places, span.start, span.end), span.kind)


def _in_folded(span: Span, places: Sequence[int]) -> Span:
    return Span(bisect_left(places, span.start), bisect_left(places, span.end), span.kind)
