"""The inbox on its table."""

import json
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Update, and_, delete, exists, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from core.inbox.model import Claim, Delivery, DeliveryKind, DeliveryState
from core.inbox.ports import InboxStore
from db.models import Base, InboxRow
from db.secrets import Cell, SecretBox, UnreadableSecretError

log = structlog.get_logger()

_CLAIMS_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtext('prime.inbox.claim'))")
_NEXT_ID = select(func.nextval("inbox_id_seq"))
_ADD = insert(Base.metadata.tables["inbox"]).on_conflict_do_nothing().returning(InboxRow.id)
_UNFINISHED = (DeliveryState.WAITING, DeliveryState.CLAIMED)


class PostgresInbox(InboxStore):
    def __init__(self, connection: AsyncConnection, box: SecretBox) -> None:
        self._connection = connection
        self._box = box

    async def add(self, delivery: Delivery, *, now: datetime) -> bool:
        # The payload is sealed for its row, so the row's number comes first.
        number: int = (await self._connection.execute(_NEXT_ID)).scalar_one()
        row = {
            "id": number,
            "kind": delivery.kind,
            "event_id": delivery.event_id,
            "work_key": delivery.work_key,
            "order_key": delivery.order_key,
            "payload": self._box.seal(json.dumps(delivery.payload).encode(), _payload_cell(number)),
            "state": DeliveryState.WAITING,
            "received_at": now,
            "attempt": 0,
            "tries": 0,
        }
        stored = await self._connection.execute(_ADD, row)
        return stored.one_or_none() is not None

    async def claim(self, *, holder: str, now: datetime, lease_until: datetime, limit: int) -> list[Claim]:
        # Two claims at once could each miss what the other is about to take, and so hold two of one order key.
        await self._connection.execute(_CLAIMS_TAKE_TURNS)
        free = (
            select(InboxRow.id)
            .where(_is_unfinished(InboxRow), _is_free(now), ~_is_behind_another())
            .order_by(InboxRow.received_at, InboxRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte()
        )
        taken = (
            update(InboxRow)
            .where(InboxRow.id == free.c.id)
            .values(
                state=DeliveryState.CLAIMED,
                holder=holder,
                lease_until=lease_until,
                attempt=InboxRow.attempt + 1,
                tries=InboxRow.tries + 1,
            )
            .returning(
                InboxRow.id, InboxRow.kind, InboxRow.payload, InboxRow.received_at, InboxRow.attempt, InboxRow.tries
            )
        )
        rows = (await self._connection.execute(taken)).all()
        claims: list[Claim] = []
        by_age = sorted(rows, key=lambda row: (row.received_at, row.id))
        for number, kind, payload, received_at, attempt, tries in by_age:
            assert payload is not None
            try:
                opened = json.loads(self._box.open(payload, _payload_cell(number)))
            except UnreadableSecretError:
                # It stays claimed and comes again when its lease is over: the operator may yet give the missing key.
                log.warning("inbox.payload_unreadable", delivery=number, attempt=attempt)
                continue
            claims.append(
                Claim(
                    id=number,
                    kind=DeliveryKind(kind),
                    payload=opened,
                    received_at=received_at,
                    attempt=attempt,
                    tries=tries,
                    lease_until=lease_until,
                    holder=holder,
                )
            )
        return claims

    async def extend(self, claim_id: int, *, holder: str, lease_until: datetime) -> bool:
        return await self._change(_held(claim_id, holder).values(lease_until=lease_until)) == 1

    async def finish(self, claim_id: int, *, holder: str, failed: bool, now: datetime) -> bool:
        state = DeliveryState.FAILED if failed else DeliveryState.DONE
        return await self._change(_held(claim_id, holder).values(_ended(state, now))) == 1

    async def release(self, claim_id: int, *, holder: str) -> bool:
        waiting = {"state": DeliveryState.WAITING, "holder": None, "lease_until": None, "attempt": InboxRow.attempt - 1}
        return await self._change(_held(claim_id, holder).values(waiting)) == 1

    async def put_off(self, claim_id: int, *, holder: str) -> bool:
        return await self._change(_held(claim_id, holder).values(attempt=InboxRow.attempt - 1)) == 1

    async def expire(self, *, received_before: datetime, now: datetime) -> int:
        late = update(InboxRow).where(_is_unfinished(InboxRow), _is_free(now), InboxRow.received_at < received_before)
        return await self._change(late.values(_ended(DeliveryState.EXPIRED, now)))

    async def purge(self, *, finished_before: datetime) -> int:
        ended = delete(InboxRow).where(InboxRow.finished_at < finished_before)
        return (await self._connection.execute(ended)).rowcount

    async def depth(self) -> int:
        unfinished = select(func.count()).select_from(InboxRow).where(_is_unfinished(InboxRow))
        return (await self._connection.execute(unfinished)).scalar_one()

    async def _change(self, statement: Update) -> int:
        return (await self._connection.execute(statement)).rowcount


def _is_unfinished(row: type[InboxRow]) -> ColumnElement[bool]:
    return row.state.in_(_UNFINISHED)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(InboxRow.state == DeliveryState.WAITING, InboxRow.lease_until <= now)


def _is_behind_another() -> ColumnElement[bool]:
    """Of one order key what was begun is finished first, then the oldest comes. An older one may come late: its
    transaction committed after a newer one was claimed."""
    other = aliased(InboxRow)
    is_older = tuple_(other.received_at, other.id) < tuple_(InboxRow.received_at, InboxRow.id)
    return exists().where(
        other.order_key == InboxRow.order_key,
        other.id != InboxRow.id,
        _is_unfinished(other),
        or_(other.state == DeliveryState.CLAIMED, and_(InboxRow.state == DeliveryState.WAITING, is_older)),
    )


def _held(claim_id: int, holder: str) -> Update:
    mine = (InboxRow.id == claim_id, InboxRow.holder == holder, InboxRow.state == DeliveryState.CLAIMED)
    return update(InboxRow).where(*mine)


def _ended(state: DeliveryState, now: datetime) -> dict[str, Any]:
    return {"state": state, "finished_at": now, "payload": None, "lease_until": None}


def _payload_cell(number: int) -> Cell:
    return Cell("inbox", "payload", (str(number),))
