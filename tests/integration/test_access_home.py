"""What App Home shows to whom, and whose is written again."""

from datetime import timedelta

import pytest

from core.access.model import Role
from core.home.service import KEPT_FRESH, REQUESTS_SHOWN
from core.people.model import Standing
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, TEAM, World, person
from tests.clock import ManualClock


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA is ADMIN."""
    world = World(storage, clock)
    await world.settle(ADA)
    return world


async def ask(world: World, *names: str) -> list[int]:
    """Requests of newcomers, a minute apart."""
    numbers: list[int] = []
    for name in names:
        world.slack.standing[person(name)] = Standing.MEMBER
        request = await world.approvals.ask(person(name), role=Role.READ, duration=None, reason="to try it")
        numbers.append(request.id)
        await world.clock.advance(60)
    return numbers


async def test_an_admin_sees_the_requests_that_wait_oldest_first(world: World) -> None:
    first, second = await ask(world, "a", "b")

    shown = await world.home.open(ADA)

    assert shown.holder.role is Role.ADMIN
    assert [request.id for request in shown.open_requests] == [first, second]
    assert (shown.next_after, shown.can_claim, shown.own_request) == (None, False, None)


async def test_an_admin_pages_through_many_requests(world: World) -> None:
    numbers = await ask(world, *(f"a{number}" for number in range(REQUESTS_SHOWN + 1)))

    shown = await world.home.open(ADA)

    assert [request.id for request in shown.open_requests] == numbers[:REQUESTS_SHOWN]
    assert (shown.requests_after, shown.next_after) == (None, numbers[REQUESTS_SHOWN - 1])

    rest = await world.home.dashboard(ADA, after=shown.next_after)

    assert [request.id for request in rest.open_requests] == numbers[REQUESTS_SHOWN:]
    assert (rest.requests_after, rest.next_after) == (shown.next_after, None)


@pytest.mark.parametrize("role", [Role.NONE, Role.READ, Role.READ_WRITE])
async def test_others_see_their_own_request_and_nobody_else_s(world: World, role: Role) -> None:
    await ask(world, "a")
    await world.give(NILS, role, until=world.clock.now() + timedelta(days=1)) if role else None
    own = await world.approvals.ask(NILS, role=Role.ADMIN, duration=None, reason="to help")

    shown = await world.home.open(NILS)

    assert shown.holder.role is role
    assert shown.own_request == own
    assert (shown.open_requests, shown.next_after, shown.can_claim) == ([], None, False)


async def test_an_owner_is_offered_the_first_admin_role_while_there_is_none(world: World) -> None:
    world.slack.owners = {OLE}
    await world.people.sync()
    assert not (await world.home.open(OLE)).can_claim

    world.slack.standing[ADA] = Standing.DEACTIVATED
    await world.people.sync()

    assert (await world.home.open(OLE)).can_claim
    assert not (await world.home.open(BEA)).can_claim


async def test_only_those_who_opened_it_are_kept_up_to_date(world: World, clock: ManualClock) -> None:
    await world.home.open(ADA)
    await world.home.open(NILS)

    async def shown_to(*, admins: bool) -> set[str]:
        people = await world.home.shown_to([NILS.user, BEA.user], team=TEAM, admins=admins)
        return {one.user for one in people}

    assert await shown_to(admins=False) == {NILS.user}
    assert await shown_to(admins=True) == {NILS.user, ADA.user}
    await clock.advance(KEPT_FRESH.total_seconds())
    assert await shown_to(admins=True) == set()


async def test_a_newcomer_whom_prime_meets_in_their_home_is_kept_up_to_date(world: World) -> None:
    new = person("new")
    world.slack.standing[new] = Standing.MEMBER

    await world.home.open(new)

    assert await world.home.shown_to([new.user], team=TEAM, admins=False) == [new]
