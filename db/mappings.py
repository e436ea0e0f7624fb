"""Mappings and the members of mapped groups, on their tables."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.model import Role
from core.mappings.model import WORKSPACE_ADMINS, Mapping, group_of, group_subject
from core.mappings.ports import MappingStore
from core.people.model import PersonId
from db.models import GroupMemberRow, MappingRow, PersonRow


class PostgresMappings(MappingStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(self) -> Sequence[Mapping]:
        rows = await self._connection.execute(select(MappingRow.subject, MappingRow.role).order_by(MappingRow.subject))
        return [Mapping(subject=row.subject, role=Role[row.role]) for row in rows]

    async def put(self, mapping: Mapping) -> None:
        row = upsert(MappingRow).values(subject=mapping.subject, role=mapping.role.name)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[MappingRow.subject], set_={"role": row.excluded.role})
        )

    async def remove(self, subject: str) -> bool:
        removed = await self._connection.execute(delete(MappingRow).where(MappingRow.subject == subject))
        return removed.rowcount == 1

    async def members(self, subject: str) -> frozenset[PersonId]:
        if group_of(subject) is not None:
            people = select(GroupMemberRow.team, GroupMemberRow.user).where(GroupMemberRow.subject == subject)
        else:
            flag = PersonRow.is_workspace_admin if subject == WORKSPACE_ADMINS else PersonRow.is_workspace_owner
            people = select(PersonRow.team, PersonRow.user).where(flag)
        return frozenset(PersonId(row.team, row.user) for row in await self._connection.execute(people))

    async def set_members(self, group_id: str, members: Collection[PersonId]) -> None:
        subject = group_subject(group_id)
        await self._connection.execute(delete(GroupMemberRow).where(GroupMemberRow.subject == subject))
        if members:
            rows = [{"subject": subject, "team": person.team, "user": person.user} for person in members]
            await self._connection.execute(insert(GroupMemberRow), rows)

    async def role_of(self, subject: str) -> Role | None:
        role = (
            await self._connection.execute(select(MappingRow.role).where(MappingRow.subject == subject))
        ).scalar_one_or_none()
        return None if role is None else Role[role]
