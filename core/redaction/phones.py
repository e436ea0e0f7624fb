"""Telephone numbers: told by a plus or zeros in front, by a form that numbers have, or by the word before them."""

import re
from collections.abc import Iterator, Sequence

from core.redaction.folding import lowered

_SEPARATED = r"(?:(?: (?!(?:19|20)\d\d-\d\d(?!\d)|\d{1,2}:\d\d)|[./()-]){0,3}\d)"
"""A digit and what may stand before it, but not before a date or a time."""
_EXTENSION = r"(?:,? ?(?:ext\.?|extension|x|#|durchwahl|poste) ?\d{1,6})?"
_INTERNATIONAL = re.compile(
    rf"(?<!\+)(?:\+(?: (?=\d{{1,3}}[ (-]))?|\(\+|(?<![A-Za-z0-9_.])00 ?)[1-9]{_SEPARATED}{{6,14}}(?!\d){_EXTENSION}"
)
_AMERICAN = re.compile(
    r"(?<![A-Za-z0-9_+.,-])(?:1[ .-])?(?:\(\d{3}\) ?\d{3}[ .-]|[2-9]\d\d[ .-][2-9]\d\d[ .-]"
    r"|[1-9]\d\d(?P<mark>[.-])\d{3}(?P=mark))\d{4}(?![A-Za-wyz0-9_]|-\d)" + _EXTENSION
)
_WITH_ZERO = re.compile(rf"(?<![A-Za-z0-9_+.,/-])\(?0[1-9]{_SEPARATED}{{7,10}}(?![A-Za-z0-9_])")
_GROUPED = re.compile(
    r"(?<![\w+.,:/-])(?:\(\d{2,3}\) ?|\d{1,3}[ -])\d{2,5}(?:[ -]\d{2,4}){1,3}(?![\w:]|[-.,/ ]\d)", re.ASCII
)
_SHAPES: dict[Sequence[int], Sequence[str]] = {
    (3, 2, 3): ("NO",),
    (3, 4, 4): ("CN", "KR"),
    (2, 5, 4): ("BR",),
    (2, 4, 4): ("BR", "MX"),
    (2, 3, 2, 2): ("ES", "PL", "CH"),
    (3, 2, 2, 2): ("ES",),
    (3, 3, 2, 2): ("TR",),
    (1, 3, 3, 2, 2): ("RU",),
}
"""How numbers without a zero or a plus in front are written, and where. Other groups stand in numbers of any kind."""
_IS = r"(?:[ :.#=\"'*-]{0,4}(?:number|no|nr|num|me|us|him|her|them|is|at|on|under|now)\b){0,3}[ :.#=\"'*-]{0,5}"
_NUMBER = rf"(?P<number>[+(]?\d{_SEPARATED}{{5,14}}(?!\d)){_EXTENSION}"
_CUED = re.compile(
    r"(?<![a-z])(?:phone|mobile|mob|cell|cellphone|tel|telephone|fax|whatsapp|signal|sms|landline|hotline|helpline"
    r"|(?:my|his|her|their|our|contact|work|home|office|direct) (?:number|no\.)|telefon|telefono|tel\u00e9fono"
    r"|t\u00e9l\u00e9phone|handy|mobil|movil|m\u00f3vil|portable|celular|telefone|cellulare"
    rf"|telefoon|puhelin|rufnummer|phone_?number|msisdn)_?{_IS}{_NUMBER}",
    re.ASCII,
)
_CALLED = re.compile(rf"\b(?:call|dial|reach|text|ring)\b{_IS}{_NUMBER}", re.ASCII)
_REGIONS = (
    "US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "AU", "CN", "JP", "NL", "PL", "SE", "CH", "AT", "MX", "ZA", "SG",
)  # fmt: skip
"""By population of Slack's users, roughly: where a number may be from that is called and has no plus."""
_FEWEST_DIGITS = 8
"""Of a number that only `call` or `text` stands before."""
_FRACTION = re.compile(r"\+ ?\d+\.\d+")
_ZIP = re.compile(r"\d{5}-\d{4}")
_DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}([-./])\d{1,2}\1(?:\d{4}|\d\d\Z)")


def phones(text: str) -> Iterator[tuple[int, int]]:
    for found in _INTERNATIONAL.finditer(text):
        if not _FRACTION.fullmatch(found[0]) and _is_possible(found[0]):
            yield found.span()
    yield from (found.span() for found in _AMERICAN.finditer(text))
    for found in _WITH_ZERO.finditer(text):
        if not found[0].isdecimal() and not _DATE.match(found[0]) and not _ZIP.fullmatch(found[0]):
            yield found.span()
    for found in _GROUPED.finditer(text):
        sizes = tuple(len(group) for group in re.findall(r"\d+", found[0]))
        if sizes in _SHAPES and _is_valid(found[0], _SHAPES[sizes]):
            yield found.span()
    lower = lowered(text)
    for found in _CUED.finditer(lower):
        if not _DATE.match(found["number"]):
            yield found.start("number"), found.end()
    for found in _CALLED.finditer(lower):
        number = found["number"]
        is_long = sum(map(str.isdecimal, number)) >= _FEWEST_DIGITS
        if is_long and not _DATE.match(number) and _is_valid(number, _REGIONS):
            yield found.start("number"), found.end()


def _is_possible(number: str) -> bool:
    """Whether its country has numbers of that length."""
    import phonenumbers  # noqa: PLC0415  70 ms, which a text without numbers need not wait for

    plain = number.strip("( ")
    try:
        parsed = phonenumbers.parse(plain if plain.startswith("+") else "+" + plain.removeprefix("00"))
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed)


def _is_valid(number: str, regions: Sequence[str]) -> bool:
    """Whether one of these countries gives out such numbers."""
    import phonenumbers  # noqa: PLC0415  see above

    for region in regions:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return True
    return False
