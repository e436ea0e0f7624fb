"""One leader among many, on real Postgres."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from core.errors import DatabaseUnavailableError
from core.lead.service import LEASE, LOOK_SECONDS, Leadership, LeadLostError
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.clock import ManualClock
from tests.prime import eventually

ONE_LOOK = timedelta(seconds=LOOK_SECONDS)
WAITS_SECONDS = 0.3
"""How long a test watches that something does not go on."""

Replica = Callable[[str], Leadership]


@pytest.fixture
def replica(storage: PostgresStorage, clock: ManualClock) -> Replica:
    return lambda holder: Leadership(storage, clock, holder=holder)


async def test_one_of_many_leads(replica: Replica) -> None:
    many = [replica(f"replica {number}") for number in range(8)]
    assert sorted(await asyncio.gather(*(one.attempt() for one in many))) == [False] * 7 + [True]
    assert [one.epoch for one in many if one.epoch is not None] == [1]


async def test_the_leader_keeps_the_lead_and_its_epoch(replica: Replica, clock: ManualClock) -> None:
    leader, other = replica("a"), replica("b")
    for _ in range(30):
        assert await leader.attempt()
        assert not await other.attempt()
        await clock.advance(LOOK_SECONDS)
    assert leader.epoch == 1


async def test_another_takes_over_when_the_lease_is_over_and_not_before(replica: Replica, clock: ManualClock) -> None:
    dead, other = replica("a"), replica("b")
    await dead.attempt()
    await clock.advance(LEASE.total_seconds() - 0.001)
    assert not await other.attempt()
    assert dead.epoch == 1
    await clock.advance(0.001)
    assert dead.epoch is None
    assert await other.attempt()
    assert other.epoch == 2
    assert not await dead.attempt()


async def test_whoever_comes_back_after_its_lease_has_another_epoch(replica: Replica, clock: ManualClock) -> None:
    """What was begun under the old one must not be written, even if nobody else led meanwhile."""
    leader = replica("a")
    await leader.attempt()
    await clock.advance(LEASE.total_seconds())
    assert await leader.attempt()
    assert leader.epoch == 2


async def test_a_guarded_transaction_of_who_does_not_lead_does_not_begin(replica: Replica, clock: ManualClock) -> None:
    never, late = replica("a"), replica("b")
    await late.attempt()
    await clock.advance(LEASE.total_seconds())
    for one in (never, late):
        with pytest.raises(LeadLostError):
            async with one.transaction():
                pytest.fail("it began")


async def test_a_guarded_write_of_an_old_epoch_fails(storage: PostgresStorage, clock: ManualClock) -> None:
    """Of a replica whose clock stands still, so that it believes to lead."""
    frozen = Leadership(storage, ManualClock(), holder="a")
    await frozen.attempt()
    await clock.advance(LEASE.total_seconds())
    other = Leadership(storage, clock, holder="b")
    assert await other.attempt()
    assert frozen.epoch == 1
    with pytest.raises(LeadLostError):
        async with frozen.transaction():
            pytest.fail("it began")


async def test_a_guarded_transaction_holds_off_who_takes_over_until_it_ends(
    replica: Replica, clock: ManualClock
) -> None:
    leader, other = replica("a"), replica("b")
    await leader.attempt()
    async with leader.transaction(), asyncio.timeout(10):
        await clock.advance(LEASE.total_seconds())
        taking = asyncio.create_task(other.attempt())
        await asyncio.wait({taking}, timeout=WAITS_SECONDS)
        assert not taking.done()
    assert await taking
    assert other.epoch == 2


async def test_guarded_transactions_do_not_hold_up_each_other_nor_the_lease(
    replica: Replica, engine: AsyncEngine, clock: ManualClock
) -> None:
    leader = replica("a")
    await leader.attempt()
    async with asyncio.timeout(5), leader.transaction(), leader.transaction():
        await clock.advance(LOOK_SECONDS)
        assert await leader.attempt()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT until FROM lead"))).scalar_one() == clock.now() + LEASE


async def test_a_guarded_transaction_waits_for_who_takes_over_and_then_fails(
    storage: PostgresStorage, clock: ManualClock
) -> None:
    frozen = Leadership(storage, ManualClock(), holder="a")
    await frozen.attempt()
    await clock.advance(LEASE.total_seconds())

    async def guarded() -> None:
        async with frozen.transaction():
            pytest.fail("it began")

    async with asyncio.timeout(10):
        async with storage.transaction() as stores:
            now = clock.now()
            assert await stores.lead.take(holder="b", now=now, until=now + LEASE) == 2
            writing = asyncio.create_task(guarded())
            await asyncio.wait({writing}, timeout=WAITS_SECONDS)
            assert not writing.done()
        with pytest.raises(LeadLostError):
            await writing


async def test_a_lead_that_is_given_back_is_taken_at_once(replica: Replica) -> None:
    leader, other = replica("a"), replica("b")
    await leader.attempt()
    await other.resign()
    assert leader.epoch == 1
    assert not await other.attempt()
    await leader.resign()
    assert leader.epoch is None
    assert await other.attempt()
    assert other.epoch == 2


async def test_runs_until_it_is_cancelled_and_then_gives_the_lead_back(replica: Replica, clock: ManualClock) -> None:
    leader, other = replica("a"), replica("b")
    running = asyncio.create_task(leader.run())
    await eventually(lambda: leader.epoch is not None)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert leader.epoch is None
    assert await other.attempt()


async def test_leads_on_through_a_short_absence_of_the_database_and_not_through_a_long_one(
    secret_keys: SecretKeys, clock: ManualClock, database_url: str
) -> None:
    engine = create_engine(database_url)
    leader = Leadership(storage := PostgresStorage(engine, secret_keys), clock, holder="a")
    await leader.attempt()
    away = PostgresStorage(create_engine("postgresql://prime@127.0.0.1:1/prime"), secret_keys)
    leader._storage = away
    await clock.advance(LOOK_SECONDS)
    assert await leader.attempt()
    with pytest.raises(DatabaseUnavailableError):
        async with leader.transaction():
            pytest.fail("it began")
    await clock.advance(LEASE.total_seconds())
    assert not await leader.attempt()
    leader._storage = storage
    assert await leader.attempt()
    await engine.dispose()


async def test_a_lease_of_a_clock_that_was_ahead_does_not_last(storage: PostgresStorage, clock: ManualClock) -> None:
    ahead = Leadership(storage, ManualClock(clock.now() + timedelta(hours=1)), holder="a")
    await ahead.attempt()
    other = Leadership(storage, clock, holder="b")
    assert await other.attempt()
    with pytest.raises(LeadLostError):
        async with ahead.transaction():
            pytest.fail("it began")


async def test_a_clock_that_jumps_changes_nothing_of_one_leader_alone(replica: Replica, clock: ManualClock) -> None:
    leader = replica("a")
    await leader.attempt()
    clock._now -= timedelta(hours=1)
    assert await leader.attempt()
    async with leader.transaction():
        pass
    clock._now += timedelta(hours=2)
    assert leader.epoch is None
    assert await leader.attempt()


async def test_a_frozen_transaction_ends_before_its_lease_does(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        milliseconds = text("SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
        idle = timedelta(milliseconds=(await connection.execute(milliseconds)).scalar_one())
    assert timedelta() < idle < LEASE - ONE_LOOK


async def test_there_is_one_row_whatever_is_done(replica: Replica, engine: AsyncEngine) -> None:
    await replica("a").attempt()
    with pytest.raises(DBAPIError, match="uq_lead_one"):
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO lead (epoch, one, holder, until) VALUES (7, true, 'b', now())"))
