"""What one replica stores wakes the others in the moment in which it is committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest

from core.errors import UnavailableError
from core.inbox.model import Delivery, DeliveryKind
from core.talk.model import TurnState
from db.listening import AGAIN_SECONDS, listen
from db.storage import PostgresStorage
from tests.clock import ManualClock
from tests.integration.test_db_talk import RITA, Replica
from tests.prime import eventually
from tests.servers import NOW

DELIVERY = Delivery(kind=DeliveryKind.EVENT, payload={"number": 1})
END_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prime news'"


class Ears:
    """How often each was woken."""

    def __init__(self) -> None:
        self.inbox = 0
        self.turn = 0

    def hear(self, table: str) -> None:
        setattr(self, table, getattr(self, table) + 1)


@pytest.fixture
async def ears(database_url: str, clock: ManualClock) -> AsyncIterator[Ears]:
    ears = Ears()
    wake = {table: lambda table=table: ears.hear(table) for table in ("inbox", "turn")}
    listening = asyncio.create_task(listen(database_url, wake, clock))
    await eventually(lambda: ears.inbox == ears.turn == 1)  # of what was there before
    yield ears
    listening.cancel()
    await asyncio.wait({listening})


async def test_a_delivery_is_heard_of_once_it_is_committed(storage: PostgresStorage, ears: Ears) -> None:
    with suppress(UnavailableError):
        async with storage.transaction() as stores:
            await stores.inbox.add(DELIVERY, now=NOW)
            raise UnavailableError("It is rolled back.")
    async with storage.transaction() as stores:
        await stores.inbox.add(DELIVERY, now=NOW)
        await asyncio.sleep(0.05)
        assert ears.inbox == 1
    await eventually(lambda: ears.inbox == 2)
    assert ears.turn == 1


async def test_a_turn_is_heard_of_when_it_is_to_be_taken_or_stopped_and_not_at_each_word(
    storage: PostgresStorage, ears: Ears
) -> None:
    replica = Replica(storage, "a")
    asked = await replica.asks(await replica.conversation(), "100.0", state=TurnState.NEW)
    async with storage.transaction() as stores:
        await stores.talk.change(replace(asked, state=TurnState.WAITING))
    await eventually(lambda: ears.turn == 2)
    [turn] = await replica.claims()
    async with storage.transaction() as stores:
        await stores.talk.write(replace(turn, answer="a few words"), holder="a")
    async with storage.transaction() as stores:
        await stores.talk.ask_stop(turn.id, by=RITA)
    await eventually(lambda: ears.turn == 3)
    await asyncio.sleep(0.05)
    assert ears.turn == 3


async def test_a_connection_that_is_lost_is_opened_again(
    database_url: str, clock: ManualClock, storage: PostgresStorage, ears: Ears
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(END_OURS)

    async def is_back() -> bool:
        await clock.advance(AGAIN_SECONDS)
        return ears.inbox == 2

    await eventually(is_back)
    async with storage.transaction() as stores:
        await stores.inbox.add(DELIVERY, now=NOW)
    await eventually(lambda: ears.inbox == 3)
