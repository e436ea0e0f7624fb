"""Access requests on their tables."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.model import Role
from core.approvals.model import AccessRequest, RequestState
from core.approvals.ports import RequestStore
from core.people.model import PersonId
from core.posted import PostedAt
from db.models import RequestMessageRow, RequestRow

_all = select(*RequestRow.__table__.columns)


class PostgresRequests(RequestStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self, *, asker: PersonId, role: Role, duration: timedelta | None, reason: str, created_at: datetime
    ) -> AccessRequest:
        row = insert(RequestRow).values(
            team=asker.team,
            user=asker.user,
            role=role.name,
            duration_seconds=None if duration is None else int(duration.total_seconds()),
            reason=reason,
            state=RequestState.OPEN,
            created_at=created_at,
            denial_reason="",
        )
        added = await self._connection.execute(row.returning(*RequestRow.__table__.columns))
        return _request(added.one())

    async def get(self, request_id: int) -> AccessRequest | None:
        return await self._first(_all.where(RequestRow.id == request_id))

    async def get_locked(self, request_id: int) -> AccessRequest | None:
        return await self._first(_all.where(RequestRow.id == request_id).with_for_update())

    async def open_of(self, asker: PersonId) -> AccessRequest | None:
        return await self._first(
            _all.where(
                RequestRow.team == asker.team, RequestRow.user == asker.user, RequestRow.state == RequestState.OPEN
            )
        )

    async def last_denied_at(self, asker: PersonId) -> datetime | None:
        denied = (
            select(RequestRow.settled_at)
            .where(
                RequestRow.team == asker.team, RequestRow.user == asker.user, RequestRow.state == RequestState.DENIED
            )
            .order_by(RequestRow.settled_at.desc())
            .limit(1)
        )
        return (await self._connection.execute(denied)).scalar_one_or_none()

    async def list_open(self, *, created_after: datetime, after: int | None, limit: int) -> Sequence[AccessRequest]:
        waiting = _all.where(RequestRow.state == RequestState.OPEN, RequestRow.created_at > created_after)
        if after is not None:
            waiting = waiting.where(RequestRow.id > after)
        rows = await self._connection.execute(waiting.order_by(RequestRow.created_at, RequestRow.id).limit(limit))
        return [_request(row) for row in rows]

    async def list_overdue(self, *, created_before: datetime, limit: int) -> Sequence[AccessRequest]:
        overdue = _all.where(RequestRow.state == RequestState.OPEN, RequestRow.created_at <= created_before)
        rows = await self._connection.execute(
            overdue.order_by(RequestRow.created_at, RequestRow.id).limit(limit).with_for_update(skip_locked=True)
        )
        return [_request(row) for row in rows]

    async def settle(self, request: AccessRequest) -> None:
        await self._connection.execute(
            update(RequestRow)
            .where(RequestRow.id == request.id)
            .values(
                state=request.state,
                settled_at=request.settled_at,
                settled_by=None if request.settled_by is None else request.settled_by.user,
                given_role=None if request.given_role is None else request.given_role.name,
                given_until=request.given_until,
                denial_reason=request.denial_reason,
            )
        )

    async def add_message(self, request_id: int, posted: PostedAt) -> None:
        row = upsert(RequestMessageRow).values(request_id=request_id, channel=posted.channel, ts=posted.ts)
        await self._connection.execute(row.on_conflict_do_nothing())

    async def messages(self, request_id: int) -> Sequence[PostedAt]:
        rows = await self._connection.execute(
            select(RequestMessageRow.channel, RequestMessageRow.ts)
            .where(RequestMessageRow.request_id == request_id)
            .order_by(RequestMessageRow.channel, RequestMessageRow.ts)
        )
        return [PostedAt(channel=row.channel, ts=row.ts) for row in rows]

    async def _first(self, statement: Any) -> AccessRequest | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return None if row is None else _request(row)


def _request(row: Row[*tuple[Any, ...]]) -> AccessRequest:
    return AccessRequest(
        id=row.id,
        asker=PersonId(row.team, row.user),
        role=Role[row.role],
        duration=None if row.duration_seconds is None else timedelta(seconds=row.duration_seconds),
        reason=row.reason,
        state=RequestState(row.state),
        created_at=row.created_at,
        settled_at=row.settled_at,
        settled_by=None if row.settled_by is None else PersonId(row.team, row.settled_by),
        given_role=None if row.given_role is None else Role[row.given_role],
        given_until=row.given_until,
        denial_reason=row.denial_reason,
    )
