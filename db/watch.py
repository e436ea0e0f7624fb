"""Looks, loads and unknown machines on their tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.watch.model import Load, MachineFate, Pulse, UnknownMachine
from core.watch.ports import WatchStore
from db.models import ServerLoadRow, ServerPulseRow, UnknownMachineRow

_LATER_STAYS = ("used_at", "active_at")


class PostgresWatch(WatchStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def pulses(self, server_ids: Collection[int]) -> Mapping[int, Pulse]:
        found = select(*ServerPulseRow.__table__.columns).where(ServerPulseRow.server_id.in_(server_ids))
        rows = (await self._connection.execute(found)).mappings()
        return {row["server_id"]: Pulse(**row) for row in rows}

    async def save_pulses(self, pulses: Collection[Pulse]) -> None:
        if not pulses:
            return
        row = upsert(ServerPulseRow)
        changed: dict[str, Any] = {
            column.name: func.greatest(column, row.excluded[column.name])
            if column.name in _LATER_STAYS
            else row.excluded[column.name]
            for column in ServerPulseRow.__table__.columns
            if column.name != "server_id"
        }
        saved = row.on_conflict_do_update(index_elements=[ServerPulseRow.server_id], set_=changed)
        await self._connection.execute(saved, [asdict(pulse) for pulse in pulses])

    async def checked(self, server_ids: Collection[int], *, at: datetime) -> None:
        row = ServerPulseRow
        await self._connection.execute(update(row).where(row.server_id.in_(server_ids)).values(checked_at=at))

    async def used(self, server_id: int, *, at: datetime) -> None:
        row = ServerPulseRow
        used = {"used_at": func.greatest(row.used_at, at), "active_at": func.greatest(row.active_at, at)}
        await self._connection.execute(update(row).where(row.server_id == server_id).values(**used))

    async def add_loads(self, loads: Mapping[int, Load]) -> None:
        if not loads:
            return
        row = upsert(ServerLoadRow)
        saved = row.on_conflict_do_update(
            index_elements=[ServerLoadRow.server_id, ServerLoadRow.since],
            set_={
                "generated_tokens": ServerLoadRow.generated_tokens + row.excluded.generated_tokens,
                "requests": ServerLoadRow.requests + row.excluded.requests,
                "queued": func.greatest(ServerLoadRow.queued, row.excluded.queued),
            },
        )
        await self._connection.execute(saved, [{"server_id": id_, **asdict(load)} for id_, load in loads.items()])

    async def loads(self, server_id: int, *, since: datetime) -> Sequence[Load]:
        row = ServerLoadRow
        found = (
            select(row.since, row.generated_tokens, row.requests, row.queued)
            .where(row.server_id == server_id, row.since >= since)
            .order_by(row.since)
        )
        return [Load(**each) for each in (await self._connection.execute(found)).mappings()]

    async def drop_loads(self, *, before: datetime) -> int:
        dropped = delete(ServerLoadRow).where(ServerLoadRow.since < before).returning(ServerLoadRow.server_id)
        return len((await self._connection.execute(dropped)).all())

    async def saw_unknown(self, machines: Collection[UnknownMachine]) -> None:
        if not machines:
            return
        row = upsert(UnknownMachineRow)
        saved = row.on_conflict_do_update(
            index_elements=[UnknownMachineRow.provider, UnknownMachineRow.machine_id],
            set_={"last_seen_at": row.excluded.last_seen_at},
        )
        await self._connection.execute(saved, [asdict(machine) for machine in machines])

    async def unknown(self, provider: str, machine_id: str) -> UnknownMachine | None:
        found = await self._connection.execute(_machines.where(_is(provider, machine_id)))
        row = found.mappings().one_or_none()
        return None if row is None else _machine(row)

    async def untold(self, *, first_seen_before: datetime, seen_since: datetime) -> Sequence[UnknownMachine]:
        row = UnknownMachineRow
        found = (
            _machines.where(
                row.is_told.is_(False),
                row.fate == MachineFate.OPEN,
                row.first_seen_at <= first_seen_before,
                row.last_seen_at >= seen_since,
            )
            .order_by(row.first_seen_at, row.machine_id)
            .with_for_update()
        )
        return [_machine(each) for each in (await self._connection.execute(found)).mappings()]

    async def told_unknown(self, provider: str, machine_id: str) -> None:
        await self._connection.execute(update(UnknownMachineRow).where(_is(provider, machine_id)).values(is_told=True))

    async def decide_unknown(self, provider: str, machine_id: str, fate: MachineFate) -> bool:
        open_one = UnknownMachineRow.fate == MachineFate.OPEN
        decided = (
            update(UnknownMachineRow)
            .where(_is(provider, machine_id), open_one)
            .values(fate=fate)
            .returning(UnknownMachineRow.machine_id)
        )
        return (await self._connection.execute(decided)).one_or_none() is not None


_machines = select(*UnknownMachineRow.__table__.columns)


def _is(provider: str, machine_id: str) -> Any:
    return (UnknownMachineRow.provider == provider) & (UnknownMachineRow.machine_id == machine_id)


def _machine(row: Mapping[Any, Any]) -> UnknownMachine:
    values: dict[str, Any] = {**row, "fate": MachineFate(row["fate"])}
    return UnknownMachine(**values)
