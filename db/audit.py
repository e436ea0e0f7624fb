"""The audit chain on its tables."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, text, union, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit.model import AuditBrokenError, AuditCheckpoint, AuditEntry, AuditHead, AuditRecord
from core.audit.ports import AuditStore
from core.audit.rules import GENESIS, AuditKeys, canonical, is_genuine, next_record, sealed_checkpoint, sealed_head
from db.models import AuditCheckpointRow, AuditHeadRow, AuditRow, Base

BATCH = 1000

_row_columns = (
    AuditRow.seq,
    AuditRow.at,
    AuditRow.actor,
    AuditRow.action,
    AuditRow.target,
    AuditRow.detail,
    AuditRow.key_id,
    AuditRow.mac,
)
_HEAD = select(AuditHeadRow.seq, AuditHeadRow.mac, AuditHeadRow.first_seq, AuditHeadRow.key_id, AuditHeadRow.seal)
_LOCKED_HEAD = _HEAD.with_for_update()
_SET_HEAD = update(Base.metadata.tables["audit_head"]).values(
    {name: bindparam(f"head_{name}") for name in ("seq", "mac", "first_seq", "key_id", "seal")}
)
_APPEND = insert(Base.metadata.tables["audit"]).add_cte(_SET_HEAD.cte("head"))
"""Both in one statement: every other writer waits meanwhile."""


class PostgresAudit(AuditStore):
    def __init__(self, connection: AsyncConnection, keys: AuditKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def append(self, entry: AuditEntry) -> AuditRecord:
        head = await self._lock_head()
        record = next_record(entry, head, self._keys)
        head = sealed_head(replace(head, seq=record.seq, mac=record.mac), self._keys)
        try:
            await self._connection.execute(_APPEND, {**_columns(record), **_head_columns(head)})
        except IntegrityError as error:
            raise AuditBrokenError from error  # a row stands where the head says that none is
        return record

    async def head(self) -> AuditHead:
        return await self._read_head(_HEAD)

    async def checkpoints(self) -> list[AuditCheckpoint]:
        table = AuditCheckpointRow
        columns = (table.from_seq, table.through_seq, table.through_mac, table.kept_from, table.key_id, table.seal)
        rows = await self._connection.execute(select(*columns).order_by(table.from_seq))
        return [
            AuditCheckpoint(
                from_seq=from_seq,
                through_seq=through_seq,
                through_mac=through_mac,
                kept_from=kept_from,
                key_id=key_id,
                seal=seal,
            )
            for from_seq, through_seq, through_mac, kept_from, key_id, seal in rows
        ]

    async def records(self) -> AsyncIterator[AuditRecord]:
        batch = select(*_row_columns).order_by(AuditRow.seq).limit(BATCH)
        rows = (await self._connection.execute(batch)).all()
        while rows:
            for row in rows:
                yield _record(row)
            rows = (await self._connection.execute(batch.where(AuditRow.seq > rows[-1].seq))).all()

    async def count(self) -> int:
        return (await self._connection.execute(select(func.count()).select_from(AuditRow))).scalar_one()

    async def recent(
        self,
        *,
        limit: int,
        before_seq: int | None = None,
        actor_or_target: str | None = None,
        action_prefix: str | None = None,
    ) -> list[AuditRecord]:
        found = select(AuditRow.seq).order_by(AuditRow.seq.desc()).limit(limit)
        if before_seq is not None:
            found = found.where(AuditRow.seq < before_seq)
        if action_prefix is not None:
            found = found.where(AuditRow.action.startswith(action_prefix, autoescape=True))
        if actor_or_target is not None:
            # Two walks along an index each, which an OR would not get.
            found = union(
                found.where(AuditRow.actor == actor_or_target), found.where(AuditRow.target == actor_or_target)
            )
        numbers = found.subquery()
        page = select(*_row_columns).where(AuditRow.seq.in_(select(numbers.c.seq)))
        rows = await self._connection.execute(page.order_by(AuditRow.seq.desc()).limit(limit))
        return [_record(row) for row in rows]

    async def retain(self, *, keep_from: datetime) -> int:
        head = await self._lock_head()
        through, mac = await self._last_before(keep_from)
        if through < head.first_seq:
            return 0
        checkpoint = AuditCheckpoint(
            from_seq=head.first_seq, through_seq=through, through_mac=mac, kept_from=keep_from, key_id="", seal=b""
        )
        row = asdict(sealed_checkpoint(checkpoint, self._keys))
        await self._connection.execute(insert(AuditCheckpointRow), row)
        await self._connection.execute(text("SET LOCAL prime.audit_retention = 'on'"))
        deleted = await self._connection.execute(delete(AuditRow).where(AuditRow.seq <= through))
        await self._connection.execute(text("SET LOCAL prime.audit_retention = 'off'"))
        head = sealed_head(replace(head, first_seq=through + 1), self._keys)
        await self._connection.execute(_SET_HEAD, _head_columns(head))
        return deleted.rowcount

    async def _lock_head(self) -> AuditHead:
        """Held until the transaction ends, so that the chain grows one row at a time. A head that Prime did not write
        is not built on: the next seal would make it genuine."""
        head = await self._read_head(_LOCKED_HEAD)
        if not is_genuine(head, self._keys):
            raise AuditBrokenError
        return head

    async def _read_head(self, statement: Select[int, bytes, int, str, bytes]) -> AuditHead:
        row = (await self._connection.execute(statement)).one_or_none()
        if row is None:
            raise AuditBrokenError
        seq, mac, first_seq, key_id, seal = row
        return AuditHead(seq=seq, mac=mac, first_seq=first_seq, key_id=key_id, seal=seal)

    async def _last_before(self, keep_from: datetime) -> tuple[int, bytes]:
        """The row before the first that is not older."""
        first_kept = select(func.min(AuditRow.seq)).where(AuditRow.at >= keep_from).scalar_subquery()
        last = select(AuditRow.seq, AuditRow.mac).order_by(AuditRow.seq.desc()).limit(1)
        older = last.where(AuditRow.seq < func.coalesce(first_kept, AuditRow.seq + 1))
        row = (await self._connection.execute(older)).one_or_none()
        return (0, GENESIS) if row is None else (row.seq, row.mac)


def _columns(record: AuditRecord) -> dict[str, Any]:
    entry = record.entry
    return {
        "seq": record.seq,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "detail": canonical(entry.detail),
        "key_id": record.key_id,
        "mac": record.mac,
    }


def _head_columns(head: AuditHead) -> dict[str, Any]:
    return {f"head_{name}": value for name, value in asdict(head).items()}


def _record(row: Row[int, datetime, str, str, str, str, str, bytes]) -> AuditRecord:
    seq, at, actor, action, target, detail, key_id, mac = row
    parsed = _parse(detail)
    entry = AuditEntry(at=at, actor=actor, action=action, target=target, detail=parsed or {})
    return AuditRecord(seq=seq, entry=entry, key_id=key_id, mac=b"" if parsed is None else mac)


def _parse(detail: str) -> dict[str, Any] | None:
    """None for a text that `append` would not have written, such as one with a blank or a key twice."""
    try:
        parsed = json.loads(detail)
        return parsed if canonical(parsed) == detail else None
    except ValueError:
        return None
