"""A random walk over requests, grants, mappings, Slack's doings and time, held against a small model of the rules.

Chance is `random.Random(seed)` rather than Hypothesis: nothing is shrunk here, and a short walk has to come to the rare
places, which takes weights. A failure tells its seed and every step with its outcome; `-rP` tells the seeds of what
passed. Nothing in a walk happens at the same time as anything else, so it takes one connection, and no event loop, to
Postgres: that makes a step three times as quick."""

import random
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import Connection, CursorResult, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine

from core.access.model import Principal, Role
from core.access.rules import effective_role
from core.approvals.model import RequestState
from core.approvals.rules import EXPIRES_AFTER
from core.audit.rules import GENESIS
from core.audit.service import verify
from core.errors import PrimeError
from core.mappings.model import group_subject
from core.people.model import PersonId, Standing
from db.engine import driver_url
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.access import ADA, CAST, TEAM, World
from tests.clock import ManualClock
from tests.profiles import LONG

SHARDS, WALKS, STEPS = (20, 50, 100) if LONG else (1, 24, 60)
"""Tests, which run side by side; walks in each; steps of each."""

AUDITED_AND_DECIDING = """
    SELECT (SELECT seq FROM audit_head),
           (SELECT count(*) FROM audit),
           (SELECT array_agg((team, "user", role, since, until)::text ORDER BY id) FROM role_grant),
           (SELECT array_agg((team, "user", standing, is_workspace_admin)::text ORDER BY team, "user") FROM person),
           (SELECT array_agg((subject, role)::text ORDER BY subject) FROM role_mapping),
           (SELECT array_agg((subject, team, "user")::text ORDER BY subject, team, "user") FROM group_member)
"""
"""What the chain says it holds, what it holds, and all that roles are made of."""

WRITTEN = ("person", "role_grant", "access_request", "role_mapping", "group_member", "inbox", "audit")

OWNER = ADA
GROUP = "S1"

ROLES = (Role.READ, Role.READ_WRITE, Role.ADMIN, Role.ADMIN)
DURATIONS = (None, None, timedelta(hours=1), timedelta(days=3), timedelta(days=90))


@dataclass
class Held:
    """A grant as the model knows it."""

    role: Role
    since: datetime
    until: datetime | None

    def is_live(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


@dataclass
class Asked:
    asker: PersonId
    role: Role
    duration: timedelta | None
    at: datetime
    open: bool = True


@dataclass
class Model:
    """What ought to be true, kept in a few plain values."""

    grants: dict[PersonId, list[Held]] = field(default_factory=lambda: {person: [] for person in CAST})
    standing: dict[PersonId, Standing] = field(default_factory=lambda: dict.fromkeys(CAST, Standing.MEMBER))
    group: frozenset[PersonId] = frozenset()
    mapped: Role | None = None
    asked: dict[int, Asked] = field(default_factory=dict)
    changes: int = 0
    may_be_without_admin: bool = True

    def role(self, person: PersonId, now: datetime) -> Role:
        if self.standing[person] is not Standing.MEMBER:
            return Role.NONE
        held = [grant.role for grant in self.grants[person] if grant.is_live(now)]
        if self.mapped is not None and person in self.group:
            held.append(self.mapped)
        return max(held, default=Role.NONE)

    def lasting_role(self, person: PersonId) -> Role:
        held = [grant.role for grant in self.grants[person] if grant.until is None]
        if self.mapped is not None and person in self.group:
            held.append(self.mapped)
        return max(held, default=Role.NONE)

    def lasting_admins(self) -> set[PersonId]:
        return {
            person
            for person in CAST
            if self.standing[person] is Standing.MEMBER
            and (
                any(grant.role is Role.ADMIN and grant.until is None for grant in self.grants[person])
                or (self.mapped is Role.ADMIN and person in self.group)
            )
        }


class Walk:
    """Each step acts on Prime and, where Prime lets it happen, on the model."""

    def __init__(self, storage: PostgresStorage, database: psycopg.Connection, seed: int) -> None:
        self.storage = storage
        self.database = database
        self.random = random.Random(seed)
        self.clock = ManualClock()
        self.world = World(storage, self.clock)
        self.world.slack.owners = {OWNER}
        self.world.slack.members_of[GROUP] = frozenset()
        self.model = Model()
        self.roles: dict[PersonId, Role] = {}
        """Everybody's, as Prime read them when this was so:"""
        self.checked: tuple[datetime, list[Any]] | None = None
        self.acts = count()
        self.history = [f"seed {seed}"]

    async def run(self) -> None:
        forget_everything(self.database)
        await self.world.people.sync()
        steps = {
            self.claim: 1,
            self.ask: 4,
            self.withdraw: 1,
            self.decide_one: 4,
            self.decide_what_must_not_be: 2,
            self.grant_one: 5,
            self.set_mapping: 3,
            self.group_changes: 2,
            self.standing_changes: 2,
            self.time_passes: 2,
            self.overdue_requests_expire: 1,
        }
        for step in self.random.choices(list(steps), list(steps.values()), k=STEPS):
            await step()
            await self.check()
        await self.check_at_the_end()

    async def attempt(self, what: str, work: Coroutine[Any, Any, Any]) -> Any:
        """The result, or None where Prime refused with a sentence. Anything else fails the walk."""
        try:
            result = await work
        except PrimeError as error:
            self.history.append(f"{what}: {error}")
            return None
        self.history.append(f"{what}: done")
        return True if result is None else result

    # --- who and what

    async def someone(self) -> Principal:
        """Mostly one of those who are ADMIN just then, so that much happens."""
        admins = [person for person in CAST if self.model.role(person, self.clock.now()) is Role.ADMIN]
        return await self.acting(self.random.choice(admins if admins and self.random.random() < 0.9 else CAST))

    async def acting(self, person: PersonId) -> Principal:
        """As the model has them, which each check compares with Prime; every tenth time Prime is asked who acts."""
        role = self.model.role(person, self.clock.now())
        if next(self.acts) % 10 == 0:
            assert (await self.world.role(person)) is role
        return Principal(person=person, role=role)

    def some_request(self) -> int | None:
        """Mostly one that is open; None if there never was one."""
        waiting = [request_id for request_id, asked in self.model.asked.items() if asked.open]
        choice = waiting if waiting and self.random.random() < 0.8 else list(self.model.asked)
        return self.random.choice(choice) if choice else None

    # --- people

    async def claim(self) -> None:
        person = self.random.choice((OWNER, *CAST))
        nobody = all(self.model.role(one, self.clock.now()) is not Role.ADMIN for one in CAST)
        if await self.attempt(f"{person.user} claims", self.world.access.claim_first_admin(person)):
            assert nobody
            assert person == OWNER
            self.model.grants[person].append(Held(Role.ADMIN, self.clock.now(), None))
            self.model.changes += 1
            self.model.may_be_without_admin = False

    async def ask(self) -> None:
        person, role, duration = (
            self.random.choice(CAST),
            self.random.choice(tuple(Role)),
            self.random.choice(DURATIONS),
        )
        now = self.clock.now()
        request = await self.attempt(
            f"{person.user} asks for {role} for {duration}",
            self.world.approvals.ask(person, role=role, duration=duration, reason="because"),
        )
        if request is None:
            return
        for asked in self.model.asked.values():
            if asked.asker == person and asked.open:
                assert now - asked.at >= EXPIRES_AFTER
                asked.open = False
                self.model.changes += 1
        assert role > self.model.lasting_role(person)
        self.model.asked[request.id] = Asked(person, role, duration, now)
        self.model.changes += 1

    async def withdraw(self) -> None:
        request_id = self.some_request()
        if request_id is None:
            return
        asker = self.model.asked[request_id].asker
        person = self.random.choice((asker, *CAST))
        if await self.attempt(
            f"{person.user} withdraws {request_id}", self.world.approvals.withdraw(person, request_id)
        ):
            assert person == asker
            self.settled(request_id)

    async def decide_one(self) -> None:
        request_id = self.some_request()
        if request_id is None:
            return
        by = await self.someone()
        if self.random.random() < 0.3:
            await self.deny(by, request_id)
        elif self.random.random() < 0.5:
            await self.approve(by, request_id)
        else:
            await self.approve(by, request_id, as_asked=False)

    async def decide_what_must_not_be(self) -> None:
        """By one who may not, of one's own, too late, settled already: chance alone comes there too seldom."""
        request_id = self.some_request()
        if request_id is None:
            return
        asker = self.model.asked[request_id].asker
        lesser = [person for person in CAST if self.model.role(person, self.clock.now()) is not Role.ADMIN]
        lesser.sort(key=lambda person: self.model.role(person, self.clock.now()))
        await self.approve(await self.acting(lesser[-1] if lesser else asker), request_id)
        await self.grant(await self.someone(), asker, Role.ADMIN, timedelta(hours=1))
        await self.approve(await self.acting(asker), request_id)
        if self.random.random() < 0.3:
            await self.clock.advance(EXPIRES_AFTER.total_seconds())
        await self.approve(await self.someone(), request_id)
        await self.deny(await self.someone(), request_id)

    async def approve(self, by: Principal, request_id: int, *, as_asked: bool = True) -> None:
        asked, now = self.model.asked[request_id], self.clock.now()
        role, duration = asked.role, asked.duration
        if not as_asked:
            role, duration = self.random.choice(ROLES), self.random.choice(DURATIONS)
        if await self.attempt(
            f"{by.person.user} approves {request_id} as {role} for {duration}",
            self.world.approvals.approve(by, request_id, role=role, duration=duration, as_asked=as_asked),
        ):
            self.decided(by, request_id)
            self.model.grants[asked.asker].append(Held(role, now, now + duration if duration else None))
            if role is Role.ADMIN and duration is None:
                self.model.may_be_without_admin = False

    async def deny(self, by: Principal, request_id: int) -> None:
        if await self.attempt(
            f"{by.person.user} denies {request_id}", self.world.approvals.deny(by, request_id, reason="no")
        ):
            self.decided(by, request_id)

    def decided(self, by: Principal, request_id: int) -> None:
        asked = self.model.asked[request_id]
        assert by.role is Role.ADMIN
        assert by.person != asked.asker
        assert self.clock.now() - asked.at < EXPIRES_AFTER
        self.settled(request_id)

    def settled(self, request_id: int) -> None:
        """Each request settles once."""
        assert self.model.asked[request_id].open
        self.model.asked[request_id].open = False
        self.model.changes += 1

    async def grant_one(self) -> None:
        role = self.random.choice((Role.NONE, Role.NONE, *ROLES))
        await self.grant(await self.someone(), self.random.choice(CAST), role, self.random.choice(DURATIONS))

    async def grant(self, by: Principal, whom: PersonId, role: Role, duration: timedelta | None) -> None:
        if not await self.attempt(
            f"{by.person.user} gives {whom.user} {role} for {duration}",
            self.world.access.grant(by, whom, role, duration=duration),
        ):
            return
        now = self.clock.now()
        assert by.role is Role.ADMIN
        assert by.person != whom
        for held in self.model.grants[whom]:
            if held.is_live(now):
                held.until = now
        if role is not Role.NONE:
            self.model.grants[whom].append(Held(role, now, now + duration if duration else None))
        self.model.changes += 1
        if role is Role.ADMIN and duration is None:
            self.model.may_be_without_admin = False

    async def set_mapping(self) -> None:
        by, role = await self.someone(), self.random.choice((None, *ROLES))
        if await self.attempt(
            f"{by.person.user} maps {GROUP} to {role}", self.world.mappings.apply(by, group_subject(GROUP), role)
        ):
            assert by.role is Role.ADMIN
            users = self.world.slack.members_of[GROUP] if role else ()
            self.model.mapped = role
            self.model.group = frozenset(PersonId(TEAM, user) for user in users)
            self.model.changes += 1
            if self.model.lasting_admins():
                self.model.may_be_without_admin = False

    # --- Slack

    async def group_changes(self) -> None:
        members = frozenset(self.random.sample(CAST, self.random.randint(0, len(CAST))))
        self.world.slack.members_of[GROUP] = frozenset(person.user for person in members)
        self.history.append(f"{GROUP} is now {sorted(person.user for person in members)}")
        if await self.world.mappings.group_changed(GROUP):
            assert members != self.model.group
            self.model.group = members
            self.model.changes += 1
            self.model.may_be_without_admin = not self.model.lasting_admins()

    async def standing_changes(self) -> None:
        person = self.random.choice(CAST)
        gone = self.model.standing[person] is Standing.MEMBER
        standing = self.random.choice(tuple(Standing)) if gone else Standing.MEMBER
        changed = self.model.standing[person] is not standing
        self.history.append(f"{person.user} is now a {standing}")
        self.world.slack.standing[person] = self.model.standing[person] = standing
        await self.world.people.sync()
        self.model.changes += changed
        if changed:
            self.model.may_be_without_admin = not self.model.lasting_admins()

    # --- time

    async def time_passes(self) -> None:
        hours = self.random.choice((1, 30, 24 * 7))
        self.history.append(f"{hours} hours pass")
        await self.clock.advance(hours * 3600)

    async def overdue_requests_expire(self) -> None:
        self.history.append("overdue requests expire")
        await self.world.approvals.expire_overdue()
        for request_id, asked in self.model.asked.items():
            if asked.open and self.clock.now() - asked.at >= EXPIRES_AFTER:
                self.settled(request_id)

    # --- what always holds

    async def check(self) -> None:
        """Every role and every audit row is as the model says, and an admin is left unless Slack took the last one."""
        now = self.clock.now()
        row = self.database.execute(AUDITED_AND_DECIDING).fetchone()
        assert row is not None
        head, audited, *deciding = row
        assert head == audited == self.model.changes
        assert self.model.may_be_without_admin or self.model.lasting_admins()
        if self.checked != (now, deciding):  # else Prime would read the same again
            async with self.storage.transaction() as stores:
                facts = await stores.access.facts(CAST, now=now)
            self.roles = {person: effective_role(facts[person], now) for person in CAST}
            self.checked = (now, deciding)
        assert self.roles == {person: self.model.role(person, now) for person in CAST}

    async def check_at_the_end(self) -> None:
        """Every request ended as the model says, and each outcome was told once."""
        for request_id, asked in self.model.asked.items():
            request = await self.world.approvals.request(request_id)
            assert (request.state is RequestState.OPEN) is asked.open
        told = self.database.execute("SELECT order_key, count(*) FROM inbox WHERE order_key IS NOT NULL GROUP BY 1")
        assert dict(told.fetchall()) == {
            f"request/{request_id}": 1 if asked.open else 2 for request_id, asked in self.model.asked.items()
        }


class OneConnection:
    """Stands for an AsyncEngine, and for its connection, with the one connection of a walk."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def connect(self) -> "OneConnection":
        return self

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        with self._connection.begin():
            yield

    async def execute(self, *statement: Any) -> CursorResult[Any]:
        return self._connection.execute(*statement)

    async def close(self) -> None:
        """It stays for the next transaction."""


@pytest.fixture
def walk_storage(database_url: str, secret_keys: SecretKeys) -> Iterator[PostgresStorage]:
    engine = create_engine(driver_url(database_url))
    with engine.connect() as connection:
        yield PostgresStorage(cast("AsyncEngine", OneConnection(connection)), secret_keys)
    engine.dispose()


@pytest.mark.parametrize("shard", range(SHARDS))
async def test_a_long_walk_keeps_the_rules(
    database_url: str, walk_storage: PostgresStorage, storage: PostgresStorage, secret_keys: SecretKeys, shard: int
) -> None:
    first_seed = secrets.randbelow(10**9) if LONG else 0
    print(f"shard {shard}: seeds {first_seed} to {first_seed + WALKS - 1}")  # noqa: T201
    with psycopg.connect(database_url, autocommit=True) as connection:
        for seed in range(first_seed, first_seed + WALKS):
            walk = Walk(walk_storage, connection, seed)
            try:
                await walk.run()
                assert not (await verify(storage, secret_keys.audit)).problems
            except Exception as error:
                error.add_note("\n".join(walk.history))
                raise


def forget_everything(connection: psycopg.Connection) -> None:
    """A walk begins with an empty database; the audit log's trigger is in the way of that, as it should be."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in WRITTEN:
            connection.execute(f"DELETE FROM {table}")  # pyright: ignore[reportArgumentType, reportCallIssue]: a word of ours
        connection.execute("UPDATE audit_head SET seq = 0, mac = %s, first_seq = 1, key_id = '', seal = ''", [GENESIS])
