"""Redacting in tests: by rules alone, or by a detector that finds what a test planted."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.redaction.model import EntityType, Finding, Redaction
from core.redaction.ports import Detector, Rules
from core.redaction.redactor import Redactor
from core.redaction.rules_detector import RulesDetector
from core.redaction.vault import Vault
from tests.rulebooks import default_rules

BY_RULES = Redactor(RulesDetector())


async def redact(
    texts: Sequence[str], vault: Vault, *, redactor: Redactor = BY_RULES, rules: Rules | None = None
) -> Sequence[Redaction]:
    """By the default policy, and no list of anybody's."""
    return await redactor.redact(texts, vault, rules or default_rules())


@dataclass
class Planted(Detector):
    """Finds these values wherever they stand to the letter, as words of their own or not."""

    values: Mapping[str, EntityType] = field(default_factory=dict[str, EntityType])

    @property
    def is_ready(self) -> bool:
        return True

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        return [
            [
                Finding(start=found.start(), end=found.end(), type=kind, score=0.85)
                for value, kind in self.values.items()
                for found in re.finditer(re.escape(value), text)
            ]
            for text in texts
        ]
