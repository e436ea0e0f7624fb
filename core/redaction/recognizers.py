"""Personal data that has a form: found by pattern, believed by check digits or by the words around it."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.redaction.model import EntityType, Finding
from core.redaction.payments import cards, ibans
from core.redaction.phones import phones
from core.redaction.secret_forms import secrets_in

SURE = 1.0
BY_FORM = 0.9
"""Above 0.85, by which a recogniser of names would claim the same stretch."""

# Word bounds are those of ASCII: in Chinese or Japanese no space stands between a value and the words around it.
_LETTER = r"A-Za-z0-9\u00c0-\u052f"
_LOCAL_PART = re.compile(rf"[{_LETTER}][{_LETTER}_.+%'-]{{0,63}}\Z")
_DOMAIN = re.compile(rf"(?:@|%40)(?:[{_LETTER}](?:[{_LETTER}-]{{0,62}})\.){{1,12}}[A-Za-z\u00c0-\u052f]{{2,24}}")
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{2,39}:[0-9a-fA-F]{1,4})(?![\w.:]*\w)", re.ASCII)
_WITH_FORM = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        # United States, social security number, by the rules of its issue
        r"(?<![\w-])(?!000|666|9\d\d)\d{3}([- .])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])",
        r"(?i:\b(?:ssn|social security)\b[^\d\n]{0,15})(?P<id>(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4})(?!\w)",
        # United Kingdom, national insurance number
        r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:\d{2} ?){3}[A-D](?!\w)",
        # Italy, codice fiscale
        r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)",
    )
)
_DNI = re.compile(r"(?<!\w)(\d{8})-?([A-HJ-NP-TV-Z])(?!\w)", re.ASCII)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CPF = re.compile(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)", re.ASCII)


def find(text: str) -> list[Finding]:
    """All that any of them finds in a folded text; stretches may overlap."""
    return [
        Finding(start=start, end=end, type=one.type, score=one.score)
        for one in _RECOGNIZERS
        for start, end in one.spans(text)
    ]


@dataclass(frozen=True, slots=True)
class _Recognizer:
    type: EntityType
    score: float
    spans: Callable[[str], Iterator[tuple[int, int]]]


def _emails(text: str) -> Iterator[tuple[int, int]]:
    """From the `@` to both sides, so that a long run of letters costs nothing."""
    for found in _DOMAIN.finditer(text):
        local = _LOCAL_PART.search(text, max(0, found.start() - 64), found.start())
        if local is not None:
            yield local.start(), found.end()


def _national_ids(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _WITH_FORM:
        group = "id" if "id" in pattern.groupindex else 0
        yield from (found.span(group) for found in pattern.finditer(text))
    for found in _DNI.finditer(text):
        if _DNI_LETTERS[int(found[1]) % 23] == found[2]:
            yield found.span()
    for found in _CPF.finditer(text):
        if _is_cpf([int(character) for character in found[0] if character.isdigit()]):
            yield found.span()


def _is_cpf(digits: list[int]) -> bool:
    """Brazil: both check digits."""
    sums = (sum(digit * (size + 1 - at) for at, digit in enumerate(digits[:size])) for size in (9, 10))
    return len(set(digits)) > 1 and [total * 10 % 11 % 10 for total in sums] == digits[9:]


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for found in _IP.finditer(text):
        try:
            ipaddress.ip_address(found[0])
        except ValueError:
            continue
        yield found.span()


_RECOGNIZERS = (
    _Recognizer(EntityType.SECRET, SURE, secrets_in),
    _Recognizer(EntityType.EMAIL, SURE, _emails),
    _Recognizer(EntityType.CARD, SURE, cards),
    _Recognizer(EntityType.IBAN, SURE, ibans),
    _Recognizer(EntityType.NATIONAL_ID, BY_FORM, _national_ids),
    _Recognizer(EntityType.PHONE, BY_FORM, phones),
    _Recognizer(EntityType.IP_ADDRESS, BY_FORM, _addresses),
)
