"""Servers on their tables."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.catalog.model import Dtype, EngineOptions, Quantization
from core.errors import ConflictError
from core.servers.model import CardAt, Desired, Failure, FailureKind, Server, ServerState
from db.storage import PostgresStorage
from tests.servers import HARDWARE, NOW, SPEC, server

LATER = NOW + timedelta(seconds=15)


async def added(storage: PostgresStorage, name: str = "llama", **changes: object) -> Server:
    async with storage.transaction() as stores:
        number = await stores.servers.next_id()
        one = server(id=number, spec=replace(SPEC, name=name), machine_name=f"prime-x-{number}-{name}")
        one = replace(one, **changes)
        await stores.servers.add(one, key=f"key of {name}")
    return one


async def test_what_is_added_comes_back_as_it_was(storage: PostgresStorage) -> None:
    spec = replace(
        SPEC,
        options=EngineOptions(quantization=Quantization.AWQ, dtype=Dtype.FLOAT16, max_total_tokens=8192),
        idle_stop_minutes=30,
        ends_at=NOW + timedelta(days=3),
        static_address=True,
        needs_hub_token=True,
        revision="abc",
    )
    hardware = replace(HARDWARE, static_address_usd_per_hour=Decimal("0.0045"), vcpus=None)
    one = await added(
        storage, spec=spec, hardware=hardware, failure=Failure(kind=FailureKind.QUOTA, message="No."), channel=None
    )
    async with storage.transaction() as stores:
        assert await stores.servers.get(one.id) == one
        assert await stores.servers.named("llama") == one
        assert await stores.servers.key(one.id) == "key of llama"


async def test_a_name_is_taken_until_its_server_is_deleted(storage: PostgresStorage) -> None:
    one = await added(storage)
    with pytest.raises(ConflictError):
        await added(storage)
    async with storage.transaction() as stores:
        gone = await stores.servers.save(replace(one, desired=Desired.DELETED, state=ServerState.DELETED), due_at=None)
    await added(storage)
    async with storage.transaction() as stores:
        with pytest.raises(ConflictError):
            await stores.servers.key(gone.id)  # it went with its server
        listed, total = await stores.servers.search("", after=None, limit=10)
    assert [one.id for one in listed] != [gone.id]
    assert total == 1


async def test_a_write_is_guarded_by_what_it_was_decided_on(storage: PostgresStorage) -> None:
    one = await added(storage)
    async with storage.transaction() as stores:
        saved = await stores.servers.save(replace(one, progress="first"), due_at=None)
    assert saved.version == one.version + 1
    with pytest.raises(ConflictError):
        async with storage.transaction() as stores:
            await stores.servers.save(replace(one, progress="second"), due_at=None)
    async with storage.transaction() as stores:
        assert (await stores.servers.get(one.id)) == saved


async def test_the_search_looks_everywhere_and_takes_no_wildcards(storage: PostgresStorage) -> None:
    await added(storage, "alpha")
    await added(storage, "beta")

    async def found(text: str) -> list[str]:
        async with storage.transaction() as stores:
            return [one.spec.name for one in (await stores.servers.search(text, after=None, limit=10))[0]]

    assert await found("ALPH") == ["alpha"]
    for text in ("for the TEAM", "qwen3", "rtx a4000", "A4000", "paperspace"):
        assert await found(text) == ["beta", "alpha"]
    assert await found("%") == await found("_eta") == []


async def test_a_list_is_paged(storage: PostgresStorage) -> None:
    servers = [await added(storage, f"s{number}") for number in range(5)]
    async with storage.transaction() as stores:
        first, total = await stores.servers.search("", after=None, limit=2)
        rest, _ = await stores.servers.search("", after=first[-1].id, limit=10)
    assert total == 5
    assert [one.id for one in (*first, *rest)] == [one.id for one in reversed(servers)]


async def test_names_complete_by_their_beginning(storage: PostgresStorage) -> None:
    for name in ("llama-b", "llama-a", "qwen"):
        await added(storage, name)
    async with storage.transaction() as stores:
        assert [one.spec.name for one in await stores.servers.starting_with("llama", limit=5)] == ["llama-a", "llama-b"]
        assert await stores.servers.starting_with("%", limit=5) == []


async def test_what_is_due_is_held_by_one_alone_until_its_lease_ends(storage: PostgresStorage) -> None:
    one = await added(storage)
    async with storage.transaction() as stores:
        held = await stores.servers.claim_due(holder="a", now=NOW, lease_until=LATER, limit=9)
    async with storage.transaction() as stores:
        assert await stores.servers.claim_due(holder="b", now=NOW, lease_until=LATER, limit=9) == []
        assert not await stores.servers.renew(one.id, holder="b", lease_until=LATER)
        assert await stores.servers.renew(one.id, holder="a", lease_until=LATER)
    async with storage.transaction() as stores:
        taken = await stores.servers.claim_due(holder="b", now=LATER, lease_until=LATER, limit=9)
    assert held == taken == [one]


async def test_what_was_given_back_is_due_when_that_was_said(storage: PostgresStorage) -> None:
    one = await added(storage)
    async with storage.transaction() as stores:
        await stores.servers.claim_due(holder="a", now=NOW, lease_until=LATER, limit=9)
        await stores.servers.release(one, holder="a", due_at=LATER)
        assert await stores.servers.claim_due(holder="a", now=NOW, lease_until=LATER, limit=9) == []
        assert await stores.servers.claim_due(holder="a", now=LATER, lease_until=LATER, limit=9) == [one]
        await stores.servers.release(one, holder="a", due_at=None)
        assert await stores.servers.claim_due(holder="a", now=LATER, lease_until=LATER, limit=9) == []


async def test_who_was_overtaken_does_not_put_off_what_somebody_wants_now(storage: PostgresStorage) -> None:
    one = await added(storage)
    async with storage.transaction() as stores:
        await stores.servers.claim_due(holder="a", now=NOW, lease_until=LATER, limit=9)
        wanted = await stores.servers.save(replace(one, desired=Desired.DELETED), due_at=NOW)
        await stores.servers.release(one, holder="a", due_at=NOW + timedelta(hours=1))
        assert await stores.servers.claim_due(holder="b", now=NOW, lease_until=LATER, limit=9) == [wanted]


async def test_machines_are_known_and_so_are_servers_that_may_have_one(storage: PostgresStorage) -> None:
    one = await added(storage, "one")
    await added(storage, "ordered")
    await added(storage, "failed", state=ServerState.FAILED)
    await added(storage, "unsure", state=ServerState.FAILED, cloud_asked_at=NOW)
    async with storage.transaction() as stores:
        await stores.servers.save(replace(one, machine_id="ps1", state=ServerState.READY), due_at=None)
        assert await stores.servers.machine_ids("paperspace") == {"ps1": "one"}
        assert await stores.servers.machine_ids("elsewhere") == {}
        assert await stores.servers.without_machine("paperspace") == ["ordered", "unsure"]


async def test_a_twin_of_a_machine_that_is_known_is_nobodys(storage: PostgresStorage) -> None:
    ordered = await added(storage, "ordered")
    ready = await added(storage, "ready", machine_id="ps1", state=ServerState.READY)
    failed = await added(storage, "failed", state=ServerState.FAILED)
    unsure = await added(storage, "unsure", state=ServerState.FAILED, cloud_asked_at=NOW)
    async with storage.transaction() as stores:
        known = await stores.servers.known_machines("paperspace")
    assert known == {"ps1", ordered.machine_name, unsure.machine_name}
    assert not {ready.machine_name, failed.machine_name} & set(known)


async def test_what_is_off_costs_nothing_now(storage: PostgresStorage) -> None:
    await added(storage, "ready", machine_id="ps1", state=ServerState.READY)
    off = Failure(kind=FailureKind.NO_CAPACITY, message="no capacity")
    await added(storage, "off", machine_id="ps2", state=ServerState.FAILED, failure=off)
    async with storage.transaction() as stores:
        assert (await stores.servers.running_cost()).usd_per_hour == HARDWARE.price_usd_per_hour


async def test_a_state_that_begins_when_the_last_one_did_is_one_of_its_own(storage: PostgresStorage) -> None:
    one = await added(storage)
    async with storage.transaction() as stores:
        await stores.servers.save(
            replace(one, machine_id="ps1", state=ServerState.BOOTING, state_since=one.state_since), due_at=None
        )
        spent = await stores.costs.spent([one.id], since=NOW, until=NOW + timedelta(hours=2))
    assert spent[one.id].usd > 0


async def test_the_way_up_is_remembered_from_order_to_first_ready(storage: PostgresStorage) -> None:
    one = await added(storage)
    for seconds, state in ((60, ServerState.BOOTING), (300, ServerState.READY), (900, ServerState.STOPPING)):
        async with storage.transaction() as stores:
            one = await stores.servers.save(
                replace(one, state=state, state_since=NOW + timedelta(seconds=seconds)), due_at=None
            )
            one = await stores.servers.save(replace(one, progress=f"in {state}"), due_at=None)
    async with storage.transaction() as stores:
        lasted = await stores.servers.seconds_to_ready(
            provider="paperspace", offer_type="A4000", model=SPEC.model, limit=20
        )
    assert lasted == [300.0]


async def test_an_installation_keeps_its_name(storage: PostgresStorage) -> None:
    async with storage.transaction() as stores:
        name = await stores.servers.installation()
    async with storage.transaction() as stores:
        assert await stores.servers.installation() == name
    assert len(name) == 6


async def test_cards_are_noted_once_each(storage: PostgresStorage) -> None:
    one = await added(storage)
    card = CardAt(channel="C1", ts="1.2")
    async with storage.transaction() as stores:
        await stores.servers.add_card(one.id, card)
        await stores.servers.add_card(one.id, card)
        assert await stores.servers.cards(one.id) == [card]
