"""Check digits of national ids. Each is given letters and digits alone, in the form that its pattern lets through."""

from collections.abc import Sequence

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FISCALE_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_VERHOEFF_STEP = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_PLACE = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def is_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return len(set(digits)) > 1 and sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def is_ean(digits: str) -> bool:
    return _weighed(digits, (1, 3) * 6 + (1,)) % 10 == 0


def is_nhs(digits: str) -> bool:
    return len(set(digits)) > 1 and (11 - _weighed(digits[:9], range(10, 1, -1)) % 11) % 11 == int(digits[9])


def is_codice_fiscale(code: str) -> bool:
    total = 0
    for place, one in enumerate(code[:15]):
        number = int(one) if one.isdecimal() else ord(one) - ord("A")
        total += number if place % 2 else _FISCALE_ODD[number]
    return chr(ord("A") + total % 26) == code[15]


def is_dni(code: str) -> bool:
    number = code[:-1]
    if number[0] in "XYZ":
        number = str("XYZ".index(number[0])) + number[1:]
    return _DNI[int(number) % 23] == code[-1]


def is_cpf(digits: str) -> bool:
    sums = (_weighed(digits[:size], range(size + 1, 1, -1)) for size in (9, 10))
    return len(set(digits)) > 1 and [total * 10 % 11 % 10 for total in sums] == [int(one) for one in digits[9:]]


def is_steuer_id(digits: str) -> bool:
    """ISO/IEC 7064, MOD 11,10."""
    product = 10
    for one in digits[:10]:
        total = (int(one) + product) % 10 or 10
        product = total * 2 % 11
    return digits[0] != "0" and (11 - product) % 10 == int(digits[10])


def is_nir(code: str) -> bool:
    number = code[:13].replace("2A", "19").replace("2B", "18") if code[5:7] in ("2A", "2B") else code[:13]
    return 97 - int(number) % 97 == int(code[13:])


def is_bsn(digits: str) -> bool:
    return len(set(digits)) > 1 and _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_rijksregister(digits: str) -> bool:
    return any(97 - int(century + digits[:9]) % 97 == int(digits[9:]) for century in ("", "2"))


def is_pesel(digits: str) -> bool:
    return len(set(digits)) > 1 and _weighed(digits, (1, 3, 7, 9) * 2 + (1, 3, 1)) % 10 == 0


def is_personnummer(digits: str) -> bool:
    return is_luhn(digits[-10:])


def is_hetu(code: str) -> bool:
    digits = code[:6] + code[-4:-1]
    return _HETU[int(digits) % 31] == code[-1]


def is_verhoeff(digits: str) -> bool:
    check = 0
    for place, one in enumerate(reversed(digits)):
        check = int(_VERHOEFF_STEP[check][int(_VERHOEFF_PLACE[place % 8][int(one)])])
    return check == 0 and len(set(digits)) > 1


def is_tfn(digits: str) -> bool:
    return len(set(digits)) > 1 and _weighed(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_medicare(digits: str) -> bool:
    return _weighed(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def is_nric(code: str) -> bool:
    total = _weighed(code[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(code[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}
    return letters[code[0]][total % 11] == code[8]


def is_tckn(digits: str) -> bool:
    numbers = [int(one) for one in digits]
    tenth = (sum(numbers[0:9:2]) * 7 - sum(numbers[1:8:2])) % 10
    return numbers[9] == tenth and sum(numbers[:10]) % 10 == numbers[10]


def is_resident_id(code: str) -> bool:
    """ISO/IEC 7064, MOD 11-2."""
    weights = [2**place % 11 for place in range(17, 0, -1)]
    return "10X98765432"[_weighed(code[:17], weights) % 11] == code[17]


def _weighed(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
