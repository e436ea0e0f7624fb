"""Setting mappings with open eyes, and following Slack."""

from collections.abc import Collection, Sequence
from datetime import datetime

from core.access.last_admin import permanent_admins, refuse_if_last, report_if_last, with_configuration
from core.access.model import Principal, Role
from core.access.permissions import Permission, require
from core.access.service import Access
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import ConflictError, NotFoundError, UnavailableError
from core.mappings.model import Group, Mapping, Preview, RoleChange, group_of, group_subject
from core.mappings.ports import GroupDirectory
from core.mappings.rules import ASK_AGAIN_ABOVE, check_mapping, role_changes
from core.notices import Notice, owe
from core.people.model import PersonId
from core.people.service import People
from core.storage import Storage, Stores


class Mappings:
    """User groups and workspace roles that carry a role in Prime."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        people: People,
        access: Access,
        groups: GroupDirectory,
        *,
        team: str,
        configured_admins: frozenset[PersonId],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._people = people
        self._access = access
        self._groups = groups
        self._team = team
        self._configured = configured_admins

    # --- by admins

    async def list(self, actor: Principal) -> Sequence[Mapping]:
        require(actor.role, Permission.MANAGE_MAPPINGS)
        async with self._storage.transaction() as stores:
            return await stores.mappings.list()

    async def groups(self, actor: Principal) -> Sequence[Group]:
        """What could be mapped. Raises UnavailableError."""
        require(actor.role, Permission.MANAGE_MAPPINGS)
        return await self._groups.groups()

    async def preview(self, actor: Principal, subject: str, role: Role | None) -> Preview:
        """Who would gain and lose what; role None removes the mapping. Changes nothing.

        Raises NotFoundError (nothing to remove), UnavailableError."""
        require(actor.role, Permission.MANAGE_MAPPINGS)
        check_mapping(subject, role)
        members = await self._read_members(subject, role)
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            if role is None and await stores.mappings.role_of(subject) is None:
                raise NotFoundError(_GONE)
            changes = await self._changes(stores, subject, role, members, now)
        return Preview(subject=subject, role=role, changes=changes)

    async def apply(
        self, actor: Principal, subject: str, role: Role | None, *, many_confirmed: bool = False
    ) -> Preview:
        """Sets the mapping, or removes it where role is None. Raises ConflictError (last admin; more than
        ASK_AGAIN_ABOVE people and not confirmed), NotFoundError (nothing to remove), UnavailableError."""
        require(actor.role, Permission.MANAGE_MAPPINGS)
        check_mapping(subject, role)
        members = await self._read_members(subject, role)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            await self._access.require_still(actor, Permission.MANAGE_MAPPINGS, stores, now)
            if role is not None and await stores.mappings.role_of(subject) is role:
                raise ConflictError(f"It is mapped to {role} already; nothing was changed.")
            changes = await self._changes(stores, subject, role, members, now)
            if len(changes) > ASK_AGAIN_ABOVE and not many_confirmed:
                raise ConflictError(f"This changes the role of {len(changes)} people. Confirm that this is meant.")
            before = await permanent_admins(stores, self._configured, now)
            await self._write(stores, subject, role, members)
            await refuse_if_last(stores, self._configured, before=before, now=now)
            await self._owe_homes(stores, changes, now)
            await stores.audit.append(
                AuditEntry(
                    at=now,
                    actor=str(actor.person),
                    action="access.mapping.set" if role is not None else "access.mapping.remove",
                    target=subject,
                    detail={"role": str(role) if role is not None else None, "people": len(changes)},
                )
            )
        return Preview(subject=subject, role=role, changes=changes)

    # --- by Slack

    async def group_changed(self, group_id: str) -> bool:
        """Reads one group again after an event; whether its mapping changed anything. Raises UnavailableError."""
        if not await self._is_mapped(group_id):
            return False
        return await self._follow(group_id, await self._members_now(group_id), actor="slack:event")

    async def sync(self) -> int:
        """Reads every mapped group; how many differed. A group that cannot be read whole stays as it is known.

        Raises UnavailableError, after having followed the groups that could be read."""
        async with self._storage.transaction() as stores:
            mapped = {group for mapping in await stores.mappings.list() if (group := group_of(mapping.subject))}
        if not mapped:
            return 0
        known = {group.id: group.users for group in await self._groups.groups()}
        differed = 0
        failed: UnavailableError | None = None
        for group_id in sorted(mapped):
            users = known.get(group_id)
            try:
                members = users if users is not None else await self._members_now(group_id)
                differed += await self._follow(group_id, members, actor="prime:sync")
            except UnavailableError as error:
                failed = error
        if failed is not None:
            raise failed
        return differed

    async def _follow(self, group_id: str, users: Collection[str], *, actor: str) -> bool:
        subject = group_subject(group_id)
        members = frozenset(PersonId(self._team, user) for user in users)
        await self._people.ensure(members)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            known = await stores.mappings.members(subject)
            role = await stores.mappings.role_of(subject)
            if members == known or role is None:
                return False
            changes = await self._changes(stores, subject, role, members, now)
            before = await permanent_admins(stores, self._configured, now)
            await stores.mappings.set_members(group_id, members)
            await report_if_last(stores, self._configured, before=before, now=now, cause="group")
            await self._owe_homes(stores, changes, now)
            await stores.audit.append(
                AuditEntry(
                    at=now,
                    actor=actor,
                    action="access.group.change",
                    target=subject,
                    detail={
                        "added": sorted(person.user for person in members - known),
                        "removed": sorted(person.user for person in known - members),
                        "people": len(changes),
                    },
                )
            )
        return True

    # --- parts

    async def _is_mapped(self, group_id: str) -> bool:
        async with self._storage.transaction() as stores:
            return await stores.mappings.role_of(group_subject(group_id)) is not None

    async def _read_members(self, subject: str, role: Role | None) -> frozenset[PersonId]:
        """Who would hold the mapped role, from Slack where it is a group."""
        if role is None:
            return frozenset()
        group_id = group_of(subject)
        if group_id is None:
            async with self._storage.transaction() as stores:
                return await stores.mappings.members(subject)
        members = frozenset(PersonId(self._team, user) for user in await self._groups.members(group_id))
        await self._people.ensure(members)
        return members

    async def _members_now(self, group_id: str) -> frozenset[str]:
        """Nobody is in a group that is gone or switched off."""
        try:
            return await self._groups.members(group_id)
        except NotFoundError:
            return frozenset()

    async def _changes(
        self, stores: Stores, subject: str, role: Role | None, members: frozenset[PersonId], now: datetime
    ) -> tuple[RoleChange, ...]:
        concerned = members | await stores.mappings.members(subject)
        facts = await stores.access.facts(concerned, now=now)
        return role_changes(
            (with_configuration(one, self._configured) for one in facts.values()),
            subject=subject,
            role=role,
            members=members,
            now=now,
        )

    async def _write(self, stores: Stores, subject: str, role: Role | None, members: frozenset[PersonId]) -> None:
        if role is None:
            if not await stores.mappings.remove(subject):
                raise NotFoundError("There is no such mapping any more.")
            return
        await stores.mappings.put(Mapping(subject=subject, role=role))
        group_id = group_of(subject)
        if group_id is not None:
            await stores.mappings.set_members(group_id, members)

    async def _owe_homes(self, stores: Stores, changes: Sequence[RoleChange], now: datetime) -> None:
        if changes:
            users = [change.person.user for change in changes]
            await stores.inbox.add(owe(Notice.HOME_CHANGED, users=users), now=now)


_GONE = "There is no such mapping any more."
