"""Access under concurrency: whoever comes second finds what the first one left."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from core.access.model import Role
from core.approvals.model import AccessRequest, RequestState
from core.approvals.rules import EXPIRES_AFTER
from core.errors import AccessDeniedError, ConflictError
from core.mappings.model import group_subject
from core.notices import Notice
from core.people.model import Standing
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, TEAM, TIM, World
from tests.clock import ManualClock

DAY = timedelta(days=1)
GROUP = group_subject("S1")

both_orders = pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["as written", "the other way"])


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA and OLE are ADMIN without an end date."""
    world = World(storage, clock)
    await world.settle(ADA, OLE)
    return world


@pytest.fixture
async def request_(world: World) -> AccessRequest:
    opened = await world.approvals.ask(NILS, role=Role.READ, duration=30 * DAY, reason="to try it")
    await world.notices()
    return opened


async def meet(world: World, order: tuple[int, int], *acts: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results in the order in which they were let through."""
    return await world.meet_at_the_lock(*(acts[number] for number in order))


# --- one request


@both_orders
async def test_of_two_approvals_one_counts_and_the_other_is_told_who_was_faster(
    world: World, request_: AccessRequest, order: tuple[int, int]
) -> None:
    ada, ole = await world.acting(ADA), await world.acting(OLE)

    first, second = await meet(
        world, order, world.approvals.approve(ada, request_.id), world.approvals.approve(ole, request_.id)
    )

    faster = (ADA, OLE)[order[0]]
    assert (first.state, first.settled_by) == (RequestState.APPROVED, faster)
    assert isinstance(second, ConflictError)
    assert f"already approved by <@{faster.user}>" in str(second)
    assert len((await world.access.standing_of(NILS)).holdings) == 1
    assert await world.actions() == ["access.request.open", "access.request.approve"]
    assert len(await world.notices(Notice.REQUEST_SETTLED)) == 1


@both_orders
async def test_approving_and_denying_at_once_has_the_first_one_s_outcome(
    world: World, request_: AccessRequest, order: tuple[int, int]
) -> None:
    ada, ole = await world.acting(ADA), await world.acting(OLE)

    first, second = await meet(
        world,
        order,
        world.approvals.approve(ada, request_.id),
        world.approvals.deny(ole, request_.id, reason="not now"),
    )

    assert first.state is (RequestState.APPROVED, RequestState.DENIED)[order[0]]
    assert isinstance(second, ConflictError)
    assert await world.approvals.request(request_.id) == first
    assert await world.role(NILS) is (Role.READ, Role.NONE)[order[0]]
    assert len(await world.actions()) == 2


@both_orders
async def test_approving_and_withdrawing_at_once_has_the_first_one_s_outcome(
    world: World, request_: AccessRequest, order: tuple[int, int]
) -> None:
    ada = await world.acting(ADA)

    first, second = await meet(
        world, order, world.approvals.approve(ada, request_.id), world.approvals.withdraw(NILS, request_.id)
    )

    assert first.state is (RequestState.APPROVED, RequestState.WITHDRAWN)[order[0]]
    assert isinstance(second, ConflictError)
    assert await world.role(NILS) is (Role.READ, Role.NONE)[order[0]]
    assert len(await world.actions()) == 2


async def test_an_approval_that_waits_past_the_seventh_day_comes_too_late(
    world: World, request_: AccessRequest, clock: ManualClock
) -> None:
    await clock.advance(EXPIRES_AFTER.total_seconds() - 1)
    ada = await world.acting(ADA)

    async def after_the_end() -> int:
        await clock.advance(2)
        return await world.approvals.expire_overdue()

    approved, expired = await world.meet_at_the_lock(world.approvals.approve(ada, request_.id), after_the_end())

    assert isinstance(approved, ConflictError)
    assert "expired" in str(approved)
    assert expired == 1
    assert await world.role(NILS) is Role.NONE
    assert await world.actions() == ["access.request.open", "access.request.expire"]


async def test_expiry_run_by_two_replicas_at_once_ends_a_request_once(
    world: World, request_: AccessRequest, clock: ManualClock
) -> None:
    await clock.advance(EXPIRES_AFTER.total_seconds())

    assert await world.meet_at_the_lock(world.approvals.expire_overdue(), world.approvals.expire_overdue()) == [1, 0]

    assert len(await world.notices(Notice.REQUEST_SETTLED)) == 1
    assert (await world.approvals.request(request_.id)).state is RequestState.EXPIRED


async def test_of_many_approvals_without_any_order_one_counts(world: World, request_: AccessRequest) -> None:
    deciders = [await world.acting(ADA), await world.acting(OLE)] * 3

    results = await asyncio.gather(
        *(world.approvals.approve(decider, request_.id) for decider in deciders), return_exceptions=True
    )

    assert sum(isinstance(result, AccessRequest) for result in results) == 1
    assert sum(isinstance(result, ConflictError) for result in results) == 5
    assert len((await world.access.standing_of(NILS)).holdings) == 1


async def test_asking_twice_at_once_opens_one_request(world: World) -> None:
    def ask(role: Role) -> Coroutine[Any, Any, AccessRequest]:
        return world.approvals.ask(BEA, role=role, duration=DAY, reason="to build")

    first, second = await world.meet_at_the_lock(ask(Role.READ_WRITE), ask(Role.READ))

    assert isinstance(second, ConflictError)
    assert "open already" in str(second)
    assert await world.approvals.open_of(BEA) == first
    assert len(await world.notices(Notice.REQUEST_OPENED)) == 1


async def test_who_was_demoted_while_waiting_does_not_decide(world: World, request_: AccessRequest) -> None:
    ada, ole = await world.acting(ADA), await world.acting(OLE)

    _, approved = await world.meet_at_the_lock(
        world.access.grant(ada, OLE, Role.READ, duration=None), world.approvals.approve(ole, request_.id)
    )

    assert isinstance(approved, AccessDeniedError)
    assert (await world.approvals.request(request_.id)).state is RequestState.OPEN
    assert await world.role(NILS) is Role.NONE


# --- admins


@both_orders
@pytest.mark.parametrize(("role", "duration"), [(Role.NONE, None), (Role.READ, None), (Role.ADMIN, 30 * DAY)], ids=str)
async def test_of_two_admins_who_demote_each_other_one_stays(
    world: World, order: tuple[int, int], role: Role, duration: timedelta | None
) -> None:
    ada, ole = await world.acting(ADA), await world.acting(OLE)

    _, second = await meet(
        world,
        order,
        world.access.grant(ada, OLE, role, duration=duration),
        world.access.grant(ole, ADA, role, duration=duration),
    )

    # The second one is no admin any more, or, replaced by a timed grant, may not take the last one.
    assert isinstance(second, ConflictError if role is Role.ADMIN else AccessDeniedError)
    winner = (ADA, OLE)[order[0]]
    (holding,) = (await world.access.standing_of(winner)).holdings
    assert (holding.role, holding.until) == (Role.ADMIN, None)
    assert len(await world.actions()) == 1


@both_orders
async def test_taking_one_admin_s_grant_and_the_other_s_mapping_at_once_leaves_one(
    world: World, order: tuple[int, int], clock: ManualClock
) -> None:
    world.slack.members_of["S1"] = frozenset({BEA.user})
    await world.mappings.apply(await world.acting(ADA), GROUP, Role.ADMIN)
    await world.access.break_glass(OLE, Role.NONE, operator="test")
    await world.give(TIM, Role.ADMIN, until=clock.now() + DAY)
    tim = await world.acting(TIM)

    _, second = await meet(
        world,
        order,
        world.access.grant(tim, ADA, Role.NONE, duration=None),
        world.mappings.apply(tim, GROUP, None),
    )

    assert isinstance(second, ConflictError)
    assert "without an ADMIN" in str(second)
    assert [await world.role(ADA), await world.role(BEA)] == (
        [Role.NONE, Role.ADMIN] if order == (0, 1) else [Role.ADMIN, Role.NONE]
    )


async def test_a_removal_that_waited_takes_what_was_granted_meanwhile(world: World, clock: ManualClock) -> None:
    ada = await world.acting(ADA)
    async with world.storage.transaction() as stores:
        await stores.access.lock()
        removal = asyncio.create_task(world.access.grant(ada, NILS, Role.NONE, duration=None))
        await world.until_waiting([removal])
        await clock.advance(1)
        await stores.access.add_grant(
            person=NILS, role=Role.READ, granted_by=str(OLE), reason="", since=clock.now(), until=None
        )
    await removal

    assert await world.role(NILS) is Role.NONE


async def test_a_removal_takes_a_grant_that_a_replica_with_a_fast_clock_gave(world: World, clock: ManualClock) -> None:
    async with world.storage.transaction() as stores:
        ahead = clock.now() + timedelta(milliseconds=300)
        await stores.access.add_grant(
            person=NILS, role=Role.READ, granted_by=str(OLE), reason="", since=ahead, until=None
        )

    await world.access.grant(await world.acting(ADA), NILS, Role.NONE, duration=None)
    await clock.advance(1)

    assert await world.role(NILS) is Role.NONE


async def test_two_owners_who_claim_the_first_role_at_once_make_one_admin(
    storage: PostgresStorage, clock: ManualClock
) -> None:
    world = World(storage, clock)
    world.slack.owners = {ADA, OLE}
    await world.settle()

    first, second = await world.meet_at_the_lock(
        world.access.claim_first_admin(ADA), world.access.claim_first_admin(OLE)
    )

    assert first is None
    assert isinstance(second, ConflictError)
    assert await world.access.admins() == {ADA}
    assert await world.actions() == ["access.admin.claim"]


# --- by themselves


async def test_two_replicas_announce_an_end_once(world: World, clock: ManualClock) -> None:
    await world.access.grant(await world.acting(ADA), NILS, Role.READ, duration=3 * DAY)
    await clock.advance(2.5 * 86_400)
    await world.notices()

    assert sum(await asyncio.gather(*(world.access.announce_endings() for _ in range(4)))) == 1

    assert len(await world.notices(Notice.GRANT_ENDING)) == 1


async def test_an_event_and_the_sync_that_tell_of_one_change_at_once_make_one_audit_row(world: World) -> None:
    world.slack.standing[OLE] = Standing.DEACTIVATED
    gone = {"id": OLE.user, "team_id": TEAM, "deleted": True}

    await world.meet_at_the_lock(world.people.take_in(gone), world.people.sync())

    assert await world.actions() == ["access.person.change"]
