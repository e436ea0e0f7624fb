"""The ends of addresses: postcodes with their towns, post-office boxes, flats."""

import re
from collections.abc import Iterator

from core.redaction.address_pieces import Piece, Strength

_TOWN = (
    r"(?:(?:St\.|[A-Z\u00c0-\u00de\u0100-\u017d][\w'\u2019-]{0,25})[ -]){0,3}(?:'s-|de |da "
    r"|do )?[A-Z\u00c0-\u00de\u0100-\u017d][\w'\u2019-]{1,25}"
)
_STATE_NAMES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois"
    "|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri"
    "|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma"
    "|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington"
    "|West Virginia|Wisconsin|Wyoming"
)
_STATE_CODES = (
    "A[KLRSZ]|C[AOT]|D[CE]|F[LM]|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEHINOPST]|N[CDEHJMVY]|O[HKR]|P[ARW]|RI|S[CD]|T[NX]|UT"
    "|V[AIT]|W[AIVY]"
)
_UK_AREAS = (
    "A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?"
    "|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE"
)

_BOX_HINTS = ("box", "post", "apartado", "skrytka")
_BOXES = re.compile(
    r"(?<!\w)(?:(?:p\.? ?o\.? ?|post office )box|postfach|postbus|bo[i\u00ee]te postale|casella postale"
    r"|apartado(?: de correos| postal)?|caixa postal|skrytka pocztowa) (?:n[o\u00b0\u00ba.]{0,2} ?"
    r"|# ?)?\d[\d ]{0,7}(?<=\d)(?!\w)|(?-i:(?<!\w)(?:PSC|Unit) \d{3,5},? Box \d{3,5}(?!\w))",
    re.IGNORECASE,
)
_FLATS = re.compile(
    r"(?<!\w)(?:(?:apt|apartment|suite|ste|unit|flat|studio|floor|room|rm|level|bldg|building|appt|appartement"
    r"|appartamento|piano|(?:h|house|plot|door)\.? ?no|whg|wohnung|piso|apto|int|interno|lok|lokal)(?:\."
    r"|\b)\.? ?(?:# ?)?(?:\d{1,5} ?[a-z]?|[a-z]-?\d{0,4})|# ?\d{1,5}[a-z]?|\d{1,3}(?:st|nd|rd|th) floor"
    r"|\d{1,2}\. ?(?:stock|og|etage))(?!\w)",
    re.IGNORECASE,
)
_REACH = 110
"""Characters before a postcode in which its town and state stand."""
_DIGITS = re.compile(r"(?<![\w.,:/-])\d{4,6}(?:-\d{3,4})?(?![\w-]|\.\d)")
_AMERICAN = re.compile(
    rf"(?<!\w)(?:(?P<town>{_TOWN})(?P<comma>,? ?\n?))?(?P<state>(?i:{_STATE_CODES}|{_STATE_NAMES})),? {{1,2}}\Z"
)
_MILITARY = re.compile(r"(?<!\w)(?:[AD]PO|FPO),? A[AEP] \Z")
_AUSTRALIAN = re.compile(rf"(?<!\w)(?:(?P<town>{_TOWN}),? )?(?P<state>NSW|VIC|QLD|TAS|ACT|SA|WA|NT),? \Z")
_TOWN_BEFORE = re.compile(rf"(?<!\w){_TOWN},?(?: -)? (?:[A-Z]{{2}},? )?\Z")
_BRITISH_END = re.compile(r"(?<=[0-9A-Za-z ])[0-9][ABD-HJLNP-UW-Zabd-hjlnp-uw-z]{2}(?![\w-])")
_BRITISH = re.compile(rf"(?<![\w-])(?i:{_UK_AREAS})[0-9][0-9A-Za-z]?(?P<gap> ?)\Z")
_CANADIAN_END = re.compile(r"(?<=[A-Za-z -])\d[A-Za-z]\d(?![\w-])")
_CANADIAN = re.compile(
    r"(?<![\w-])(?:(?:AB|BC|MB|N[BLSTU]|ON|PE|QC|SK|YT),? )?(?i:[ABCEGHJ-NPRSTVXY]\d[A-Z])(?P<gap>[ -]?)\Z"
)
_CODE_AND_TOWN = re.compile(
    rf"(?<![\w.,:/])(?<!\d-)(?:\d{{4,6}}|\d{{3}} \d\d|\d\d-\d{{3}}|\d{{5}}-?\d{{3}}|\d{{4}} ?[A-Z]{{2}})(?:,? "
    rf"|\n){_TOWN}"
    r"(?:(?: /)? \(?[A-Z]{2}\)?(?!\w))?"
)
_COUNTRY_BEFORE = re.compile(r"(?<![\w-])[A-Z]{1,2}-\Z")
_YEAR = re.compile(r"(?:19|20)\d\d(?!\d)")


def postcodes(text: str) -> Iterator[Piece]:
    """Each is looked for from its digits backwards: few texts hold many."""
    lower = text.lower()
    if any(hint in lower for hint in _BOX_HINTS):
        yield from (Piece(*found.span(), Strength.ALONE) for found in _BOXES.finditer(text))
    for digits in _DIGITS.finditer(text):
        yield from _with_digits(text, digits)
    for end, pattern in ((_BRITISH_END, _BRITISH), (_CANADIAN_END, _CANADIAN)):
        for second in end.finditer(text):
            first = pattern.search(text, max(0, second.start() - 8), second.start())
            if first is not None:
                is_sure = first["gap"] == " " and text[first.start() : second.end()].isupper()
                yield Piece(first.start(), second.end(), _sure(is_sure))
    for found in _CODE_AND_TOWN.finditer(text):
        if not _YEAR.match(found[0]):
            country = _COUNTRY_BEFORE.search(text, max(0, found.start() - 3), found.start())
            yield Piece(found.start() if country is None else country.start(), found.end(), Strength.BESIDE_STREET)


def flats(text: str) -> Iterator[Piece]:
    return (Piece(*found.span(), Strength.BESIDE_STREET) for found in _FLATS.finditer(text))


def _with_digits(text: str, digits: re.Match[str]) -> Iterator[Piece]:
    start = max(0, digits.start() - _REACH)
    size = len(digits[0].partition("-")[0])
    if size == 5 and (military := _MILITARY.search(text, start, digits.start())):
        yield Piece(military.start(), digits.end(), Strength.ALONE)
    elif size == 5 and (american := _AMERICAN.search(text, start, digits.start())):
        is_sure = bool(american["town"] and "," in american["comma"]) and american["state"][0].isupper()
        yield Piece(american.start(), digits.end(), _sure(is_sure))
    elif size == 4 and (australian := _AUSTRALIAN.search(text, start, digits.start())):
        is_sure = bool(australian["town"]) and (len(australian["state"]) == 3 or "," in australian[0])
        yield Piece(australian.start(), digits.end(), _sure(is_sure))
    elif not _YEAR.match(digits[0]) and (town := _TOWN_BEFORE.search(text, start, digits.start())):
        yield Piece(town.start(), digits.end(), Strength.BESIDE_STREET)


def _sure(is_sure: bool) -> Strength:  # noqa: FBT001  its only argument
    return Strength.ALONE if is_sure else Strength.BESIDE_STREET
