"""People, and who has opened App Home, on their table."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, ColumnElement, SQLColumnExpression, Text, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.home.ports import HomeStore
from core.people.model import PersonId, Profile, Standing
from core.people.ports import PeopleStore
from db.models import PersonRow

_BATCH = 1000
_TO_THE_MINUTE = timedelta(minutes=1)


class PostgresPeople(PeopleStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, people: Collection[PersonId]) -> dict[PersonId, Profile]:
        if not people:
            return {}
        columns = (
            PersonRow.team,
            PersonRow.user,
            PersonRow.standing,
            PersonRow.name,
            PersonRow.is_workspace_admin,
            PersonRow.is_workspace_owner,
            PersonRow.checked_at,
        )
        rows = await self._connection.execute(select(*columns).where(is_one_of(PersonRow.team, PersonRow.user, people)))
        profiles = (
            Profile(
                id=PersonId(row.team, row.user),
                standing=Standing(row.standing),
                name=row.name,
                is_workspace_admin=row.is_workspace_admin,
                is_workspace_owner=row.is_workspace_owner,
                checked_at=row.checked_at,
            )
            for row in rows
        )
        return {profile.id: profile for profile in profiles}

    async def put(self, profiles: Collection[Profile]) -> None:
        # In one order everywhere, so that two writers of many people cannot wait for each other.
        ordered = sorted(profiles, key=lambda profile: profile.id)
        for start in range(0, len(ordered), _BATCH):
            await self._put_batch(ordered[start : start + _BATCH])

    async def _put_batch(self, profiles: Sequence[Profile]) -> None:
        rows = insert(PersonRow).values(
            [
                {
                    "team": profile.id.team,
                    "user": profile.id.user,
                    "standing": profile.standing,
                    "name": profile.name,
                    "is_workspace_admin": profile.is_workspace_admin,
                    "is_workspace_owner": profile.is_workspace_owner,
                    "checked_at": profile.checked_at,
                }
                for profile in profiles
            ]
        )
        facts = ("standing", "name", "is_workspace_admin", "is_workspace_owner", "checked_at")
        await self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=[PersonRow.team, PersonRow.user],
                set_={name: rows.excluded[name] for name in facts},
                where=PersonRow.checked_at <= rows.excluded.checked_at,
            )
        )

    async def touch(self, person: PersonId, *, now: datetime) -> None:
        stale = PersonRow.last_active_at.is_(None) | (PersonRow.last_active_at < now - _TO_THE_MINUTE)
        await self._connection.execute(
            update(PersonRow)
            .where(PersonRow.team == person.team, PersonRow.user == person.user, stale)
            .values(last_active_at=now)
        )


class PostgresHomes(HomeStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def opened(self, person: PersonId, *, now: datetime) -> None:
        await self._connection.execute(
            update(PersonRow)
            .where(PersonRow.team == person.team, PersonRow.user == person.user)
            .values(home_opened_at=now)
        )

    async def openers(self, *, since: datetime) -> Sequence[PersonId]:
        rows = await self._connection.execute(
            select(PersonRow.team, PersonRow.user).where(PersonRow.home_opened_at > since)
        )
        return [PersonId(row.team, row.user) for row in rows]


def is_one_of(
    team: SQLColumnExpression[str], user: SQLColumnExpression[str], people: Collection[PersonId]
) -> ColumnElement[bool]:
    """Whether the columns name one of the people: two arrays, however many people, rather than a parameter each."""
    wanted = (
        func.unnest(
            literal([person.team for person in people], ARRAY(Text)),
            literal([person.user for person in people], ARRAY(Text)),
        )
        .table_valued("team", "user")
        .render_derived()
    )
    return tuple_(team, user).in_(select(wanted.c.team, wanted.c.user))
