"""A small workspace on real Postgres, with Slack's directory in memory: what the tests of Access have in common."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from core.access.model import Principal, Role
from core.audit.model import AuditEntry
from core.errors import NotFoundError, PrimeError, UnavailableError
from core.inbox.service import Inbox
from core.mappings.model import Group
from core.notices import Notice
from core.people.model import PersonId, Profile, Standing
from core.redaction.redactor import Redactor
from core.redaction.rules_detector import RulesDetector
from core.services import Services, build_services
from db.storage import PostgresStorage
from providers.engines.registry import InstalledEngines
from providers.front import Front
from providers.hub import HuggingFace
from providers.registry import InstalledProviders
from tests.clock import ManualClock
from tests.rulebooks import Channels

TEAM = "T1"
NOWHERE = "http://127.0.0.1:9/api"
"""Nobody answers there; access has no use for clouds and models."""


def person(name: str) -> PersonId:
    return PersonId(TEAM, f"U{name.upper()}")


ADA, OLE, TIM, BEA, NILS = (person(name) for name in ("ada", "ole", "tim", "bea", "nils"))
CAST = (ADA, OLE, TIM, BEA, NILS)

_WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass
class Slack:
    """Both directory ports over plain values."""

    clock: ManualClock
    standing: dict[PersonId, Standing] = field(default_factory=lambda: dict.fromkeys(CAST, Standing.MEMBER))
    owners: set[PersonId] = field(default_factory=set[PersonId])
    admins: set[PersonId] = field(default_factory=set[PersonId])
    members_of: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Of each user group that is not disabled."""
    cut: set[str] = field(default_factory=set[str])
    """Groups whose users the list of groups leaves out, as Slack does above 500."""
    broken: set[str] = field(default_factory=set[str])
    """Groups whose members cannot be read."""
    away: bool = False
    asked: list[PersonId] = field(default_factory=list[PersonId])
    """Each look-up of one person."""

    def profile(self, person: PersonId) -> Profile:
        return Profile(
            id=person,
            standing=self.standing[person],
            name=person.user,
            is_workspace_admin=person in self.admins | self.owners,
            is_workspace_owner=person in self.owners,
            checked_at=self.clock.now(),
        )

    async def person(self, person: PersonId) -> Profile:
        self._answer()
        self.asked.append(person)
        if person not in self.standing:
            raise NotFoundError("Slack does not know that person.")
        return self.profile(person)

    async def everybody(self) -> list[Profile]:
        self._answer()
        return [self.profile(person) for person in self.standing]

    async def groups(self) -> list[Group]:
        self._answer()
        return [
            Group(id=group_id, handle=group_id.lower(), name=group_id, users=None if group_id in self.cut else users)
            for group_id, users in self.members_of.items()
        ]

    async def members(self, group_id: str) -> frozenset[str]:
        self._answer()
        if group_id in self.broken:
            raise UnavailableError("Slack did not answer.")
        if group_id not in self.members_of:
            raise NotFoundError("There is no such group any more.")
        return self.members_of[group_id]

    def _answer(self) -> None:
        if self.away:
            raise UnavailableError("Slack did not answer.")


class World:
    """Prime's services with everybody of CAST known to them."""

    def __init__(
        self,
        storage: PostgresStorage,
        clock: ManualClock,
        *,
        admin_users: tuple[str, ...] = (),
    ) -> None:
        self.storage = storage
        self.clock = clock
        self.slack = Slack(clock)
        self.channels = Channels()
        self.services: Services = build_services(
            clock=clock,
            storage=storage,
            inbox=Inbox(storage, clock, holder="test"),
            directory=self.slack,
            groups=self.slack,
            channels=self.channels,
            redactor=Redactor(RulesDetector()),
            hub=HuggingFace(api_url=NOWHERE, token=None, organisation=None, clock=clock),
            providers=InstalledProviders({}, clock=clock),
            engines=InstalledEngines(),
            wake_talker=lambda: None,
            front=Front(scheme="https", port=8080),
            team=TEAM,
            admin_users=admin_users,
        )
        self.people = self.services.people
        self.access = self.services.access
        self.approvals = self.services.approvals
        self.mappings = self.services.mappings
        self.home = self.services.home

    async def settle(self, *admins: PersonId) -> None:
        """Everybody known, these ADMIN without an end date, and no notice left of it."""
        await self.people.sync()
        for admin in admins:
            await self.access.break_glass(admin, Role.ADMIN, operator="test")
        await self.notices()

    async def give(self, person: PersonId, role: Role, *, until: datetime | None = None) -> None:
        """A grant from nowhere, past every rule and the audit log."""
        async with self.storage.transaction() as stores:
            await stores.access.add_grant(
                person=person, role=role, granted_by="test", reason="", since=self.clock.now(), until=until
            )

    async def acting(self, person: PersonId) -> Principal:
        return await self.access.principal(person)

    async def role(self, person: PersonId) -> Role:
        return (await self.acting(person)).role

    async def audited(self) -> list[AuditEntry]:
        async with self.storage.transaction() as stores:
            return [record.entry async for record in stores.audit.records()]

    async def actions(self) -> list[str]:
        """The actions of the audit log but those of the set-up."""
        return [entry.action for entry in await self.audited() if not entry.actor.startswith("cli:")]

    async def notices(self, *kinds: Notice) -> list[dict[str, Any]]:
        """What is owed since the last time, of these kinds or of all, oldest first; taken as told."""
        told: list[dict[str, Any]] = []
        while claims := await self.services.inbox.claim(100):
            for claim in claims:
                told.append(claim.payload)
                await self.services.inbox.finish(claim)
        return [notice for notice in told if not kinds or notice["notice"] in kinds]

    async def meet_at_the_lock(self, *acts: Coroutine[Any, Any, Any]) -> list[Any]:
        """Lets each act read what it reads beforehand and wait for the lock of access, in this order, and only then go
        on. Each one's result, or the PrimeError with which it was refused."""
        async with self.storage.transaction() as stores:
            await stores.access.lock()
            tasks: list[asyncio.Task[Any]] = []
            for act in acts:
                tasks.append(asyncio.create_task(act))
                await self.until_waiting(tasks)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, PrimeError):
                raise result
        return results

    async def until_waiting(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Until as many wait for the lock of access, or 5 s have passed."""
        async with asyncio.timeout(5), self.storage._engine.connect() as connection:
            while (await connection.execute(_WAITING)).scalar_one() < len(tasks):
                assert not any(task.done() for task in tasks), "an act ended without waiting for the lock"
                await asyncio.sleep(0.002)
