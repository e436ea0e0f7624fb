"""One step of a server towards where it is wanted, safe to die at any instruction.

The row says what is wanted and what is known. A step looks at the cloud, does at most one thing there that costs or
destroys, and writes what it learned, guarded by the version it was decided on. What is asked of a cloud is written down
before it is asked, so that whoever takes the next step can tell that a reply may have been lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import (
    DatabaseUnavailableError,
    InvalidInputError,
    NotFoundError,
    PrimeError,
    UnavailableError,
)
from core.logs.model import LogTarget
from core.logs.service import Logs
from core.notices import Notice, owe
from core.servers.errors import (
    EngineUnreachableError,
    IdentityError,
    MachineNotFoundError,
    NoCapacityError,
    OrderRefusedError,
    OutcomeUnknownError,
    OvertakenError,
    ProviderForbiddenError,
    ProviderUnavailableError,
    QuotaError,
    RateLimitedError,
)
from core.servers.model import (
    HOW_ADOPTED,
    Desired,
    Endpoint,
    Failure,
    FailureKind,
    Machine,
    MachineOrder,
    MachineState,
    Server,
    ServerState,
    Stage,
)
from core.servers.ports import Engines, MachineFront, OpenProvider, Provider, StartupScripts
from core.servers.rules import (
    IN_MOTION,
    MOST_ORDERS,
    PROVES_WITHIN,
    STARTS_WITHIN,
    check_move,
    has_settled,
    is_gone,
    is_overdue,
    order_key,
    wait_seconds,
)
from core.storage import Storage
from core.watch.model import News
from core.watch.news import OF_STATE, tell

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What every step works with."""

    storage: Storage
    front: MachineFront
    engines: Engines
    startup: StartupScripts
    hub_token: str | None
    pace_seconds: float
    """How often a server on its way is looked at."""
    logs: Logs | None = None
    """None where engines' logs go nowhere."""


class Step:
    """`server` is the row as last written by this step."""

    def __init__(self, wiring: Wiring, clock: Clock, server: Server, open_provider: OpenProvider) -> None:
        self.server = server
        self._wiring = wiring
        self._clock = clock
        self._open_provider = open_provider

    async def take(self) -> float | None:
        """Seconds until the next step; None when the server is at rest. Raises OvertakenError if somebody else wrote it
        meanwhile, which ends this step without harm; DatabaseUnavailableError."""
        if self._has_nothing_at_cloud():
            await self._forget()
            return None
        try:
            provider = await self._open_provider(self.server.spec.provider)
            try:
                await self._move(provider)
            finally:
                await provider.aclose()
        except EngineUnreachableError:
            await self._note(attempts=0)
        except MachineNotFoundError:  # between two calls; the next look says more
            await self._note(attempts=self.server.attempts + 1)
        except ProviderForbiddenError as error:
            if self.server.state is ServerState.ORDERED and self.server.cloud_asked_at is None:
                await self._fail(FailureKind.FORBIDDEN, str(error))
            elif self.server.state is ServerState.DELETING and is_gone(self.server, self._clock.now()):
                await self._forget()  # the record stays no longer than the machine for want of a key
            else:
                return await self._put_off(error)
        except (UnavailableError, QuotaError, OrderRefusedError, NotFoundError) as error:
            if isinstance(error, DatabaseUnavailableError):
                raise
            return await self._put_off(error)
        await self._fail_if_overdue("")
        return self._wait()

    def _has_nothing_at_cloud(self) -> bool:
        """Whether a deletion needs no word with the cloud, where nothing was made."""
        server = self.server
        never_made = server.machine_id is None and server.cloud_asked_at is None and not server.secrets_at_cloud
        return server.state is ServerState.DELETING and never_made

    async def _move(self, provider: Provider) -> None:
        match self.server.state:
            case ServerState.ORDERED:
                await self._order(provider)
            case ServerState.BOOTING | ServerState.STARTING:
                await self._boot(provider)
            case ServerState.PULLING | ServerState.LOADING:
                await self._load(provider)
            case ServerState.READY | ServerState.STOPPED if self.server.stale_key:
                await self._hand_out_new_key(provider)
            case ServerState.READY:
                await self._take_secrets_from_cloud(provider)
            case ServerState.STOPPING:
                await self._stop(provider)
            case ServerState.DELETING:
                await self._delete(provider)
            case ServerState.FAILED if self.server.machine_id is None:
                await self._clear_away(provider)
            case _:
                pass

    def _wait(self) -> float | None:
        server = self.server
        if server.state in IN_MOTION:
            return wait_seconds(server.attempts, pace=self._wiring.pace_seconds)
        to_tidy = (
            server.stale_key and server.state in (ServerState.READY, ServerState.STOPPED),
            server.secrets_at_cloud and (server.state is ServerState.READY or server.machine_id is None),
            server.cloud_asked_at is not None and server.machine_id is None,
        )
        return wait_seconds(max(server.attempts, 1), pace=self._wiring.pace_seconds) if any(to_tidy) else None

    async def _put_off(self, error: PrimeError) -> float:
        """Tries again later, ever later, and tells why on the card."""
        asked = error.retry_after_seconds if isinstance(error, RateLimitedError) else None
        _log.warning("server_step_put_off", server=self.server.id, error=type(error).__name__)
        if not await self._fail_if_overdue(f" {error}"):
            await self._note(attempts=self.server.attempts + 1, progress=str(error))
        return wait_seconds(self.server.attempts, pace=self._wiring.pace_seconds, asked=asked)

    async def _fail_if_overdue(self, last_words: str) -> bool:
        if not is_overdue(self.server, self._clock.now()):
            return False
        message = f"It was still {self.server.state} after the longest time we wait.{last_words}"
        await self._fail(FailureKind.TIMEOUT, message)
        return True

    # --- up

    async def _order(self, provider: Provider) -> None:
        """Finds what was ordered before, or orders."""
        asked_before, asks = self.server.cloud_asked_at, self.server.cloud_asks
        if asked_before is not None:
            has_settled_before = has_settled(self.server, self._clock.now())  # not by the time that the look takes
            found = await self._look(provider)
            if found is not None:
                await self._adopt(found)
                return
            if not has_settled_before:
                return
            if asks >= MOST_ORDERS:
                message = "The cloud did not confirm the order, and shows no such machine."
                await self._fail(FailureKind.REFUSED, message)
                return
        try:
            order = await self._machine_order()
        except InvalidInputError as error:
            await self._fail(FailureKind.REFUSED, str(error))
            return
        await self._note(cloud_asked_at=self._clock.now(), cloud_asks=asks + 1, secrets_at_cloud=True)
        try:
            machine = await provider.create(order)
        # Refused: this order was not taken. One before it, of which nothing was heard, may yet show.
        except NoCapacityError as error:
            await self._fail(FailureKind.NO_CAPACITY, str(error), cloud_asked_at=asked_before)
        except QuotaError as error:
            await self._fail(FailureKind.QUOTA, str(error), cloud_asked_at=asked_before)
        except ProviderForbiddenError as error:
            await self._fail(FailureKind.FORBIDDEN, str(error), cloud_asked_at=asked_before)
        except (OrderRefusedError, InvalidInputError) as error:
            await self._fail(FailureKind.REFUSED, str(error), cloud_asked_at=asked_before)
        except ProviderUnavailableError:  # a rate limit included
            await self._note(cloud_asked_at=asked_before, cloud_asks=asks)
            raise
        except OutcomeUnknownError:  # from now on, since what went before the order took its time
            await self._note(cloud_asked_at=self._clock.now())
            raise
        else:
            await self._keep(provider, machine)

    async def _keep(self, provider: Provider, machine: Machine) -> None:
        """Adopts what was just ordered. Whoever overtook us may have found it by its name; if not, and if nobody will
        look for it any more, it must not stay."""
        try:
            await self._adopt(machine)
        except OvertakenError:
            async with self._wiring.storage.transaction() as stores:
                now = await stores.servers.get(self.server.id)
            if now is None or not now.is_live or now.machine_id not in (None, machine.id):
                await self._delete_unwanted(provider, machine)
            raise

    async def _machine_order(self) -> MachineOrder:
        spec = self.server.spec
        hub_token = self._wiring.hub_token if spec.needs_hub_token else None
        log = await self._log_target(is_new=self.server.machine_id is None)
        startup_script = self._wiring.startup.build(
            self.server.launch, key=await self._key(), hub_token=hub_token, log=log
        )
        return MachineOrder(
            name=self.server.machine_name,
            type=spec.offer_type,
            region=spec.region,
            template_id=spec.template_id,
            disk_gb=spec.disk_gb,
            startup_script=startup_script,
            static_address=spec.static_address,
        )

    async def _log_target(self, *, is_new: bool) -> LogTarget | None:
        logs = self._wiring.logs
        return None if logs is None else await logs.target(self.server, is_new=is_new)

    async def _look(self, provider: Provider) -> Machine | None:
        """The machine that this server's order made. Should it have made several, the oldest stays and the others, of
        which no row tells, go."""
        machines = await self._named(provider)
        for twin in machines[1:]:
            await self._delete_unwanted(provider, twin)
        return machines[0] if machines else None

    async def _named(self, provider: Provider) -> Sequence[Machine]:
        machines = await provider.list(name=self.server.machine_name)
        return sorted(machines, key=lambda machine: (machine.created_at is None, machine.created_at or 0, machine.id))

    async def _adopt(self, machine: Machine) -> None:
        """It boots, and costs, since the cloud made it, which may be a while ago where a reply was lost."""
        made_at = machine.created_at or self._clock.now()
        await self._become(
            ServerState.BOOTING,
            since=max(made_at, self.server.state_since),
            machine_id=machine.id,
            address=machine.address,
            cloud_asked_at=None,
            attempts=0,
        )

    async def _boot(self, provider: Provider) -> None:
        machine = await self._machine(provider)
        if machine is None or (self.server.stale_key and not await self._has_new_key(provider, machine)):
            return
        if machine.state is MachineState.RUNNING and self.server.is_adopted:
            await self._fail(FailureKind.ADOPTED, HOW_ADOPTED)
        elif machine.state is MachineState.RUNNING and machine.address is not None:
            reached = ServerState.PULLING if self._wiring.front.scheme == "https" else ServerState.LOADING
            await self._become(reached, address=machine.address, progress="", attempts=0)
            await self._probe()
        elif machine.state is MachineState.OFF and self.server.state is ServerState.BOOTING:
            await self._fail(FailureKind.NO_CAPACITY, "The cloud took the order but has no capacity for the machine.")
        elif machine.state is MachineState.OFF:
            await self._power_on(provider, machine.id)
        else:
            await self._note(attempts=0, progress=f"machine {machine.state}")

    async def _power_on(self, provider: Provider, machine_id: str) -> None:
        asked_at, now = self.server.cloud_asked_at, self._clock.now()
        if asked_at is not None and now - asked_at < STARTS_WITHIN:
            return
        if asked_at is not None and self.server.cloud_asks:  # it accepted that
            await self._fail(FailureKind.NO_CAPACITY, "The cloud has no capacity to start the machine now.")
            return
        await self._note(cloud_asked_at=now)
        try:
            await provider.start(machine_id)
        except NoCapacityError as error:
            await self._fail(FailureKind.NO_CAPACITY, str(error), cloud_asked_at=None)
        except QuotaError as error:
            await self._fail(FailureKind.QUOTA, str(error), cloud_asked_at=None)
        except OrderRefusedError as error:
            await self._fail(FailureKind.REFUSED, str(error), cloud_asked_at=None)
        else:
            await self._note(cloud_asks=1)

    async def _load(self, provider: Provider) -> None:
        machine = await self._machine(provider)
        if machine is None:
            return
        if machine.state in (MachineState.OFF, MachineState.STOPPING):
            await self._fail(FailureKind.MACHINE, "The machine was switched off while it came up.")
            return
        if self.server.is_adopted:
            await self._fail(FailureKind.ADOPTED, HOW_ADOPTED)
            return
        if machine.address is not None and machine.address != self.server.address:
            await self._note(address=machine.address, fingerprint=None)
        await self._probe()

    async def _probe(self) -> None:
        """Asks the machine itself. Raises EngineUnreachableError while nothing answers there."""
        assert self.server.address is not None
        try:
            endpoint = await self._endpoint(self.server.address)
            if await self._wiring.engines.of(self.server.spec.engine).is_healthy(endpoint):
                await self._become(ServerState.READY, ready_at=self._clock.now(), progress="", attempts=0, failure=None)
                return
            progress = await self._wiring.front.progress(endpoint)
        except IdentityError as error:
            if self._clock.now() - self.server.state_since < PROVES_WITHIN:
                await self._note(attempts=0, progress="waiting for the machine to prove that it is this server")
            else:
                await self._fail(FailureKind.IDENTITY, str(error))
            return
        if progress is None:
            await self._note(attempts=0)
        elif progress.stage is Stage.FAILED:
            await self._fail(FailureKind.ENGINE, f"The engine does not start: {progress.detail}.")
        elif progress.stage is Stage.LOADING and self.server.state is ServerState.PULLING:
            await self._become(ServerState.LOADING, progress=progress.detail, attempts=0)
        else:
            await self._note(attempts=0, progress=progress.detail)

    async def _endpoint(self, address: str) -> Endpoint:
        """Pins the certificate of a machine that proved that it holds the key. Raises IdentityError,
        EngineUnreachableError."""
        key = await self._key()
        front = self._wiring.front
        if front.scheme == "https" and self.server.fingerprint is None:
            await self._note(fingerprint=await front.identify(address, key=key))
        return Endpoint(url=front.url(address), key=key, fingerprint=self.server.fingerprint)

    async def _take_secrets_from_cloud(self, provider: Provider) -> None:
        """The machine has its files now; later boots run a script without secrets."""
        if self.server.secrets_at_cloud:
            log = await self._log_target(is_new=False)
            script = self._wiring.startup.without_secrets(self.server.launch, log=log)
            await provider.replace_startup_script(self.server.machine_name, script)
            await self._note(secrets_at_cloud=False, attempts=0)

    async def _hand_out_new_key(self, provider: Provider) -> None:
        """To a server at rest whose key was replaced: one that runs is started anew for it."""
        if self.server.state is ServerState.READY:
            await self._become(ServerState.STOPPING, progress="to come back with a new key")
        elif (machine := await self._machine(provider)) is not None:
            await self._has_new_key(provider, machine)

    async def _has_new_key(self, provider: Provider, machine: Machine) -> bool:
        """Whether the machine boots with the new key next: only one that is off, and whose startup script brings it,
        surely does. What runs is stopped for that."""
        if machine.state is MachineState.OFF:
            order = await self._machine_order()
            await self._note(secrets_at_cloud=True)
            await provider.replace_startup_script(self.server.machine_name, order.startup_script)
            await self._note(stale_key=False, fingerprint=None)
            return True
        if machine.state is not MachineState.STOPPING:
            await provider.stop(machine.id)
        return False

    # --- down

    async def _stop(self, provider: Provider) -> None:
        machine = await self._machine(provider)
        if machine is None:
            return
        if machine.state is MachineState.OFF:
            await self._is_off(provider, machine)
        elif machine.state is not MachineState.STOPPING:
            await provider.stop(machine.id)

    async def _is_off(self, provider: Provider, machine: Machine) -> None:
        asked_at = self.server.cloud_asked_at
        if asked_at is not None and self._clock.now() - asked_at < STARTS_WITHIN:
            return  # it was asked to start a moment ago, and may yet do so
        if self.server.stale_key:
            await self._has_new_key(provider, machine)
        reached, address = ServerState.STARTING, None
        if self.server.desired is Desired.STOPPED:
            reached, address = ServerState.STOPPED, _static_address(machine)
        await self._become(reached, address=address, progress="", cloud_asked_at=None, cloud_asks=0, attempts=0)

    async def _delete(self, provider: Provider) -> None:
        name, known = self.server.machine_name, self.server.machine_id
        has_settled_before = has_settled(self.server, self._clock.now())  # not by the time that the look takes
        left = await self._named(provider)
        for machine in left:
            if machine.id == known and _static_address(machine) not in (None, self.server.address):
                await self._note(address=machine.address)  # it is released also when the machine is gone
            elif machine.id != known:
                await self._delete_unwanted(provider, machine)
        if known is not None:
            address = self.server.address if self.server.spec.static_address else None
            await provider.delete(known, static_address=address)
        if left or (known is not None and await self._is_there(provider, known)):
            await self._note(attempts=0, progress="the cloud is deleting the machine")
        elif known is not None or has_settled_before:
            await provider.clear_away(name)
            await self._forget()

    async def _forget(self) -> None:
        await self._become(
            ServerState.DELETED,
            address=None,
            fingerprint=None,
            cloud_asked_at=None,
            secrets_at_cloud=False,
            stale_key=False,
            progress="",
        )

    async def _clear_away(self, provider: Provider) -> None:
        """Of an order that came to nothing: a machine that shows late, which nobody waits for any more, and the startup
        script, which carries the key."""
        if self.server.cloud_asked_at is not None:
            has_settled_before = has_settled(self.server, self._clock.now())
            strays = await self._named(provider)
            for machine in strays:
                await self._delete_unwanted(provider, machine)
            if strays or not has_settled_before:
                return
            await self._note(cloud_asked_at=None, attempts=0, progress="")
        if self.server.secrets_at_cloud:
            await provider.clear_away(self.server.machine_name)
            await self._note(secrets_at_cloud=False, attempts=0)

    async def _delete_unwanted(self, provider: Provider, machine: Machine) -> None:
        """A machine of this server's order that its row does not tell of. Audited before it is done."""
        _log.error("unwanted_machine_deleted", server=self.server.id, machine=machine.id)
        now = self._clock.now()
        async with self._wiring.storage.transaction() as stores:
            await stores.costs.charge(self.server, since=min(machine.created_at or now, now), until=now)
            await stores.audit.append(self._audit(self.server, "delete_unwanted", machine=machine.id))
        await provider.delete(machine.id, static_address=_static_address(machine))

    # --- what is known

    async def _machine(self, provider: Provider) -> Machine | None:
        """What the cloud tells of it. A machine that it does not know is only believed gone after a while."""
        assert self.server.machine_id is not None
        now = self._clock.now()
        try:
            machine = await provider.get(self.server.machine_id)
        except MachineNotFoundError:
            await self._note(
                missing_since=self.server.missing_since or now,
                missing_count=self.server.missing_count + 1,
                checked_at=now,
                attempts=self.server.attempts + 1,
            )
            if is_gone(self.server, now):
                await self._become(ServerState.GONE, address=None, progress="")
            return None
        if self.server.missing_since is not None:
            await self._note(missing_since=None, missing_count=0)
        return machine

    async def _is_there(self, provider: Provider, machine_id: str) -> bool:
        try:
            await provider.get(machine_id)
        except MachineNotFoundError:
            return False
        return True

    async def _key(self) -> str:
        async with self._wiring.storage.transaction() as stores:
            return await stores.servers.key(self.server.id)

    # --- writing

    async def _fail(self, kind: FailureKind, message: str, **changes: Any) -> None:
        await self._become(ServerState.FAILED, failure=Failure(kind=kind, message=message), progress="", **changes)

    async def _become(self, state: ServerState, *, since: datetime | None = None, **changes: Any) -> None:
        """A change of state, now or some time ago: audited, and told to whoever watches."""
        check_move(self.server.state, state)
        now = self._clock.now()
        state_since = now if since is None else min(since, now)
        reached = replace(self.server, state=state, state_since=state_since, checked_at=now, **changes)
        is_as_expected = reached.failure is not None and reached.failure.kind is FailureKind.ADOPTED
        news = None if is_as_expected else OF_STATE.get(state)
        await self._write(reached, is_shown=True, action=state.value, news=news)

    async def _note(self, **changes: Any) -> None:
        """What was learned within a state; told where people see it."""
        changed = replace(self.server, **changes)
        if changed != self.server:
            is_shown = (changed.progress, changed.address) != (self.server.progress, self.server.address)
            await self._write(changed, is_shown=is_shown, action=None)

    async def _write(self, server: Server, *, is_shown: bool, action: str | None, news: News | None = None) -> None:
        now = self._clock.now()
        async with self._wiring.storage.transaction() as stores:
            self.server = await stores.servers.save(server, due_at=now)
            if is_shown:
                notice = owe(Notice.SERVER_CHANGED, server_id=server.id, order_key=order_key(server))
                await stores.inbox.add(notice, now=now)
            if news is not None:
                await stores.inbox.add(tell(self.server, news, about=str(self.server.version)), now=now)
            if action is not None:
                await stores.audit.append(self._audit(server, action, machine=server.machine_id))

    def _audit(self, server: Server, action: str, *, machine: str | None) -> AuditEntry:
        return AuditEntry(
            at=self._clock.now(),
            actor="prime:servers",
            action=f"server.{action}",
            target=f"server:{server.spec.name}",
            detail={
                "server": server.id,
                "machine": machine,
                "failure": None if server.failure is None else server.failure.kind.value,
            },
        )


def _static_address(machine: Machine) -> str | None:
    return machine.address if machine.has_static_address else None
