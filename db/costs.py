"""Costs on their tables."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Label,
    Numeric,
    Row,
    and_,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.cost.model import (
    EVERYBODY,
    WORKSPACE,
    ChargeKind,
    CostReport,
    DaySpend,
    Excess,
    Going,
    Limits,
    ServerSpend,
    Spend,
    SpendAct,
    SpendRequest,
    SpendState,
)
from core.cost.ports import CostStore
from core.cost.rules import add, charged_from, charges, day_of
from core.people.model import PersonId
from core.posted import PostedAt
from core.servers.model import Desired, Server, ServerSpec, ServerState
from core.servers.rules import MACHINE_IS_OFF, WAY_UP
from db.models import (
    BudgetWarningRow,
    CostSettingRow,
    ServerChargeRow,
    ServerRow,
    SpendLimitRow,
    SpendRequestMessageRow,
    SpendRequestRow,
)

K = TypeVar("K")

_SPEC = TypeAdapter(ServerSpec)
_EXCESS = TypeAdapter(tuple[Excess, ...])

_all_requests = select(*SpendRequestRow.__table__.columns)


async def align_charges(connection: AsyncConnection, server: Server) -> None:
    """Ends and begins what is charged for it, so that it is what its record says."""
    row, at = ServerChargeRow, charged_from(server)
    is_open = and_(row.server_id == server.id, row.until.is_(None))
    open_kinds = {ChargeKind(kind) for kind in (await connection.execute(select(row.kind).where(is_open))).scalars()}
    if server.state is ServerState.DELETING:
        return  # whatever it costs, it does until it is deleted
    wanted = charges(server)
    if over := open_kinds - wanted.keys():
        ended = update(row).where(is_open, row.kind.in_(over)).values(until=func.greatest(at, row.since))
        await connection.execute(ended)
    begun = [
        {"server_id": server.id, "kind": kind, "since": at, "usd_per_hour": price}
        for kind, price in wanted.items()
        if kind not in open_kinds
    ]
    if begun:
        await connection.execute(insert(row), begun)


RUNS = or_(
    ServerRow.state.in_([*WAY_UP, ServerState.READY]),
    and_(ServerRow.state == ServerState.STOPPING, ServerRow.desired == Desired.RUNNING),
    and_(
        ServerRow.state == ServerState.FAILED,
        ServerRow.machine_id.is_not(None),
        ServerRow.failure_kind.not_in(MACHINE_IS_OFF),
    ),
)
"""Servers that cost by the hour now."""


class PostgresCosts(CostStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        await self._connection.execute(select(CostSettingRow.id).with_for_update())

    async def spent(self, server_ids: Collection[int], *, since: datetime, until: datetime) -> Mapping[int, Spend]:
        row = ServerChargeRow
        sums = (
            select(row.server_id, *_sums(since, until))
            .where(row.server_id.in_(server_ids), _overlaps(since, until))
            .group_by(row.server_id)
        )
        return {one.server_id: _spend(one) for one in await self._connection.execute(sums)}

    async def spent_by_owner(self, *, since: datetime, until: datetime) -> Mapping[PersonId, Spend]:
        sums = (
            select(ServerRow.owner_team, ServerRow.owner_user, *_sums(since, until))
            .join(ServerChargeRow)
            .where(_overlaps(since, until))
            .group_by(ServerRow.owner_team, ServerRow.owner_user)
        )
        rows = await self._connection.execute(sums)
        return {PersonId(row.owner_team, row.owner_user): _spend(row) for row in rows}

    async def charge(self, server: Server, *, since: datetime, until: datetime) -> None:
        ran = replace(server, state=ServerState.READY, machine_id=server.machine_id or "deleted")
        charged = [
            {"server_id": server.id, "kind": kind, "since": since, "until": until, "usd_per_hour": price}
            for kind, price in charges(ran).items()
        ]
        row = ServerChargeRow
        earlier = delete(row).where(row.server_id == server.id, row.since == since, row.until.is_not(None))
        await self._connection.execute(earlier)
        await self._connection.execute(insert(ServerChargeRow), charged)

    async def report(self, *, since: datetime, until: datetime) -> CostReport:
        row = ServerChargeRow
        sums = (
            select(row.server_id, row.kind, *_sums(since, until))
            .where(_overlaps(since, until))
            .group_by(row.server_id, row.kind)
            .cte()
        )
        server = ServerRow
        named = select(sums, server.name, server.owner_team, server.owner_user, server.model, server.state)
        rows = (await self._connection.execute(named.join(server, server.id == sums.c.server_id))).all()
        by_server = _grouped((row.server_id, row) for row in rows)
        first = {row.server_id: row for row in rows}
        servers = [
            ServerSpend(
                server_id=server_id,
                name=first[server_id].name,
                owner=PersonId(first[server_id].owner_team, first[server_id].owner_user),
                model=first[server_id].model,
                is_deleted=first[server_id].state == ServerState.DELETED,
                spend=spend,
            )
            for server_id, spend in by_server
        ]
        return CostReport(
            since=since,
            until=until,
            total=add([_spend(row) for row in rows]),
            by_server=servers,
            by_owner=_grouped((PersonId(row.owner_team, row.owner_user), row) for row in rows),
            by_model=_grouped((str(row.model), row) for row in rows),
            by_kind=dict(_grouped((ChargeKind(row.kind), row) for row in rows)),
            days=await self._days(since, until),
        )

    async def _days(self, since: datetime, until: datetime) -> Sequence[DaySpend]:
        rows = await self._connection.execute(_BY_DAY, {"since": since, "until": until, "machine": ChargeKind.MACHINE})
        found = {row.day.astimezone(UTC).date(): row for row in rows}
        days, day, end = list[DaySpend](), day_of(since), until
        while day < end:
            row = found.get(day.date())
            days.append(
                DaySpend(
                    day=day.date(),
                    machines_usd=_NOTHING if row is None else row.machines_usd,
                    rest_usd=_NOTHING if row is None else row.rest_usd,
                )
            )
            day += timedelta(days=1)
        return days

    async def going(self) -> Sequence[Going]:
        row, hardware = ServerRow, cast(ServerRow.hardware, JSONB)
        machine, disk, address = (
            cast(hardware[name].astext, Numeric)
            for name in ("price_usd_per_hour", "disk_usd_per_hour", "static_address_usd_per_hour")
        )
        is_certain = and_(
            machine.is_not(None), disk.is_not(None), or_(row.static_address.is_(False), address.is_not(None))
        )
        found = select(
            row.id,
            row.owner_team,
            row.owner_user,
            row.idle_stop_minutes,
            row.ends_at,
            row.keep_until,
            (func.coalesce(machine, 0) + func.coalesce(disk, 0) + func.coalesce(address, 0)).label("usd_per_hour"),
            is_certain.label("is_certain"),
        ).where(RUNS)
        return [
            Going(
                server_id=one.id,
                owner=PersonId(one.owner_team, one.owner_user),
                usd_per_hour=one.usd_per_hour,
                is_certain=one.is_certain,
                idle_stop_minutes=one.idle_stop_minutes,
                ends_at=one.ends_at,
                keep_until=one.keep_until,
            )
            for one in await self._connection.execute(found)
        ]

    # --- limits

    async def limits(self) -> Limits:
        rows = await self._connection.execute(select(SpendLimitRow.scope, SpendLimitRow.usd_per_month))
        by_scope = {row.scope: row.usd_per_month for row in rows}
        channel = await self._connection.execute(select(CostSettingRow.digest_channel))
        return Limits(
            workspace=by_scope.pop(WORKSPACE, None),
            everybody=by_scope.pop(EVERYBODY, None),
            people={PersonId(*scope.split("/", 1)): usd for scope, usd in by_scope.items()},
            digest_channel=channel.scalar_one(),
        )

    async def set_limit(self, scope: str, usd: Decimal | None) -> None:
        if usd is None:
            await self._connection.execute(delete(SpendLimitRow).where(SpendLimitRow.scope == scope))
            return
        row = upsert(SpendLimitRow).values(scope=scope, usd_per_month=usd)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[SpendLimitRow.scope], set_={"usd_per_month": usd})
        )

    async def set_digest(self, channel: str | None) -> None:
        await self._connection.execute(update(CostSettingRow).values(digest_channel=channel))

    async def forget_warnings(self, scope: str) -> None:
        row = BudgetWarningRow
        of_people = row.scope.not_in((WORKSPACE, EVERYBODY))
        await self._connection.execute(delete(row).where(of_people if scope == EVERYBODY else row.scope == scope))

    async def warned(self, scope: str, *, month: date, percent: int) -> bool:
        noted = upsert(BudgetWarningRow).values(scope=scope, month=month, percent=percent).on_conflict_do_nothing()
        rows = await self._connection.execute(noted.returning(BudgetWarningRow.percent))
        return rows.one_or_none() is not None

    # --- requests

    async def add_request(self, request: SpendRequest) -> SpendRequest:
        row = insert(SpendRequestRow).values(
            asker_team=request.asker.team,
            asker_user=request.asker.user,
            act=request.act,
            name=request.name,
            spec=None if request.spec is None else _SPEC.dump_json(request.spec).decode(),
            despite_misfit=request.despite_misfit,
            channel=request.channel,
            owner_team=request.owner.team,
            owner_user=request.owner.user,
            excess=_EXCESS.dump_json(request.excess).decode(),
            created_at=request.created_at,
            **_outcome(request),
        )
        added = await self._connection.execute(row.returning(*SpendRequestRow.__table__.columns))
        return _request(added.one())

    async def request(self, request_id: int) -> SpendRequest | None:
        return await self._first(_all_requests.where(SpendRequestRow.id == request_id))

    async def request_locked(self, request_id: int) -> SpendRequest | None:
        return await self._first(_all_requests.where(SpendRequestRow.id == request_id).with_for_update())

    async def open_requests(self) -> Sequence[SpendRequest]:
        still = _all_requests.where(SpendRequestRow.state == SpendState.OPEN).order_by(SpendRequestRow.id)
        return [_request(row) for row in await self._connection.execute(still)]

    async def settle(self, request: SpendRequest) -> None:
        row = update(SpendRequestRow).where(SpendRequestRow.id == request.id)
        await self._connection.execute(row.values(**_outcome(request)))

    async def add_message(self, request_id: int, posted: PostedAt) -> None:
        row = upsert(SpendRequestMessageRow).values(request_id=request_id, channel=posted.channel, ts=posted.ts)
        await self._connection.execute(row.on_conflict_do_nothing())

    async def messages(self, request_id: int) -> Sequence[PostedAt]:
        row = SpendRequestMessageRow
        found = select(row.channel, row.ts).where(row.request_id == request_id).order_by(row.channel, row.ts)
        return [PostedAt(channel=one.channel, ts=one.ts) for one in await self._connection.execute(found)]

    async def _first(self, statement: Any) -> SpendRequest | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return None if row is None else _request(row)


_NOTHING = Decimal(0)

_BY_DAY = text(
    """
    SELECT day,
        coalesce(sum(usd) FILTER (WHERE kind = :machine), 0) AS machines_usd,
        coalesce(sum(usd) FILTER (WHERE kind <> :machine), 0) AS rest_usd
    FROM (
        SELECT day, kind, usd_per_hour / 3600 * extract(epoch FROM
            least(until, CAST(:until AS timestamptz), day + interval '24 hours')
            - greatest(since, CAST(:since AS timestamptz), day)) AS usd
        FROM server_charge
        CROSS JOIN LATERAL generate_series(
            date_trunc('day', greatest(since, CAST(:since AS timestamptz)), 'UTC'),
            least(until, CAST(:until AS timestamptz)),
            interval '24 hours') AS day
        WHERE since < CAST(:until AS timestamptz) AND (until IS NULL OR until > CAST(:since AS timestamptz))
    ) AS parts
    GROUP BY day
    """
)


def _overlaps(since: datetime, until: datetime) -> ColumnElement[bool]:
    row = ServerChargeRow
    return and_(row.since < until, or_(row.until.is_(None), row.until > since))


def _sums(since: datetime, until: datetime) -> tuple[Label[Any], Label[Any]]:
    row = ServerChargeRow
    # LEAST passes over NULL, which is what goes on.
    seconds = func.extract("epoch", func.least(row.until, until) - func.greatest(row.since, since))
    usd = func.coalesce(func.sum(row.usd_per_hour * seconds), 0) / 3600
    return usd.label("usd"), func.bool_and(row.usd_per_hour.is_not(None)).label("is_certain")


def _spend(row: Row[*tuple[Any, ...]]) -> Spend:
    return Spend(usd=row.usd, is_certain=row.is_certain)


def _grouped(rows: Iterable[tuple[K, Row[*tuple[Any, ...]]]]) -> list[tuple[K, Spend]]:
    """The dearest first."""
    groups = defaultdict[K, list[Spend]](list)
    for key, row in rows:
        groups[key].append(_spend(row))
    return sorted(((key, add(spends)) for key, spends in groups.items()), key=lambda group: -group[1].usd)


def _outcome(request: SpendRequest) -> dict[str, Any]:
    return {
        "server_id": request.server_id,
        "state": request.state,
        "settled_at": request.settled_at,
        "settled_by_team": None if request.settled_by is None else request.settled_by.team,
        "settled_by_user": None if request.settled_by is None else request.settled_by.user,
        "denial_reason": request.denial_reason,
    }


def _request(row: Row[*tuple[Any, ...]]) -> SpendRequest:
    return SpendRequest(
        id=row.id,
        asker=PersonId(row.asker_team, row.asker_user),
        act=SpendAct(row.act),
        name=row.name,
        spec=None if row.spec is None else _SPEC.validate_json(row.spec),
        despite_misfit=row.despite_misfit,
        channel=row.channel,
        server_id=row.server_id,
        owner=PersonId(row.owner_team, row.owner_user),
        excess=_EXCESS.validate_json(row.excess),
        state=SpendState(row.state),
        created_at=row.created_at,
        settled_at=row.settled_at,
        settled_by=None if row.settled_by_team is None else PersonId(row.settled_by_team, row.settled_by_user),
        denial_reason=row.denial_reason,
    )
