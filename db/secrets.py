"""Values encrypted in the database, and the keys for it and for the audit chain, all from PRIME_SECRET_KEY.

A sealed value is: format (1 byte, 1) | key id (8) | nonce (12) | AES-256-GCM ciphertext and tag. The associated data is
the cell where the value stands, so a copy into another row or column does not open. What a data key sealed, which is
kept as a sealed value itself, looks the same with format 2 and that key's own id.
"""

import base64
import binascii
import json
import os
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.audit.rules import AuditKeys
from core.errors import ConfigurationError, PrimeError
from db.types import Sealed

KEY_BYTES = 32
PREFIX_BYTES = 9
"""Format and key id: what a value sealed with one key begins with."""

_FORMAT = b"\x01"
DATA_FORMAT = b"\x02"
_NONCE_BYTES = 12
_HOW = "Make one with: python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


class UnreadableSecretError(PrimeError):
    """The value was sealed with a key that is not given, or was not sealed for the place where it was found."""

    def __init__(self) -> None:
        super().__init__(
            "Something that Prime keeps encrypted cannot be read. An operator should check that PRIME_SECRET_KEY still "
            "holds every key that was ever used."
        )


class Cell(NamedTuple):
    """Where a value stands."""

    table: str
    column: str
    row: tuple[str, ...]
    """The primary key."""


class SecretKeys:
    """The keys of PRIME_SECRET_KEY, from each of which one key per purpose is derived."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """The first encrypts and signs, all decrypt and verify."""
        ids = [_derive(key, "key id", length=PREFIX_BYTES - 1) for key in keys]
        self.current_prefix = _FORMAT + ids[0]
        self.ciphers = {
            _FORMAT + key_id: AESGCM(_derive(key, "encryption")) for key_id, key in zip(ids, keys, strict=True)
        }
        self.audit = AuditKeys(
            current=ids[0].hex(),
            by_id={key_id.hex(): _derive(key, "audit") for key_id, key in zip(ids, keys, strict=True)},
        )

    @classmethod
    def parse(cls, text: str) -> "SecretKeys":
        """Reads PRIME_SECRET_KEY: urlsafe base64 of 32 bytes, or several, comma-separated.

        Raises ConfigurationError, which never shows a key."""
        words = [word.strip() for word in text.split(",")]
        keys = [_parse_key(word, number=number, of=len(words)) for number, word in enumerate(words, start=1)]
        if len(set(keys)) < len(keys):
            raise ConfigurationError("PRIME_SECRET_KEY holds the same key twice: give each once, the newest first.")
        return cls(keys)


class SecretBox:
    """Seals and opens values."""

    def __init__(self, keys: SecretKeys) -> None:
        self._keys = keys

    def seal(self, plain: bytes, cell: Cell) -> Sealed:
        """Encrypts with the first key, for this cell only."""
        prefix, nonce = self._keys.current_prefix, os.urandom(_NONCE_BYTES)
        return Sealed(prefix + nonce + self._keys.ciphers[prefix].encrypt(nonce, plain, _place(cell)))

    def open(self, sealed: Sealed, cell: Cell) -> bytes:
        """Raises UnreadableSecretError."""
        cipher = self._keys.ciphers.get(sealed.data[:PREFIX_BYTES])
        if cipher is None:
            raise UnreadableSecretError
        return _opened(cipher, sealed, cell)


class DataBox:
    """Seals and opens by a data key, which somebody may destroy."""

    def __init__(self, key: bytes) -> None:
        self._prefix = DATA_FORMAT + _derive(key, "key id", length=PREFIX_BYTES - 1)
        self._cipher = AESGCM(_derive(key, "encryption"))

    @staticmethod
    def new_key() -> bytes:
        return os.urandom(KEY_BYTES)

    def seal(self, plain: bytes, cell: Cell) -> Sealed:
        nonce = os.urandom(_NONCE_BYTES)
        return Sealed(self._prefix + nonce + self._cipher.encrypt(nonce, plain, _place(cell)))

    def has_sealed(self, sealed: Sealed) -> bool:
        return sealed.data.startswith(self._prefix)

    def open(self, sealed: Sealed, cell: Cell) -> bytes:
        """Raises UnreadableSecretError."""
        return _opened(self._cipher, sealed, cell)


def is_data_sealed(sealed: Sealed) -> bool:
    return sealed.data[:1] == DATA_FORMAT


def _opened(cipher: AESGCM, sealed: Sealed, cell: Cell) -> bytes:
    rest = sealed.data[PREFIX_BYTES:]
    if len(rest) < _NONCE_BYTES:
        raise UnreadableSecretError
    try:
        return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _place(cell))
    except InvalidTag as error:
        raise UnreadableSecretError from error


def _place(cell: Cell) -> bytes:
    return json.dumps(cell).encode()


def _derive(key: bytes, purpose: str, *, length: int = KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"prime {purpose} 1".encode()).derive(key)


def _parse_key(word: str, *, number: int, of: int) -> bytes:
    name = "PRIME_SECRET_KEY" if of == 1 else f"PRIME_SECRET_KEY (key {number} of {of})"
    if not word:
        raise ConfigurationError(f"{name} is empty. {_HOW}")
    try:
        key = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        # `from None`: the cause would carry the key's text.
        raise ConfigurationError(f"{name} is not urlsafe base64. {_HOW}") from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{name} is {len(key)} bytes long and must be {KEY_BYTES}. {_HOW}")
    return key
