"""Servers on their tables."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy import Numeric, Row, Select, and_, case, cast, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.catalog.model import EngineKind, EngineOptions
from core.errors import ConflictError
from core.people.model import PersonId
from core.servers.errors import OvertakenError
from core.servers.model import (
    CardAt,
    Desired,
    Failure,
    FailureKind,
    Hardware,
    RunningCost,
    Server,
    ServerSpec,
    ServerState,
    StopReason,
)
from core.servers.ports import ServerStore
from core.servers.rules import IN_MOTION
from db.costs import RUNS, align_charges
from db.models import InstallationRow, ServerCardRow, ServerKeyReaderRow, ServerRow, ServerStateRow
from db.secrets import Cell, SecretBox

_log = structlog.get_logger()

_OPTIONS = TypeAdapter(EngineOptions)
_HARDWARE = TypeAdapter(Hardware)

_all = select(*ServerRow.__table__.columns)
_is_live = ServerRow.state != ServerState.DELETED


class PostgresServers(ServerStore):
    def __init__(self, connection: AsyncConnection, box: SecretBox) -> None:
        self._connection = connection
        self._box = box

    async def installation(self) -> str:
        made = upsert(InstallationRow).values(id=1, name=secrets.token_hex(3))
        await self._connection.execute(made.on_conflict_do_nothing())
        return (await self._connection.execute(select(InstallationRow.name))).scalar_one()

    async def next_id(self) -> int:
        return (await self._connection.execute(select(func.nextval(text("'server_id_seq'"))))).scalar_one()

    async def add(self, server: Server, *, key: str) -> None:
        spec = server.spec
        row = insert(ServerRow).values(
            id=server.id,
            name=spec.name,
            description=spec.description,
            provider=spec.provider,
            offer_type=spec.offer_type,
            region=spec.region,
            template_id=spec.template_id,
            disk_gb=spec.disk_gb,
            model=spec.model,
            revision=spec.revision,
            engine=spec.engine,
            options=_OPTIONS.dump_json(spec.options).decode(),
            static_address=spec.static_address,
            needs_hub_token=spec.needs_hub_token,
            idle_stop_minutes=spec.idle_stop_minutes,
            ends_at=spec.ends_at,
            delete_after_minutes=spec.delete_after_minutes,
            gpu=server.hardware.gpu,
            hardware=_HARDWARE.dump_json(server.hardware).decode(),
            owner_team=server.owner.team,
            owner_user=server.owner.user,
            channel=server.channel,
            machine_name=server.machine_name,
            key=self._box.seal(key.encode(), _key_cell(server.id)),
            created_at=server.created_at,
            due_at=server.created_at,
            version=server.version,
            **_changing(server),
        )
        try:
            await self._connection.execute(row)
        except IntegrityError as error:
            raise ConflictError("There is a server of this name already. Choose another.") from error
        await self._note_state(server)

    async def get(self, server_id: int) -> Server | None:
        return await self._first(_all.where(ServerRow.id == server_id))

    async def get_locked(self, server_id: int) -> Server | None:
        return await self._first(_all.where(ServerRow.id == server_id).with_for_update())

    async def named(self, name: str) -> Server | None:
        return await self._first(_all.where(ServerRow.name == name, _is_live))

    async def starting_with(self, prefix: str, *, limit: int) -> Sequence[Server]:
        found = _all.where(ServerRow.name.startswith(prefix, autoescape=True), _is_live)
        return await self._list(found.order_by(ServerRow.name).limit(limit))

    async def search(self, text: str, *, after: int | None, limit: int) -> tuple[Sequence[Server], int]:
        matches = _is_live
        if text:
            row = ServerRow
            columns = (row.name, row.description, row.model, row.gpu, row.offer_type, row.provider)
            matches = and_(matches, or_(*(column.icontains(text, autoescape=True) for column in columns)))
        total = (
            await self._connection.execute(select(func.count()).select_from(ServerRow).where(matches))
        ).scalar_one()
        page = _all.where(matches) if after is None else _all.where(matches, ServerRow.id < after)
        return await self._list(page.order_by(ServerRow.id.desc()).limit(limit)), total

    async def save(self, server: Server, *, due_at: datetime | None) -> Server:
        guarded = (
            update(ServerRow)
            .where(ServerRow.id == server.id, ServerRow.version == server.version)
            .values(version=server.version + 1, due_at=due_at, **_changing(server), **_without_key(server))
            .returning(*ServerRow.__table__.columns)
        )
        row = (await self._connection.execute(guarded)).one_or_none()
        if row is None:
            raise OvertakenError("The server was changed by somebody else just now. Please look again.")
        saved = _server(row)
        await self._note_state(saved)
        return saved

    async def claim_due(self, *, holder: str, now: datetime, lease_until: datetime, limit: int) -> Sequence[Server]:
        free = or_(ServerRow.lease_until.is_(None), ServerRow.lease_until <= now)
        due = (
            select(ServerRow.id)
            .where(ServerRow.due_at <= now, free)
            .order_by(ServerRow.due_at, ServerRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte()
        )
        taken = (
            update(ServerRow)
            .where(ServerRow.id == due.c.id)
            .values(holder=holder, lease_until=lease_until)
            .returning(*ServerRow.__table__.columns)
        )
        return [server for row in await self._connection.execute(taken) if (server := _readable(row)) is not None]

    async def renew(self, server_id: int, *, holder: str, lease_until: datetime) -> bool:
        renewed = (
            update(ServerRow)
            .where(ServerRow.id == server_id, ServerRow.holder == holder)
            .values(lease_until=lease_until)
            .returning(ServerRow.id)
        )
        return (await self._connection.execute(renewed)).one_or_none() is not None

    async def release(self, server: Server, *, holder: str, due_at: datetime | None) -> None:
        held = update(ServerRow).where(ServerRow.id == server.id, ServerRow.holder == holder)
        await self._connection.execute(held.where(ServerRow.version == server.version).values(due_at=due_at))
        await self._connection.execute(held.values(holder=None, lease_until=None))

    async def key(self, server_id: int) -> str:
        sealed = await self._connection.execute(select(ServerRow.key).where(ServerRow.id == server_id))
        value = sealed.scalar_one_or_none()
        if value is None:
            raise ConflictError("The server is deleted, and its key with it.")
        return self._box.open(value, _key_cell(server_id)).decode()

    async def keys(self, server_ids: Collection[int]) -> Mapping[int, str]:
        found = select(ServerRow.id, ServerRow.key).where(ServerRow.id.in_(server_ids), ServerRow.key.is_not(None))
        rows = await self._connection.execute(found)
        return {row.id: self._box.open(row.key, _key_cell(row.id)).decode() for row in rows}

    async def replace_key(self, server_id: int, key: str) -> None:
        sealed = self._box.seal(key.encode(), _key_cell(server_id))
        await self._connection.execute(update(ServerRow).where(ServerRow.id == server_id).values(key=sealed))
        await self._connection.execute(delete(ServerKeyReaderRow).where(ServerKeyReaderRow.server_id == server_id))

    async def add_reader(self, server_id: int, person: PersonId, *, at: datetime) -> None:
        row = upsert(ServerKeyReaderRow).values(server_id=server_id, team=person.team, user=person.user, at=at)
        await self._connection.execute(row.on_conflict_do_nothing())

    async def readers(self) -> Mapping[int, Collection[PersonId]]:
        reader = ServerKeyReaderRow
        rows = await self._connection.execute(
            select(reader.server_id, reader.team, reader.user).join(ServerRow).where(_is_live)
        )
        found: dict[int, set[PersonId]] = {}
        for row in rows:
            found.setdefault(row.server_id, set()).add(PersonId(row.team, row.user))
        return found

    async def known_machines(self, provider: str) -> Collection[str]:
        # By name while an order may yet show, or all of it is cleared away: a twin that shows later is nobody's.
        is_sought = or_(
            ServerRow.state.in_((ServerState.ORDERED, ServerState.DELETING)), ServerRow.cloud_asked_at.is_not(None)
        )
        name = case((is_sought, ServerRow.machine_name))
        rows = await self._connection.execute(
            select(ServerRow.machine_id, name).where(ServerRow.provider == provider, _is_live)
        )
        return {word for row in rows for word in row if word is not None}

    async def machine_ids(self, provider: str) -> Mapping[str, str]:
        rows = await self._connection.execute(
            select(ServerRow.machine_id, ServerRow.name).where(
                ServerRow.provider == provider,
                ServerRow.machine_id.is_not(None),
                ServerRow.state.not_in((ServerState.DELETED, ServerState.GONE)),
            )
        )
        return {row.machine_id: row.name for row in rows}

    async def without_machine(self, provider: str) -> Sequence[str]:
        maybe = or_(
            ServerRow.state == ServerState.ORDERED, ServerRow.cloud_asked_at.is_not(None), ServerRow.secrets_at_cloud
        )
        names = select(ServerRow.name).where(
            ServerRow.provider == provider, ServerRow.machine_id.is_(None), maybe, _is_live
        )
        return (await self._connection.execute(names.order_by(ServerRow.name))).scalars().all()

    async def seconds_to_ready(self, *, provider: str, offer_type: str, model: str, limit: int) -> Sequence[float]:
        ready = (
            select(ServerRow.created_at, func.min(ServerStateRow.since).label("ready_at"))
            .join(ServerStateRow, ServerStateRow.server_id == ServerRow.id)
            .where(
                ServerRow.provider == provider,
                ServerRow.offer_type == offer_type,
                ServerRow.model == model,
                ServerStateRow.state == ServerState.READY,
            )
            .group_by(ServerRow.id)
            .order_by(ServerRow.id.desc())
            .limit(limit)
        )
        return [(row.ready_at - row.created_at).total_seconds() for row in await self._connection.execute(ready)]

    async def at_rest(self) -> Sequence[Server]:
        resting = [state for state in ServerState if state not in IN_MOTION and state is not ServerState.DELETED]
        found = _all.where(ServerRow.state.in_(resting), ServerRow.machine_id.is_not(None)).order_by(ServerRow.id)
        rows = await self._connection.execute(found)
        return [server for row in rows if (server := _readable(row)) is not None]

    async def ids_in(self, states: Collection[ServerState]) -> Sequence[int]:
        found = select(ServerRow.id).where(ServerRow.state.in_(states)).order_by(ServerRow.id)
        return (await self._connection.execute(found)).scalars().all()

    async def running_cost(self) -> RunningCost:
        price = cast(cast(ServerRow.hardware, JSONB)["price_usd_per_hour"].astext, Numeric)
        costs = select(func.coalesce(func.sum(price), 0), func.count() - func.count(price)).where(
            RUNS, ServerRow.machine_id.is_not(None)
        )
        usd_per_hour, unpriced = (await self._connection.execute(costs)).one()
        return RunningCost(usd_per_hour=Decimal(usd_per_hour), unpriced=unpriced)

    async def add_card(self, server_id: int, card: CardAt) -> None:
        row = upsert(ServerCardRow).values(server_id=server_id, channel=card.channel, ts=card.ts)
        await self._connection.execute(row.on_conflict_do_nothing())

    async def cards(self, server_id: int) -> Sequence[CardAt]:
        rows = await self._connection.execute(
            select(ServerCardRow.channel, ServerCardRow.ts)
            .where(ServerCardRow.server_id == server_id)
            .order_by(ServerCardRow.channel, ServerCardRow.ts)
        )
        return [CardAt(channel=row.channel, ts=row.ts) for row in rows]

    async def _note_state(self, server: Server) -> None:
        """Once for each state that it comes into, and with it what is charged from then on."""
        newest = (
            select(ServerStateRow.state, ServerStateRow.since)
            .where(ServerStateRow.server_id == server.id)
            .order_by(ServerStateRow.version.desc())
            .limit(1)
        )
        before = (await self._connection.execute(newest)).one_or_none()
        if before is None or (before.state, before.since) != (server.state, server.state_since):
            await self._connection.execute(
                insert(ServerStateRow).values(
                    server_id=server.id, version=server.version, state=server.state, since=server.state_since
                )
            )
            await align_charges(self._connection, server)

    async def _first(self, statement: Select[Any]) -> Server | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return None if row is None else _server(row)

    async def _list(self, statement: Select[Any]) -> list[Server]:
        return [_server(row) for row in await self._connection.execute(statement)]


def _key_cell(server_id: int) -> Cell:
    return Cell("server", "key", (str(server_id),))


def _without_key(server: Server) -> dict[str, None]:
    return {"key": None} if server.state is ServerState.DELETED else {}


def _changing(server: Server) -> dict[str, Any]:
    """What a step or a person may change."""
    return {
        "machine_id": server.machine_id,
        "address": server.address,
        "fingerprint": server.fingerprint,
        "desired": server.desired,
        "state": server.state,
        "state_since": server.state_since,
        "progress": server.progress,
        "failure_kind": None if server.failure is None else server.failure.kind,
        "failure_message": None if server.failure is None else server.failure.message,
        "ready_at": server.ready_at,
        "checked_at": server.checked_at,
        "asked_at": server.asked_at,
        "cloud_asked_at": server.cloud_asked_at,
        "cloud_asks": server.cloud_asks,
        "attempts": server.attempts,
        "missing_since": server.missing_since,
        "missing_count": server.missing_count,
        "secrets_at_cloud": server.secrets_at_cloud,
        "stale_key": server.stale_key,
        "allows_direct_access": server.allows_direct_access,
        "stop_reason": server.stop_reason,
        "keep_until": server.keep_until,
    }


def _readable(row: Row[*tuple[Any, ...]]) -> Server | None:
    """One row that another version wrote in a way of its own must not keep the others from being worked on."""
    try:
        return _server(row)
    except ValueError as error:
        _log.error("server.unreadable", server=row.id, error=type(error).__name__)
        return None


def _server(row: Row[*tuple[Any, ...]]) -> Server:
    spec = ServerSpec(
        name=row.name,
        description=row.description,
        provider=row.provider,
        offer_type=row.offer_type,
        region=row.region,
        template_id=row.template_id,
        disk_gb=row.disk_gb,
        model=row.model,
        revision=row.revision,
        engine=EngineKind(row.engine),
        options=_OPTIONS.validate_json(row.options),
        static_address=row.static_address,
        needs_hub_token=row.needs_hub_token,
        idle_stop_minutes=row.idle_stop_minutes,
        ends_at=row.ends_at,
        delete_after_minutes=row.delete_after_minutes,
    )
    failure = None
    if row.failure_kind is not None:
        failure = Failure(kind=FailureKind(row.failure_kind), message=row.failure_message)
    return Server(
        id=row.id,
        spec=spec,
        hardware=_HARDWARE.validate_json(row.hardware),
        owner=PersonId(row.owner_team, row.owner_user),
        machine_name=row.machine_name,
        machine_id=row.machine_id,
        address=row.address,
        fingerprint=row.fingerprint,
        desired=Desired(row.desired),
        state=ServerState(row.state),
        state_since=row.state_since,
        progress=row.progress,
        failure=failure,
        created_at=row.created_at,
        ready_at=row.ready_at,
        checked_at=row.checked_at,
        asked_at=row.asked_at,
        cloud_asked_at=row.cloud_asked_at,
        cloud_asks=row.cloud_asks,
        attempts=row.attempts,
        missing_since=row.missing_since,
        missing_count=row.missing_count,
        secrets_at_cloud=row.secrets_at_cloud,
        stale_key=row.stale_key,
        version=row.version,
        channel=row.channel,
        allows_direct_access=row.allows_direct_access,
        stop_reason=None if row.stop_reason is None else StopReason(row.stop_reason),
        keep_until=row.keep_until,
    )
