"""Wallets of crypto currencies, by their check sums; those of Ethereum by their form."""

import re
from collections.abc import Iterator
from hashlib import sha256

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_LEGACY = re.compile(r"(?<![A-Za-z0-9])[13LMD][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])")
_SEGWIT = re.compile(
    r"(?<![A-Za-z0-9])([Bb][Cc]|[Tt][Bb]|[Ll][Tt][Cc])1[02-9AC-HJ-NP-Zac-hj-np-z]{11,87}(?![A-Za-z0-9])"
)
_ETHEREUM = re.compile(r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])")
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CONSTANTS = (1, 0x2BC830A3)
"""Of bech32 and bech32m (BIP 173, BIP 350)."""


def wallets(text: str) -> Iterator[tuple[int, int]]:
    yield from (found.span() for found in _LEGACY.finditer(text) if _is_base58check(found[0]))
    yield from (found.span() for found in _SEGWIT.finditer(text) if _is_bech32(found[0].lower(), found[1].lower()))
    for found in _ETHEREUM.finditer(text):
        if len(set(found[0])) > 4:
            yield found.span()


def _is_base58check(text: str) -> bool:
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    if number.bit_length() > 200:
        return False
    whole = number.to_bytes(25, "big")
    return sha256(sha256(whole[:21]).digest()).digest()[:4] == whole[21:]


def _is_bech32(text: str, prefix: str) -> bool:
    spread = [*(ord(one) >> 5 for one in prefix), 0, *(ord(one) & 31 for one in prefix)]
    check = 1
    for value in (*spread, *(_BECH32.index(one) for one in text[len(prefix) + 1 :])):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check in _CONSTANTS
