"""The monitor on real Postgres, with a cloud and engines of the lab."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from core.access.model import Principal, Role
from core.cost.errors import OverBudgetError
from core.cost.model import WORKSPACE
from core.errors import ConflictError
from core.lead.service import LeadLostError
from core.people.model import PersonId
from core.servers.model import FailureKind, Server, ServerState, StopReason
from core.servers.ports import Provider
from core.watch.model import MachineFate
from db.storage import PostgresStorage
from lab.paperspace.faults import FaultName
from tests.access import TEAM
from tests.servers import SPEC
from tests.servers import server as server_of
from tests.site import BUILDER, Site, open_site

ADMIN = Principal(person=PersonId(TEAM, "UADAM"), role=Role.ADMIN)
MINUTE = 60.0
_HOUR = timedelta(hours=1)


@pytest.fixture
async def site(storage: PostgresStorage) -> AsyncIterator[Site]:
    async with open_site(storage) as site:
        yield site


@asynccontextmanager
async def console(site: Site) -> AsyncIterator[Provider]:
    """The cloud, used by somebody without Prime."""
    provider = await site.keys.open("paperspace")
    try:
        yield provider
    finally:
        await provider.aclose()


async def say(site: Site, server: Server) -> None:
    """Somebody uses the engine, past Prime."""
    url = f"{site.front.url(server.address or '')}/generate"
    async with site.storage.transaction() as stores:
        key = await stores.servers.key(server.id)
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {key}"}) as client:
        answer = await client.post(url, json={"inputs": "hello", "parameters": {"max_new_tokens": 5}})
    assert answer.status_code == 200, answer.text


async def test_what_an_engine_does_is_seen(site: Site) -> None:
    server = await site.ready()
    await site.tick()
    await say(site, server)

    report = await site.tick()

    assert (report.servers, report.engines, report.unreachable) == (1, 1, 0)
    vitals = (await site.watch.vitals([server]))[server.id]
    assert vitals.pulse is not None
    assert vitals.pulse.requests_done == 1
    assert vitals.pulse.requests_per_minute == pytest.approx(2, rel=0.2)
    assert vitals.pulse.used_at == vitals.pulse.checked_at
    loads = await site.watch.loads(BUILDER, server.id)
    assert (sum(load.requests for load in loads), sum(load.generated_tokens for load in loads)) == (1, 5)


async def test_a_machine_switched_off_in_the_console_is_stopped_here_too(site: Site) -> None:
    server = await site.ready()
    async with console(site) as cloud:
        await cloud.stop(server.machine_id or "")
    await site.cloud_settles(10)

    for _ in range(3):
        await site.tick()

    found = await site.get(server)
    assert (found.state, found.stop_reason) == (ServerState.STOPPED, StopReason.OUTSIDE)
    assert (await site.news(server)) == ["ready", "stopped"]
    await site.check()


async def test_a_machine_started_in_the_console_comes_up_here_too(site: Site) -> None:
    server = await site.ready()
    await site.servers.stop(BUILDER, server.id)
    await site.moved(server)
    async with console(site) as cloud:
        await cloud.start(server.machine_id or "")
    for _ in range(3):
        await site.cloud_settles(5)
        await site.tick()

    await site.moved(server, lambda one: one.state is ServerState.READY)
    assert (await site.news(server)) == ["ready", "stopped", "started", "ready"]


async def test_a_vanished_machine_is_gone_after_three_sightings_and_told_once(site: Site) -> None:
    server = await site.ready()
    site.cloud.faults.switch(FaultName.VANISHING)
    for _ in range(5):
        await site.tick(55)
        assert (await site.get(server)).state is ServerState.READY

    for _ in range(5):
        await site.tick()

    assert (await site.get(server)).state is ServerState.GONE
    assert (await site.news(server)) == ["ready", "gone"]


async def test_a_cloud_that_is_away_changes_nothing(site: Site) -> None:
    server = await site.ready()
    site.cloud.faults.switch(FaultName.ERRORS)

    for _ in range(20):
        await site.tick(MINUTE)

    found = await site.get(server)
    assert (found.state, found.missing_count) == (ServerState.READY, 0)


async def test_an_engine_that_is_silent_is_told_after_five_minutes_and_when_it_is_back(site: Site) -> None:
    server = await site.ready()
    docker = site.machines()[0].computer.docker
    container = docker.container("prime-engine")
    await docker.stop(container)
    for _ in range(5):
        await site.tick(MINUTE)
    assert (await site.news(server)) == ["ready"]
    for _ in range(3):
        await site.tick(MINUTE)
    assert (await site.news(server)) == ["ready", "unreachable"]

    docker.start(container)
    await site.cloud_settles(10)
    for _ in range(3):
        await site.tick(MINUTE)

    assert (await site.get(server)).state is ServerState.READY
    assert (await site.news(server)) == ["ready", "unreachable", "back"]


async def test_a_server_that_does_not_take_its_key_any_more_is_an_alarm(storage: PostgresStorage) -> None:
    async with open_site(storage, scheme="https") as site:
        server = await site.ready()
        async with site.storage.transaction() as stores:
            await stores.servers.replace_key(server.id, "another")

        for _ in range(3):
            await site.tick()

        found = await site.get(server)
        assert found.state is ServerState.FAILED
        assert found.failure is not None
        assert found.failure.kind is FailureKind.IDENTITY
        assert (await site.news(server)) == ["ready", "impostor"]


async def test_an_idle_server_is_warned_of_then_stopped_and_costs_its_disk_alone(site: Site) -> None:
    server = await site.ready(replace(SPEC, idle_stop_minutes=120))
    for _ in range(12):
        await site.tick(10 * MINUTE)
    assert (await site.news(server)) == ["ready", "ends soon"]

    await site.tick(2 * MINUTE)
    found = await site.moved(server)

    assert (found.state, found.stop_reason) == (ServerState.STOPPED, StopReason.IDLE)
    assert (await site.news(server)) == ["ready", "ends soon", "stopped"]
    await site.check()


async def test_use_and_keep_hold_an_idle_stop_off(site: Site) -> None:
    server = await site.ready(replace(SPEC, idle_stop_minutes=60))
    for _ in range(4):
        for _ in range(5):
            await site.tick(10 * MINUTE)
        await say(site, server)
    await site.watch.keep(BUILDER, server.id, until=site.clock.now().replace(microsecond=0) + 5 * _HOUR)
    for _ in range(28):
        await site.tick(10 * MINUTE)
    assert (await site.get(server)).state is ServerState.READY

    for _ in range(5):
        await site.tick(10 * MINUTE)

    assert (await site.get(server)).stop_reason is StopReason.IDLE


async def test_talk_that_begins_after_the_look_holds_the_stop_off(site: Site) -> None:
    server = await site.ready(replace(SPEC, idle_stop_minutes=60))
    await site.tick(50 * MINUTE)
    async with site.storage.transaction() as stores:
        await stores.watch.used(server.id, at=site.clock.now())

    await site.tick(15 * MINUTE)

    assert (await site.get(server)).state is ServerState.READY


async def test_a_machine_of_nobody_is_told_once_and_adopted(site: Site) -> None:
    server = await site.ready()
    machine = site.machines()[0]
    machine.name = "somebody's box"
    async with site.storage.transaction() as stores:
        row = await stores.servers.get(server.id)
        assert row is not None
        await stores.servers.save(replace(row, machine_id="ps0", missing_count=0), due_at=None)
    for _ in range(12):
        await site.tick()
    await site.news(server)
    told = [one for one in site.notices if one["notice"] == "server.machine.unknown"]
    assert [one["machine_id"] for one in told] == [machine.id]

    adopted = await site.watch.adopt(ADMIN, "paperspace", machine.id, name="found")

    with pytest.raises(ConflictError, match="decided"):
        await site.watch.ignore(ADMIN, "paperspace", machine.id)
    assert (await site.watch.unknown(ADMIN, "paperspace", machine.id)).fate is MachineFate.ADOPTED
    await site.servers.stop(BUILDER, adopted.id)
    stopped = await site.moved(adopted)
    assert stopped.state is ServerState.STOPPED
    await site.servers.delete(BUILDER, adopted.id, typed_name="found")
    deleted = await site.moved(adopted, lambda one: not one.is_live)
    assert not deleted.is_live
    assert not site.machines()


async def test_who_lost_the_lead_writes_nothing(site: Site) -> None:
    server = await site.ready()
    await site.tick()
    site.clock.jump(30)
    async with site.storage.transaction() as stores:
        now = site.clock.now()
        assert await stores.lead.take(holder="another", now=now, until=now + _HOUR) is not None

    with pytest.raises(LeadLostError):
        await site.monitor.tick()

    vitals = (await site.watch.vitals([server]))[server.id]
    assert vitals.pulse is not None
    assert vitals.pulse.checked_at < now


async def test_a_stop_that_the_cloud_did_not_take_is_not_forgotten(site: Site) -> None:
    server = await site.ready()
    await site.tick()
    await site.servers.stop(BUILDER, server.id)
    site.cloud.faults.switch(FaultName.ERRORS, share=1.0)
    for _ in range(7):
        await site.tick(310)
    assert (await site.get(server)).state is ServerState.FAILED
    site.cloud.faults.switch(FaultName.ERRORS, on=False)

    for _ in range(3):
        await site.tick()

    stopped = await site.moved(server, lambda one: one.state is ServerState.STOPPED)
    assert stopped.stop_reason is StopReason.PERSON
    assert await site.news(server) == ["ready", "failed", "stopped"]


async def test_prime_does_not_switch_on_what_was_switched_on_and_off_in_the_console(site: Site) -> None:
    server = await site.ready()
    await site.servers.stop(BUILDER, server.id)
    await site.moved(server)
    async with console(site) as cloud:
        await cloud.start(server.machine_id or "")
        await site.cloud_settles(5)
        await site.lead.attempt()
        while (await site.get(server)).state is ServerState.STOPPED:
            await site.cloud_settles(1)
            await site.monitor.tick()
        await cloud.stop(server.machine_id or "")
    await site.cloud_settles(10)

    for _ in range(5):
        await site.tick(15)

    assert [machine.state.value for machine in site.machines()] == ["off"]
    assert (await site.get(server)).state is not ServerState.READY


async def test_a_keep_is_not_shortened_by_a_shorter_one(site: Site) -> None:
    server = await site.ready(replace(SPEC, idle_stop_minutes=60))
    days = site.clock.now() + timedelta(days=3)
    await site.watch.keep(BUILDER, server.id, until=days)

    kept = await site.watch.keep(BUILDER, server.id, until=site.clock.now() + _HOUR)

    assert kept.keep_until == days


async def test_a_keep_counts_against_the_budget(site: Site) -> None:
    server = await site.ready(replace(SPEC, idle_stop_minutes=60))
    async with site.storage.transaction() as stores:
        await stores.costs.set_limit(WORKSPACE, Decimal(10))
    await site.watch.keep(BUILDER, server.id, until=site.clock.now() + 2 * _HOUR)

    with pytest.raises(OverBudgetError):
        await site.watch.keep(BUILDER, server.id, until=site.clock.now() + timedelta(days=7))


async def test_what_a_lost_order_cost_is_charged_when_it_is_found_and_deleted(site: Site) -> None:
    site.cloud.faults.switch(FaultName.LOST_REPLIES, only="POST /machines", times=1)
    server = await site.create()
    await site.move()
    site.cloud.faults.switch(FaultName.ERRORS, share=1.0)
    for _ in range(6):
        await site.tick(30 * MINUTE)
    [lost] = site.machines()
    site.cloud.faults.switch(FaultName.ERRORS, on=False)

    for _ in range(10):
        await site.tick()

    assert not site.machines()
    assert await spent(site, server) == pytest.approx(site.cloud.spent(lost.id), rel=0.01)


async def test_a_machine_that_is_gone_costs_nothing_while_its_record_is_deleted(site: Site) -> None:
    server = await site.ready()
    site.cloud.faults.switch(FaultName.VANISHING)
    for _ in range(15):
        await site.tick(MINUTE)
    before = await spent(site, server)
    site.cloud.faults.switch(FaultName.ERRORS, share=1.0)

    await site.servers.delete(BUILDER, server.id, typed_name="llama")
    for _ in range(3):
        await site.tick(60 * MINUTE)

    assert (await site.get(server)).state is ServerState.DELETING
    assert await spent(site, server) == before


async def test_an_adopted_machine_can_be_stopped_and_started(storage: PostgresStorage) -> None:
    async with open_site(storage, scheme="https") as site:
        server = await site.ready()
        async with site.storage.transaction() as stores:
            row = await stores.servers.get(server.id)
            assert row is not None
            await stores.servers.save(replace(row, machine_id="ps0"), due_at=None)
        site.machines()[0].name = "somebody's box"
        for _ in range(8):
            await site.tick()
        adopted = await site.watch.adopt(ADMIN, "paperspace", server.machine_id or "", name="found")
        await site.servers.stop(ADMIN, adopted.id)
        await site.moved(adopted)

        await site.servers.start(ADMIN, adopted.id)
        started = await site.moved(adopted)

        assert started.failure is not None
        assert started.failure.kind is FailureKind.ADOPTED
        assert await site.news(adopted) == ["stopped"]


async def test_many_changes_at_once_leave_room_for_people(site: Site) -> None:
    """More servers fail at once than there are connections to the database."""
    async with site.storage.transaction() as stores:
        for number in range(100, 300):
            one = server_of(
                id=number,
                spec=replace(SPEC, name=f"s{number}", idle_stop_minutes=60, provider="another"),
                machine_name=f"m{number}",
                machine_id=f"ps{number}",
                state=ServerState.STOPPED,
                stop_reason=StopReason.IDLE,
                state_since=site.clock.now() - _HOUR,
            )
            spec = replace(one.spec, delete_after_minutes=60)
            await stores.servers.add(replace(one, spec=spec), key="k")
    await site.lead.attempt()

    looking = asyncio.create_task(site.monitor.look_at_engines())
    while not looking.done():
        async with site.storage.transaction() as stores:
            await stores.servers.named("s100")
        await asyncio.sleep(0.01)

    assert len(looking.result().acts) == 200


async def spent(site: Site, server: Server) -> float:
    now = site.clock.now()
    async with site.storage.transaction() as stores:
        found = await stores.costs.spent([server.id], since=server.created_at - _HOUR, until=now)
    return float(found[server.id].usd)
