"""Text that the policy has run over, and what the policy is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import final


@final
@dataclass(frozen=True, slots=True, repr=False)
class RedactedText:
    """What engines take, and nothing else. Only `core.redaction` makes one: `tests/unit/test_redacted_text.py` looks
    through all of Prime for others. Not shown by `repr`: redacted is not the same as fit for a log."""

    text: str


class EntityType(StrEnum):
    """The value is what placeholders begin with."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IBAN = "IBAN"
    NATIONAL_ID = "NATIONAL_ID"
    IP_ADDRESS = "IP_ADDRESS"
    SECRET = "SECRET"  # noqa: S105 a name


LABELS: dict[EntityType, str] = {
    EntityType.EMAIL: "Email",
    EntityType.PHONE: "Phone number",
    EntityType.CARD: "Credit card",
    EntityType.IBAN: "Bank account (IBAN)",
    EntityType.NATIONAL_ID: "National id",
    EntityType.IP_ADDRESS: "IP address",
    EntityType.SECRET: "Password or key",
}
"""In plain words."""


class Disposition(StrEnum):
    """What is done with what was found."""

    PASSTHROUGH = "passthrough"
    WARN = "warn"
    REDACT = "redact"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A stretch of the original text, in characters."""

    start: int
    end: int
    type: EntityType
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    text: RedactedText
    findings: Sequence[Finding]
    replaced: int
    """How many of them were."""
