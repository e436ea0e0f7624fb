"""What servers cost, budgets and requests to go beyond them, on their tables."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.access.model import Principal, Role
from core.catalog.model import YesNo
from core.cost.errors import OverBudgetError
from core.cost.model import EVERYBODY, WORKSPACE, ChargeKind, SpendState
from core.cost.service import Costs
from core.errors import AccessDeniedError, ConflictError, DatabaseUnavailableError, InvalidInputError, NotFoundError
from core.lead.service import Leadership, LeadLostError
from core.people.model import PersonId
from core.posted import PostedAt
from core.servers.model import Failure, FailureKind, Server, ServerState
from db.costs import PostgresCosts
from db.storage import PostgresStorage
from tests.access import ADA, BEA, OLE, TEAM
from tests.servers import HARDWARE, NOW, SPEC, server
from tests.site import BUILDER, Site, open_site

S, K = ServerState, ChargeKind
ADMIN = Principal(person=ADA, role=Role.ADMIN)
HOURLY = Decimal("0.7704")
FULL = Failure(kind=FailureKind.NO_CAPACITY, message="")


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


async def add(storage: PostgresStorage, name: str = "llama", **changes: object) -> Server:
    async with storage.transaction() as stores:
        number = await stores.servers.next_id()
        one = server(id=number, spec=replace(SPEC, name=name), machine_name=f"prime-x-{number}-{name}")
        one = replace(one, **changes)
        await stores.servers.add(one, key="key")
    return one


async def move(storage: PostgresStorage, one: Server, state: ServerState, when: datetime, **changes: object) -> Server:
    async with storage.transaction() as stores:
        return await stores.servers.save(replace(one, state=state, state_since=when, **changes), due_at=None)


async def spent(storage: PostgresStorage, one: Server, since: datetime, until: datetime) -> Decimal:
    async with storage.transaction() as stores:
        found = await stores.costs.spent([one.id], since=since, until=until)
    return found[one.id].usd if found else Decimal(0)


# --- charges


async def test_a_life_is_charged_by_its_states(storage: PostgresStorage) -> None:
    one = await add(storage)
    assert await spent(storage, one, at(0), at(1)) == 0
    one = await move(storage, one, S.BOOTING, at(1), machine_id="m")
    one = await move(storage, one, S.READY, at(2))
    one = await move(storage, one, S.STOPPED, at(3))
    one = await move(storage, one, S.STARTING, at(13))
    one = await move(storage, one, S.FAILED, at(14), failure=FULL)
    one = await move(storage, one, S.DELETING, at(20))
    one = await move(storage, one, S.DELETED, at(21))
    machine, disk = Decimal("0.76") * 3, Decimal("0.0104") * 20
    assert await spent(storage, one, at(0), at(100)) == machine + disk
    assert await spent(storage, one, at(2.5), at(3.5)) == Decimal("0.76") / 2 + Decimal("0.0104")


async def test_what_is_deleted_while_it_runs_costs_until_it_is_deleted(storage: PostgresStorage) -> None:
    one = await add(storage, state=S.READY, machine_id="m")
    one = await move(storage, one, S.DELETING, at(1))
    assert await spent(storage, one, at(0), at(2)) == HOURLY * 2
    await move(storage, one, S.DELETED, at(2))
    assert await spent(storage, one, at(0), at(9)) == HOURLY * 2


async def test_a_machine_that_is_deleted_again_is_charged_once(storage: PostgresStorage) -> None:
    one, other = await add(storage), await add(storage, "other")
    async with storage.transaction() as stores:
        await stores.costs.charge(one, since=NOW, until=at(1))
        await stores.costs.charge(other, since=NOW, until=at(1))
        await stores.costs.charge(other, since=NOW, until=at(1))
    assert await spent(storage, other, NOW, at(2)) == await spent(storage, one, NOW, at(2)) > 0


async def test_what_is_gone_costs_until_it_was_missed_and_again_when_it_is_back(storage: PostgresStorage) -> None:
    one = await add(storage, state=S.READY, machine_id="m")
    one = await move(storage, one, S.GONE, at(2), missing_since=at(1))
    assert await spent(storage, one, at(0), at(4)) == HOURLY
    await move(storage, one, S.STARTING, at(4), missing_since=None)
    assert await spent(storage, one, at(0), at(5)) == HOURLY * 2


async def test_a_cloud_that_bills_what_is_off_is_counted_apart(storage: PostgresStorage) -> None:
    hardware = replace(HARDWARE, billed_while_off=YesNo.YES, disk_usd_per_hour=None)
    one = await add(storage, state=S.READY, machine_id="m", hardware=hardware)
    await move(storage, one, S.STOPPED, at(1))
    async with storage.transaction() as stores:
        report = await stores.costs.report(since=at(0), until=at(3))
    assert {kind: spend.usd for kind, spend in report.by_kind.items()} == {
        K.MACHINE: Decimal("0.76"),
        K.MACHINE_OFF: Decimal("1.52"),
        K.DISK: 0,
    }
    assert report.rest_usd == Decimal("1.52")
    assert not report.total.is_certain  # the disk's price is not known


async def test_a_report_adds_up_in_every_way(storage: PostgresStorage) -> None:
    one = await add(storage, "a", state=S.READY, machine_id="a", owner=BEA)
    await move(storage, one, S.DELETED, at(6))
    await add(storage, "b", state=S.READY, machine_id="b", owner=BEA)
    await add(storage, "c", state=S.READY, machine_id="c", owner=OLE, spec=replace(SPEC, name="c", model="other"))
    since = datetime(2026, 11, 22, tzinfo=UTC)
    async with storage.transaction() as stores:
        report = await stores.costs.report(since=since, until=at(24))
    assert report.total.usd == HOURLY * 54
    assert [(row.name, row.is_deleted, row.spend.usd) for row in report.by_server[2:]] == [("a", True, HOURLY * 6)]
    assert [(who, spend.usd) for who, spend in report.by_owner] == [(BEA, HOURLY * 30), (OLE, HOURLY * 24)]
    assert [(what, spend.usd) for what, spend in report.by_model] == [
        (SPEC.model, HOURLY * 30),
        ("other", HOURLY * 24),
    ]
    assert [day.day for day in report.days] == [date(2026, 11, 22), date(2026, 11, 23)]
    assert [round(day.machines_usd + day.rest_usd, 6) for day in report.days] == [HOURLY * 30, HOURLY * 24]


async def test_a_hundred_thousand_charges_are_summed_quickly(storage: PostgresStorage, engine: AsyncEngine) -> None:
    """1,000 servers with 100 charges each over four months; on the busy build machine with 2 cores: 0.03 s for what
    servers spent this month, 0.04 s for a budget, 0.32 s for the report of a year."""
    first = await add(storage, state=S.READY, machine_id="m")
    async with engine.begin() as connection:
        costs = PostgresCosts(connection)
        columns = "name, description, provider, offer_type, region, template_id, disk_gb, model, engine, options, "
        columns += "static_address, needs_hub_token, gpu, hardware, owner_team, owner_user, desired, state, "
        columns += "state_since, progress, created_at, asked_at, cloud_asks, attempts, missing_count, "
        columns += "secrets_at_cloud, stale_key, allows_direct_access, version, machine_id"
        values = columns.replace("name, desc", "name || i, desc", 1)
        await connection.execute(
            text(
                f"INSERT INTO server (id, machine_name, {columns}) SELECT 1000 + i, 'm' || i, {values} "
                "FROM server, generate_series(1, 1000) AS i WHERE id = :first"
            ),
            {"first": first.id},
        )
        await connection.execute(
            text(
                "INSERT INTO server_charge (server_id, kind, since, until, usd_per_hour) "
                "SELECT 1000 + i, 'machine', CAST(:now AS timestamptz) - interval '28 hours' * n, "
                "CAST(:now AS timestamptz) - interval '28 hours' * n + interval '7 hours', 0.76 "
                "FROM generate_series(1, 1000) AS i, generate_series(1, 100) AS n"
            ),
            {"now": NOW},
        )
        await connection.execute(text("ANALYZE server_charge"))
        took = dict[str, float]()
        begun = time.perf_counter()
        ids = range(1001, 2001)
        assert len(await costs.spent(ids, since=NOW - timedelta(days=21), until=NOW)) == 1000
        took["spent"] = time.perf_counter() - begun
        begun = time.perf_counter()
        await costs.spent_by_owner(since=NOW - timedelta(days=21), until=NOW)
        await costs.going()
        took["budget"] = time.perf_counter() - begun
        begun = time.perf_counter()
        report = await costs.report(since=NOW - timedelta(days=366), until=NOW)
        took["report"] = time.perf_counter() - begun
    assert report.total.usd == pytest.approx(Decimal("0.76") * 700_000)
    assert sum(day.machines_usd for day in report.days) == pytest.approx(report.total.usd)
    assert max(took.values()) < 3, took


# --- budgets


@pytest.fixture
async def site(storage: PostgresStorage) -> AsyncIterator[Site]:
    async with open_site(storage) as site:
        await site.let(ADA, Role.ADMIN)
        await site.let(OLE, Role.ADMIN)
        await site.let(BUILDER.person, Role.READ_WRITE)
        for person in (ADA, OLE, BUILDER.person):  # Slack is asked who they are
            await site.servers.access.principal(person)
        yield site


@pytest.fixture
def costs(site: Site) -> Costs:
    return Costs(site.storage, site.clock, site.servers.access, site.servers)


async def notices(site: Site, kind: str) -> list[dict[str, object]]:
    await site.tell()
    return [one for one in site.notices if one["notice"] == kind]


async def test_a_create_beyond_a_budget_is_refused_with_its_figures(site: Site, costs: Costs) -> None:
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(40))
    await costs.set_limit(ADMIN, EVERYBODY, Decimal(20))
    first = await site.create(replace(SPEC, name="first"))
    with pytest.raises(OverBudgetError) as caught:
        await site.create(replace(SPEC, name="second"))
    [own] = caught.value.excess
    assert (own.scope, own.limit_usd) == (str(BUILDER.person), 20)
    assert own.promised_usd == own.asked_usd
    assert own.promised_usd > 18
    assert "$20.00" in str(caught.value)
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(30))
    await costs.set_limit(ADMIN, str(BUILDER.person), Decimal(100))
    with pytest.raises(OverBudgetError) as caught:
        await site.create(replace(SPEC, name="second"))
    assert [one.scope for one in caught.value.excess] == [WORKSPACE]
    await costs.set_limit(ADMIN, WORKSPACE, None)
    assert (await site.create(replace(SPEC, name="second"))).id != first.id
    home = await costs.home(BUILDER.person)
    assert home.own.limit_usd == 100
    assert home.own.committed_usd == own.promised_usd * 2


async def test_only_an_admin_sets_limits(costs: Costs) -> None:
    with pytest.raises(AccessDeniedError):
        await costs.set_limit(BUILDER, WORKSPACE, Decimal(1))
    with pytest.raises(AccessDeniedError):  # not an ADMIN any more
        await costs.set_limit(Principal(person=BEA, role=Role.ADMIN), WORKSPACE, Decimal(1))
    with pytest.raises(InvalidInputError):
        await costs.set_limit(ADMIN, WORKSPACE, Decimal(-1))
    assert (await costs.limits(ADMIN)).workspace is None


async def test_a_hundred_starts_at_once_never_pass_a_cap(site: Site, costs: Costs) -> None:
    spec = replace(SPEC, idle_stop_minutes=60)
    servers = [
        await add(
            site.storage,
            f"s{number}",
            spec=replace(spec, name=f"s{number}"),
            state=S.STOPPED,
            machine_id=f"m{number}",
            state_since=site.clock.now(),
            owner=PersonId(TEAM, f"U{number}"),
        )
        for number in range(100)
    ]
    await costs.set_limit(ADMIN, WORKSPACE, HOURLY.quantize(Decimal("0.01")) * 10 + Decimal("0.01"))

    async def start(one: Server) -> Server:
        for _ in range(30):
            try:
                return await site.servers.start(BUILDER, one.id)
            except DatabaseUnavailableError:  # it waited too long for a connection, of which there are 10
                continue
        raise AssertionError("the database never had time")

    starts = await asyncio.gather(*(start(one) for one in servers), return_exceptions=True)
    refused = [one for one in starts if isinstance(one, OverBudgetError)]
    assert (len(starts) - len(refused), len(refused)) == (10, 90), [str(one) for one in starts]
    async with site.storage.transaction() as stores:
        assert len(await stores.servers.ids_in([S.STARTING])) == 10
    budget = await costs.workspace()
    assert budget.limit_usd is not None
    assert budget.promised_usd <= budget.limit_usd  # what was spent since goes on growing


# --- beyond the budget


async def test_what_an_admin_approves_is_created_beyond_the_budget(site: Site, costs: Costs) -> None:
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(1))
    request = await costs.request_create(BUILDER, SPEC, channel="C1")
    assert [one["request_id"] for one in await notices(site, "cost.request.opened")] == [request.id]
    with pytest.raises(ConflictError):
        await costs.request_create(BUILDER, SPEC, channel="C1")
    await costs.shown_at(request.id, PostedAt(channel="C2", ts="1.2"))
    assert await costs.messages(request.id) == [PostedAt(channel="C2", ts="1.2")]

    approved = await costs.approve(ADMIN, request.id)
    assert (approved.state, approved.settled_by) == (SpendState.APPROVED, ADA)
    assert approved.server_id is not None
    made = await site.servers.get(approved.server_id)
    assert (made.owner, made.channel, made.state) == (BUILDER.person, "C1", S.ORDERED)
    assert await costs.request(request.id) == approved
    assert len(await notices(site, "cost.request.settled")) == 1
    async with site.storage.transaction() as stores:
        rows = await stores.audit.recent(actor_or_target="server:llama", limit=9)
    actions = [row.entry.action for row in reversed(rows)]
    assert actions == ["cost.request.open", "cost.request.approve", "server.create"]
    with pytest.raises(ConflictError):
        await costs.deny(Principal(person=OLE, role=Role.ADMIN), request.id, reason="late")


async def test_what_an_admin_approves_is_started_beyond_the_budget(site: Site, costs: Costs) -> None:
    one = await add(site.storage, state=S.STOPPED, machine_id="m", owner=BUILDER.person, state_since=site.clock.now())
    with pytest.raises(ConflictError):  # there is room
        await costs.request_start(BUILDER, one.id)
    await costs.set_limit(ADMIN, str(BUILDER.person), Decimal(0))
    with pytest.raises(OverBudgetError):
        await site.servers.start(BUILDER, one.id)
    assert (await site.get(one)).state is S.STOPPED
    request = await costs.request_start(BUILDER, one.id)
    await costs.approve(ADMIN, request.id)
    assert (await site.get(one)).state is S.STARTING


async def test_two_admins_at_once_decide_once(site: Site, costs: Costs) -> None:
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(1))
    request = await costs.request_create(BUILDER, SPEC, channel=None)
    other = Principal(person=OLE, role=Role.ADMIN)
    results = await asyncio.gather(
        costs.approve(ADMIN, request.id), costs.deny(other, request.id, reason="no"), return_exceptions=True
    )
    assert sum(isinstance(one, ConflictError) for one in results) == 1
    assert len(await notices(site, "cost.request.settled")) == 1


async def test_nobody_approves_their_own_request(site: Site, costs: Costs) -> None:
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(1))
    request = await costs.request_create(ADMIN, SPEC, channel=None)
    with pytest.raises(AccessDeniedError):
        await costs.approve(ADMIN, request.id)
    with pytest.raises(NotFoundError):
        await costs.withdraw(BUILDER, request.id)
    assert (await costs.withdraw(ADMIN, request.id)).state is SpendState.WITHDRAWN


async def test_what_cannot_be_created_stays_open_and_is_told_to_the_approver(site: Site, costs: Costs) -> None:
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(1))
    request = await costs.request_create(BUILDER, SPEC, channel=None)
    await add(site.storage, SPEC.name)
    with pytest.raises(InvalidInputError, match="name"):
        await costs.approve(ADMIN, request.id)
    assert (await costs.request(request.id)).state is SpendState.OPEN
    await site.let(BUILDER.person, Role.READ)
    with pytest.raises(ConflictError, match="may not"):
        await costs.approve(ADMIN, request.id)
    denied = await costs.deny(ADMIN, request.id, reason=" too dear ")
    assert (denied.state, denied.denial_reason) == (SpendState.DENIED, "too dear")


async def test_a_request_ends_after_a_week(site: Site, costs: Costs) -> None:
    await costs.set_limit(ADMIN, WORKSPACE, Decimal(1))
    request = await costs.request_create(BUILDER, SPEC, channel=None)
    assert await costs.expire_overdue() == 0
    site.clock.jump(7 * 86400)
    with pytest.raises(ConflictError):
        await costs.approve(ADMIN, request.id)
    assert [await costs.expire_overdue(), await costs.expire_overdue()] == [1, 0]
    assert (await costs.request(request.id)).state is SpendState.EXPIRED


# --- jobs


@pytest.fixture
async def lead(site: Site) -> Leadership:
    lead = Leadership(site.storage, site.clock, holder="jobs", lease=timedelta(days=100))
    await lead.attempt()
    return lead


async def test_a_limit_that_is_reached_is_told_once_at_80_and_once_at_100_percent(
    site: Site, costs: Costs, lead: Leadership
) -> None:
    now = site.clock.now()
    await add(site.storage, state=S.READY, machine_id="m", owner=BUILDER.person, state_since=now)
    await costs.set_limit(ADMIN, WORKSPACE, HOURLY.quantize(Decimal("0.01")) * 10)
    await costs.set_limit(ADMIN, EVERYBODY, HOURLY.quantize(Decimal("0.01")))
    told: list[list[tuple[object, object]]] = []
    for hours in (2, 6.5, 0.1, 3, 0.1):
        site.clock.jump(hours * 3600)
        assert site.clock.now().month == now.month
        before = len(await notices(site, "cost.budget.reached"))
        owed = await costs.warn(lead)
        new = (await notices(site, "cost.budget.reached"))[before:]
        assert owed == len(new)
        told.append([(one["scope"], one["percent"]) for one in new])
    own = str(BUILDER.person)
    assert told == [[(own, 100)], [(WORKSPACE, 80)], [], [(WORKSPACE, 100)], []]


async def test_the_digest_is_owed_once_a_day_after_eight_if_there_is_a_channel(
    site: Site, costs: Costs, lead: Leadership
) -> None:
    midnight = (site.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    site.clock.jump((midnight + timedelta(hours=9) - site.clock.now()).total_seconds())
    await costs.owe_digest(lead)
    assert not await notices(site, "cost.digest")
    await costs.set_digest(ADMIN, "C9")
    assert await costs.digest_channel() == "C9"
    for hours in (0, 3, 14.9 + 5, 2, 1):  # 9:00, 12:00, 7:54, 9:54, 10:54
        site.clock.jump(hours * 3600)
        await costs.owe_digest(lead)
    days = [one["day"] for one in await notices(site, "cost.digest")]
    assert days == [(midnight + timedelta(days=n)).date().isoformat() for n in (-1, 0)]
    assert len((await costs.day(midnight.date())).days) == 1


async def test_who_does_not_lead_owes_nothing(site: Site, costs: Costs) -> None:
    idle = Leadership(site.storage, site.clock, holder="other")
    for job in (costs.warn(idle), costs.owe_digest(idle)):
        with pytest.raises(LeadLostError):
            await job
