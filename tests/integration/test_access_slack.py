"""Following Slack: who somebody is, who is in which group, and what Slack takes away by itself."""

from datetime import timedelta

import pytest

from core.access.model import Role
from core.errors import NotFoundError, UnavailableError
from core.mappings.model import WORKSPACE_ADMINS, group_subject
from core.notices import Notice
from core.people.model import Standing
from core.people.rules import FRESH
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, TEAM, TIM, World, person
from tests.clock import ManualClock

GROUP = group_subject("S1")


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA is ADMIN, and the group S1, of BEA and TIM, maps to READ_WRITE."""
    world = World(storage, clock)
    await world.settle(ADA)
    await follow_group(world, Role.READ_WRITE)
    return world


async def follow_group(world: World, role: Role) -> None:
    world.slack.members_of["S1"] = frozenset({BEA.user, TIM.user})
    await world.mappings.apply(await world.acting(ADA), GROUP, role)
    await world.notices()


def deactivated(user: str) -> dict[str, object]:
    """The user object of Slack's event, which leaves most flags out."""
    return {"id": user, "team_id": TEAM, "deleted": True}


class TestFactsAboutPeople:
    async def test_hold_for_five_minutes(self, world: World, clock: ManualClock) -> None:
        world.slack.asked.clear()
        await clock.advance(FRESH.total_seconds() - 1)
        await world.acting(BEA)
        assert world.slack.asked == []

        await clock.advance(1)
        await world.acting(BEA)
        await world.acting(BEA)
        assert world.slack.asked == [BEA]

    async def test_that_are_stale_while_slack_is_away_refuse_with_a_sentence(
        self, world: World, clock: ManualClock
    ) -> None:
        world.slack.away = True
        assert await world.role(BEA) is Role.READ_WRITE
        await clock.advance(FRESH.total_seconds())
        with pytest.raises(UnavailableError):
            await world.acting(BEA)

    async def test_are_replaced_by_an_event_at_once(self, world: World) -> None:
        await world.people.take_in(deactivated(BEA.user))

        assert await world.role(BEA) is Role.NONE
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == ("slack:event", "access.person.change", str(BEA))
        assert await world.notices() == [{"notice": Notice.HOME_CHANGED, "users": [BEA.user]}]

    async def test_from_a_read_that_began_before_an_event_do_not_undo_it(
        self, world: World, clock: ManualClock
    ) -> None:
        early = await world.slack.everybody()
        await clock.advance(1)
        await world.people.take_in(deactivated(BEA.user))
        before = await world.actions()

        await world.people._learn(early, actor="prime:sync")

        assert await world.role(BEA) is Role.NONE
        assert await world.actions() == before

    async def test_that_say_nothing_new_leave_no_trace(self, world: World, clock: ManualClock) -> None:
        before = await world.actions()
        await clock.advance(60)
        await world.people.sync()
        assert await world.actions() == before
        assert await world.notices() == []

    async def test_told_twice_in_one_read_are_taken_once(self, world: World) -> None:
        world.slack.standing[BEA] = Standing.DEACTIVATED
        twice = 2 * await world.slack.everybody()  # a page of Slack's list may come with people of the one before
        before = await world.actions()
        await world.people._learn(twice, actor="prime:sync")
        assert await world.actions() == [*before, "access.person.change"]

    async def test_of_nobody_slack_knows_are_none(self, world: World) -> None:
        with pytest.raises(NotFoundError):
            await world.acting(person("ghost"))

    async def test_of_a_sync_that_fails_change_nothing(self, world: World) -> None:
        world.slack.standing[BEA] = Standing.DEACTIVATED
        world.slack.away = True
        with pytest.raises(UnavailableError):
            await world.people.sync()
        assert await world.role(BEA) is Role.READ_WRITE

    async def test_of_a_new_workspace_admin_give_the_mapped_role(self, world: World) -> None:
        await world.mappings.apply(await world.acting(ADA), WORKSPACE_ADMINS, Role.READ)
        assert await world.role(NILS) is Role.NONE
        world.slack.admins = {NILS}
        await world.people.sync()
        assert await world.role(NILS) is Role.READ
        assert (await world.actions())[-1] == "access.person.change"


class TestGroups:
    async def test_are_read_again_when_slack_says_so(self, world: World) -> None:
        world.slack.members_of["S1"] = frozenset({BEA.user, NILS.user})

        assert await world.mappings.group_changed("S1")
        assert not await world.mappings.group_changed("S1")

        assert [await world.role(one) for one in (BEA, TIM, NILS)] == [Role.READ_WRITE, Role.NONE, Role.READ_WRITE]
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == ("slack:event", "access.group.change", GROUP)
        assert entry.detail == {"added": [NILS.user], "removed": [TIM.user], "people": 2}
        (home,) = await world.notices()
        assert (home["notice"], set(home["users"])) == (Notice.HOME_CHANGED, {NILS.user, TIM.user})

    async def test_that_are_not_mapped_are_not_followed(self, world: World) -> None:
        world.slack.members_of["S2"] = frozenset({NILS.user})
        assert not await world.mappings.group_changed("S2")

    async def test_are_followed_by_the_sync_where_an_event_was_lost(self, world: World) -> None:
        world.slack.members_of["S1"] = frozenset({BEA.user})
        assert await world.mappings.sync() == 1
        assert await world.mappings.sync() == 0
        assert await world.role(TIM) is Role.NONE

    async def test_that_the_list_cuts_are_read_by_themselves(self, world: World) -> None:
        world.slack.cut = {"S1"}
        assert await world.mappings.sync() == 0
        world.slack.members_of["S1"] = frozenset({TIM.user})
        assert await world.mappings.sync() == 1
        assert [await world.role(one) for one in (BEA, TIM)] == [Role.NONE, Role.READ_WRITE]

    async def test_that_cannot_be_read_stay_as_they_are_known(self, world: World) -> None:
        before = await world.actions()
        world.slack.members_of["S1"] = frozenset()
        world.slack.broken, world.slack.cut = {"S1"}, {"S1"}
        with pytest.raises(UnavailableError):
            await world.mappings.group_changed("S1")
        with pytest.raises(UnavailableError):
            await world.mappings.sync()
        world.slack.away = True
        with pytest.raises(UnavailableError):
            await world.mappings.sync()
        assert await world.actions() == before
        assert [await world.role(one) for one in (BEA, TIM)] == [Role.READ_WRITE, Role.READ_WRITE]

    async def test_behind_one_that_cannot_be_read_are_followed_all_the_same(self, world: World) -> None:
        world.slack.members_of["S2"] = frozenset()
        await world.mappings.apply(await world.acting(ADA), group_subject("S2"), Role.READ)
        world.slack.broken, world.slack.cut = {"S1"}, {"S1"}
        world.slack.members_of["S2"] = frozenset({NILS.user})

        with pytest.raises(UnavailableError):
            await world.mappings.sync()

        assert await world.role(NILS) is Role.READ

    async def test_that_are_disabled_give_nothing_any_more(self, world: World) -> None:
        del world.slack.members_of["S1"]
        assert await world.mappings.sync() == 1
        assert await world.role(BEA) is Role.NONE

    async def test_may_hold_people_slack_does_not_tell_of(self, world: World) -> None:
        world.slack.members_of["S1"] = frozenset({"UGHOST", BEA.user, NILS.user})
        assert await world.mappings.group_changed("S1")
        assert await world.role(NILS) is Role.READ_WRITE


class TestTheLastAdminTakenBySlack:
    async def test_by_deactivation_is_told_once(self, world: World, clock: ManualClock) -> None:
        await world.give(OLE, Role.ADMIN, until=clock.now() + timedelta(days=9))
        await world.people.take_in(deactivated(ADA.user))
        await world.people.take_in(deactivated(BEA.user))

        (told,) = await world.notices(Notice.NO_ADMIN_LEFT)
        assert told == {"notice": Notice.NO_ADMIN_LEFT, "cause": "slack", "users": [ADA.user]}
        assert await world.access.admins() == {OLE}  # for a while

    async def test_by_a_group_is_told_once(self, world: World) -> None:
        await world.mappings.apply(await world.acting(ADA), GROUP, Role.ADMIN)
        await world.access.grant(await world.acting(BEA), ADA, Role.NONE, duration=None)

        world.slack.members_of["S1"] = frozenset({TIM.user})
        await world.mappings.group_changed("S1")
        assert await world.notices(Notice.NO_ADMIN_LEFT) == []
        world.slack.members_of["S1"] = frozenset()
        await world.mappings.sync()
        await world.mappings.sync()

        (told,) = await world.notices(Notice.NO_ADMIN_LEFT)
        assert (told["cause"], told["users"]) == ("group", [TIM.user])

    async def test_can_be_given_again_from_the_command_line(self, world: World) -> None:
        await world.people.take_in(deactivated(ADA.user))
        await world.access.break_glass(OLE, Role.ADMIN, operator="root")

        assert await world.access.admins() == {OLE}
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == ("cli:root", "access.grant.add", str(OLE))
