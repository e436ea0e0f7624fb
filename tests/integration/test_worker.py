"""The worker on a real inbox, with a clock that stands until it is moved."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.worker import Outcome, Work, Worker
from core.errors import UnavailableError
from core.inbox.model import Claim, Delivery, DeliveryKind
from core.inbox.rules import LEASE, MAX_ATTEMPTS
from core.inbox.service import Inbox
from db.storage import PostgresStorage
from tests.clock import ManualClock

DELIVERY = Delivery(kind=DeliveryKind.EVENT, payload={"number": 1})


@pytest.fixture
def inbox(storage: PostgresStorage, clock: ManualClock) -> Inbox:
    return Inbox(storage, clock, holder="one")


@pytest.fixture
def other(storage: PostgresStorage, clock: ManualClock) -> Inbox:
    """Another replica's."""
    return Inbox(storage, clock, holder="other")


@asynccontextmanager
async def working(inbox: Inbox, work: Work, clock: ManualClock, *, grace_seconds: float = 0.2) -> AsyncIterator[Worker]:
    worker = Worker(inbox, work, clock, grace_seconds=grace_seconds)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=10)


async def pass_time(clock: ManualClock, seconds: float) -> None:
    """In steps, with room for what talks to Postgres."""
    for _ in range(int(seconds)):
        await clock.advance(1)
        await asyncio.sleep(0.02)


async def depth(storage: PostgresStorage) -> int:
    async with storage.transaction() as stores:
        return await stores.inbox.depth()


async def until_empty(storage: PostgresStorage, clock: ManualClock) -> None:
    async with asyncio.timeout(10):
        while await depth(storage):
            await pass_time(clock, 1)


async def test_what_another_process_stored_is_found_by_looking(
    inbox: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    worked: list[Claim] = []

    async def work(claim: Claim) -> Outcome:
        worked.append(claim)
        return Outcome.DONE

    async with working(inbox, work, clock):
        await asyncio.sleep(0.05)
        await inbox.accept(DELIVERY)
        await until_empty(storage, clock)
    assert [claim.payload for claim in worked] == [DELIVERY.payload]


async def test_a_claim_is_kept_as_long_as_its_work_takes(
    inbox: Inbox, other: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    done = asyncio.Event()

    async def work(_: Claim) -> Outcome:
        await done.wait()
        return Outcome.DONE

    await inbox.accept(DELIVERY)
    async with working(inbox, work, clock):
        await pass_time(clock, 3 * LEASE.total_seconds())
        assert await other.claim(1) == []
        done.set()
        await until_empty(storage, clock)


async def test_work_whose_claim_is_lost_is_broken_off(
    inbox: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    broken = asyncio.Event()

    async def work(claim: Claim) -> Outcome:
        await inbox.finish(claim)  # as another replica would, that took it over
        try:
            await asyncio.Event().wait()
        finally:
            broken.set()
        return Outcome.DONE

    await inbox.accept(DELIVERY)
    async with working(inbox, work, clock):
        await pass_time(clock, 8)
        assert broken.is_set()


async def test_work_that_failed_is_tried_again_when_its_lease_is_over_and_holds_up_no_other(
    inbox: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    attempts: list[tuple[int, int]] = []

    async def work(claim: Claim) -> Outcome:
        attempts.append((claim.payload["number"], claim.attempt))
        if claim.payload["number"] == 1 and claim.attempt == 1:
            raise UnavailableError("away")
        if claim.payload["number"] == 2 and claim.attempt == 1:
            raise ZeroDivisionError
        return Outcome.DONE

    for number in (1, 2, 3):
        await inbox.accept(Delivery(kind=DeliveryKind.EVENT, payload={"number": number}))
    async with working(inbox, work, clock):
        await pass_time(clock, 3)
        assert sorted(attempts) == [(1, 1), (2, 1), (3, 1)]
        await until_empty(storage, clock)
    assert sorted(attempts) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]


async def test_a_shutdown_lets_work_end_that_ends_soon(
    inbox: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    started = asyncio.Event()

    async def work(_: Claim) -> Outcome:
        started.set()
        await asyncio.sleep(0.1)
        return Outcome.DONE

    await inbox.accept(DELIVERY)
    async with working(inbox, work, clock, grace_seconds=5):
        await started.wait()
    assert await depth(storage) == 0


async def test_a_shutdown_hands_the_rest_over_at_once(inbox: Inbox, other: Inbox, clock: ManualClock) -> None:
    started = asyncio.Event()

    async def work(_: Claim) -> Outcome:
        started.set()
        await asyncio.Event().wait()
        return Outcome.DONE

    await inbox.accept(DELIVERY)
    async with working(inbox, work, clock):
        await started.wait()
    [claim] = await other.claim(5)
    assert claim.attempt == 1, "a shutdown is nobody's failure"
    assert claim.tries == 2, "some of its work may be done"


async def test_what_is_owed_waits_for_as_long_as_slack_is_away(
    inbox: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    tries: list[tuple[int, int]] = []

    async def work(claim: Claim) -> Outcome:
        tries.append((claim.attempt, claim.tries))
        if claim.tries <= MAX_ATTEMPTS + 2:
            raise UnavailableError("away")
        return Outcome.DONE

    await inbox.accept(Delivery(kind=DeliveryKind.NOTICE, payload={"notice": "any"}))
    async with working(inbox, work, clock):
        await until_empty(storage, clock)
    assert tries == [(1, number) for number in range(1, MAX_ATTEMPTS + 4)]


async def test_no_more_is_taken_than_can_be_worked_on_at_once(
    inbox: Inbox, other: Inbox, storage: PostgresStorage, clock: ManualClock
) -> None:
    going = asyncio.Event()

    async def work(_: Claim) -> Outcome:
        await going.wait()
        return Outcome.DONE

    for number in range(5):
        await inbox.accept(Delivery(kind=DeliveryKind.EVENT, payload={"number": number}))
    worker = Worker(inbox, work, clock, at_once=2)
    running = asyncio.create_task(worker.run())
    await pass_time(clock, 2)
    assert len(await other.claim(5)) == 3
    going.set()
    running.cancel()
    await asyncio.wait({running}, timeout=10)
