"""Knowing who somebody is, no more than five minutes late."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from core.access.last_admin import permanent_admins, report_if_last
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import NotFoundError
from core.inbox.model import Delivery
from core.mappings.model import WORKSPACE_OWNERS
from core.notices import Notice, owe
from core.people.model import PersonId, Profile
from core.people.ports import Directory
from core.people.rules import is_fresh, matters_for_access, profile_from_slack
from core.storage import Storage


class People:
    """Slack's facts about people, kept in the database, refreshed by events, by a periodic full read, and on demand."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        directory: Directory,
        *,
        team: str,
        configured_admins: frozenset[PersonId],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._directory = directory
        self._team = team
        self._configured_admins = configured_admins

    async def profile(self, person: PersonId) -> Profile:
        """Fresh facts. Raises NotFoundError, or UnavailableError if they are stale and Slack does not answer."""
        async with self._storage.transaction() as stores:
            known = (await stores.people.get([person])).get(person)
        if known is not None and is_fresh(known, self._clock.now()):
            return known
        profile = await self._directory.person(person)
        await self._learn([profile], actor="slack:users.info")
        return profile

    async def ensure(self, people: Collection[PersonId]) -> None:
        """Asks Slack for those not known at all; whom Slack does not know stays unknown. Raises UnavailableError."""
        async with self._storage.transaction() as stores:
            known = await stores.people.get(people)
        found: list[Profile] = []
        for person in sorted(set(people).difference(known)):
            with suppress(NotFoundError):
                found.append(await self._directory.person(person))
        if found:
            await self._learn(found, actor="slack:users.info")

    async def workspace_owners(self) -> frozenset[PersonId]:
        """As last read from Slack."""
        async with self._storage.transaction() as stores:
            return await stores.mappings.members(WORKSPACE_OWNERS)

    async def take_in(self, user: Mapping[str, Any]) -> None:
        """The user object of an event (`user_change`, `team_join`)."""
        profile = profile_from_slack(user, team=self._team, now=self._clock.now())
        await self._learn([profile], actor="slack:event")

    async def sync(self) -> int:
        """Reads the whole directory; how many people. Raises UnavailableError, and then nothing has changed."""
        profiles = await self._directory.everybody()
        await self._learn(profiles, actor="prime:sync")
        return len(profiles)

    async def _learn(self, profiles: Collection[Profile], *, actor: str) -> None:
        """Writes the facts, with an audit row for each person whose role may depend on what changed."""
        profiles = {profile.id: profile for profile in profiles}.values()  # pages of Slack's list may overlap
        async with self._storage.transaction() as stores:
            # Always, since what was known may change until it is written; a deactivation must not be lost unseen.
            await stores.access.lock()
            now = self._clock.now()
            known = await stores.people.get([profile.id for profile in profiles])
            changed = [profile for profile in profiles if _changes_access(known.get(profile.id), profile)]
            if not changed:
                await stores.people.put(profiles)
                return
            before = await permanent_admins(stores, self._configured_admins, now)
            await stores.people.put(profiles)
            await report_if_last(stores, self._configured_admins, before=before, now=now, cause="slack")
            await stores.inbox.add(_homes_of(changed), now=now)
            for profile in changed:
                await stores.audit.append(
                    AuditEntry(
                        at=now,
                        actor=actor,
                        action="access.person.change",
                        target=str(profile.id),
                        detail={"standing": profile.standing.value, "workspace_admin": profile.is_workspace_admin},
                    )
                )


def _changes_access(known: Profile | None, told: Profile) -> bool:
    """A read that began before what is known was told changes nothing; PeopleStore.put leaves it out, too."""
    return known is not None and known.checked_at <= told.checked_at and matters_for_access(known, told)


def _homes_of(profiles: Collection[Profile]) -> Delivery:
    return owe(Notice.HOME_CHANGED, users=[profile.id.user for profile in profiles])
