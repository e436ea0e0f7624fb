"""What people ask of servers. Each use case writes down what is wanted; `core.servers.mover` makes it so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from secrets import token_urlsafe

from core.access.model import Principal
from core.access.permissions import Permission, may, require
from core.access.service import Access
from core.audit.model import AuditEntry
from core.catalog.fit import cheapest, fit, monthly
from core.catalog.model import Choice, Model, Offer
from core.catalog.service import Catalog
from core.clock import Clock
from core.cost.budget import check_budget
from core.cost.rules import ask_of
from core.errors import ConflictError, InvalidInputError, NotFoundError, PrimeError, UnavailableError
from core.notices import Notice, owe
from core.people.model import PersonId
from core.servers.errors import ProviderForbiddenError
from core.servers.model import (
    CardAt,
    Desired,
    Draft,
    FailureKind,
    Hardware,
    Quote,
    Server,
    ServerCard,
    ServerPage,
    ServerSpec,
    ServerState,
    StopReason,
)
from core.servers.ports import Engines, MachineFront
from core.servers.rules import (
    NEEDS_ANOTHER_OFFER,
    WAY_UP,
    check_description,
    check_end,
    check_name,
    expected_range,
    machine_name,
    order_key,
    still_costs,
)
from core.servers.wishes import wish
from core.storage import Storage, Stores
from core.watch.vitals import gather_vitals

PAGE = 10
_CANDIDATES = 5
_HISTORY = 20


class MisfitError(ConflictError):
    """The model does not fit the offer; creating it all the same needs a second yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A spec that was looked up and may be ordered."""

    spec: ServerSpec
    hardware: Hardware
    fits: bool


@dataclass(frozen=True, slots=True)
class Servers:
    storage: Storage
    clock: Clock
    access: Access
    catalog: Catalog
    engines: Engines
    front: MachineFront

    # --- looking

    async def listing(
        self, actor: Principal, text: str = "", *, after: int | None = None, limit: int = PAGE
    ) -> ServerPage:
        """Those whose name, description, model, GPU or provider match, newest first."""
        require(actor.role, Permission.SEE_SERVERS)
        async with self.storage.transaction() as stores:
            found, total = await stores.servers.search(text.strip(), after=after, limit=limit + 1)
        shown = found[:limit]
        return ServerPage(servers=shown, total=total, next_after=shown[-1].id if len(found) > limit else None)

    async def find(self, actor: Principal, word: str) -> Server:
        """By name or a unique beginning of it. Raises NotFoundError, InvalidInputError with the candidates."""
        require(actor.role, Permission.SEE_SERVERS)
        name = word.strip().lower()
        candidates: Sequence[Server] = ()
        async with self.storage.transaction() as stores:
            exact = await stores.servers.named(name)
            if exact is None and name:
                candidates = await stores.servers.starting_with(name, limit=_CANDIDATES + 1)
        if exact is not None:
            return exact
        if not candidates:
            raise NotFoundError("There is no such server. `/prime servers` lists them.")
        if len(candidates) > 1:
            names = ", ".join(f"`{server.spec.name}`" for server in candidates[:_CANDIDATES])
            more = " and more" if len(candidates) > _CANDIDATES else ""
            raise InvalidInputError(f"Which one: {names}{more}?", field="name")
        return candidates[0]

    async def get(self, server_id: int) -> Server:
        """Raises NotFoundError."""
        async with self.storage.transaction() as stores:
            server = await stores.servers.get(server_id)
        return _there(server)

    async def card(self, server_id: int) -> ServerCard:
        """A server with all that its card tells, a deleted one too: somebody may still have its card before them.

        Raises NotFoundError."""
        async with self.storage.transaction() as stores:
            server = await stores.servers.get(server_id)
            if server is None:
                raise NotFoundError(_NO_MORE)
            seconds = await stores.servers.seconds_to_ready(
                provider=server.spec.provider,
                offer_type=server.spec.offer_type,
                model=server.spec.model,
                limit=_HISTORY,
            )
            vitals = await gather_vitals(stores, [server], self.clock.now())
        return ServerCard(
            server=server,
            url=None if server.address is None else self.front.url(server.address),
            expected_seconds=expected_range(seconds),
            still_costs="" if server.state is ServerState.READY else still_costs(server),
            alternatives=await self._alternatives(server),
            vitals=vitals[server.id],
        )

    async def on_their_way_up(self) -> Sequence[int]:
        """The servers whose cards tell how long they take."""
        async with self.storage.transaction() as stores:
            return await stores.servers.ids_in(WAY_UP)

    async def cards(self, server_id: int) -> Sequence[CardAt]:
        async with self.storage.transaction() as stores:
            return await stores.servers.cards(server_id)

    async def card_shown(self, server_id: int, card: CardAt) -> None:
        """Remembers a message that shows the server, so that it is edited as the server changes."""
        async with self.storage.transaction() as stores:
            await stores.servers.add_card(server_id, card)

    # --- creating

    async def quote(self, actor: Principal, draft: Draft) -> Quote:
        """What a draft comes to, as far as it is filled in. Raises NotFoundError and InvalidInputError for a model that
        cannot be had, UnavailableError."""
        require(actor.role, Permission.CREATE_SERVERS)
        offers = await self.catalog.offers(draft.provider)
        offer = next((one for one in offers if one.type == draft.offer_type), None)
        model = await self.catalog.model(draft.model) if draft.model else None
        engine = draft.engine or (model.engines[0] if model is not None else None)
        verdict, better = None, None
        if model is not None and engine is not None:
            disk = draft.disk_gb
            if offer is not None:
                verdict = fit(model, offer, draft.options, engine=engine, disk_gb=disk)
            choices = cheapest(model, offers, draft.options, engine=engine, disk_gb=disk)
            better = next((one for one in choices if offer is None or one.offer.type != offer.type), None)
        hourly = None if offer is None else _hourly(offer, draft)
        return Quote(
            offer=offer,
            model=model,
            fit=verdict,
            usd_per_hour=hourly,
            usd_per_month=None if hourly is None else monthly(hourly),
            cheapest=better,
        )

    async def create(
        self, actor: Principal, spec: ServerSpec, *, channel: str | None, despite_misfit: bool = False
    ) -> Server:
        """Writes the intent; the machine is ordered right after.

        Raises InvalidInputError (with the field), ConflictError, MisfitError unless `despite_misfit`,
        OverBudgetError."""
        require(actor.role, Permission.CREATE_SERVERS)
        plan = await self.plan(spec, despite_misfit=despite_misfit)
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            now = self.clock.now()
            await check_budget(stores, actor.person, ask_of(plan.spec, plan.hardware, now), now=now)
            server = await self.order(stores, plan, owner=actor.person, channel=channel, now=now)
            await stores.audit.append(_audit(server, "create", actor=actor, now=now, fits=plan.fits))
        return server

    async def plan(self, spec: ServerSpec, *, despite_misfit: bool) -> Plan:
        """All that `create` checks before its transaction. Raises as it does."""
        offer = await self._offer(spec)
        model = await self.catalog.model(spec.model)
        await self.catalog.check_options(spec.options)
        spec = self._checked(spec, offer, model)
        verdict = fit(model, offer, spec.options, engine=spec.engine, disk_gb=spec.disk_gb)
        if not verdict.fits and not despite_misfit:
            raise MisfitError(verdict.reason)
        return Plan(spec=spec, hardware=_hardware(spec, offer), fits=verdict.fits)

    async def order(self, stores: Stores, plan: Plan, *, owner: PersonId, channel: str | None, now: datetime) -> Server:
        """Writes it down, after the budget was asked; the caller audits it. Raises as `create` does."""
        spec = plan.spec
        if not await stores.keys.hold(spec.provider):  # it stays until this is written, and then with it
            raise ProviderForbiddenError(
                "There is no key for this cloud any more: an ADMIN adds one with `/prime keys`."
            )
        if await stores.servers.named(spec.name) is not None:
            raise InvalidInputError("There is a server of this name already. Choose another.", field="name")
        number = await stores.servers.next_id()
        installation = await stores.servers.installation()
        server = _ordered(plan, owner, number, machine_name(installation, number, spec.name), channel, now)
        await stores.servers.add(server, key=token_urlsafe(32))
        await _tell(stores, server, now)
        return server

    # --- running

    async def start(self, actor: Principal, server_id: int) -> Server:
        """Raises ConflictError if it runs or cannot, OverBudgetError."""
        require(actor.role, Permission.RUN_SERVERS)
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            now = self.clock.now()
            started = await self.begin_start(stores, server_id, now=now)
            ask = ask_of(started.spec, started.hardware, now)
            await check_budget(stores, started.owner, ask, now=now, server_id=server_id)
            await stores.audit.append(_audit(started, "start", actor=actor, now=now))
        return started

    async def begin_start(self, stores: Stores, server_id: int, *, now: datetime) -> Server:
        """Writes it down, without asking the budget; the caller audits it. Raises as `start` does."""
        server = _there(await stores.servers.get_locked(server_id))
        wanted = wish(server, Desired.RUNNING, now=now, reason=StopReason.PERSON)
        saved = await stores.servers.save(wanted, due_at=now)
        await _tell(stores, saved, now)
        return saved

    async def note(self, stores: Stores, server: Server, verb: str, *, actor: Principal, asked_by: str) -> None:
        """Audits a create or start that an ADMIN let somebody else have."""
        entry = _audit(server, verb, actor=actor, now=self.clock.now(), asked_by=asked_by)
        await stores.audit.append(entry)

    async def stop(self, actor: Principal, server_id: int) -> Server:
        """Raises ConflictError if it is stopped or cannot be."""
        require(actor.role, Permission.RUN_SERVERS)
        return await self._want(actor, server_id, Desired.STOPPED)

    async def delete(self, actor: Principal, server_id: int, *, typed_name: str | None) -> Server:
        """Its disk goes with it, so the name is typed again. Repeatable: one that is being deleted stays so.

        Raises InvalidInputError if the name is another."""
        require(actor.role, Permission.RUN_SERVERS)
        server = await self.get(server_id)
        if (typed_name or "").strip().lower() != server.spec.name:
            raise InvalidInputError("Type the server's name to delete it with its disk.", field="name")
        return await self._want(actor, server_id, Desired.DELETED)

    async def allow_direct_access(self, actor: Principal, server_id: int, *, allowed: bool) -> Server:
        """Whether people may use the engine without Prime, where redaction does not reach."""
        require(actor.role, Permission.ALLOW_DIRECT_ACCESS)
        async with self.storage.transaction() as stores:
            now = self.clock.now()
            server = _there(await stores.servers.get_locked(server_id))
            if server.allows_direct_access is allowed:
                return server
            saved = await stores.servers.save(replace(server, allows_direct_access=allowed), due_at=now)
            verb = "allow_direct_access" if allowed else "forbid_direct_access"
            await stores.audit.append(_audit(saved, verb, actor=actor, now=now))
        return saved

    async def reveal_key(self, actor: Principal, server_id: int) -> str:
        """The engine's key. Raises AccessDeniedError unless an ADMIN allowed it for this server."""
        require(actor.role, Permission.REVEAL_KEYS)
        async with self.storage.transaction() as stores:
            server = _there(await stores.servers.get(server_id))
            if not server.allows_direct_access:
                raise ConflictError("Direct access is off for this server. An ADMIN can allow it on its usage page.")
            now = self.clock.now()
            key = await stores.servers.key(server_id)
            await stores.servers.add_reader(server_id, actor.person, at=now)
            await stores.audit.append(_audit(server, "reveal_key", actor=actor, now=now))
        return key

    async def renew_keys(self) -> int:
        """Gives another key to every server whose key was shown to somebody who may not have it any more; how many. The
        machine restarts with it, or takes it at its next start. Safe to run twice."""
        async with self.storage.transaction() as stores:
            readers = await stores.servers.readers()
        entitled = {person: await self._is_entitled(person) for people in readers.values() for person in people}
        renewed = 0
        for server_id, people in readers.items():
            renewed += await self._renew_key(server_id, are_entitled=all(entitled[person] for person in people))
        return renewed

    async def _renew_key(self, server_id: int, *, are_entitled: bool) -> bool:
        async with self.storage.transaction() as stores:
            server = await stores.servers.get_locked(server_id)
            # On its way somewhere it may be taking the old key just now; it is looked at again when it is there.
            if server is None or server.state not in (ServerState.READY, ServerState.STOPPED):
                return False
            if are_entitled and server.allows_direct_access:
                return False
            now = self.clock.now()
            await stores.servers.replace_key(server_id, token_urlsafe(32))
            saved = await stores.servers.save(replace(server, stale_key=True), due_at=now)
            await stores.audit.append(
                AuditEntry(
                    at=now,
                    actor="prime:servers",
                    action="server.renew_key",
                    target=f"server:{server.spec.name}",
                    detail={"server": saved.id},
                )
            )
        return True

    async def _is_entitled(self, person: PersonId) -> bool:
        """Somebody of whom Slack tells nothing just now keeps what they have until it does."""
        try:
            return may((await self.access.holder(person)).role, Permission.REVEAL_KEYS)
        except NotFoundError:
            return False
        except UnavailableError:
            return True

    # --- within

    async def _want(self, actor: Principal, server_id: int, desired: Desired) -> Server:
        async with self.storage.transaction() as stores:
            server = _there(await stores.servers.get_locked(server_id))
            now = self.clock.now()
            wanted = wish(server, desired, now=now, reason=StopReason.PERSON)
            if wanted is server:
                return server
            saved = await stores.servers.save(wanted, due_at=now)
            await _tell(stores, saved, now)
            await stores.audit.append(_audit(saved, _VERBS[desired], actor=actor, now=now))
        return saved

    async def _offer(self, spec: ServerSpec) -> Offer:
        for offer in await self.catalog.offers(spec.provider):
            if offer.type == spec.offer_type:
                return offer
        raise InvalidInputError("The cloud does not offer this machine any more. Choose another.", field="offer")

    def _checked(self, spec: ServerSpec, offer: Offer, model: Model) -> ServerSpec:
        """Everything that a form may hold is looked up again. Raises InvalidInputError with the field."""
        check_end(spec.ends_at, self.clock.now())
        if spec.region not in offer.regions:
            raise InvalidInputError("This machine is not offered in that region.", field="region")
        template = next((one for one in offer.templates if one.id == spec.template_id), None)
        if template is None:
            raise InvalidInputError("This machine cannot be installed with that template.", field="template")
        if all(disk.size_gb != spec.disk_gb for disk in offer.disks):
            raise InvalidInputError("This machine does not come with a disk of that size.", field="disk")
        if spec.disk_gb < template.minimum_disk_gb:
            raise InvalidInputError(
                f"{template.label} needs a disk of at least {template.minimum_disk_gb} GB.", field="disk"
            )
        if spec.engine not in model.engines:
            raise InvalidInputError(f"{spec.engine} does not serve this model.", field="engine")
        self.engines.of(spec.engine).check(spec.options, model, gpu_count=offer.gpu_count)
        return replace(
            spec,
            name=check_name(spec.name),
            description=check_description(spec.description),
            revision=model.revision,
            needs_hub_token=model.is_gated or model.is_private,
        )

    async def _alternatives(self, server: Server) -> Sequence[Choice]:
        """Other offers that the model fits, for a server that its cloud had no place for."""
        if server.failure is None or server.failure.kind not in NEEDS_ANOTHER_OFFER:
            return ()
        spec = server.spec
        try:
            offers = await self.catalog.offers(spec.provider)
            model = await self.catalog.model(spec.model)
        except PrimeError:  # the card is shown without them
            return ()
        if server.failure.kind is FailureKind.NO_CAPACITY:
            offers = [_without(offer, spec) for offer in offers]
        choices = cheapest(model, offers, spec.options, engine=spec.engine, disk_gb=spec.disk_gb)
        return [choice for choice in choices if choice.region is not None][:3]


_NO_MORE = "This server does not exist any more. `/prime servers` lists those that do."
_VERBS = {Desired.STOPPED: "stop", Desired.DELETED: "delete"}


def _there(server: Server | None) -> Server:
    if server is None or not server.is_live:
        raise NotFoundError(_NO_MORE)
    return server


def _ordered(plan: Plan, owner: PersonId, number: int, name: str, channel: str | None, now: datetime) -> Server:
    return Server(
        id=number,
        spec=plan.spec,
        hardware=plan.hardware,
        owner=owner,
        machine_name=name,
        desired=Desired.RUNNING,
        state=ServerState.ORDERED,
        state_since=now,
        created_at=now,
        asked_at=now,
        channel=channel,
    )


def _hardware(spec: ServerSpec, offer: Offer) -> Hardware:
    disk = next(disk for disk in offer.disks if disk.size_gb == spec.disk_gb)
    return Hardware(
        gpu=offer.gpu.name if offer.gpu is not None else offer.type,
        gpu_count=offer.gpu_count,
        gpu_memory_gib=offer.gpu.memory_gib if offer.gpu is not None else None,
        vcpus=offer.vcpus,
        ram_gib=offer.ram_gib,
        price_usd_per_hour=offer.price_usd_per_hour,
        disk_usd_per_hour=disk.usd_per_hour,
        disk_usd_per_month=disk.usd_per_month,
        static_address_usd_per_hour=offer.static_address_usd_per_hour if spec.static_address else None,
        billed_while_off=offer.billed_while_off,
        template=next(template.label for template in offer.templates if template.id == spec.template_id),
    )


def _hourly(offer: Offer, draft: Draft) -> Decimal | None:
    """Of the machine, its disk and its static address together, where each is known."""
    if offer.price_usd_per_hour is None:
        return None
    disk = next((disk.usd_per_hour for disk in offer.disks if disk.size_gb == draft.disk_gb), Decimal(0))
    address = (offer.static_address_usd_per_hour or Decimal(0)) if draft.static_address else Decimal(0)
    return offer.price_usd_per_hour + disk + address


def _without(offer: Offer, spec: ServerSpec) -> Offer:
    """The offer without the region that has just turned out to be full."""
    if offer.type != spec.offer_type:
        return offer
    return replace(offer, regions={region: there for region, there in offer.regions.items() if region != spec.region})


async def _tell(stores: Stores, server: Server, now: datetime) -> None:
    await stores.inbox.add(owe(Notice.SERVER_CHANGED, server_id=server.id, order_key=order_key(server)), now=now)


def _audit(server: Server, verb: str, *, actor: Principal, now: datetime, **detail: object) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=str(actor.person),
        action=f"server.{verb}",
        target=f"server:{server.spec.name}",
        detail={"server": server.id, "machine": server.machine_id, **detail},
    )
