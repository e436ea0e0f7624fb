"""From asking for a role to the one outcome that each request has."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from core.access.model import Principal, Role
from core.approvals.model import AccessRequest, RequestState
from core.approvals.rules import ASK_AGAIN_AFTER_DENIAL, EXPIRES_AFTER
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.notices import Notice
from core.people.model import Standing
from core.posted import PostedAt
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, World
from tests.clock import ManualClock

DAY = timedelta(days=1)

Decision = Callable[[World, Principal, int], Awaitable[Any]]
DECISIONS: dict[str, Decision] = {
    "approve": lambda world, by, number: world.approvals.approve(by, number),
    "approve as": lambda world, by, number: world.approvals.approve(by, number, role=Role.ADMIN, as_asked=False),
    "deny": lambda world, by, number: world.approvals.deny(by, number, reason="no"),
}
FORM: Decision = lambda world, by, number: world.approvals.to_decide(by, number)  # noqa: E731 like the others

decisions = pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS)
decisions_and_form = pytest.mark.parametrize("decide", [*DECISIONS.values(), FORM], ids=[*DECISIONS, "form"])


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA and OLE are ADMIN."""
    world = World(storage, clock)
    await world.settle(ADA, OLE)
    return world


async def ask(world: World, role: Role = Role.READ, duration: timedelta | None = 30 * DAY) -> AccessRequest:
    return await world.approvals.ask(NILS, role=role, duration=duration, reason=" to try it ")


class TestAsking:
    async def test_freezes_what_was_asked_and_tells_who_decides(self, world: World, clock: ManualClock) -> None:
        request = await ask(world)

        assert request == AccessRequest(
            id=request.id,
            asker=NILS,
            role=Role.READ,
            duration=30 * DAY,
            reason="to try it",
            state=RequestState.OPEN,
            created_at=clock.now(),
        )
        assert await world.approvals.open_of(NILS) == request
        assert await world.approvals.list_open(await world.acting(ADA)) == [request]
        opened, home = await world.notices()
        assert (opened["notice"], opened["request_id"]) == (Notice.REQUEST_OPENED, request.id)
        assert home == {"notice": Notice.HOME_CHANGED, "users": [NILS.user], "admins": True}
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == (str(NILS), "access.request.open", str(NILS))

    async def test_again_while_one_is_open_points_to_it(self, world: World) -> None:
        first = await ask(world)
        with pytest.raises(ConflictError, match="open already"):
            await ask(world, Role.ADMIN)
        assert await world.approvals.open_of(NILS) == first

    async def test_again_after_a_denial_waits_an_hour(self, world: World, clock: ManualClock) -> None:
        request = await ask(world)
        await world.approvals.deny(await world.acting(ADA), request.id, reason="no")

        with pytest.raises(ConflictError, match="again in 60 minutes"):
            await ask(world)
        await clock.advance(ASK_AGAIN_AFTER_DENIAL.total_seconds())
        await ask(world)

    async def test_again_for_a_timed_role_is_how_one_renews_it(self, world: World, clock: ManualClock) -> None:
        await world.access.grant(await world.acting(ADA), NILS, Role.READ, duration=2 * DAY)
        request = await ask(world)
        await world.approvals.approve(await world.acting(ADA), request.id)

        await clock.advance((3 * DAY).total_seconds())
        assert await world.role(NILS) is Role.READ

    async def test_for_what_one_has_without_end_is_refused(self, world: World) -> None:
        await world.access.grant(await world.acting(ADA), NILS, Role.READ_WRITE, duration=None)
        with pytest.raises(InvalidInputError, match="You have READ_WRITE already"):
            await ask(world)
        await ask(world, Role.ADMIN)

    async def test_again_ends_an_old_one_that_nobody_decided_in_time(self, world: World, clock: ManualClock) -> None:
        old = await ask(world)
        await clock.advance(EXPIRES_AFTER.total_seconds())
        await world.notices()

        new = await ask(world)

        assert (await world.approvals.request(old.id)).state is RequestState.EXPIRED
        assert await world.approvals.open_of(NILS) == new
        assert [one["request_id"] for one in await world.notices(Notice.REQUEST_SETTLED)] == [old.id]
        assert (await world.actions())[-2:] == ["access.request.expire", "access.request.open"]


class TestDeciding:
    async def test_approving_starts_the_clock_of_the_grant(self, world: World, clock: ManualClock) -> None:
        request = await ask(world, duration=DAY)
        await clock.advance((6 * DAY).total_seconds())
        await world.notices()

        approved = await world.approvals.approve(await world.acting(ADA), request.id)

        until = clock.now() + DAY
        assert (approved.state, approved.settled_by, approved.settled_at) == (RequestState.APPROVED, ADA, clock.now())
        assert (approved.given_role, approved.given_until) == (Role.READ, until)
        assert [(held.role, held.until) for held in (await world.access.holder(NILS)).holdings] == [(Role.READ, until)]
        assert [one["notice"] for one in await world.notices()] == [Notice.REQUEST_SETTLED, Notice.HOME_CHANGED]
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == (str(ADA), "access.request.approve", str(NILS))
        assert entry.detail == {"request": request.id, "asked": "READ", "given": "READ", "until": until.isoformat()}

    async def test_approving_as_something_else_gives_exactly_that(self, world: World) -> None:
        request = await ask(world, Role.ADMIN, DAY)

        approved = await world.approvals.approve(
            await world.acting(ADA), request.id, role=Role.READ, duration=None, as_asked=False
        )

        assert (approved.role, approved.given_role, approved.given_until) == (Role.ADMIN, Role.READ, None)
        assert await world.role(NILS) is Role.READ

    async def test_denying_keeps_the_reason_for_the_asker(self, world: World) -> None:
        request = await ask(world)
        await world.approvals.deny(await world.acting(ADA), request.id, reason=" not this week ")

        denied = await world.approvals.request(request.id)
        assert (denied.state, denied.settled_by, denied.denial_reason) == (RequestState.DENIED, ADA, "not this week")
        assert await world.role(NILS) is Role.NONE
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == (str(ADA), "access.request.deny", str(NILS))
        assert "not this week" not in str(entry)

    async def test_denying_needs_a_reason(self, world: World) -> None:
        request = await ask(world)
        with pytest.raises(InvalidInputError) as refused:
            await world.approvals.deny(await world.acting(ADA), request.id, reason=" ")
        assert refused.value.field == "reason"

    @decisions_and_form
    async def test_one_s_own_is_refused(self, world: World, clock: ManualClock, decide: Decision) -> None:
        await world.give(BEA, Role.ADMIN, until=clock.now() + 30 * DAY)
        request = await world.approvals.ask(BEA, role=Role.ADMIN, duration=None, reason="for good")
        with pytest.raises(AccessDeniedError, match="own request"):
            await decide(world, await world.acting(BEA), request.id)
        await self._still_open(world, request)

    @decisions_and_form
    @pytest.mark.parametrize("role", [Role.NONE, Role.READ, Role.READ_WRITE])
    async def test_is_for_admins(self, world: World, role: Role, decide: Decision) -> None:
        await world.give(BEA, role) if role else None
        request = await ask(world)
        with pytest.raises(AccessDeniedError, match="needs the role ADMIN"):
            await decide(world, await world.acting(BEA), request.id)
        await self._still_open(world, request)

    @decisions
    async def test_with_a_role_that_is_gone_is_refused(self, world: World, decide: Decision) -> None:
        asked = await ask(world)
        stale = await world.acting(OLE)
        await world.access.grant(await world.acting(ADA), OLE, Role.READ, duration=None)
        with pytest.raises(AccessDeniedError, match="needs the role ADMIN"):
            await decide(world, stale, asked.id)
        assert (await world.approvals.request(asked.id)).state is RequestState.OPEN

    @decisions_and_form
    async def test_what_does_not_exist_says_so(self, world: World, decide: Decision) -> None:
        with pytest.raises(NotFoundError, match="does not exist any more"):
            await decide(world, await world.acting(ADA), 404)

    @decisions_and_form
    async def test_twice_says_who_was_faster(self, world: World, decide: Decision) -> None:
        request = await ask(world)
        settled = await world.approvals.deny(await world.acting(ADA), request.id, reason="no")
        with pytest.raises(ConflictError, match=f"already denied by <@{ADA.user}>"):
            await decide(world, await world.acting(OLE), request.id)
        assert await world.approvals.request(request.id) == settled

    @decisions_and_form
    async def test_after_seven_days_is_too_late_also_before_the_job_ran(
        self, world: World, clock: ManualClock, decide: Decision
    ) -> None:
        request = await ask(world)
        await clock.advance(EXPIRES_AFTER.total_seconds())
        with pytest.raises(ConflictError, match="expired"):
            await decide(world, await world.acting(ADA), request.id)
        await self._still_open(world, request)

    async def test_for_somebody_who_left_meanwhile_gives_nothing(self, world: World, clock: ManualClock) -> None:
        request = await ask(world)
        world.slack.standing[NILS] = Standing.DEACTIVATED
        await clock.advance(300)
        ada = await world.acting(ADA)
        with pytest.raises(InvalidInputError, match="deactivated person cannot hold"):
            await world.approvals.approve(ada, request.id)
        assert (await world.access.holder(NILS)).holdings == ()

    async def test_a_forged_role_or_none_is_refused(self, world: World) -> None:
        request = await ask(world)
        with pytest.raises(InvalidInputError, match="Choose READ"):
            await world.approvals.approve(
                await world.acting(ADA), request.id, role=Role.NONE, duration=None, as_asked=False
            )
        await self._still_open(world, request)

    async def _still_open(self, world: World, request: AccessRequest) -> None:
        assert await world.approvals.request(request.id) == request
        assert await world.actions() == ["access.request.open"]


class TestEndingByItself:
    async def test_expires_after_seven_days_and_tells_once(self, world: World, clock: ManualClock) -> None:
        request = await ask(world)
        await clock.advance(EXPIRES_AFTER.total_seconds() - 1)
        assert await world.approvals.expire_overdue() == 0
        await world.notices()

        await clock.advance(1)
        assert await world.approvals.open_of(NILS) is None
        assert await world.approvals.list_open(await world.acting(ADA)) == []
        assert await world.approvals.expire_overdue() == 1
        assert await world.approvals.expire_overdue() == 0

        expired = await world.approvals.request(request.id)
        assert (expired.state, expired.settled_by, expired.settled_at) == (RequestState.EXPIRED, None, clock.now())
        settled, home = await world.notices()
        assert (settled["notice"], settled["request_id"]) == (Notice.REQUEST_SETTLED, request.id)
        assert home["notice"] == Notice.HOME_CHANGED
        entry = (await world.audited())[-1]
        assert (entry.actor, entry.action, entry.target) == ("prime:expiry", "access.request.expire", str(NILS))

    async def test_is_withdrawn_by_its_asker_only(self, world: World) -> None:
        request = await ask(world)
        with pytest.raises(NotFoundError):
            await world.approvals.withdraw(ADA, request.id)
        await world.approvals.withdraw(NILS, request.id)
        with pytest.raises(ConflictError, match="already withdrawn"):
            await world.approvals.withdraw(NILS, request.id)

        assert await world.actions() == ["access.request.open", "access.request.withdraw"]
        await ask(world)  # and may be asked again at once

    async def test_remembers_every_message_that_shows_it(self, world: World) -> None:
        request = await ask(world)
        for posted in (
            PostedAt(channel="D1", ts="1.1"),
            PostedAt(channel="D2", ts="2.2"),
            PostedAt(channel="D1", ts="1.1"),
        ):
            await world.approvals.shown_at(request.id, posted)
        assert [one.channel for one in await world.approvals.messages(request.id)] == ["D1", "D2"]


async def test_no_audit_row_no_change_and_no_notice(world: World, database_url: str) -> None:
    request = await ask(world)
    ada = await world.acting(ADA)
    await world.notices()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE audit_head SET mac = decode(repeat('11', 32), 'hex')")

    changes: list[Callable[[], Awaitable[Any]]] = [
        lambda: world.approvals.approve(ada, request.id),
        lambda: world.approvals.deny(ada, request.id, reason="no"),
        lambda: world.approvals.withdraw(NILS, request.id),
        lambda: world.approvals.ask(BEA, role=Role.READ, duration=None, reason="to try it"),
        lambda: world.access.grant(ada, BEA, Role.READ, duration=None),
        lambda: world.access.break_glass(BEA, Role.ADMIN, operator="test"),
        lambda: world.mappings.apply(ada, "workspace:admins", Role.READ),
    ]
    for change in changes:
        with pytest.raises(Exception, match="audit log was changed from outside"):
            await change()

    assert await world.approvals.request(request.id) == request
    assert [await world.role(NILS), await world.role(BEA)] == [Role.NONE, Role.NONE]
    assert await world.approvals.open_of(BEA) is None
    assert await world.mappings.list(ada) == []
    assert await world.notices() == []
