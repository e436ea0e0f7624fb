"""Who holds a role, for how long, and who may change that."""

from datetime import timedelta

import pytest

from core.access.model import Role, Source
from core.access.service import ENDS_SOON
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.mappings.model import WORKSPACE_OWNERS, group_subject
from core.notices import Notice
from core.people.model import PersonId, Standing
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, TIM, World, person
from tests.clock import ManualClock

DAY = timedelta(days=1)
GROUP = group_subject("S1")


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA is ADMIN without an end date."""
    world = World(storage, clock)
    await world.settle(ADA)
    return world


@pytest.fixture
async def configured(storage: PostgresStorage, clock: ManualClock) -> World:
    """OLE is ADMIN by PRIME_ADMINS, ADA by a grant."""
    world = World(storage, clock, admin_users=(OLE.user,))
    await world.settle(ADA)
    return world


class TestGranting:
    async def test_tells_the_person_and_the_audit_log(self, world: World, clock: ManualClock) -> None:
        await world.access.grant(await world.acting(ADA), BEA, Role.READ_WRITE, duration=30 * DAY)

        until = (clock.now() + 30 * DAY).isoformat()
        assert await world.role(BEA) is Role.READ_WRITE
        assert await world.notices() == [
            {"notice": Notice.ROLE_CHANGED, "user": BEA.user, "role": "READ_WRITE", "by": str(ADA), "until": until},
            {"notice": Notice.HOME_CHANGED, "users": [BEA.user]},
        ]
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == (str(ADA), "access.grant.add", str(BEA))
        assert entry.detail == {"role": "READ_WRITE", "until": until, "was": []}

    async def test_replaces_what_they_held(self, world: World) -> None:
        ada = await world.acting(ADA)
        await world.access.grant(ada, BEA, Role.READ_WRITE, duration=None)
        await world.access.grant(ada, BEA, Role.READ, duration=DAY)

        assert [held.role for held in (await world.access.holder(BEA)).holdings] == [Role.READ]

    async def test_ends_at_the_very_moment(self, world: World, clock: ManualClock) -> None:
        await world.access.grant(await world.acting(ADA), BEA, Role.READ, duration=DAY)

        await clock.advance(86_399)
        assert await world.role(BEA) is Role.READ
        await clock.advance(1)
        assert await world.role(BEA) is Role.NONE

    async def test_of_nothing_takes_away(self, world: World) -> None:
        ada = await world.acting(ADA)
        await world.access.grant(ada, BEA, Role.READ, duration=None)

        assert await world.access.grant(ada, BEA, Role.NONE, duration=None) is None

        assert await world.role(BEA) is Role.NONE
        assert (await world.actions())[-1] == "access.grant.end"
        with pytest.raises(ConflictError, match="no grant that could be removed"):
            await world.access.grant(ada, BEA, Role.NONE, duration=None)

    async def test_to_oneself_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidInputError, match="own role"):
            await world.access.grant(await world.acting(ADA), ADA, Role.READ, duration=None)

    @pytest.mark.parametrize("role", [Role.NONE, Role.READ, Role.READ_WRITE])
    async def test_is_for_admins(self, world: World, role: Role) -> None:
        await world.give(BEA, role) if role else None
        with pytest.raises(AccessDeniedError, match="needs the role ADMIN"):
            await world.access.grant(await world.acting(BEA), NILS, Role.READ, duration=None)
        assert await world.actions() == []

    @pytest.mark.parametrize("standing", [one for one in Standing if one is not Standing.MEMBER])
    async def test_is_for_members_only_whatever_they_held_before(self, world: World, standing: Standing) -> None:
        await world.give(BEA, Role.READ_WRITE)
        world.slack.standing[BEA] = standing
        await world.people.sync()
        ada = await world.acting(ADA)

        assert await world.role(BEA) is Role.NONE
        with pytest.raises(InvalidInputError, match="cannot hold a role"):
            await world.access.grant(ada, BEA, Role.READ, duration=None)
        with pytest.raises(InvalidInputError, match="cannot hold a role"):
            await world.access.break_glass(BEA, Role.ADMIN, operator="test")
        with pytest.raises(InvalidInputError, match="cannot hold a role"):
            await world.approvals.check_may_ask(BEA)
        with pytest.raises(InvalidInputError, match="cannot hold a role"):
            await world.approvals.ask(BEA, role=Role.READ, duration=None, reason="please")
        await world.access.grant(ada, BEA, Role.NONE, duration=None)  # what they hold can be taken

    async def test_to_somebody_slack_does_not_know_is_refused(self, world: World) -> None:
        with pytest.raises(NotFoundError):
            await world.access.grant(await world.acting(ADA), person("ghost"), Role.READ, duration=None)

    @pytest.mark.parametrize("duration", [timedelta(0), -DAY, timedelta(milliseconds=1), timedelta(days=3651)], ids=str)
    async def test_for_no_time_or_for_ever_in_disguise_is_refused(self, world: World, duration: timedelta) -> None:
        ada = await world.acting(ADA)
        request = await world.approvals.ask(NILS, role=Role.READ, duration=DAY, reason="to try it")

        with pytest.raises(InvalidInputError, match="at least a second"):
            await world.access.grant(ada, BEA, Role.READ, duration=duration)
        with pytest.raises(InvalidInputError, match="at least a second"):
            await world.approvals.approve(ada, request.id, role=Role.READ, duration=duration, as_asked=False)
        with pytest.raises(InvalidInputError, match="at least a second"):
            await world.approvals.ask(BEA, role=Role.READ, duration=duration, reason="to try it")
        assert await world.actions() == ["access.request.open"]


class TestTheLastAdmin:
    """TIM, whose own role ends, may do everything but take the last ADMIN without an end date."""

    @pytest.fixture
    async def tim(self, world: World, clock: ManualClock) -> World:
        await world.give(TIM, Role.ADMIN, until=clock.now() + 365 * DAY)
        return world

    @pytest.mark.parametrize(
        ("role", "duration"),
        [(Role.NONE, None), (Role.READ, None), (Role.READ_WRITE, DAY), (Role.ADMIN, 3650 * DAY)],
        ids=["removed", "demoted", "demoted for a day", "replaced by a timed grant"],
    )
    async def test_is_not_taken(self, tim: World, role: Role, duration: timedelta | None) -> None:
        with pytest.raises(ConflictError, match="without an ADMIN"):
            await tim.access.grant(await tim.acting(TIM), ADA, role, duration=duration)
        await self._nothing_changed(tim)

    async def test_is_not_taken_by_the_command_line(self, tim: World) -> None:
        with pytest.raises(ConflictError, match="without an ADMIN"):
            await tim.access.break_glass(ADA, Role.NONE, operator="test")
        await self._nothing_changed(tim)

    @pytest.mark.parametrize("role", [None, Role.READ], ids=["unmapped", "mapped to less"])
    async def test_is_not_unmapped(self, tim: World, role: Role | None) -> None:
        tim.slack.members_of["S1"] = frozenset({BEA.user})
        acting = await tim.acting(TIM)
        await tim.mappings.apply(acting, GROUP, Role.ADMIN)
        await tim.access.grant(acting, ADA, Role.NONE, duration=None)
        before = await tim.actions()
        await tim.notices()

        with pytest.raises(ConflictError, match="without an ADMIN"):
            await tim.mappings.apply(acting, GROUP, role)

        assert await tim.role(BEA) is Role.ADMIN
        assert await tim.actions() == before
        assert await tim.notices() == []

    async def test_may_go_once_there_is_another(self, tim: World) -> None:
        acting = await tim.acting(TIM)
        await tim.access.grant(acting, OLE, Role.ADMIN, duration=None)
        await tim.access.grant(acting, ADA, Role.NONE, duration=None)

        assert await tim.access.admins() == {OLE, TIM}

    async def test_another_who_is_deactivated_does_not_count(self, tim: World) -> None:
        await tim.give(OLE, Role.ADMIN)
        tim.slack.standing[OLE] = Standing.DEACTIVATED
        await tim.people.sync()

        with pytest.raises(ConflictError, match="without an ADMIN"):
            await tim.access.grant(await tim.acting(TIM), ADA, Role.NONE, duration=None)

    async def _nothing_changed(self, world: World) -> None:
        assert await world.role(ADA) is Role.ADMIN
        assert await world.actions() == []
        assert await world.notices() == []


class TestConfiguredAdmins:
    async def test_are_admin_and_count_as_ones_without_end(self, configured: World) -> None:
        (holding,) = (await configured.access.standing_of(OLE)).holdings
        assert (holding.role, holding.source) == (Role.ADMIN, Source.CONFIGURATION)
        assert await configured.access.admins() == {ADA, OLE}

        await configured.access.grant(await configured.acting(OLE), ADA, Role.NONE, duration=None)

    @pytest.mark.parametrize("role", [Role.NONE, Role.READ])
    async def test_cannot_be_removed_from_slack(self, configured: World, role: Role) -> None:
        with pytest.raises(ConflictError, match="PRIME_ADMINS"):
            await configured.access.grant(await configured.acting(ADA), OLE, role, duration=None)
        assert await configured.role(OLE) is Role.ADMIN

    async def test_are_nobody_once_deactivated(self, configured: World) -> None:
        configured.slack.standing[OLE] = Standing.DEACTIVATED
        await configured.people.sync()
        assert await configured.access.admins() == {ADA}


class TestAChangeOfTheConfiguration:
    async def test_is_audited_once_with_whom_it_added_and_removed(
        self, storage: PostgresStorage, clock: ManualClock
    ) -> None:
        before = World(storage, clock, admin_users=(ADA.user, OLE.user))
        await before.settle()
        assert await before.access.take_configuration()
        after = World(storage, clock, admin_users=(OLE.user, TIM.user))
        assert await after.access.take_configuration()
        assert not await after.access.take_configuration()

        entry = (await after.audited())[-1]
        assert (entry.actor, entry.action) == ("prime:configuration", "access.configuration.change")
        assert entry.detail == {"added": [TIM.user], "removed": [ADA.user]}
        assert await after.notices(Notice.NO_ADMIN_LEFT) == []

    async def test_that_takes_the_last_lasting_admin_is_reported(
        self, storage: PostgresStorage, clock: ManualClock
    ) -> None:
        before = World(storage, clock, admin_users=(ADA.user,))
        await before.settle()
        await before.access.take_configuration()
        after = World(storage, clock)
        await after.access.take_configuration()

        (notice,) = await after.notices(Notice.NO_ADMIN_LEFT)
        assert (notice["cause"], notice["users"]) == ("configuration", [ADA.user])


class TestTheFirstAdmin:
    @pytest.fixture
    async def unclaimed(self, storage: PostgresStorage, clock: ManualClock) -> World:
        """OLE owns the workspace."""
        world = World(storage, clock)
        world.slack.owners = {OLE}
        await world.settle()
        return world

    async def test_is_claimed_once_by_an_owner(self, unclaimed: World) -> None:
        assert await unclaimed.access.can_claim(OLE)
        await unclaimed.access.claim_first_admin(OLE)

        assert await unclaimed.role(OLE) is Role.ADMIN
        entry = (await unclaimed.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == (str(OLE), "access.admin.claim", str(OLE))
        assert not await unclaimed.access.can_claim(OLE)
        with pytest.raises(ConflictError, match="has an ADMIN already"):
            await unclaimed.access.claim_first_admin(OLE)

    @pytest.mark.parametrize("is_admin", [True, False])
    async def test_is_not_for_others(self, unclaimed: World, is_admin: bool) -> None:
        unclaimed.slack.admins = {BEA} if is_admin else set()
        await unclaimed.people.sync()

        assert not await unclaimed.access.can_claim(BEA)
        with pytest.raises(AccessDeniedError, match="Only an owner"):
            await unclaimed.access.claim_first_admin(BEA)

    async def test_is_not_claimed_while_a_timed_one_is_there(self, unclaimed: World, clock: ManualClock) -> None:
        await unclaimed.give(TIM, Role.ADMIN, until=clock.now() + DAY)
        with pytest.raises(ConflictError):
            await unclaimed.access.claim_first_admin(OLE)

        await clock.advance(86_400)
        await unclaimed.access.claim_first_admin(OLE)

    async def test_is_not_claimed_before_a_configured_one_was_ever_seen(
        self, storage: PostgresStorage, clock: ManualClock
    ) -> None:
        world = World(storage, clock, admin_users=(ADA.user,))
        world.slack.owners = {OLE}

        assert not await world.access.can_claim(OLE)
        with pytest.raises(ConflictError, match="has an ADMIN already"):
            await world.access.claim_first_admin(OLE)


class TestAnEndThatComes:
    async def test_is_announced_a_day_before_and_once(self, world: World, clock: ManualClock) -> None:
        await world.access.grant(await world.acting(ADA), BEA, Role.READ, duration=30 * DAY)
        until = clock.now() + 30 * DAY
        await clock.advance((29 * DAY).total_seconds())
        await world.notices()
        assert await world.access.announce_endings() == 0

        await clock.advance(1)
        assert await world.access.announce_endings() == 1
        assert await world.access.announce_endings() == 0

        assert await world.notices() == [
            {"notice": Notice.GRANT_ENDING, "user": BEA.user, "role": "READ", "until": until.isoformat()}
        ]

    async def test_is_not_announced_of_what_is_short_or_was_taken(self, world: World, clock: ManualClock) -> None:
        ada = await world.acting(ADA)
        await world.access.grant(ada, BEA, Role.READ, duration=2 * ENDS_SOON - timedelta(seconds=1))
        await world.access.grant(ada, NILS, Role.READ, duration=2 * ENDS_SOON)
        await world.access.grant(ada, NILS, Role.NONE, duration=None)
        await world.access.grant(ada, OLE, Role.READ, duration=None)
        await clock.advance(86_401)

        await world.access.announce_endings()

        assert await world.notices(Notice.GRANT_ENDING) == []


class TestTheListOfUsers:
    async def test_pages_through_a_thousand_by_id(self, configured: World) -> None:
        many = [person(f"m{number:04}") for number in range(1000)]
        for one in many:
            configured.slack.standing[one] = Standing.MEMBER
        configured.slack.members_of["S1"] = frozenset(one.user for one in many)
        await configured.people.sync()
        await configured.mappings.apply(await configured.acting(ADA), GROUP, Role.READ, many_confirmed=True)
        ada = await configured.acting(ADA)

        seen: list[PersonId] = []
        after = None
        while True:
            page = await configured.access.users(ada, after=after, limit=150)
            assert page.total == 1002
            seen += [holder.person for holder in page.holders]
            if page.next_after is None:
                break
            assert len(page.holders) == 150
            after = page.next_after

        assert seen == sorted([ADA, OLE, *many])

    async def test_shows_a_configured_admin_once_whatever_else_they_hold(self, configured: World) -> None:
        await configured.give(OLE, Role.READ)
        ada = await configured.acting(ADA)

        first = await configured.access.users(ada, limit=1)
        second = await configured.access.users(ada, limit=1, after=first.next_after)

        assert [holder.person for holder in (*first.holders, *second.holders)] == [ADA, OLE]
        assert (first.total, second.next_after) == (2, None)
        assert [held.role for held in second.holders[0].holdings] == [Role.ADMIN, Role.READ]

    async def test_says_where_a_role_comes_from_and_when_they_were_last_active(
        self, world: World, clock: ManualClock
    ) -> None:
        world.slack.owners = {BEA}
        await world.people.sync()
        await world.mappings.apply(await world.acting(ADA), WORKSPACE_OWNERS, Role.READ)
        await clock.advance(3600)
        await world.acting(BEA)
        active_at = clock.now()
        await clock.advance(3600)

        holders = {one.person: one for one in (await world.access.users(await world.acting(ADA))).holders}

        assert [(held.source, held.subject) for held in holders[BEA].holdings] == [(Source.MAPPING, WORKSPACE_OWNERS)]
        assert holders[BEA].last_active_at == active_at
        assert holders[ADA].last_active_at == clock.now()

    async def test_being_looked_at_is_no_activity(self, world: World) -> None:
        await world.give(BEA, Role.READ)
        await world.access.holder_of(await world.acting(ADA), BEA)
        await world.home.dashboard(BEA)

        assert (await world.access.holder(BEA)).last_active_at is None

    async def test_is_for_admins(self, world: World) -> None:
        nobody = await world.acting(NILS)
        with pytest.raises(AccessDeniedError):
            await world.access.users(nobody)
        with pytest.raises(AccessDeniedError):
            await world.access.holder_of(nobody, ADA)
