"""Servers from order to deletion, on a cloud that works, fails, loses replies and lies."""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.access.model import Principal, Role
from core.catalog.model import EngineKind, EngineOptions
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.servers.errors import ProviderForbiddenError
from core.servers.model import FailureKind, Server, ServerState
from core.servers.service import MisfitError
from db.storage import PostgresStorage
from lab.paperspace.faults import FaultName
from tests.servers import SPEC
from tests.site import BUILDER, Site, open_site

READER = Principal(person=BUILDER.person, role=Role.READ)
S = ServerState


@pytest.fixture
async def site(storage: PostgresStorage) -> AsyncIterator[Site]:
    async with open_site(storage) as site:
        yield site


def is_in(*states: ServerState):
    return lambda server: server.state in states


async def history(site: Site, server: Server) -> list[str]:
    async with site.storage.transaction() as stores:
        rows = await stores.audit.recent(actor_or_target=f"server:{server.spec.name}", limit=100)
    return [row.entry.action.removeprefix("server.") for row in reversed(rows)]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", list(EngineKind))
async def test_a_server_lives_from_order_to_deletion(storage: PostgresStorage, scheme: str, kind: EngineKind) -> None:
    async with open_site(storage, scheme=scheme) as site:
        server = await site.ready(replace(SPEC, engine=kind, options=EngineOptions(max_total_tokens=8192)))
        assert (server.fingerprint is not None) is (scheme == "https")
        assert server.address is not None
        await site.check()

        address = server.address
        stopped = await site.moved(await site.servers.stop(BUILDER, server.id))
        assert (stopped.state, stopped.address) == (S.STOPPED, None)
        await site.check()

        started = await site.moved(await site.servers.start(BUILDER, server.id))
        assert started.state is S.READY
        assert started.address not in (None, address)
        await site.check()

        await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
        assert not site.cloud.costing()
        assert not site.cloud.scripts
        await site.check()
        with pytest.raises(NotFoundError):
            await site.servers.get(server.id)


async def test_once_it_is_ready_the_cloud_holds_no_secret_of_it(site: Site) -> None:
    server = await site.create()
    async with site.storage.transaction() as stores:
        key = await stores.servers.key(server.id)
    await site.moved(server)
    [before] = [call.body for call in site.cloud.calls if (call.method, call.path) == ("POST", "/startup-scripts")]
    server = await site.moved(server, lambda one: not one.secrets_at_cloud)
    [script] = site.cloud.scripts
    assert script.text != before
    assert not holds(script.text, key)
    await site.moved(await site.servers.stop(BUILDER, server.id))
    assert (await site.moved(await site.servers.start(BUILDER, server.id))).state is S.READY


def holds(script: str, secret: str) -> bool:
    import base64
    import gzip

    packed = script.partition("PACKED'")[2].partition("\n")[2].partition("PACKED")[0]
    return secret in gzip.decompress(base64.b64decode(packed)).decode()


@contextmanager
def machine_is_out_of_sight(site: Site) -> Generator[None]:
    """The cloud's list comes without it for a while, as lists may that are behind."""
    machines, site.cloud._cloud.machines[:] = list(site.cloud._cloud.machines), []
    yield
    site.cloud._cloud.machines.extend(machines)


# --- what people may not, or cannot


async def test_every_use_asks_for_its_role(site: Site) -> None:
    server = await site.create()
    for refused in (
        site.servers.create(READER, replace(SPEC, name="other"), channel=None),
        site.servers.start(READER, server.id),
        site.servers.stop(READER, server.id),
        site.servers.delete(READER, server.id, typed_name="llama"),
        site.servers.reveal_key(READER, server.id),
        site.servers.allow_direct_access(BUILDER, server.id, allowed=True),
        site.servers.listing(replace(READER, role=Role.NONE)),
        site.servers.find(replace(READER, role=Role.NONE), "llama"),
    ):
        with pytest.raises(AccessDeniedError, match="needs the role"):
            await refused


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": "Not a name"}),
        ("offer", {"offer_type": "A4OOO"}),
        ("region", {"region": "mars"}),
        ("template", {"template_id": "t0"}),
        ("disk", {"disk_gb": 123}),
        ("disk", {"disk_gb": -1}),
        ("description", {"description": "long " * 100}),
        ("max_input_tokens", {"options": replace(SPEC.options, max_input_tokens=4000, max_total_tokens=4000)}),
    ],
)
async def test_what_a_form_holds_is_looked_up_again(site: Site, field: str, change: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await site.create(replace(SPEC, **change))
    assert refused.value.field == field
    assert not site.cloud.machines


async def test_a_name_is_taken_once(site: Site) -> None:
    await site.create()
    with pytest.raises(InvalidInputError) as refused:
        await site.create()
    assert refused.value.field == "name"


async def test_an_end_that_has_passed_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await site.create(replace(SPEC, ends_at=site.clock.now() - timedelta(minutes=1)))
    assert refused.value.field == "ends_at"


async def test_a_misfit_needs_a_second_yes(site: Site) -> None:
    big = replace(SPEC, model="meta-llama/Llama-3.3-70B-Instruct", disk_gb=500)
    with pytest.raises(MisfitError, match="GiB"):
        await site.create(big)
    assert (await site.servers.create(BUILDER, big, channel=None, despite_misfit=True)).state is S.ORDERED


async def test_without_a_key_nothing_is_created(site: Site) -> None:
    admin = Principal(person=BUILDER.person, role=Role.ADMIN)
    async with site.storage.transaction() as stores:
        await stores.keys.remove("paperspace")
    with pytest.raises(ProviderForbiddenError, match="/prime keys"):
        await site.create()
    assert (await site.servers.listing(admin)).total == 0


async def test_a_server_is_found_by_the_beginning_of_its_name(site: Site) -> None:
    one = await site.create()
    assert (await site.servers.find(READER, " LLAMA ")).id == one.id
    assert (await site.servers.find(READER, "ll")).id == one.id
    await site.create(replace(SPEC, name="llama-2"))
    assert (await site.servers.find(READER, "llama")).id == one.id
    with pytest.raises(InvalidInputError, match="`llama`, `llama-2`"):
        await site.servers.find(READER, "lla")
    with pytest.raises(NotFoundError):
        await site.servers.find(READER, "qwen")
    with pytest.raises(NotFoundError):
        await site.servers.find(READER, "")


async def test_what_was_asked_twice_happens_once(site: Site) -> None:
    server = await site.ready()
    await site.servers.stop(BUILDER, server.id)
    with pytest.raises(ConflictError, match="stopping already"):
        await site.servers.stop(BUILDER, server.id)
    await site.moved(server, is_in(S.STOPPED))
    with pytest.raises(ConflictError, match="stopped already"):
        await site.servers.stop(BUILDER, server.id)
    deleting = await site.servers.delete(BUILDER, server.id, typed_name="LLAMA ")
    assert await site.servers.delete(BUILDER, server.id, typed_name="llama") == deleting
    assert (await history(site, server)).count("delete") == 1
    await site.moved(server)


async def test_a_disk_is_deleted_only_by_its_name(site: Site) -> None:
    server = await site.ready()
    for typed in (None, "", "lama", "llama2"):
        with pytest.raises(InvalidInputError) as refused:
            await site.servers.delete(BUILDER, server.id, typed_name=typed)
        assert refused.value.field == "name"
    assert (await site.get(server)).state is S.READY


async def test_a_key_is_revealed_only_where_that_is_allowed_and_with_an_audit_row(site: Site) -> None:
    server = await site.create()
    admin = Principal(person=BUILDER.person, role=Role.ADMIN)
    with pytest.raises(ConflictError, match="off"):
        await site.servers.reveal_key(BUILDER, server.id)
    await site.servers.allow_direct_access(admin, server.id, allowed=True)
    async with site.storage.transaction() as stores:
        assert await site.servers.reveal_key(BUILDER, server.id) == await stores.servers.key(server.id)
    assert (await history(site, server))[-2:] == ["allow_direct_access", "reveal_key"]


async def test_a_key_changes_when_somebody_who_was_shown_it_may_not_have_it_any_more(storage: PostgresStorage) -> None:
    admin = Principal(person=BUILDER.person, role=Role.ADMIN)
    async with open_site(storage, scheme="https") as site:
        server = await site.ready()
        await site.servers.allow_direct_access(admin, server.id, allowed=True)
        await site.let(BUILDER.person, Role.READ_WRITE)
        old = await site.servers.reveal_key(BUILDER, server.id)
        assert await site.takes_key(server, old)
        assert await site.servers.renew_keys() == 0

        await site.let(BUILDER.person, Role.READ)
        assert await site.servers.renew_keys() == 1
        assert await site.servers.renew_keys() == 0
        again = await site.moved(server, lambda one: not one.stale_key and is_in(S.READY)(one))
        again = await site.moved(again, lambda one: not one.secrets_at_cloud)
        async with storage.transaction() as stores:
            new = await stores.servers.key(server.id)
        assert new != old
        assert await site.takes_key(again, new)
        assert not await site.takes_key(again, old)
        assert "renew_key" in await history(site, server)


async def test_a_key_that_was_shown_changes_when_direct_access_is_forbidden_again(site: Site) -> None:
    admin = Principal(person=BUILDER.person, role=Role.ADMIN)
    server = await site.ready()
    await site.let(BUILDER.person, Role.READ_WRITE)
    await site.servers.allow_direct_access(admin, server.id, allowed=True)
    await site.servers.reveal_key(BUILDER, server.id)
    await site.moved(await site.servers.stop(BUILDER, server.id))
    await site.servers.allow_direct_access(admin, server.id, allowed=False)
    assert await site.servers.renew_keys() == 1
    await site.moved(server, lambda one: not one.stale_key)
    assert (await site.get(server)).state is S.STOPPED  # the next start brings it
    assert (await site.moved(await site.servers.start(BUILDER, server.id))).state is S.READY


# --- faults of the cloud


async def test_an_order_without_capacity_says_so_and_what_else_would_do(site: Site) -> None:
    site.cloud.faults.switch(FaultName.NO_CAPACITY)
    failed = await site.moved(await site.create())
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.NO_CAPACITY
    assert "capacity" in failed.failure.message
    card = await site.servers.card(failed.id)
    assert "disk of 100 GB" in card.still_costs
    assert card.alternatives
    assert all((one.offer.type, one.region) != ("A4000", "NY2") for one in card.alternatives)
    await site.check()

    site.cloud.faults.switch(FaultName.NO_CAPACITY, on=False)
    assert (await site.moved(await site.servers.start(BUILDER, failed.id))).state is S.READY
    await site.check()


async def test_a_start_without_capacity_leaves_it_off_and_says_so(site: Site) -> None:
    server = await site.ready()
    await site.moved(await site.servers.stop(BUILDER, server.id))
    site.cloud.faults.switch(FaultName.NO_CAPACITY)
    failed = await site.moved(await site.servers.start(BUILDER, server.id))
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.NO_CAPACITY
    site.cloud.faults.switch(FaultName.NO_CAPACITY, on=False)
    assert (await site.moved(await site.servers.start(BUILDER, server.id))).state is S.READY


async def test_a_quota_is_told_and_leaves_nothing(site: Site) -> None:
    site.cloud.faults.switch(FaultName.QUOTA)
    failed = await site.moved(await site.create())
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.QUOTA
    cleared = await site.moved(failed, lambda one: not one.secrets_at_cloud)
    assert not site.cloud.scripts
    assert (await site.servers.card(cleared.id)).still_costs == ""
    await site.moved(await site.servers.delete(BUILDER, failed.id, typed_name="llama"))
    await site.check()


async def test_a_firewall_that_takes_the_order_for_an_attack_is_told(site: Site) -> None:
    site.cloud.faults.switch(FaultName.HTML)
    failed = await site.moved(await site.create())
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.REFUSED
    assert "firewall" in failed.failure.message
    await site.check()


FLAKY = [
    (FaultName.RATE_LIMITS, {"share": 0.5}),
    (FaultName.RATE_LIMITS, {"only": "POST /machines", "times": 3, "share": 1.0, "retry_after": 3}),
    (FaultName.ERRORS, {"share": 0.4}),
    (FaultName.ERRORS, {"share": 0.4, "after": True}),
    (FaultName.ERRORS, {"only": "POST", "times": 2, "share": 1.0}),
    (FaultName.ERRORS, {"only": "POST", "times": 2, "share": 1.0, "after": True}),
    (FaultName.LOST_REPLIES, {"share": 0.4}),
    (FaultName.LOST_REPLIES, {"only": "POST /machines", "times": 1, "share": 1.0}),
    (FaultName.LOST_REPLIES, {"only": "POST /startup-scripts", "times": 1, "share": 1.0}),
    (FaultName.LOST_REPLIES, {"only": "PATCH", "share": 1.0, "times": 2}),
    (FaultName.LOST_REPLIES, {"only": "DELETE", "share": 1.0, "times": 3}),
]


@pytest.mark.parametrize(("fault", "options"), FLAKY)
async def test_a_flaky_cloud_ends_as_asked_with_one_machine_for_one_server(
    site: Site, fault: FaultName, options: dict[str, Any]
) -> None:
    site.cloud.faults.switch(fault, **options)
    server = await site.moved(await site.create())
    await site.check()
    if server.failure is not None:  # by chance the cloud refused the order each time that it was made
        assert options["share"] < 1
        assert server.failure.kind is FailureKind.REFUSED
    else:
        assert (await site.moved(await site.servers.stop(BUILDER, server.id))).state is S.STOPPED
        assert (await site.moved(await site.servers.start(BUILDER, server.id))).state is S.READY
        await site.check()
    await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
    site.cloud.faults.switch(fault, on=False)
    await site.check()
    assert not site.cloud.costing()
    assert not site.cloud.scripts
    assert len({machine.name for machine in site.cloud._cloud.machines}) == len(site.cloud._cloud.machines)


async def test_an_order_whose_reply_was_lost_can_be_deleted_at_once(site: Site) -> None:
    site.cloud.faults.switch(FaultName.LOST_REPLIES, only="POST /machines", times=1, share=1.0)
    server = await site.create()
    await site.mover.move_due()
    assert len(site.machines()) == 1
    assert (await site.get(server)).machine_id is None
    await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
    assert not site.cloud.costing()
    await site.check()


async def test_who_deletes_while_the_cloud_is_asked_loses_no_machine(site: Site) -> None:
    server = await site.create()
    site.cloud.faults.switch(FaultName.SLOW, seconds=0.5)
    moving = site.mover.move_due()
    import asyncio

    task = asyncio.create_task(moving)
    async with asyncio.timeout(10):
        while not site.machines():
            await site.cloud_settles(0.1)
    await site.servers.delete(BUILDER, server.id, typed_name="llama")
    await task
    site.cloud.faults.switch(FaultName.SLOW, on=False)
    await site.moved(server)
    assert not site.cloud.costing()
    await site.check()


async def test_an_order_of_which_nothing_was_heard_is_looked_for_after_it_failed(site: Site) -> None:
    server = await site.create()
    site.cloud.faults.switch(FaultName.LOST_REPLIES, only="POST /machines", times=1, share=1.0)
    await site.mover.move_due()
    site.cloud.faults.switch(FaultName.ERRORS, only="GET /machines", share=1.0)
    site.clock.jump(11 * 60)
    failed = await site.moved(server, is_in(S.FAILED))
    assert len(site.machines()) == 1
    assert "Prime keeps looking" in (await site.servers.card(failed.id)).still_costs
    site.cloud.faults.switch(FaultName.ERRORS, on=False)
    await site.moved(failed, lambda one: one.cloud_asked_at is None and not one.secrets_at_cloud)
    assert not site.cloud.costing()
    assert "delete_unwanted" in await history(site, server)
    await site.check()


async def test_a_refusal_does_not_make_an_earlier_order_forgotten(site: Site) -> None:
    server = await site.create()
    site.cloud.faults.switch(FaultName.LOST_REPLIES, only="POST /machines", times=1, share=1.0)
    await site.mover.move_due()
    [machine] = site.machines()
    with machine_is_out_of_sight(site):
        site.clock.jump(16)
        site.cloud.faults.switch(FaultName.RATE_LIMITS, only="POST /machines", times=1, share=1.0)
        await site.moved(server, lambda one: one.attempts > 0)
    ready = await site.moved(server)
    assert (ready.state, ready.machine_id) == (S.READY, machine.id)
    await site.check()


async def test_direct_access_can_be_allowed_on_the_way_up(site: Site) -> None:
    server = await site.moved(await site.create(), is_in(S.BOOTING))
    admin = Principal(person=BUILDER.person, role=Role.ADMIN)
    await site.servers.allow_direct_access(admin, server.id, allowed=True)
    assert (await site.moved(server)).state is S.READY


async def test_a_record_that_never_was_at_the_cloud_is_deleted_without_it(site: Site) -> None:
    site.cloud.faults.switch(FaultName.QUOTA)
    failed = await site.moved(await site.create())
    await site.moved(failed, lambda one: not one.secrets_at_cloud)
    async with site.storage.transaction() as stores:
        await stores.keys.remove("paperspace")
    assert (await site.moved(await site.servers.delete(BUILDER, failed.id, typed_name="llama"))).state is S.DELETED


async def test_whoever_starts_it_while_it_gets_a_new_key_gets_the_new_key(storage: PostgresStorage) -> None:
    admin = Principal(person=BUILDER.person, role=Role.ADMIN)
    async with open_site(storage, scheme="https") as site:
        server = await site.ready()
        await site.servers.allow_direct_access(admin, server.id, allowed=True)
        await site.let(BUILDER.person, Role.READ_WRITE)
        old = await site.servers.reveal_key(BUILDER, server.id)
        await site.let(BUILDER.person, Role.READ)
        await site.servers.renew_keys()
        await site.moved(server, is_in(S.STOPPING))
        await site.servers.start(BUILDER, server.id)
        again = await site.moved(server, lambda one: is_in(S.READY)(one) and not one.secrets_at_cloud)
        async with storage.transaction() as stores:
            assert await site.takes_key(again, await stores.servers.key(server.id))
        assert not await site.takes_key(again, old)


async def test_a_refused_script_does_not_make_prime_ask_every_second(site: Site) -> None:
    server = await site.moved(await site.create())
    site.cloud.faults.switch(FaultName.ERRORS, only="PUT", share=1.0)
    for _ in range(5):
        await site.mover.move_due()
        site.clock.jump(20)
    assert (await site.get(server)).attempts >= 4
    site.cloud.faults.switch(FaultName.ERRORS, on=False)
    await site.moved(server, lambda one: not one.secrets_at_cloud)


async def test_a_static_address_goes_with_its_machine_whoever_deleted_that(site: Site) -> None:
    server = await site.ready(replace(SPEC, static_address=True))
    assert {charge.kind.value for charge in site.cloud.costing()} == {"machine", "disk", "ip"}
    site.cloud.faults.switch(FaultName.VANISHING)
    await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
    assert not site.cloud.costing()


@pytest.mark.parametrize("state", [S.ORDERED, S.BOOTING, S.LOADING, S.READY, S.STOPPING, S.STOPPED, S.FAILED])
async def test_it_can_be_deleted_from_wherever_it_is(site: Site, state: ServerState) -> None:
    if state is S.FAILED:
        site.cloud.faults.switch(FaultName.NO_CAPACITY)
    server = await site.create()
    if state in (S.STOPPING, S.STOPPED):
        server = await site.moved(server)
        await site.servers.stop(BUILDER, server.id)
    await site.moved(server, is_in(state))
    await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
    assert not site.cloud.costing()
    assert not site.cloud.scripts
    await site.check()


async def test_a_boot_that_never_ends_fails_after_half_an_hour_and_says_what_costs(site: Site) -> None:
    site.cloud.faults.switch(FaultName.ENDLESS_BOOT)
    server = await site.moved(await site.create(), is_in(S.BOOTING))
    site.clock.jump(31 * 60)
    failed = await site.moved(server)
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.TIMEOUT
    assert (await site.servers.card(failed.id)).still_costs
    await site.check()


async def test_a_machine_that_vanished_is_gone_after_three_looks_in_five_minutes_and_kept(site: Site) -> None:
    server = await site.moved(await site.create(), is_in(S.BOOTING))
    site.cloud.faults.switch(FaultName.VANISHING)
    for _ in range(3):
        await site.mover.move_due()
        await site.cloud_settles(1)
        assert (await site.get(server)).state is S.BOOTING
    site.clock.jump(300)
    gone = await site.moved(server)
    assert gone.state is S.GONE
    assert (await site.servers.find(READER, "llama")).id == server.id
    with pytest.raises(ConflictError, match="does not know"):
        await site.servers.start(BUILDER, server.id)
    await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
    await site.check()


async def test_a_cloud_that_is_away_does_not_fail_what_runs(site: Site) -> None:
    server = await site.moved(await site.create(), is_in(S.BOOTING))
    site.cloud.faults.switch(FaultName.ERRORS, share=1.0)
    for _ in range(4):
        await site.mover.move_due()
        await site.cloud_settles(20)
    waiting = await site.get(server)
    assert waiting.state is S.BOOTING
    assert "Paperspace" in waiting.progress
    site.cloud.faults.switch(FaultName.ERRORS, on=False)
    site.clock.jump(30)
    assert (await site.moved(server)).state is S.READY


async def test_another_server_does_not_wait_for_one_in_trouble(site: Site) -> None:
    stuck = await site.create(replace(SPEC, name="stuck", offer_type="A5000"))
    site.cloud.faults.switch(FaultName.ENDLESS_BOOT)
    await site.moved(stuck, is_in(S.BOOTING))
    site.cloud.faults.switch(FaultName.ENDLESS_BOOT, on=False)
    site.cloud.faults.switch(FaultName.NO_CAPACITY, machine_type="A6000")
    other = await site.create(replace(SPEC, name="other", offer_type="A6000"))
    assert (await site.moved(other)).state is S.FAILED
    assert (await site.moved(stuck)).state is S.READY


async def test_each_change_of_state_has_its_audit_row_and_its_notice(site: Site) -> None:
    server = await site.ready()
    await site.moved(await site.servers.stop(BUILDER, server.id))
    await site.moved(await site.servers.delete(BUILDER, server.id, typed_name="llama"))
    assert await history(site, server) == [
        "create", "booting", "loading", "ready", "stop", "stopped", "delete", "deleted",
    ]  # fmt: skip
