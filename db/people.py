"""People, and who has opened App Home, on their table."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    SQLColumnExpression,
    TableValuedAlias,
    Text,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.home.ports import HomeStore
from core.people.model import PersonId, Profile, Standing
from core.people.ports import PeopleStore
from db.models import PersonRow
from db.types import UtcDateTime

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
            PersonRow.real_name,
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
                real_name=row.real_name,
                is_workspace_admin=row.is_workspace_admin,
                is_workspace_owner=row.is_workspace_owner,
                checked_at=row.checked_at,
            )
            for row in rows
        )
        return {profile.id: profile for profile in profiles}

    async def put(self, profiles: Collection[Profile]) -> None:
        # In one order everywhere, so that two writers of many people cannot wait for each other; and as a few arrays,
        # however many people, since a parameter for each fact of each takes seconds for 10,000.
        ordered = sorted(profiles, key=lambda profile: profile.id)
        facts = {
            "team": literal([profile.id.team for profile in ordered], ARRAY(Text)),
            "user": literal([profile.id.user for profile in ordered], ARRAY(Text)),
            "standing": literal([profile.standing.value for profile in ordered], ARRAY(Text)),
            "name": literal([profile.name for profile in ordered], ARRAY(Text)),
            "real_name": literal([profile.real_name for profile in ordered], ARRAY(Text)),
            "is_workspace_admin": literal([profile.is_workspace_admin for profile in ordered], ARRAY(Boolean)),
            "is_workspace_owner": literal([profile.is_workspace_owner for profile in ordered], ARRAY(Boolean)),
            "checked_at": literal([profile.checked_at for profile in ordered], ARRAY(UtcDateTime)),
        }
        told = func.unnest(*facts.values()).table_valued(*facts).render_derived()
        rows = insert(PersonRow).from_select(list(facts), select(*(told.c[name] for name in facts)))
        await self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=[PersonRow.team, PersonRow.user],
                set_={name: rows.excluded[name] for name in facts if name not in ("team", "user")},
                where=PersonRow.checked_at <= rows.excluded.checked_at,
            )
        )

    async def names(self, team: str) -> Collection[str]:
        is_one = PersonRow.standing.in_((Standing.MEMBER, Standing.GUEST))
        found = select(PersonRow.name, PersonRow.real_name).where(PersonRow.team == team, is_one)
        rows = await self._connection.execute(found)
        return {name for row in rows for name in (row.name, row.real_name) if name}

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
    wanted = as_rows(people)
    return tuple_(team, user).in_(select(wanted.c.team, wanted.c.user))


def as_rows(people: Collection[PersonId]) -> TableValuedAlias:
    return (
        func.unnest(
            literal([person.team for person in people], ARRAY(Text)),
            literal([person.user for person in people], ARRAY(Text)),
        )
        .table_valued("team", "user")
        .render_derived()
    )
