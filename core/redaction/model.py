"""Text that the policy has run over, and what the policy is about."""

from collections.abc import Mapping, Sequence
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

    PERSON = "PERSON"
    ORGANIZATION = "ORGANIZATION"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    LOCATION = "LOCATION"
    """A place that has a name: a city, a country, a river."""
    ADDRESS = "ADDRESS"
    """Where somebody can be found: street and number, P.O. box, postcode."""
    CARD = "CARD"
    IBAN = "IBAN"
    NATIONAL_ID = "NATIONAL_ID"
    BIRTH_DATE = "BIRTH_DATE"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    WALLET = "WALLET"
    """Of a crypto currency."""
    TERM = "TERM"
    """What a team put on its own list: customers, projects."""
    SECRET = "SECRET"  # noqa: S105 a name


LABELS: dict[EntityType, str] = {
    EntityType.PERSON: "Name",
    EntityType.ORGANIZATION: "Organization",
    EntityType.EMAIL: "Email",
    EntityType.PHONE: "Phone number",
    EntityType.LOCATION: "Location",
    EntityType.ADDRESS: "Street address",
    EntityType.CARD: "Credit card",
    EntityType.IBAN: "Bank account (IBAN)",
    EntityType.NATIONAL_ID: "National id",
    EntityType.BIRTH_DATE: "Date of birth",
    EntityType.IP_ADDRESS: "IP address",
    EntityType.MAC_ADDRESS: "MAC address",
    EntityType.WALLET: "Crypto wallet",
    EntityType.TERM: "Your team's own terms",
    EntityType.SECRET: "Password or key",
}
"""In plain words."""

SCORES: dict[EntityType, int] = {
    EntityType.PERSON: 25,
    EntityType.ORGANIZATION: 25,
    EntityType.EMAIL: 50,
    EntityType.PHONE: 25,
    EntityType.LOCATION: 75,
    EntityType.ADDRESS: 75,
    EntityType.CARD: 100,
    EntityType.IBAN: 75,
    EntityType.NATIONAL_ID: 100,
    EntityType.BIRTH_DATE: 50,
    EntityType.IP_ADDRESS: 25,
    EntityType.MAC_ADDRESS: 25,
    EntityType.WALLET: 50,
    EntityType.TERM: 50,
    EntityType.SECRET: 100,
}
"""The risk that a type brings, 0 to 100. Name, Organization, Email, Phone number and Location have those of Prime's
ancestor (ritual-net/prime, utils/redact.ts)."""


class Disposition(StrEnum):
    """What is done with what was found; each is stricter than the one before."""

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
    """How sure it is, 0 to 1. Above 0.85 by form, 0.85 as a model's guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """One text, looked through."""

    text: RedactedText
    """What may leave: all that is neither passed through nor sent as it is stands as its placeholder."""
    findings: Sequence[Finding]
    """All, those that pass through too, in order, none overlapping another."""
    replaced: int
    """How many stretches were."""
    warned: Mapping[EntityType, Sequence[str]]
    """What its author has to decide on before it may leave: the values, by type, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a model saw of a prompt, for whoever asked."""

    prompt: str
    """With placeholders."""
    risk: int
    values: Sequence[tuple[str, str]]
    """Each placeholder in it, and what it stands for."""
