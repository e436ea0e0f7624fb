"""Gathering what App Home shows, for whoever looks at it."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from core.access.model import Holder, Principal, Role
from core.access.permissions import Permission, may
from core.access.service import Access
from core.approvals.model import AccessRequest
from core.approvals.service import Approvals
from core.clock import Clock
from core.cost.budget import gather_home
from core.cost.model import HomeCosts
from core.home.model import Dashboard, ServersShown
from core.people.model import PersonId
from core.redaction.policy import Policy, default_policy
from core.servers.model import ServerPage
from core.storage import Storage
from core.watch.vitals import gather_vitals

KEPT_FRESH = timedelta(days=30)
"""A Home that nobody opened for this long is not written any more; opening it writes it again."""

WATCHED = timedelta(days=1)
"""Servers change often, so that only these are written again for them."""

REQUESTS_SHOWN = 10
SERVERS_SHOWN = 10


class Home:
    """The dashboard of each person."""

    def __init__(self, storage: Storage, clock: Clock, access: Access, approvals: Approvals) -> None:
        self._storage = storage
        self._clock = clock
        self._access = access
        self._approvals = approvals

    async def open(self, person: PersonId) -> Dashboard:
        """What to show somebody who opens it; from now on theirs is kept up to date."""
        holder = await self._access.standing_of(person)  # first, since it makes a newcomer known
        async with self._storage.transaction() as stores:
            await stores.homes.opened(person, now=self._clock.now())
        return await self._gather(holder)

    async def dashboard(
        self, person: PersonId, *, after: int | None = None, servers_after: int | None = None
    ) -> Dashboard:
        """What to show somebody who has opened it before; `after` pages through the open requests, `servers_after`
        through the servers."""
        return await self._gather(await self._access.holder(person), after=after, servers_after=servers_after)

    async def _gather(self, holder: Holder, *, after: int | None = None, servers_after: int | None = None) -> Dashboard:
        person = holder.person
        waiting = list[AccessRequest]()
        if may(holder.role, Permission.DECIDE_REQUESTS):
            principal = Principal(person=person, role=holder.role)
            waiting = list(await self._approvals.list_open(principal, after=after, limit=REQUESTS_SHOWN + 1))
        shown = waiting[:REQUESTS_SHOWN]
        return Dashboard(
            holder=holder,
            own_request=await self._approvals.open_of(person),
            can_claim=holder.role is not Role.ADMIN and await self._access.can_claim(person),
            open_requests=shown,
            requests_after=after,
            next_after=shown[-1].id if len(waiting) > REQUESTS_SHOWN else None,
            servers=await self._servers(servers_after) if may(holder.role, Permission.SEE_SERVERS) else None,
            costs=await self._costs(person) if may(holder.role, Permission.SEE_COSTS) else None,
            policy=await self._policy() if may(holder.role, Permission.SEE_REDACTION) else None,
            as_of=self._clock.now(),
        )

    async def _policy(self) -> Policy:
        async with self._storage.transaction() as stores:
            return default_policy().changed(await stores.redaction.changes())

    async def _servers(self, after: int | None) -> ServersShown:
        async with self._storage.transaction() as stores:
            found, total = await stores.servers.search("", after=after, limit=SERVERS_SHOWN + 1)
            cost = await stores.servers.running_cost()
            shown = found[:SERVERS_SHOWN]
            vitals = await gather_vitals(stores, shown, self._clock.now())
        next_after = shown[-1].id if len(found) > SERVERS_SHOWN else None
        page = ServerPage(servers=shown, total=total, next_after=next_after)
        return ServersShown(page=page, after=after, cost=cost, vitals=vitals)

    async def _costs(self, person: PersonId) -> HomeCosts:
        async with self._storage.transaction() as stores:
            return await gather_home(stores, person, now=self._clock.now())

    async def watchers(self) -> Sequence[PersonId]:
        """Whose Home to write again when servers change: everybody's who opened it lately."""
        async with self._storage.transaction() as stores:
            return await stores.homes.openers(since=self._clock.now() - WATCHED)

    async def shown_to(self, users: Collection[str], *, team: str, admins: bool) -> Sequence[PersonId]:
        """Whose Home to write again: those of `users`, and with `admins` every ADMIN's, who have opened it lately."""
        async with self._storage.transaction() as stores:
            openers = await stores.homes.openers(since=self._clock.now() - KEPT_FRESH)
        named = {PersonId(team, user) for user in users}
        admin_ids = await self._access.admins() if admins else frozenset[PersonId]()
        return [person for person in openers if person in named or person in admin_ids]
