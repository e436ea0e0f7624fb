"""The inbox under several workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from core.inbox.model import Claim, Delivery, DeliveryKind
from core.inbox.ports import InboxStore
from core.storage import Storage
from db.storage import PostgresStorage
from tests.clock import ManualClock

LEASE = timedelta(seconds=15)


class Worker:
    def __init__(self, storage: Storage, clock: ManualClock, name: str) -> None:
        self.storage, self.clock, self.name = storage, clock, name

    async def add(self, text: str, **keys: str) -> bool:
        async with self.storage.transaction() as stores:
            return await stores.inbox.add(delivery(text, **keys), now=self.clock.now())

    async def claim(self, limit: int = 10) -> list[Claim]:
        async with self.storage.transaction() as stores:
            return await self.claim_in(stores.inbox, limit)

    async def claim_in(self, inbox: InboxStore, limit: int = 10) -> list[Claim]:
        now = self.clock.now()
        return await inbox.claim(holder=self.name, now=now, lease_until=now + LEASE, limit=limit)

    async def finish(self, claim: Claim, *, failed: bool = False) -> bool:
        async with self.storage.transaction() as stores:
            return await stores.inbox.finish(claim.id, holder=self.name, failed=failed, now=self.clock.now())

    async def extend(self, claim: Claim) -> bool:
        async with self.storage.transaction() as stores:
            until = self.clock.now() + LEASE
            return await stores.inbox.extend(claim.id, holder=self.name, lease_until=until)

    async def release(self, claim: Claim) -> bool:
        async with self.storage.transaction() as stores:
            return await stores.inbox.release(claim.id, holder=self.name)

    async def depth(self) -> int:
        async with self.storage.transaction() as stores:
            return await stores.inbox.depth()


@pytest.fixture
def a(storage: PostgresStorage, clock: ManualClock) -> Worker:
    return Worker(storage, clock, "a")


@pytest.fixture
def b(storage: PostgresStorage, clock: ManualClock) -> Worker:
    return Worker(storage, clock, "b")


async def test_a_delivery_comes_back_as_it_was_stored(a: Worker, clock: ManualClock) -> None:
    payload = {"text": "é\x00🎉", "nested": [1, None, {"a": 1.5}]}
    async with a.storage.transaction() as stores:
        await stores.inbox.add(Delivery(kind=DeliveryKind.COMMAND, payload=payload), now=clock.now())

    (claim,) = await a.claim()

    assert (claim.kind, claim.payload, claim.attempt) == (DeliveryKind.COMMAND, payload, 1)
    assert (claim.received_at, claim.lease_until, claim.holder) == (clock.now(), clock.now() + LEASE, "a")


async def test_the_oldest_come_first_and_no_more_than_the_limit(a: Worker, clock: ManualClock) -> None:
    for text in ("one", "two", "three"):
        await a.add(text)
        await clock.advance(1)

    assert texts(await a.claim(2)) == ["one", "two"]
    assert texts(await a.claim(2)) == ["three"]


@pytest.mark.parametrize("key", ["event_id", "work_key"])
async def test_what_is_known_is_not_stored_again_even_when_it_is_done(a: Worker, key: str) -> None:
    assert await a.add("one", **{key: "k"})
    assert not await a.add("one", **{key: "k"})
    (claim,) = await a.claim()
    await a.finish(claim)

    assert not await a.add("one", **{key: "k"})
    assert await a.depth() == 0


async def test_a_mention_that_arrives_as_two_events_is_one_piece_of_work(a: Worker) -> None:
    assert await a.add("as message", event_id="Ev1", work_key="prompt/T/C/1/-")
    assert not await a.add("as app_mention", event_id="Ev2", work_key="prompt/T/C/1/-")


@pytest.mark.parametrize("key", ["event_id", "work_key"])
async def test_of_many_that_arrive_at_once_one_is_stored(a: Worker, key: str) -> None:
    stored = await asyncio.gather(*(a.add(str(number), **{key: "k"}) for number in range(8)))

    assert sum(stored) == 1
    assert await a.depth() == 1


async def test_a_duplicate_of_what_is_rolled_back_is_stored(a: Worker) -> None:
    async def fail() -> None:
        async with a.storage.transaction() as stores:
            await stores.inbox.add(delivery("one", event_id="k"), now=a.clock.now())
            second = asyncio.create_task(a.add("two", event_id="k"))
            await asyncio.sleep(0.05)
            assert not second.done()
            raise RollbackError(second)

    with pytest.raises(RollbackError) as raised:
        await fail()

    assert await raised.value.second


async def test_a_held_delivery_is_given_to_nobody_else_until_its_lease_is_over(
    a: Worker, b: Worker, clock: ManualClock
) -> None:
    await a.add("one")
    (held,) = await a.claim()
    await clock.advance(14)
    assert await b.claim() == []

    await clock.advance(1)
    (taken_over,) = await b.claim()

    assert taken_over.id == held.id
    assert taken_over.attempt == 2
    assert not await a.extend(held)
    assert not await a.finish(held)
    assert not await a.release(held)
    assert await b.finish(taken_over)


async def test_a_prolonged_lease_holds_on(a: Worker, b: Worker, clock: ManualClock) -> None:
    await a.add("one")
    (held,) = await a.claim()
    await clock.advance(10)
    assert await a.extend(held)
    await clock.advance(10)

    assert await b.claim() == []


async def test_a_released_delivery_is_free_at_once_and_the_attempt_does_not_count(a: Worker, b: Worker) -> None:
    await a.add("one")
    (held,) = await a.claim()
    assert await a.release(held)

    (taken,) = await b.claim()

    assert taken.attempt == 1


@pytest.mark.parametrize("failed", [True, False])
async def test_the_end_of_the_work_wipes_the_payload(a: Worker, database_url: str, failed: bool) -> None:
    await a.add("one")
    (held,) = await a.claim()
    assert await a.finish(held, failed=failed)

    assert not await a.finish(held)
    assert row(database_url) == ("failed" if failed else "done", None)


async def test_rows_that_another_session_locks_are_skipped(a: Worker, database_url: str) -> None:
    await a.add("one")
    await a.add("two")
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT 1 FROM inbox ORDER BY id LIMIT 1 FOR UPDATE")

        assert texts(await a.claim()) == ["two"]


async def test_many_workers_at_once_share_everything_and_nothing_twice(
    storage: PostgresStorage, clock: ManualClock
) -> None:
    workers = [Worker(storage, clock, f"w{number}") for number in range(5)]
    for number in range(20):
        await workers[0].add(str(number))

    claims = await asyncio.gather(*(worker.claim(4) for worker in workers))

    assert sorted(text for claim in claims for text in texts(claim)) == sorted(map(str, range(20)))


async def test_one_order_key_is_worked_on_one_at_a_time_and_oldest_first(
    a: Worker, b: Worker, clock: ManualClock
) -> None:
    for text in ("one", "two"):
        await a.add(text, order_key="thread")
        await clock.advance(1)
    await a.add("other", order_key="another thread")

    first, other = await a.claim()
    assert texts([first, other]) == ["one", "other"]
    assert await b.claim() == []
    await a.finish(first)
    assert texts(await b.claim()) == ["two"]


async def test_an_older_one_that_comes_late_waits_for_the_one_that_is_held(
    a: Worker, b: Worker, clock: ManualClock
) -> None:
    before = ManualClock(clock.now() - timedelta(minutes=1))
    await a.add("newer", order_key="thread")
    (held,) = await a.claim()
    await Worker(a.storage, before, "late").add("older", order_key="thread")

    assert await b.claim() == []
    await clock.advance(15)
    assert [claim.id for claim in await b.claim()] == [held.id]
    await b.finish(held)
    assert texts(await b.claim()) == ["older"]


async def test_an_older_one_that_appears_while_another_session_claims_is_not_worked_on_beside_it(
    a: Worker, b: Worker, clock: ManualClock
) -> None:
    await a.add("newer", order_key="thread")
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(a.storage.transaction())
        assert texts(await a.claim_in(stores.inbox)) == ["newer"]
        await Worker(a.storage, ManualClock(clock.now() - timedelta(minutes=1)), "late").add(
            "older", order_key="thread"
        )
        waiting = asyncio.create_task(b.claim())
        await asyncio.sleep(0.05)

    assert await waiting == []


async def test_under_concurrency_no_order_key_is_ever_held_twice(storage: PostgresStorage, clock: ManualClock) -> None:
    held: set[str] = set()
    done: list[str] = []
    producer = Worker(storage, clock, "producer")
    for number in range(24):
        await producer.add(f"{number % 3}", order_key=f"{number % 3}")

    async def work(worker: Worker) -> None:
        while len(done) < 24:
            for claim in await worker.claim(2):
                async with alone(claim.payload["text"], held):
                    await asyncio.sleep(0)
                    done.append(claim.payload["text"])
                await worker.finish(claim)

    async with asyncio.timeout(20):
        await asyncio.gather(*(work(Worker(storage, clock, f"w{number}")) for number in range(4)))


async def test_what_waited_too_long_expires_and_what_is_held_does_not(
    a: Worker, clock: ManualClock, database_url: str
) -> None:
    await a.add("held")
    (held,) = await a.claim()
    await a.add("waiting")
    async with a.storage.transaction() as stores:
        soon = clock.now() + timedelta(seconds=1)
        assert await stores.inbox.expire(received_before=soon, now=clock.now()) == 1
    assert await a.depth() == 1

    async with a.storage.transaction() as stores:
        assert await stores.inbox.expire(received_before=soon, now=clock.now() + LEASE) == 1
    assert not await a.finish(held)
    assert row(database_url) == ("expired", None)


async def test_purge_forgets_what_ended_long_ago_and_only_that(a: Worker, clock: ManualClock) -> None:
    await a.add("done", event_id="k")
    (claim,) = await a.claim()
    await a.finish(claim)
    await a.add("waiting")
    await clock.advance(60)
    async with a.storage.transaction() as stores:
        assert await stores.inbox.purge(finished_before=claim.received_at) == 0
        assert await stores.inbox.purge(finished_before=clock.now()) == 1
    assert await a.depth() == 1
    assert await a.add("again", event_id="k")


class RollbackError(Exception):
    def __init__(self, second: asyncio.Task[bool]) -> None:
        super().__init__()
        self.second = second


def delivery(text: str, **keys: str) -> Delivery:
    return Delivery(kind=DeliveryKind.EVENT, payload={"text": text}, **keys)


def texts(claims: list[Claim]) -> list[str]:
    return [claim.payload["text"] for claim in claims]


def row(database_url: str) -> tuple[object, ...] | None:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT state, payload FROM inbox ORDER BY id LIMIT 1").fetchone()


@asynccontextmanager
async def alone(key: str, held: set[str]) -> AsyncIterator[None]:
    assert key not in held
    held.add(key)
    yield
    held.remove(key)
