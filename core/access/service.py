"""Who may act, and changing it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.access.last_admin import permanent_admins, refuse_if_last, report_if_last, with_configuration
from core.access.model import Facts, Grant, Holder, Principal, Role, UserPage
from core.access.permissions import Permission, require
from core.access.rules import check_reason, effective_role, end_of, holdings, is_same
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import AccessDeniedError, ConflictError, InvalidInputError
from core.notices import Notice, owe
from core.people.model import PersonId, Profile, Standing
from core.people.service import People
from core.storage import Storage, Stores

ENDS_SOON = timedelta(days=1)
"""How long before its end a grant is announced to its holder."""


class Access:
    """Resolves roles at the moment of each act, and changes them."""

    def __init__(
        self, storage: Storage, clock: Clock, people: People, *, configured_admins: frozenset[PersonId]
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._people = people
        self._configured = configured_admins

    # --- reading

    async def principal(self, person: PersonId) -> Principal:
        """The role they hold now. Raises UnavailableError if Slack cannot confirm who they are."""
        return Principal(person=person, role=(await self.standing_of(person)).role)

    async def standing_of(self, person: PersonId) -> Holder:
        """Their role with every reason for it, as they act, which is noted. Raises UnavailableError like principal."""
        await self._people.profile(person)
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            await stores.people.touch(person, now=now)
            return await self._holder(stores, person, now)

    async def holder(self, person: PersonId) -> Holder:
        """The same for somebody who does nothing just now. Raises NotFoundError if Slack does not know them."""
        await self._people.profile(person)
        async with self._storage.transaction() as stores:
            return await self._holder(stores, person, self._clock.now())

    async def holder_of(self, actor: Principal, person: PersonId) -> Holder:
        """What somebody else holds, for who manages users. Raises NotFoundError if Slack does not know them."""
        require(actor.role, Permission.MANAGE_USERS)
        return await self.holder(person)

    async def users(self, actor: Principal, *, after: PersonId | None = None, limit: int = 20) -> UserPage:
        """Everybody who has a reason for a role, by id."""
        require(actor.role, Permission.MANAGE_USERS)
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            people = await stores.access.holders(self._configured, now=now, after=after, limit=limit + 1)
            total = await stores.access.count_holders(self._configured, now=now)
            more, people = len(people) > limit, people[:limit]
            holders = await self._holders(stores, people, now)
        return UserPage(holders=holders, total=total, next_after=people[-1] if more else None)

    async def admins(self) -> frozenset[PersonId]:
        """Everybody who is ADMIN now, by any reason."""
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            return await self._admins(stores, now)

    # --- changing

    async def grant(
        self, actor: Principal, person: PersonId, role: Role, *, duration: timedelta | None, reason: str = ""
    ) -> Grant | None:
        """Gives exactly this role in place of the person's grants; None if the role is NONE, which only takes away.

        Raises InvalidInputError (target cannot hold a role, no such duration, reason too long), AccessDeniedError,
        ConflictError (last admin, configured admin)."""
        require(actor.role, Permission.MANAGE_USERS)
        if person == actor.person:
            raise InvalidInputError("Nobody changes their own role. Please ask another ADMIN.", field="person")
        check_reason(reason)
        if role is not Role.NONE:
            refuse_unless_member(await self._people.profile(person))
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            await self.require_still(actor, Permission.MANAGE_USERS, stores, now)
            held = (await stores.access.facts([person], now=now))[person].grants
            if held and all(is_same(grant, role, duration, now=now) for grant in held):
                raise ConflictError(f"They have been given {role} like this already; nothing was changed.")
            return await self._replace_grants(
                stores, person, role, until=end_of(duration, now), by=str(actor.person), reason=reason, now=now
            )

    async def break_glass(self, person: PersonId, role: Role, *, operator: str) -> None:
        """What the command line does, without asking any role. The last-admin rule holds here too."""
        if role is not Role.NONE:
            refuse_unless_member(await self._people.profile(person))
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            await self._replace_grants(
                stores, person, role, until=None, by=f"cli:{operator}", reason="break-glass", now=now
            )

    async def can_claim(self, person: PersonId) -> bool:
        """Whether this person would be offered the first ADMIN role."""
        if not _is_owner(await self._people.profile(person)):
            return False
        await self._people.ensure(self._configured)
        return not await self.admins()

    async def claim_first_admin(self, person: PersonId) -> None:
        """A workspace owner takes ADMIN while nobody has it. Raises AccessDeniedError, ConflictError."""
        profile = await self._people.profile(person)
        if not _is_owner(profile):
            raise AccessDeniedError("Only an owner of this Slack workspace can claim the first ADMIN role.")
        await self._people.ensure(self._configured)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            if await self._admins(stores, now):
                raise ConflictError("Prime has an ADMIN already. Ask them, or use `/prime access`.")
            await stores.access.add_grant(
                person=person, role=Role.ADMIN, granted_by=str(person), reason="first admin", since=now, until=None
            )
            await stores.inbox.add(owe(Notice.HOME_CHANGED, users=[person.user], admins=True), now=now)
            await stores.audit.append(
                AuditEntry(at=now, actor=str(person), action="access.admin.claim", target=str(person))
            )

    async def take_configuration(self) -> bool:
        """Notes whom PRIME_ADMINS names now; whether that differs from last time. It cannot be refused, so if it took
        the last lasting ADMIN it is reported. Raises UnavailableError. Safe to run twice."""
        async with self._storage.transaction() as stores:
            known = await stores.access.configured()
        if known == self._configured:
            return False
        await self._people.ensure(known | self._configured)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            known = await stores.access.configured()
            if known == self._configured:
                return False
            before = await permanent_admins(stores, known, now)
            await stores.access.set_configured(self._configured)
            await report_if_last(stores, self._configured, before=before, now=now, cause="configuration")
            changed = sorted(person.user for person in known ^ self._configured)
            await stores.inbox.add(owe(Notice.HOME_CHANGED, users=changed), now=now)
            await stores.audit.append(
                AuditEntry(
                    at=now,
                    actor="prime:configuration",
                    action="access.configuration.change",
                    target="setting:PRIME_ADMINS",
                    detail={
                        "added": sorted(person.user for person in self._configured - known),
                        "removed": sorted(person.user for person in known - self._configured),
                    },
                )
            )
        return True

    async def announce_endings(self) -> int:
        """Tells holders whose grant ends within a day, once each; how many. A grant shorter than two days is not
        announced: its holder has just been told its end."""
        now = self._clock.now()
        async with self._storage.transaction() as stores:
            grants = await stores.access.take_ending(now=now, before=now + ENDS_SOON)
            for grant in grants:
                assert grant.until is not None
                if grant.until - grant.since >= 2 * ENDS_SOON:
                    notice = owe(
                        Notice.GRANT_ENDING, user=grant.person.user, role=str(grant.role), until=grant.until.isoformat()
                    )
                    await stores.inbox.add(notice, now=now)
        return len(grants)

    # --- within a transaction

    async def require_still(self, actor: Principal, permission: Permission, stores: Stores, now: datetime) -> None:
        """Asks again under the lock: the role may have gone since it was resolved. Raises AccessDeniedError."""
        holder = await self._holder(stores, actor.person, now)
        require(holder.role, permission)

    async def _replace_grants(
        self,
        stores: Stores,
        person: PersonId,
        role: Role,
        *,
        until: datetime | None,
        by: str,
        reason: str,
        now: datetime,
    ) -> Grant | None:
        if person in self._configured and role is not Role.ADMIN:
            raise ConflictError(
                "They are ADMIN by configuration (PRIME_ADMINS), which cannot be changed from Slack. "
                "An operator can take them off that list and restart Prime."
            )
        before = await permanent_admins(stores, self._configured, now)
        ended = await stores.access.end_grants(person, now=now)
        grant = None
        if role is not Role.NONE:
            grant = await stores.access.add_grant(
                person=person, role=role, granted_by=by, reason=reason, since=now, until=until
            )
        elif not ended:
            raise ConflictError(
                "They hold no grant that could be removed. A role from a mapping ends with the mapping."
            )
        await refuse_if_last(stores, self._configured, before=before, now=now)
        ends = until.isoformat() if until else None
        await stores.inbox.add(owe(Notice.ROLE_CHANGED, user=person.user, role=str(role), by=by, until=ends), now=now)
        await stores.inbox.add(owe(Notice.HOME_CHANGED, users=[person.user]), now=now)
        await stores.audit.append(
            AuditEntry(
                at=now,
                actor=by,
                action="access.grant.add" if grant else "access.grant.end",
                target=str(person),
                detail={"role": str(role), "until": ends, "was": sorted(str(old.role) for old in ended)},
            )
        )
        return grant

    async def _admins(self, stores: Stores, now: datetime) -> frozenset[PersonId]:
        people = {*self._configured, *await stores.access.admin_candidates(now=now)}
        holders = await self._holders(stores, list(people), now)
        return frozenset(holder.person for holder in holders if holder.role is Role.ADMIN)

    async def _holder(self, stores: Stores, person: PersonId, now: datetime) -> Holder:
        return (await self._holders(stores, [person], now))[0]

    async def _holders(self, stores: Stores, people: Sequence[PersonId], now: datetime) -> list[Holder]:
        facts = await stores.access.facts(people, now=now)
        active = await stores.access.last_active(people)
        return [
            _as_holder(with_configuration(facts[person], self._configured), active.get(person), now)
            for person in people
        ]


def refuse_unless_member(profile: Profile) -> None:
    """Raises InvalidInputError: only members of this workspace can hold a role."""
    if profile.standing is not Standing.MEMBER:
        raise InvalidInputError(f"{_STANDING_WORDS[profile.standing]} cannot hold a role in Prime.", field="person")


_STANDING_WORDS = {
    Standing.GUEST: "A guest",
    Standing.STRANGER: "Somebody from another workspace",
    Standing.BOT: "A bot",
    Standing.DEACTIVATED: "A deactivated person",
    Standing.UNKNOWN: "Somebody whom Slack does not confirm as a member of this workspace",
}


def _as_holder(facts: Facts, last_active_at: datetime | None, now: datetime) -> Holder:
    return Holder(
        person=facts.person,
        role=effective_role(facts, now),
        holdings=holdings(facts, now),
        last_active_at=last_active_at,
    )


def _is_owner(profile: Profile) -> bool:
    return profile.standing is Standing.MEMBER and profile.is_workspace_owner
