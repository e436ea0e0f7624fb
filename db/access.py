"""Grants, and the facts that decide roles, on their tables."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, text, tuple_, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.model import Facts, Grant, MappedRole, Role
from core.access.ports import AccessStore
from core.mappings.model import WORKSPACE_ADMINS, WORKSPACE_OWNERS
from core.people.model import PersonId
from db.models import ConfiguredAdminRow, GrantRow, GroupMemberRow, MappingRow, PersonRow
from db.people import PostgresPeople, as_rows, is_one_of

_CHANGES_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtext('prime.access'))")

_grant_columns = (
    GrantRow.id,
    GrantRow.team,
    GrantRow.user,
    GrantRow.role,
    GrantRow.granted_by,
    GrantRow.reason,
    GrantRow.since,
    GrantRow.until,
)

_mapped = union(
    select(GroupMemberRow.team, GroupMemberRow.user, MappingRow.subject, MappingRow.role).join(
        MappingRow, MappingRow.subject == GroupMemberRow.subject
    ),
    select(PersonRow.team, PersonRow.user, MappingRow.subject, MappingRow.role).join(
        MappingRow,
        or_(
            and_(MappingRow.subject == WORKSPACE_ADMINS, PersonRow.is_workspace_admin),
            and_(MappingRow.subject == WORKSPACE_OWNERS, PersonRow.is_workspace_owner),
        ),
    ),
).subquery("mapped")
"""Everybody who is the subject of a mapping, with what they hold through it."""


class PostgresAccess(AccessStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        await self._connection.execute(_CHANGES_TAKE_TURNS)

    async def facts(self, people: Collection[PersonId], *, now: datetime) -> dict[PersonId, Facts]:
        if not people:
            return {}
        profiles = await PostgresPeople(self._connection).get(people)
        grants: dict[PersonId, list[Grant]] = defaultdict(list)
        live = select(*_grant_columns).where(_is_live(now), is_one_of(GrantRow.team, GrantRow.user, people))
        for row in await self._connection.execute(live.order_by(GrantRow.id)):
            grants[PersonId(row.team, row.user)].append(_grant(row))
        mapped: dict[PersonId, list[MappedRole]] = defaultdict(list)
        held = select(_mapped).where(is_one_of(_mapped.c.team, _mapped.c.user, people))
        for row in await self._connection.execute(held.order_by(_mapped.c.subject)):
            mapped[PersonId(row.team, row.user)].append(MappedRole(subject=row.subject, role=Role[row.role]))
        return {
            person: Facts(
                person=person,
                profile=profiles.get(person),
                grants=tuple(grants.get(person, ())),
                mapped=tuple(mapped.get(person, ())),
            )
            for person in people
        }

    async def admin_candidates(self, *, now: datetime) -> Sequence[PersonId]:
        admin = Role.ADMIN.name
        granted = select(GrantRow.team, GrantRow.user).where(GrantRow.role == admin, _is_live(now))
        mapped = select(_mapped.c.team, _mapped.c.user).where(_mapped.c.role == admin)
        return await self._people(union(granted, mapped))

    async def holders(
        self, configured: Collection[PersonId], *, now: datetime, after: PersonId | None, limit: int
    ) -> Sequence[PersonId]:
        everybody = _holders(configured, now).subquery()
        page = select(everybody.c.team, everybody.c.user).order_by(everybody.c.team, everybody.c.user).limit(limit)
        if after is not None:
            page = page.where(tuple_(everybody.c.team, everybody.c.user) > tuple_(after.team, after.user))
        return await self._people(page)

    async def count_holders(self, configured: Collection[PersonId], *, now: datetime) -> int:
        count = select(func.count()).select_from(_holders(configured, now).subquery())
        return (await self._connection.execute(count)).scalar_one()

    async def last_active(self, people: Collection[PersonId]) -> dict[PersonId, datetime]:
        if not people:
            return {}
        rows = await self._connection.execute(
            select(PersonRow.team, PersonRow.user, PersonRow.last_active_at).where(
                PersonRow.last_active_at.is_not(None), is_one_of(PersonRow.team, PersonRow.user, people)
            )
        )
        return {PersonId(row.team, row.user): row.last_active_at for row in rows}

    async def add_grant(
        self,
        *,
        person: PersonId,
        role: Role,
        granted_by: str,
        reason: str,
        since: datetime,
        until: datetime | None,
    ) -> Grant:
        row = (
            await self._connection.execute(
                insert(GrantRow)
                .values(
                    team=person.team,
                    user=person.user,
                    role=role.name,
                    granted_by=granted_by,
                    reason=reason,
                    since=since,
                    until=until,
                    announced=False,
                )
                .returning(*_grant_columns)
            )
        ).one()
        return _grant(row)

    async def end_grants(self, person: PersonId, *, now: datetime) -> Sequence[Grant]:
        ended = (
            update(GrantRow)
            .where(GrantRow.team == person.team, GrantRow.user == person.user, _is_not_over(now))
            .values(until=func.greatest(now, GrantRow.since))
            .returning(*_grant_columns)
        )
        return [_grant(row) for row in await self._connection.execute(ended)]

    async def configured(self) -> frozenset[PersonId]:
        return frozenset(await self._people(select(ConfiguredAdminRow.team, ConfiguredAdminRow.user)))

    async def set_configured(self, people: Collection[PersonId]) -> None:
        await self._connection.execute(delete(ConfiguredAdminRow))
        if people:
            rows = [{"team": person.team, "user": person.user} for person in people]
            await self._connection.execute(insert(ConfiguredAdminRow), rows)

    async def take_ending(self, *, now: datetime, before: datetime) -> Sequence[Grant]:
        ending = (
            update(GrantRow)
            .where(_is_live(now), GrantRow.until < before, ~GrantRow.announced)
            .values(announced=True)
            .returning(*_grant_columns)
        )
        return [_grant(row) for row in await self._connection.execute(ending)]

    async def _people(self, statement: Any) -> list[PersonId]:
        return [PersonId(row.team, row.user) for row in await self._connection.execute(statement)]


def _is_live(now: datetime) -> ColumnElement[bool]:
    return and_(GrantRow.since <= now, _is_not_over(now))


def _is_not_over(now: datetime) -> ColumnElement[bool]:
    return or_(GrantRow.until.is_(None), GrantRow.until > now)


def _holders(configured: Collection[PersonId], now: datetime) -> Any:
    named = as_rows(configured)
    return union(
        select(GrantRow.team, GrantRow.user).where(_is_live(now)),
        select(_mapped.c.team, _mapped.c.user),
        select(named.c.team, named.c.user),
    )


def _grant(row: Row[*tuple[Any, ...]]) -> Grant:
    return Grant(
        id=row.id,
        person=PersonId(row.team, row.user),
        role=Role[row.role],
        granted_by=row.granted_by,
        reason=row.reason,
        since=row.since,
        until=row.until,
    )
