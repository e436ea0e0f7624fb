"""Clouds' keys: checked before they are kept, encrypted, never shown, and not lost while servers need them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.access.model import Principal, Role
from core.audit.model import AuditEntry
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.keys.service import Keys
from core.servers.errors import ProviderForbiddenError, ProviderUnavailableError
from core.servers.model import Machine, MachineOrder, MachineState, ServerState
from core.servers.ports import Provider, Providers
from db.rotation import rotate
from db.secrets import SecretKeys, UnreadableSecretError
from db.storage import PostgresStorage
from lab.paperspace.server import PaperspaceLab
from providers.paperspace.provider import factory
from providers.registry import InstalledProviders
from tests.access import ADA, BEA, OLE, World
from tests.canned import QuickClock
from tests.clock import ManualClock
from tests.servers import server

FIRST, SECOND, OTHER, BAD = ("first-key-1111", "second-key-2222", "other-key-3333", "wrong-key-0000")


@dataclass
class Clouds(Providers):
    """One cloud, `paperspace`, with two teams: what core asks of a cloud, over plain values."""

    machines: dict[str, set[str]] = field(default_factory=lambda: {"Lab": set[str](), "Elsewhere": set[str]()})
    team_of: dict[str, str] = field(default_factory=lambda: {FIRST: "Lab", SECOND: "Lab", OTHER: "Elsewhere"})
    away: bool = False
    open_now: int = 0

    def types(self) -> Sequence[str]:
        return ["paperspace"]

    def label(self, type: str) -> str:  # noqa: A002
        if type != "paperspace":
            raise NotFoundError("No such cloud.")
        return "Paperspace"

    def open(self, type: str, key: str) -> Provider:  # noqa: A002
        self.label(type)
        self.open_now += 1
        return cast("Provider", Cloud(self, key))


@dataclass
class Cloud:
    """As much of the port as keys need."""

    clouds: Clouds
    key: str

    async def check_credentials(self) -> str:
        if self.clouds.away:
            raise ProviderUnavailableError("Paperspace is away.")
        if self.key not in self.clouds.team_of:
            raise ProviderForbiddenError("Paperspace does not know this key.")
        return self.clouds.team_of[self.key]

    async def list(self, *, name: str | None = None) -> Sequence[Machine]:
        ids = self.clouds.machines[await self.check_credentials()]
        return [
            Machine(id=id_, name=id_, state=MachineState.RUNNING, type="A4000", region="NY2", address=None)
            for id_ in ids
        ]

    async def aclose(self) -> None:
        self.clouds.open_now -= 1


@dataclass
class KeysWorld:
    people: World
    clouds: Clouds
    keys: Keys
    ada: Principal

    async def add_server(self, name: str, *, machine: str | None, state: ServerState = ServerState.READY) -> None:
        async with self.people.storage.transaction() as stores:
            number = await stores.servers.next_id()
            made = replace(server(id=number, state=state), machine_id=machine, machine_name=f"prime-{number}")
            await stores.servers.add(replace(made, spec=replace(made.spec, name=name)), key="k")
        if machine is not None:
            self.clouds.machines["Lab"].add(machine)

    async def audited(self) -> list[AuditEntry]:
        return [entry for entry in await self.people.audited() if entry.action.startswith("keys.")]


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> KeysWorld:
    people = World(storage, clock)
    await people.settle(ADA)
    clouds = Clouds()
    keys = Keys(storage, clock, people.access, clouds)
    return KeysWorld(people, clouds, keys, await people.acting(ADA))


class TestSave:
    async def test_a_key_that_the_cloud_accepts_is_kept_and_only_its_end_is_shown(self, world: KeysWorld) -> None:
        saved = await world.keys.save(world.ada, "paperspace", f"  {FIRST}\n")

        assert (saved.last_four, saved.account, saved.added_by) == ("1111", "Lab", str(ADA))
        assert saved.added_at == saved.checked_at == world.people.clock.now()
        (entry,) = await world.keys.listing(world.ada)
        assert (entry.provider, entry.label, entry.key) == ("paperspace", "Paperspace", saved)
        assert FIRST not in repr(entry)

    async def test_it_is_audited_without_the_key(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        await world.keys.save(world.ada, "paperspace", SECOND)
        await world.keys.remove(world.ada, "paperspace")

        entries = await world.audited()
        assert [entry.action for entry in entries] == ["keys.key.add", "keys.key.rotate", "keys.key.remove"]
        assert {(entry.actor, entry.target) for entry in entries} == {(str(ADA), "provider:paperspace")}
        assert entries[0].detail == {"account": "Lab", "last_four": "1111"}
        assert FIRST not in repr(entries)

    @pytest.mark.parametrize("secret", [BAD, "short", "two words of it", "schlüssel-1234", "x" * 501, ""])
    async def test_what_is_no_key_is_refused_on_its_field(self, secret: str, world: KeysWorld) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await world.keys.save(world.ada, "paperspace", secret)
        assert refused.value.field == "secret"
        assert not secret or secret not in str(refused.value)
        assert (await world.keys.listing(world.ada))[0].key is None
        assert world.clouds.open_now == 0

    async def test_a_cloud_that_does_not_answer_leaves_everything_as_it_is(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        world.clouds.away = True
        with pytest.raises(ProviderUnavailableError):
            await world.keys.save(world.ada, "paperspace", SECOND)
        assert [entry.action for entry in await world.audited()] == ["keys.key.add"]

    async def test_a_cloud_that_is_not_installed_is_not_found(self, world: KeysWorld) -> None:
        with pytest.raises(NotFoundError):
            await world.keys.save(world.ada, "elsewhere", FIRST)

    async def test_a_role_that_went_while_the_cloud_was_asked_keeps_nothing(self, world: KeysWorld) -> None:
        await world.people.settle(OLE)
        granted, kept = await world.people.meet_at_the_lock(
            world.people.access.grant(await world.people.acting(OLE), ADA, Role.READ, duration=None),
            world.keys.save(world.ada, "paperspace", FIRST),
        )
        assert granted is not None
        assert isinstance(kept, AccessDeniedError)
        assert await world.audited() == []


class TestRotationWhileServersAreThere:
    async def test_a_key_that_sees_the_same_machines_takes_the_old_ones_place(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        await world.add_server("llama", machine="ps1")
        await world.add_server("ordered", machine=None, state=ServerState.ORDERED)

        saved = await world.keys.save(world.ada, "paperspace", SECOND)
        assert saved.last_four == "2222"

    async def test_a_key_that_does_not_see_them_is_refused_with_their_names(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        await world.add_server("llama", machine="ps1")
        await world.add_server("mistral", machine="ps2")
        await world.add_server("over", machine="ps3", state=ServerState.DELETED)
        world.clouds.machines["Elsewhere"] = {"ps2"}

        with pytest.raises(ConflictError, match="`llama`") as refused:
            await world.keys.save(world.ada, "paperspace", OTHER)
        assert "`mistral`" not in str(refused.value)
        assert "`over`" not in str(refused.value)
        (entry,) = await world.keys.listing(world.ada)
        assert entry.key is not None
        assert entry.key.last_four == "1111"

    async def test_a_key_of_another_account_is_refused_while_an_order_may_be_under_way(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        await world.add_server("ordered", machine=None, state=ServerState.ORDERED)
        with pytest.raises(ConflictError, match="`ordered`"):
            await world.keys.save(world.ada, "paperspace", OTHER)


class TestRemove:
    @pytest.mark.parametrize("machine", ["ps1", None])
    async def test_a_key_that_servers_need_stays(self, machine: str | None, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        await world.add_server("llama", machine=machine, state=ServerState.ORDERED)
        with pytest.raises(ConflictError, match="`llama`"):
            await world.keys.remove(world.ada, "paperspace")

    async def test_a_removed_key_opens_nothing(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        await world.keys.remove(world.ada, "paperspace")
        with pytest.raises(ProviderForbiddenError, match="no key for Paperspace yet"):
            await world.keys.open("paperspace")
        with pytest.raises(NotFoundError):
            await world.keys.remove(world.ada, "paperspace")

    async def test_the_key_of_a_cloud_that_is_not_installed_any_more_is_shown_and_can_be_removed(
        self, world: KeysWorld
    ) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        bare = Keys(
            world.people.storage, world.people.clock, world.people.access, InstalledProviders({}, clock=QuickClock())
        )
        (entry,) = await bare.listing(world.ada)
        assert (entry.provider, entry.label) == ("paperspace", "paperspace")
        await bare.remove(world.ada, "paperspace")
        assert await bare.listing(world.ada) == []

    async def test_a_held_key_is_not_removed_before_the_order_is_written_down(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        async with world.people.storage.transaction() as stores:
            assert await stores.keys.hold("paperspace")
            removing = asyncio.create_task(world.keys.remove(world.ada, "paperspace"))
            await asyncio.sleep(0.05)
            assert not removing.done()
            await stores.servers.add(server(state=ServerState.ORDERED), key="k")
        with pytest.raises(ConflictError):
            await removing


class TestOpen:
    async def test_it_opens_with_the_stored_key(self, world: KeysWorld) -> None:
        await world.keys.save(world.ada, "paperspace", FIRST)
        cloud = await world.keys.open("paperspace")
        assert await cloud.check_credentials() == "Lab"

    async def test_a_check_notes_when_the_cloud_last_accepted_the_key(self, world: KeysWorld) -> None:
        saved = await world.keys.save(world.ada, "paperspace", FIRST)
        await world.people.clock.advance(60)
        checked = await world.keys.check("paperspace")
        assert checked == replace(saved, checked_at=world.people.clock.now())

        del world.clouds.team_of[FIRST]
        with pytest.raises(ProviderForbiddenError):
            await world.keys.check("paperspace")
        assert world.clouds.open_now == 0


class TestFirstKey:
    async def test_the_configurations_key_is_kept_once_and_audited_as_such(self, world: KeysWorld) -> None:
        assert await world.keys.first_key("paperspace", FIRST)
        assert not await world.keys.first_key("paperspace", SECOND)

        (entry,) = await world.audited()
        assert (entry.actor, entry.action) == ("prime:configuration", "keys.key.add")
        (listed,) = await world.keys.listing(world.ada)
        assert listed.key is not None
        assert (listed.key.last_four, listed.key.added_by) == ("1111", "prime:configuration")

    async def test_replicas_that_start_together_keep_one(self, world: KeysWorld) -> None:
        kept = await asyncio.gather(*(world.keys.first_key("paperspace", key) for key in (FIRST, SECOND)))
        assert sorted(kept) == [False, True]
        assert len(await world.audited()) == 1

    async def test_one_that_the_cloud_does_not_accept_is_not_kept(self, world: KeysWorld) -> None:
        with pytest.raises(InvalidInputError):
            await world.keys.first_key("paperspace", BAD)
        assert (await world.keys.listing(world.ada))[0].key is None


async def test_only_an_admin_has_to_do_with_keys(world: KeysWorld) -> None:
    await world.people.give(BEA, Role.READ_WRITE)
    bea = await world.people.acting(BEA)
    with pytest.raises(AccessDeniedError):
        await world.keys.listing(bea)
    with pytest.raises(AccessDeniedError):
        await world.keys.save(bea, "paperspace", FIRST)
    with pytest.raises(AccessDeniedError):
        await world.keys.remove(bea, "paperspace")


async def test_teams_of_a_real_cloud_are_told_apart_by_their_machines(world: KeysWorld) -> None:
    lab = PaperspaceLab(boot_seconds=0.1, stop_seconds=0.1)
    await lab.start()
    installed = InstalledProviders({"paperspace": factory}, clock=QuickClock(), base_urls={"paperspace": lab.url})
    keys = Keys(world.people.storage, world.people.clock, world.people.access, installed)
    try:
        with pytest.raises(InvalidInputError):
            await keys.save(world.ada, "paperspace", BAD)
        assert (await keys.save(world.ada, "paperspace", lab.api_key)).account == "Lab"

        cloud = await keys.open("paperspace")
        machine = await cloud.create(
            MachineOrder(
                name="prime-1", type="A4000", region="NY2", template_id="twnlo3zj", disk_gb=50, startup_script="true\n"
            )
        )
        await cloud.aclose()
        await world.add_server("llama", machine=machine.id)
        with pytest.raises(ConflictError, match="`llama`"):
            await keys.save(world.ada, "paperspace", lab.team("Other"))
        assert (await keys.save(world.ada, "paperspace", lab.api_key)).account == "Lab"
    finally:
        await lab.stop()


async def test_the_database_holds_the_key_encrypted_and_rotation_takes_it_along(
    world: KeysWorld, engine: AsyncEngine
) -> None:
    await world.keys.save(world.ada, "paperspace", FIRST)
    async with engine.connect() as connection:
        stored = (
            await connection.execute(text("SELECT provider_key::text || encode(secret, 'escape') FROM provider_key"))
        ).scalar_one()
    assert FIRST not in stored

    old, new = b"k" * 32, b"n" * 32
    assert (await rotate(engine, SecretKeys([new, old]))).changed >= 1
    async with PostgresStorage(engine, SecretKeys([new])).transaction() as stores:
        assert await stores.keys.secret("paperspace") == FIRST
    with pytest.raises(UnreadableSecretError):
        await world.keys.open("paperspace")
