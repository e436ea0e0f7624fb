"""Looks and loads on their tables."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.servers.model import ServerState
from core.watch.model import Load, MachineFate, Pulse, UnknownMachine
from core.watch.rules import pulse_of
from db.storage import PostgresStorage
from tests.servers import NOW, server

MINUTE = timedelta(minutes=1)
STRANGER = UnknownMachine(
    provider="paperspace",
    machine_id="ps9",
    name="box",
    type="A4000",
    region="NY2",
    first_seen_at=NOW,
    last_seen_at=NOW,
    fate=MachineFate.OPEN,
    is_told=False,
)


@pytest.fixture
async def pulse(storage: PostgresStorage) -> Pulse:
    async with storage.transaction() as stores:
        await stores.servers.add(server(state=ServerState.READY, machine_id="ps1"), key="k")
    return pulse_of(server(state=ServerState.READY), None)


async def test_a_pulse_comes_back_as_it_was_saved(storage: PostgresStorage, pulse: Pulse) -> None:
    saved = replace(
        pulse, unreachable_since=NOW, told_unreachable_at=NOW, is_told_unreachable=True, warned_for=NOW, warned_at=NOW
    )
    for each in (pulse, saved):
        async with storage.transaction() as stores:
            await stores.watch.save_pulses([each])

    async with storage.transaction() as stores:
        assert await stores.watch.pulses([1, 2]) == {1: saved}


async def test_use_that_was_noted_meanwhile_is_not_forgotten(storage: PostgresStorage, pulse: Pulse) -> None:
    async with storage.transaction() as stores:
        await stores.watch.save_pulses([pulse])
        await stores.watch.used(1, at=NOW + MINUTE)
        await stores.watch.used(1, at=NOW)
    async with storage.transaction() as stores:
        await stores.watch.save_pulses([replace(pulse, queued=3)])

    async with storage.transaction() as stores:
        found = (await stores.watch.pulses([1]))[1]
    assert (found.used_at, found.active_at, found.queued) == (NOW + MINUTE, NOW + MINUTE, 3)


async def test_loads_of_one_stretch_add_up_and_old_ones_go(storage: PostgresStorage, pulse: Pulse) -> None:
    load = Load(since=NOW, generated_tokens=10, requests=1, queued=2)
    async with storage.transaction() as stores:
        await stores.watch.save_pulses([pulse])
        await stores.watch.add_loads({1: load})
        await stores.watch.add_loads({1: replace(load, queued=1)})
        await stores.watch.add_loads({1: replace(load, since=NOW + MINUTE)})
    async with storage.transaction() as stores:
        assert await stores.watch.loads(1, since=NOW) == [
            Load(since=NOW, generated_tokens=20, requests=2, queued=2),
            replace(load, since=NOW + MINUTE),
        ]

        assert await stores.watch.drop_loads(before=NOW + MINUTE) == 1


async def test_a_stranger_is_told_once_and_decided_once(storage: PostgresStorage) -> None:
    later = NOW + 5 * MINUTE
    async with storage.transaction() as stores:
        await stores.watch.saw_unknown([STRANGER])
        assert await stores.watch.untold(first_seen_before=NOW - MINUTE, seen_since=NOW) == []
        await stores.watch.saw_unknown([replace(STRANGER, first_seen_at=later, last_seen_at=later)])
        assert await stores.watch.untold(first_seen_before=NOW, seen_since=later + MINUTE) == []
        told = await stores.watch.untold(first_seen_before=NOW, seen_since=later)
        assert told == [replace(STRANGER, last_seen_at=later)]
        await stores.watch.told_unknown("paperspace", "ps9")

        assert await stores.watch.untold(first_seen_before=NOW, seen_since=later) == []
        assert await stores.watch.decide_unknown("paperspace", "ps9", MachineFate.IGNORED)
        assert not await stores.watch.decide_unknown("paperspace", "ps9", MachineFate.ADOPTED)


async def test_only_machines_at_rest_are_watched(storage: PostgresStorage) -> None:
    async with storage.transaction() as stores:
        for number, state in enumerate(ServerState, 1):
            spec = replace(server().spec, name=f"s{number}")
            one = server(id=number, spec=spec, machine_name=spec.name, machine_id=f"ps{number}", state=state)
            await stores.servers.add(one, key="k")

        found = {one.state for one in await stores.servers.at_rest()}

    assert found == {ServerState.READY, ServerState.STOPPED, ServerState.FAILED, ServerState.GONE}
