"""Numbers of cards and bank accounts: believed by their check digits."""

import re
from collections.abc import Iterator, Sequence

_GROUPS = re.compile(r"(?<![A-Za-z0-9_])\d+(?:[ ._/-]\d+)*(?![A-Za-z_])")
_ISSUED = {12: "56", 13: "456", 14: "356", 15: "12356", 16: "23456", 17: "356", 18: "356", 19: "3456"}
"""How cards of so many digits begin."""
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}")
_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip

"""Of an IBAN, by country: the SWIFT registry, release 99."""


def cards(text: str) -> Iterator[tuple[int, int]]:
    """12-19 digits, ISO/IEC 7812, with any separators."""
    for run in _GROUPS.finditer(text):
        if run.end() - run.start() >= 12:
            groups = [found.span() for found in re.finditer(r"\d+", run[0])]
            for first, last in _cards_in(run[0], groups):
                yield run.start() + first, run.start() + last


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """ISO 13616."""
    for found in _IBAN.finditer(text):
        length = _LENGTHS.get(found[0][:2].upper())
        end = None if length is None else _after(text, found.start(), length)
        if end is not None and _mod_97(text[found.start() : end]):
            yield found.start(), end


def _cards_in(run: str, groups: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The groups of a run that are a card; a date or a check code may stand before or behind them."""
    first = 0
    while first < len(groups):
        counts = (len(groups), *range(min(len(groups) - first, 5), 0, -1)) if first == 0 else range(5, 0, -1)
        for count in counts:
            some = groups[first : first + count]
            if len(some) == count and _has_card_shape(run, some) and _is_card(run[some[0][0] : some[-1][1]]):
                yield some[0][0], some[-1][1]
                first += count
                break
        else:
            first += 1


def _has_card_shape(run: str, groups: Sequence[tuple[int, int]]) -> bool:
    """All of one length, the last perhaps not, or as on the cards that are printed otherwise."""
    sizes = [end - start for start, end in groups]
    if not 12 <= sum(sizes) <= 19:
        return False
    if len(sizes) == 1:
        start = groups[0][0]
        return not (start and run[start - 1] == ".")  # else the digits behind a point
    is_even = len(sizes) > 2 and len(set(sizes[:-1])) == 1 and sizes[-1] <= max(4, sizes[0])
    return is_even or sizes in ([4, 6, 5], [4, 6, 4], [8, 8], [6, 13])


def _is_card(text: str) -> bool:
    digits = "".join(character for character in text if character.isdigit())
    return digits[0] in _ISSUED[len(digits)] and len(set(digits)) > 1 and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _after(text: str, start: int, length: int) -> int | None:
    """Where so many letters and digits end, single spaces or hyphens between them."""
    count = 0
    for place in range(start, len(text)):
        character = text[place]
        if character.isascii() and character.isalnum():
            count += 1
            if count == length:
                return place + 1
        elif character not in " -" or not text[place - 1].isalnum():
            return None
    return None


def _mod_97(text: str) -> bool:
    plain = "".join(character for character in text if character.isalnum())
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1
