"""What people ask of watching: keeping a server, its load, and machines that no server has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.access.model import Principal
from core.access.permissions import Permission, require
from core.audit.model import AuditEntry
from core.catalog.model import EngineKind, EngineOptions, YesNo
from core.catalog.service import Catalog
from core.clock import Clock
from core.cost.budget import check_budget
from core.cost.rules import ask_of, is_on
from core.errors import ConflictError, InvalidInputError, NotFoundError, PrimeError
from core.inbox.model import Delivery
from core.notices import Notice, owe
from core.servers.errors import ProviderForbiddenError
from core.servers.model import (
    ADOPTED,
    HOW_ADOPTED,
    Desired,
    Failure,
    FailureKind,
    Hardware,
    Server,
    ServerSpec,
    ServerState,
)
from core.servers.rules import check_name, order_key
from core.storage import Storage
from core.watch.model import Load, MachineFate, UnknownMachine, Vitals
from core.watch.rules import LOADS_KEPT
from core.watch.vitals import gather_vitals

LONGEST_KEEP = timedelta(days=31)
_SAME_KEEP = timedelta(minutes=1)

_NO_MORE = "This server does not exist any more. `/prime servers` lists those that do."
_DECIDED = "Somebody decided about this machine already."


@dataclass(frozen=True, slots=True)
class Watch:
    storage: Storage
    clock: Clock
    catalog: Catalog

    async def vitals(self, servers: Sequence[Server]) -> Mapping[int, Vitals]:
        """By server id."""
        async with self.storage.transaction() as stores:
            return await gather_vitals(stores, servers, self.clock.now())

    async def loads(self, actor: Principal, server_id: int) -> Sequence[Load]:
        """Of the last day, oldest first; stretches in which it was not seen are missing."""
        require(actor.role, Permission.SEE_SERVERS)
        async with self.storage.transaction() as stores:
            return await stores.watch.loads(server_id, since=self.clock.now() - timedelta(days=1))

    async def keep(self, actor: Principal, server_id: int, *, until: datetime) -> Server:
        """Prime does not stop or delete it by itself before then, or longer where somebody asked for longer. Raises
        InvalidInputError for a time that is over or too far, ConflictError for a server that is on its way down,
        OverBudgetError if that long is beyond a budget."""
        require(actor.role, Permission.RUN_SERVERS)
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            server = await stores.servers.get_locked(server_id)
            if server is None or not server.is_live:
                raise NotFoundError(_NO_MORE)
            if server.keep_until is not None and until < server.keep_until + _SAME_KEEP:
                return server  # pressed twice, or kept for longer already
            if server.state in (ServerState.STOPPING, ServerState.DELETING, ServerState.GONE):
                raise ConflictError(f"`{server.spec.name}` is {server.state}; it cannot be kept any more.")
            now = self.clock.now()
            if not now < until <= now + LONGEST_KEEP:
                raise InvalidInputError(
                    f"Choose a time that is still to come, at most {LONGEST_KEEP.days} days ahead.", field="duration"
                )
            kept = replace(server, keep_until=until)
            if is_on(server) or server.state is ServerState.ORDERED:
                ask = ask_of(server.spec, server.hardware, now, keep_until=until)
                await check_budget(stores, server.owner, ask, now=now, server_id=server.id)
            saved = await stores.servers.save(kept, due_at=now)
            await stores.inbox.add(
                owe(
                    Notice.SERVER_CHANGED,
                    server_id=server.id,
                    kept_by=actor.person.user,
                    order_key=order_key(server),
                ),
                now=now,
            )
            await stores.audit.append(
                AuditEntry(
                    at=now,
                    actor=str(actor.person),
                    action="server.keep",
                    target=f"server:{server.spec.name}",
                    detail={"server": server.id, "until": until.isoformat()},
                )
            )
        return saved

    # --- machines of nobody

    async def unknown(self, actor: Principal, provider: str, machine_id: str) -> UnknownMachine:
        require(actor.role, Permission.MANAGE_KEYS)
        return await self.reported(provider, machine_id)

    async def reported(self, provider: str, machine_id: str) -> UnknownMachine:
        """Raises NotFoundError."""
        async with self.storage.transaction() as stores:
            machine = await stores.watch.unknown(provider, machine_id)
        if machine is None:
            raise NotFoundError("Prime does not know this machine.")
        return machine

    async def open_unknown(self, actor: Principal, provider: str, machine_id: str) -> UnknownMachine:
        """Raises ConflictError if somebody decided already."""
        machine = await self.unknown(actor, provider, machine_id)
        if machine.fate is not MachineFate.OPEN:
            raise ConflictError(_DECIDED)
        return machine

    async def ignore(self, actor: Principal, provider: str, machine_id: str) -> None:
        """It is not reported again. Raises ConflictError if somebody decided already."""
        machine = await self.unknown(actor, provider, machine_id)
        async with self.storage.transaction() as stores:
            if not await stores.watch.decide_unknown(provider, machine_id, MachineFate.IGNORED):
                raise ConflictError(_DECIDED)
            await stores.inbox.add(_decided(machine, actor), now=self.clock.now())
            await stores.audit.append(self._audit(actor, "ignore", machine))

    async def adopt(self, actor: Principal, provider: str, machine_id: str, *, name: str) -> Server:
        """Makes a server of it that Prime watches, counts, stops and deletes, but cannot talk to. Raises
        InvalidInputError (name), ConflictError if somebody decided already."""
        machine = await self.unknown(actor, provider, machine_id)
        name = check_name(name)
        hardware = await self.hardware(machine)
        async with self.storage.transaction() as stores:
            if not await stores.watch.decide_unknown(provider, machine_id, MachineFate.ADOPTED):
                raise ConflictError(_DECIDED)
            if await stores.servers.named(name) is not None:
                raise InvalidInputError("There is a server of this name already. Choose another.", field="name")
            now = self.clock.now()
            number = await stores.servers.next_id()
            server = _adopted(machine, hardware, actor, number, name, now)
            if not await stores.keys.hold(provider):
                raise ProviderForbiddenError("There is no key for this cloud any more: add one with `/prime keys`.")
            await stores.servers.add(server, key="")
            await stores.inbox.add(
                owe(Notice.SERVER_CHANGED, server_id=server.id, order_key=order_key(server)), now=now
            )
            await stores.inbox.add(_decided(machine, actor, adopted_as=name), now=now)
            await stores.audit.append(self._audit(actor, "adopt", machine))
        return server

    async def hardware(self, machine: UnknownMachine) -> Hardware:
        """As the catalogue knows its type; all unknown where it does not."""
        try:
            offers = await self.catalog.offers(machine.provider)
        except PrimeError:
            offers = ()
        offer = next((offer for offer in offers if offer.type == machine.type), None)
        gpu = None if offer is None else offer.gpu
        return Hardware(
            gpu=machine.type if gpu is None else gpu.name,
            gpu_count=1 if offer is None else offer.gpu_count,
            gpu_memory_gib=None if gpu is None else gpu.memory_gib,
            vcpus=None if offer is None else offer.vcpus,
            ram_gib=None if offer is None else offer.ram_gib,
            price_usd_per_hour=None if offer is None else offer.price_usd_per_hour,
            disk_usd_per_hour=None,
            disk_usd_per_month=None,
            static_address_usd_per_hour=None,
            billed_while_off=YesNo.UNKNOWN if offer is None else offer.billed_while_off,
            template="",
        )

    def _audit(self, actor: Principal, verb: str, machine: UnknownMachine) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            actor=str(actor.person),
            action=f"machine.{verb}",
            target=f"machine:{machine.provider}/{machine.machine_id}",
            detail={"type": machine.type},
        )

    # --- jobs

    async def retain_loads(self) -> int:
        """Drops what charts do not show any more; how much. Safe to run twice."""
        async with self.storage.transaction() as stores:
            return await stores.watch.drop_loads(before=self.clock.now() - LOADS_KEPT)


def _decided(machine: UnknownMachine, actor: Principal, *, adopted_as: str | None = None) -> Delivery:
    return owe(
        Notice.MACHINE_UNKNOWN,
        provider=machine.provider,
        machine_id=machine.machine_id,
        by=actor.person.user,
        adopted_as=adopted_as,
    )


def _adopted(
    machine: UnknownMachine, hardware: Hardware, actor: Principal, number: int, name: str, now: datetime
) -> Server:
    return Server(
        id=number,
        spec=ServerSpec(
            name=name,
            description="adopted",
            provider=machine.provider,
            offer_type=machine.type,
            region=machine.region,
            template_id="",
            disk_gb=0,
            model="unknown",
            revision=None,
            engine=EngineKind.TGI,
            options=EngineOptions(),
        ),
        hardware=hardware,
        owner=actor.person,
        # No machine has this name at the cloud, so that none is taken for a twin of this one.
        machine_name=f"{ADOPTED}{number}/{machine.provider}/{machine.machine_id}",
        machine_id=machine.machine_id,
        desired=Desired.RUNNING,
        state=ServerState.FAILED,
        state_since=now,
        failure=Failure(kind=FailureKind.ADOPTED, message=HOW_ADOPTED),
        created_at=now,
        asked_at=now,
    )
