"""Numbers that a state gives a person: one row a form, believed by check digits, or by the words before them where a
number of that form could be anything."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.redaction import check_digits as check
from core.redaction.folding import lowered

CUE_REACH = 40
"""Characters before a number in which its word stands, in the same line."""


@dataclass(frozen=True, slots=True)
class Form:
    name: str
    pattern: re.Pattern[str]
    is_right: Callable[[str], bool] | None = None
    """Of its letters and digits alone, in capitals."""
    cue: re.Pattern[str] | None = None


def _form(name: str, pattern: str, is_right: Callable[[str], bool] | None = None, *, cue: str | None = None) -> Form:
    whole = re.compile(rf"(?<![\w-])(?<!\d[.,/])(?:{pattern})(?![\w-]|[./]\d)", re.ASCII)
    return Form(name, whole, is_right, None if cue is None else re.compile(rf"(?<![A-Za-z])(?i:{cue})(?![A-Za-z])"))


_SSN = "ssn|social[ _]security|itin|tin|tax(?:payer)?[ _]id"

FORMS = (
    _form("United States SSN", r"(?!000|666|9\d\d)\d{3}([- .])(?!00)\d{2}\1(?!0000)\d{4}"),
    _form("United States ITIN", r"9\d\d-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}"),
    _form("United States SSN", r"\d{3}([- ])\d{2}\1\d{4}", cue=_SSN),
    _form("United States SSN", r"(?!000|666)\d{3}(?!00)\d{2}(?!0000)\d{4}", cue=_SSN),
    _form(
        "United Kingdom NINO",
        r"(?i:(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?(?:\d{2} ?){3}[A-Da-d]",
        str.isalnum,
    ),
    _form(
        "United Kingdom NINO",
        r"[A-Z]{2} ?(?:\d{2} ?){3}[A-Z]",
        cue="nino|national insurance(?: number)?|ni (?:number|no)",
    ),
    _form("United Kingdom NHS", r"\d{3}[ -]?\d{3}[ -]?\d{4}", check.is_nhs, cue="nhs"),
    _form("Italy codice fiscale", r"(?i:[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])", check.is_codice_fiscale),
    _form("Spain DNI, NIE", r"(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]", check.is_dni),
    _form("Brazil CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}", check.is_cpf),
    _form("Brazil CPF", r"\d{11}", check.is_cpf, cue="cpf"),
    _form(
        "Germany tax id",
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
        check.is_steuer_id,
        cue="steuer[ -]?id\\w*|steuer(?:liche)?[ -]?identifikations?\\w*|idnr|tax id|tin",
    ),
    _form(
        "Germany identity card",
        r"[LMNPRTVWXYCFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}\d?",
        cue="personalausweis\\w*|ausweis\\w*",
    ),
    _form(
        "France NIR",
        r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d",
        check.is_nir,
    ),
    _form("Netherlands BSN", r"\d{9}", check.is_bsn, cue="bsn|burgerservicenummer|sofi(?:nummer)?"),
    _form("Belgium national number", r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", check.is_rijksregister),
    _form("Switzerland AHV", r"756\.\d{4}\.\d{4}\.\d{2}", check.is_ean),
    _form("Poland PESEL", r"\d{11}", check.is_pesel, cue="pesel"),
    _form("Sweden personnummer", r"(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])[-+]\d{4}", check.is_personnummer),
    _form("Denmark CPR", r"(?:[0-2]\d|3[01])(?:0[1-9]|1[0-2])\d\d-?\d{4}", cue="cpr(?:[ -]?nummer|[ -]?nr)?"),
    _form("Norway birth number", r"\d{6} ?\d{5}", cue="f\u00f8dselsnummer|personnummer|fnr"),
    _form("Finland HETU", r"(?:[0-2]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", check.is_hetu),
    _form("India Aadhaar", r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", check.is_verhoeff),
    _form("India Aadhaar", r"[2-9]\d{11}", check.is_verhoeff, cue="aadhaa?r|uidai|uid"),
    _form("India PAN", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]"),
    _form("Australia TFN", r"\d{3}[ -]?\d{3}[ -]?\d{3}", check.is_tfn, cue="tfn|tax file(?: number)?"),
    _form("Australia Medicare", r"[2-6]\d{3} ?\d{5} ?\d(?:[ /-]?\d)?", check.is_medicare, cue="medicare"),
    _form("Canada SIN", r"\d{3}-\d{3}-\d{3}", check.is_luhn),
    _form("Canada SIN", r"\d{3} ?\d{3} ?\d{3}", check.is_luhn, cue="sin|social insurance(?: number)?"),
    _form("Singapore NRIC", r"[STFGM]\d{7}[A-Z]", check.is_nric),
    _form("South Africa id", r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4}[01][89]\d", check.is_luhn),
    _form("Turkey TCKN", r"[1-9]\d{10}", check.is_tckn, cue="tckn|t\\.?c\\.?(?: kimlik)?|kimlik"),
    _form(
        "Mexico CURP", r"[A-Z][AEIOUX][A-Z]{2}\d{2}(?:0[1-9]|1[0-2])[0-3]\d[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z]\d"
    ),
    _form("South Korea RRN", r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}"),
    _form(
        "China resident id",
        r"[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]",
        check.is_resident_id,
    ),
    _form("Ireland PPS", r"\d{7}[A-W][A-IW]?", cue="pps(?:n| number)?"),
    _form("Portugal NIF", r"\d{3} ?\d{3} ?\d{3}", cue="nif|contribuinte"),
)

_START = re.compile(r"(?<![\w-])(?:[A-Za-z]{1,6} ?)?(?P<digit>\d)(?=(?:[^\d\n]{0,2}\d){3})", re.ASCII)
"""Letters, if any, and four digits close to each other: what all forms begin with, so that most words are passed by."""
_HINTS = (
    "passport", "pass", "pasaporte", "passaporto", "licen", "schein", "permis", "national", "id card", "identity",
    "personal id", "my number", "mynumber", "\u30de\u30a4\u30ca\u30f3", "green card", "visa", "a-number",
)  # fmt: skip
_BY_NAME = re.compile(
    r"(?i:\b(?:passports?|reisepass\w*|passeport|pasaporte|passaporto|driv(?:er|ing)['\u2019]?s?[ _]?licen[cs]e"
    r"|driver[ _]?licen[cs]e|f\u00fchrerschein\w*|permis de conduire|national (?:id|identity|insurance)(?: card)?"
    r"|id card|identity card|personal id|my number|mynumber|\u30de\u30a4\u30ca\u30f3\u30d0\u30fc|green card"
    r"|visa number|a-number)\b)[\"']?(?:[ _-]?(?i:card|number|num|no\b\.?|nr\b\.?|id|is|was|of"
    r"|#)){0,3}[ \t]?[:=#.]?[ \t]?[\"']?(?i:is )?(?P<id>[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){4,19})"
)
_OTHER_WORD = re.compile(r"[A-Za-z]{4}|(?<= )[a-z]+|[ -][A-Za-z]+\Z")
"""In what may stand behind `passport`, it begins another word."""


def national_ids(text: str) -> Iterator[tuple[int, int]]:
    for start in _starts(text):
        for form in FORMS:
            found = form.pattern.match(text, start)
            if found is not None and _is_one(text, found, form):
                yield found.span()
    lower = lowered(text)
    if any(hint in lower for hint in _HINTS):
        yield from _by_name(text)


def _starts(text: str) -> Iterator[int]:
    """Where one of the forms may begin."""
    for found in _START.finditer(text):
        yield found.start()
        if found.start("digit") > found.start() and not text[found.start("digit") - 1].isalnum():
            yield found.start("digit")


def _by_name(text: str) -> Iterator[tuple[int, int]]:
    for found in _BY_NAME.finditer(text):
        word = _OTHER_WORD.search(found["id"])
        size = len(found["id"]) if word is None else word.start()
        number = found["id"][:size].rstrip(" -")
        if sum(map(str.isdecimal, number)) >= 5:
            yield found.start("id"), found.start("id") + len(number)


def _is_one(text: str, found: re.Match[str], form: Form) -> bool:
    if form.is_right is not None and not form.is_right(_plain(found[0])):
        return False
    begin = max(text.rfind("\n", 0, found.start()) + 1, found.start() - CUE_REACH)
    return form.cue is None or form.cue.search(text, begin, found.start()) is not None


def _plain(value: str) -> str:
    return "".join(one for one in value if one.isalnum()).upper()
