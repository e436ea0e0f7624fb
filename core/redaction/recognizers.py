"""Personal data that has a form: the one table of what is found by rule."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.redaction.addresses import addresses
from core.redaction.birth_dates import birth_dates
from core.redaction.emails import emails
from core.redaction.model import EntityType, Finding
from core.redaction.national_ids import national_ids
from core.redaction.network_addresses import ip_addresses, mac_addresses
from core.redaction.organizations import organizations
from core.redaction.payments import cards, ibans
from core.redaction.people_by_cue import people
from core.redaction.phones import phones
from core.redaction.places_by_key import places
from core.redaction.secret_forms import secrets_in
from core.redaction.slack_ids import slack_ids
from core.redaction.wallets import wallets

SURE = 1.0
BY_FORM = 0.9
"""Above 0.85, by which a recogniser of names would claim the same stretch."""


@dataclass(frozen=True, slots=True)
class Recognizer:
    type: EntityType
    score: float
    spans: Callable[[str], Iterator[tuple[int, int]]]
    """From, to, in folded text. They may overlap."""


RECOGNIZERS = (
    Recognizer(EntityType.SECRET, SURE, secrets_in),
    Recognizer(EntityType.EMAIL, SURE, emails),
    Recognizer(EntityType.CARD, SURE, cards),
    Recognizer(EntityType.IBAN, SURE, ibans),
    Recognizer(EntityType.WALLET, SURE, wallets),
    Recognizer(EntityType.MAC_ADDRESS, SURE, mac_addresses),
    Recognizer(EntityType.IP_ADDRESS, BY_FORM, ip_addresses),
    Recognizer(EntityType.NATIONAL_ID, BY_FORM, national_ids),
    Recognizer(EntityType.PHONE, BY_FORM, phones),
    Recognizer(EntityType.ADDRESS, BY_FORM, addresses),
    Recognizer(EntityType.BIRTH_DATE, BY_FORM, birth_dates),
    Recognizer(EntityType.PERSON, BY_FORM, people),
    Recognizer(EntityType.ORGANIZATION, BY_FORM, organizations),
    Recognizer(EntityType.LOCATION, BY_FORM, places),
)


def find(text: str) -> list[Finding]:
    """All that any of them finds in a folded text; stretches may overlap."""
    ids = slack_ids(text)
    return [
        Finding(start=start, end=end, type=one.type, score=one.score)
        for one in RECOGNIZERS
        for start, end in one.spans(text)
        if not any(start < last and first < end for first, last in ids)
    ]
