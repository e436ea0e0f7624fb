"""A random walk over requests, grants, mappings, Slack's doings and time, held against a small model of the rules."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.access.model import Facts, Principal, Role
from core.access.rules import effective_role
from core.access.service import Access
from core.approvals.model import RequestState
from core.approvals.rules import EXPIRES_AFTER
from core.approvals.service import Approvals
from core.audit.rules import AuditKeys
from core.audit.service import verify
from core.errors import PrimeError
from core.mappings.model import Group, group_subject
from core.mappings.service import Mappings
from core.people.model import PersonId, Profile, Standing
from core.people.service import People
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.clock import ManualClock
from tests.profiles import cases

TEAM = "T1"
START = datetime(2026, 1, 1, tzinfo=UTC)
CAST = tuple(PersonId(TEAM, f"U{number}") for number in range(5))
OWNER = CAST[0]
GROUP = "S1"

people_ = st.sampled_from(CAST)
actors = st.integers(0, 9)
"""Who decides: mostly one of those who are ADMIN just then, so that much happens; see AccessWalk.acting."""
roles = st.sampled_from(Role)
real_roles = st.sampled_from((Role.READ, Role.READ_WRITE, Role.ADMIN))
durations = st.sampled_from((None, timedelta(hours=1), timedelta(days=3)))
standings = st.sampled_from(tuple(Standing))


class Slack:
    """The directory ports over plain values."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.standing = dict.fromkeys(CAST, Standing.MEMBER)
        self.members: frozenset[str] = frozenset()

    async def person(self, person: PersonId) -> Profile:
        owner = person == OWNER
        return Profile(
            id=person,
            standing=self.standing[person],
            name=person.user,
            is_workspace_admin=owner,
            is_workspace_owner=owner,
            checked_at=self._now(),
        )

    async def everybody(self) -> list[Profile]:
        return [await self.person(person) for person in CAST]

    async def groups(self) -> list[Group]:
        return [Group(id=GROUP, handle="ml", name="ML", users=self.members)]

    async def members_of(self, group_id: str) -> frozenset[str]:
        assert group_id == GROUP
        return self.members


class Groups:
    """The group port, apart from the people port since both have a word `members`."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.groups = slack.groups
        self.members = slack.members_of


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
    effects: int = 0
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


class AccessWalk(RuleBasedStateMachine):
    """Each rule acts on Prime and, where Prime lets it happen, on the model."""

    storage: PostgresStorage
    keys: AuditKeys
    database: psycopg.Connection
    loop: asyncio.AbstractEventLoop

    @initialize(admins=st.integers(0, 2))
    def begin(self, admins: int) -> None:
        self.clock = ManualClock(START)
        self.slack = Slack(self.clock.now)
        self.model = Model()
        nobody: frozenset[PersonId] = frozenset()
        forget_everything(self.database)
        self.people = People(self.storage, self.clock, self.slack, team=TEAM, configured_admins=nobody)
        self.access = Access(self.storage, self.clock, self.people, configured_admins=nobody)
        self.approvals = Approvals(self.storage, self.clock, self.people, self.access)
        self.mappings = Mappings(
            self.storage,
            self.clock,
            self.people,
            self.access,
            Groups(self.slack),
            team=TEAM,
            configured_admins=nobody,
        )
        self.run(self.people.sync())
        if admins:
            self.claim(OWNER)
        for person in CAST[1:admins]:
            self.grant(0, person, Role.ADMIN, None)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result, or None where Prime refused with a sentence. Anything else fails the walk."""
        try:
            result = self.run(work)
        except PrimeError:
            return None
        return True if result is None else result

    def acting(self, number: int) -> Principal:
        admins = [person for person in CAST if self.model.role(person, self.clock.now()) is Role.ADMIN]
        person = admins[number % len(admins)] if admins and number < 8 else CAST[number % len(CAST)]
        principal = self.run(self.access.principal(person))
        assert principal.role is self.model.role(person, self.clock.now())
        return principal

    # --- people

    @rule(person=people_)
    def claim(self, person: PersonId) -> None:
        nobody = all(self.model.role(one, self.clock.now()) is not Role.ADMIN for one in CAST)
        if self.attempt(self.access.claim_first_admin(person)):
            assert nobody
            assert person == OWNER
            self.model.grants[person].append(Held(Role.ADMIN, self.clock.now(), None))
            self.model.changes += 1
            self.model.may_be_without_admin = False

    @rule(person=people_, role=roles, duration=durations)
    def ask(self, person: PersonId, role: Role, duration: timedelta | None) -> None:
        now = self.clock.now()
        request = self.attempt(self.approvals.ask(person, role=role, duration=duration, reason="because"))
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

    @rule(person=people_, number=st.integers(0, 9))
    def withdraw(self, person: PersonId, number: int) -> None:
        self._settle(number, lambda request: self.approvals.withdraw(person, request), own=person)

    @rule(actor=actors, number=st.integers(0, 9))
    def deny(self, actor: int, number: int) -> None:
        by = self.acting(actor)
        self._settle(number, lambda request: self.approvals.deny(by, request, reason="no"), by=by)

    @rule(actor=actors, number=st.integers(0, 9), as_asked=st.booleans(), role=real_roles, duration=durations)
    def approve(self, actor: int, number: int, as_asked: bool, role: Role, duration: timedelta | None) -> None:
        by = self.acting(actor)
        settled = self._settle(
            number,
            lambda request: self.approvals.approve(by, request, role=role, duration=duration, as_asked=as_asked),
            by=by,
        )
        if settled is not None:
            now = self.clock.now()
            asked = self.model.asked[settled.id]
            given, length = (asked.role, asked.duration) if as_asked else (role, duration)
            self.model.grants[asked.asker].append(Held(given, now, now + length if length else None))
            if given is Role.ADMIN and length is None:
                self.model.may_be_without_admin = False

    def _settle(
        self,
        number: int,
        act: Callable[[int], Coroutine[Any, Any, Any]],
        *,
        by: Principal | None = None,
        own: PersonId | None = None,
    ) -> Any:
        """Acts on one of the requests; a request settles at most once, and never by its asker but to withdraw it."""
        if not self.model.asked:
            return None
        waiting = [request for request, asked in self.model.asked.items() if asked.open]
        choice = waiting if waiting and number < 8 else sorted(self.model.asked)
        request_id = choice[number % len(choice)]
        settled = self.attempt(act(request_id))
        if settled is None:
            return None
        asked = self.model.asked[request_id]
        asked.effects += 1
        assert asked.open
        assert asked.effects == 1
        if by is not None:
            assert by.role is Role.ADMIN
            assert by.person != asked.asker
            assert self.clock.now() - asked.at < EXPIRES_AFTER
        if own is not None:
            assert own == asked.asker
        asked.open = False
        self.model.changes += 1
        return settled

    @rule(actor=actors, whom=people_, role=roles, duration=durations)
    def grant(self, actor: int, whom: PersonId, role: Role, duration: timedelta | None) -> None:
        by = self.acting(actor)
        if self.attempt(self.access.grant(by, whom, role, duration=duration)) is None:
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

    @rule(actor=actors, role=st.none() | real_roles)
    def set_mapping(self, actor: int, role: Role | None) -> None:
        by = self.acting(actor)
        if self.attempt(self.mappings.apply(by, group_subject(GROUP), role)) is None:
            return
        assert by.role is Role.ADMIN
        self.model.mapped = role
        self.model.group = frozenset(PersonId(TEAM, user) for user in self.slack.members) if role else frozenset()
        self.model.changes += 1
        if self.model.lasting_admins():
            self.model.may_be_without_admin = False

    # --- Slack

    @rule(members=st.frozensets(people_))
    def group_changes(self, members: frozenset[PersonId]) -> None:
        self.slack.members = frozenset(person.user for person in members)
        if self.run(self.mappings.group_changed(GROUP)):
            assert members != self.model.group
            self.model.group = members
            self.model.changes += 1
            self.model.may_be_without_admin = not self.model.lasting_admins()

    @rule(person=people_, standing=standings)
    def standing_changes(self, person: PersonId, standing: Standing) -> None:
        changed = self.slack.standing[person] is not standing
        self.slack.standing[person] = self.model.standing[person] = standing
        self.run(self.people.sync())
        self.model.changes += changed
        if changed:
            self.model.may_be_without_admin = not self.model.lasting_admins()

    # --- time

    @rule(hours=st.sampled_from((1, 30, 24 * 7)))
    def time_passes(self, hours: int) -> None:
        self.run(self.clock.advance(hours * 3600))

    @rule()
    def overdue_requests_expire(self) -> None:
        self.run(self.approvals.expire_overdue())
        for asked in self.model.asked.values():
            if asked.open and self.clock.now() - asked.at >= EXPIRES_AFTER:
                asked.open = False
                asked.effects += 1
                self.model.changes += 1

    # --- what always holds

    @invariant()
    def every_role_and_every_audit_row_is_as_the_model_says(self) -> None:
        now = self.clock.now()

        async def look() -> tuple[dict[PersonId, Facts], int]:
            async with self.storage.transaction() as stores:
                return await stores.access.facts(CAST, now=now), (await stores.audit.head()).seq

        facts, audited = self.run(look())
        assert {person: effective_role(facts[person], now) for person in CAST} == {
            person: self.model.role(person, now) for person in CAST
        }
        assert audited == self.model.changes

    @invariant()
    def an_admin_is_left(self) -> None:
        assert self.model.may_be_without_admin or self.model.lasting_admins()

    def teardown(self) -> None:
        assert not self.run(verify(self.storage, self.keys)).problems
        for request_id, asked in self.model.asked.items():
            request = self.run(self.approvals.request(request_id))
            assert (request.state is RequestState.OPEN) is asked.open


def test_a_long_walk_keeps_the_rules(database_url: str, secret_keys: SecretKeys) -> None:
    loop = asyncio.new_event_loop()
    engine = create_engine(database_url)
    connection = psycopg.connect(database_url, autocommit=True)

    class Walk(AccessWalk):
        storage = PostgresStorage(engine, secret_keys)
        keys = secret_keys.audit
        database = connection

    Walk.loop = loop
    try:
        run_state_machine_as_test(
            Walk,
            settings=settings(
                **cases(short=20, long=2000),
                stateful_step_count=50,
                suppress_health_check=(HealthCheck.too_slow,),
                phases=(Phase.generate,),
            ),
        )
    finally:
        loop.run_until_complete(engine.dispose())
        loop.close()
        connection.close()


def forget_everything(connection: psycopg.Connection) -> None:
    """A walk begins with an empty database; the audit log's trigger is in the way of that, as it should be."""
    connection.execute(
        "ALTER TABLE audit DISABLE TRIGGER USER; "
        "TRUNCATE person, role_grant, access_request, access_request_message, role_mapping, group_member, inbox; "
        "TRUNCATE audit; "
        "ALTER TABLE audit ENABLE TRIGGER USER; "
        "UPDATE audit_head SET seq = 0, mac = decode(repeat('00', 32), 'hex'), first_seq = 1, key_id = '', seal = ''"
    )
