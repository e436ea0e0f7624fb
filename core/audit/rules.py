"""The chain: what is signed, and how it is checked.

Every mac is an HMAC-SHA-256 over one JSON array in ASCII, without white space, object keys sorted, times in UTC as
`2026-11-22T15:04:05.000006+00:00`, macs in hex. Its first word tells what is signed, so that no mac can stand in for
another:

    ["row",        seq, at, actor, action, target, detail, key id, mac of row seq - 1]
    ["head",       seq, mac of that row, first seq, key id]
    ["checkpoint", from seq, through seq, mac of row through seq, kept from, key id]

Row 1 follows a mac of 32 zero bytes. The key id says which key signed, so that keys can change along the chain.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from core.audit.model import AuditCheckpoint, AuditEntry, AuditHead, AuditRecord

GENESIS = bytes(32)
"""What row 1 follows."""

EMPTY_HEAD = AuditHead(seq=0, mac=GENESIS, first_seq=1, key_id="", seal=b"")
"""The head of a new database. It is unsigned: a migration that makes it has no key."""


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """The keys by their ids; `current` signs, all verify."""

    current: str
    by_id: Mapping[str, bytes] = field(repr=False)


def canonical(value: Any) -> str:
    """The one way to write a JSON value. Raises TypeError or ValueError for what JSON does not have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def next_record(entry: AuditEntry, head: AuditHead, keys: AuditKeys) -> AuditRecord:
    """The entry as the row after `head`."""
    record = AuditRecord(seq=head.seq + 1, entry=entry, key_id=keys.current, mac=b"")
    return replace(record, mac=_mac(keys.by_id[keys.current], _row(record, previous=head.mac)))


def sealed_head(head: AuditHead, keys: AuditKeys) -> AuditHead:
    """The head, signed with the current key."""
    head = replace(head, key_id=keys.current)
    return replace(head, seal=_mac(keys.by_id[keys.current], _head(head)))


def sealed_checkpoint(checkpoint: AuditCheckpoint, keys: AuditKeys) -> AuditCheckpoint:
    """The checkpoint, signed with the current key."""
    checkpoint = replace(checkpoint, key_id=keys.current)
    return replace(checkpoint, seal=_mac(keys.by_id[keys.current], _checkpoint(checkpoint)))


def is_genuine(head: AuditHead, keys: AuditKeys) -> bool:
    """Whether Prime wrote this head. The unsigned one of a new database passes: it must have no rows."""
    return head == EMPTY_HEAD or _fits(head.seal, head.key_id, _head(head), keys)


class ChainCheck:
    """Walks a chain from its oldest row on and collects what is wrong with it, as sentences for the operator."""

    LIMIT = 20
    """How many sentences are enough to know."""

    def __init__(self, head: AuditHead, checkpoints: Iterable[AuditCheckpoint], keys: AuditKeys) -> None:
        """`checkpoints` by rising `from_seq`."""
        self.rows = 0
        self.problems: list[str] = []
        self._head = head
        self._keys = keys
        self._seq, self._mac = 0, GENESIS
        for checkpoint in checkpoints:
            self._pass_checkpoint(checkpoint)
        if not is_genuine(head, keys):
            self._found(f"The end of the chain (row {head.seq}) is not signed by {self._signer(head.key_id)}.")
        if head.first_seq != self._seq + 1:
            self._found(f"The chain begins at row {head.first_seq}, but its checkpoints end at row {self._seq}.")

    def see(self, record: AuditRecord) -> None:
        """The next row by rising `seq`."""
        self.rows += 1
        if record.seq != self._seq + 1:
            self._found(f"Row {record.seq} follows row {self._seq}.")
        if not _fits(record.mac, record.key_id, _row(record, previous=self._mac), self._keys):
            self._found(f"Row {record.seq} is not what {self._signer(record.key_id)} signed after row {self._seq}.")
        self._seq, self._mac = record.seq, record.mac

    def end(self) -> None:
        """After the newest row."""
        if self._seq != self._head.seq:
            self._found(f"The newest row is {self._seq}, but the chain ends at row {self._head.seq}.")
        if self._mac != self._head.mac:
            self._found(f"The newest row ({self._seq}) is not the one that the chain ends with.")

    def _pass_checkpoint(self, checkpoint: AuditCheckpoint) -> None:
        name = f"The checkpoint for rows {checkpoint.from_seq} to {checkpoint.through_seq}"
        if checkpoint.from_seq != self._seq + 1 or checkpoint.through_seq < checkpoint.from_seq:
            self._found(f"{name} follows row {self._seq}.")
        if not _fits(checkpoint.seal, checkpoint.key_id, _checkpoint(checkpoint), self._keys):
            self._found(f"{name} is not signed by {self._signer(checkpoint.key_id)}.")
        self._seq, self._mac = checkpoint.through_seq, checkpoint.through_mac

    def _signer(self, key_id: str) -> str:
        return "Prime" if key_id in self._keys.by_id else f"any given key (it names {key_id!r}; see PRIME_SECRET_KEY)"

    def _found(self, sentence: str) -> None:
        if len(self.problems) < self.LIMIT:
            self.problems.append(sentence)


def _row(record: AuditRecord, *, previous: bytes) -> list[Any]:
    entry = record.entry
    words = [_time(entry.at), entry.actor, entry.action, entry.target, entry.detail]
    return ["row", record.seq, *words, record.key_id, previous.hex()]


def _head(head: AuditHead) -> list[Any]:
    return ["head", head.seq, head.mac.hex(), head.first_seq, head.key_id]


def _checkpoint(checkpoint: AuditCheckpoint) -> list[Any]:
    numbers = [checkpoint.from_seq, checkpoint.through_seq, checkpoint.through_mac.hex()]
    return ["checkpoint", *numbers, _time(checkpoint.kept_from), checkpoint.key_id]


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _fits(mac: bytes, key_id: str, content: list[Any], keys: AuditKeys) -> bool:
    key = keys.by_id.get(key_id)
    return key is not None and hmac.compare_digest(mac, _mac(key, content))


def _mac(key: bytes, content: list[Any]) -> bytes:
    return hmac.digest(key, canonical(content).encode("ascii"), "sha256")
