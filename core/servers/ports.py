"""What servers need from outside: clouds, machines, engines."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.catalog.model import EngineKind, EngineOptions, Model, Offer
from core.logs.model import LogTarget
from core.people.model import PersonId
from core.servers.model import (
    CardAt,
    Endpoint,
    Launch,
    Machine,
    MachineOrder,
    Progress,
    RunningCost,
    Server,
    ServerState,
)
from core.watch.model import EngineLook


class Provider(Protocol):
    """A cloud that rents machines, with one team's key.

    Every method raises the errors of `core.servers.errors`: ProviderForbiddenError (the key does not allow it, or is no
    key), RateLimitedError, ProviderUnavailableError. None retries by itself what costs money. `contract` in
    `tests/contract/provider_contract.py` runs against any implementation."""

    @property
    def type(self) -> str:
        """The name it is registered under: `paperspace`."""
        ...

    async def check_credentials(self) -> str:
        """The account's or team's name, for people. Read-only. Raises ProviderForbiddenError for what is no key."""
        ...

    async def offers(self) -> Sequence[Offer]:
        """All machine types with a GPU that can run a server, known to the price file or not. Read-only, slow
        (seconds): cache it."""
        ...

    async def get(self, machine_id: str) -> Machine:
        """Read-only. Raises MachineNotFoundError: the cloud knows no such machine, which may be a moment's error."""
        ...

    async def list(self, *, name: str | None = None) -> Sequence[Machine]:
        """All machines of the team, or those with exactly this name. Read-only; complete or an error, never short."""
        ...

    async def create(self, order: MachineOrder) -> Machine:
        """Orders a machine that starts at once and never shuts down by itself. Not idempotent, never repeated inside.

        Raises NoCapacityError, QuotaError, OrderRefusedError, ProviderUnavailableError (a RateLimitedError among them):
        nothing was ordered. Raises OutcomeUnknownError (a reply lost, a 5xx): a machine may be there; the caller looks
        by `list(name=...)` before it asks again. What it prepares besides the machine (a startup script) is found again
        by the order's name."""
        ...

    async def start(self, machine_id: str) -> None:
        """Asks for power on. Repeatable; success if it runs or is on its way already. A cloud may accept it and then
        have no capacity: the machine stays off. Raises NoCapacityError, QuotaError, OrderRefusedError (the account may
        not), MachineNotFoundError, MachineBusyError (on its way down: ask again)."""
        ...

    async def stop(self, machine_id: str) -> None:
        """Asks for power off. Repeatable; success if it is off or on its way there. Raises MachineNotFoundError,
        MachineBusyError (on its way up: ask again)."""
        ...

    async def delete(self, machine_id: str, *, static_address: str | None = None) -> None:
        """Deletes the machine and its static address, where it has one; `static_address` is the one that the caller
        knows of, which is released also when the machine is gone already. Repeatable; "not found" is success. Returns
        when that is done or on its way: `get` tells when it is gone. Raises MachineBusyError: ask again."""
        ...

    async def clear_away(self, name: str) -> None:
        """Deletes what was made for the order of this name beside machines: the startup script. Repeatable. Raises
        MachineBusyError: ask again."""
        ...

    async def replace_startup_script(self, name: str, script: str) -> None:
        """Puts another script in place of the one that was made for the order of this name. Repeatable."""
        ...

    async def aclose(self) -> None: ...


OpenProvider = Callable[[str], Awaitable[Provider]]
"""A cloud by its type, with the stored key. Raises ProviderForbiddenError while there is none. The caller closes it."""


class Providers(Protocol):
    """The clouds that are installed, found by entry point."""

    def types(self) -> Sequence[str]: ...

    def label(self, type: str) -> str:  # noqa: A002 the port's word
        """The cloud's name as people write it."""
        ...

    def open(self, type: str, key: str) -> Provider:  # noqa: A002
        """Raises NotFoundError for a type that is not installed. The caller closes it."""
        ...


class StartupScripts(Protocol):
    """What a machine runs as root at every boot: see `providers/startup`."""

    def build(self, launch: Launch, *, key: str, hub_token: str | None, log: LogTarget | None = None) -> str:
        """With the secrets that the machine needs; `log` is where the engine's log goes. At most 16 KB. Raises
        InvalidInputError if it were longer."""
        ...

    def without_secrets(self, launch: Launch, *, log: LogTarget | None = None) -> str:
        """The same for later boots, on the files that the first one left on the machine."""
        ...


class MachineFront(Protocol):
    """What Prime's startup script put in front of the engine. With TGI_SCHEME=http there is none, and only `url` is of
    use."""

    @property
    def scheme(self) -> str: ...

    def url(self, address: str) -> str: ...

    async def identify(self, address: str, *, key: str) -> str:
        """The fingerprint of the certificate that it met, after the machine proved that it holds the key, which is not
        sent. Raises EngineUnreachableError (nothing answers yet), IdentityError (something else answers)."""
        ...

    async def progress(self, endpoint: Endpoint) -> Progress | None:
        """None if it tells nothing (yet). Raises EngineUnreachableError, IdentityError."""
        ...


class Engine(Protocol):
    """A program that serves a model, and how it is launched and asked."""

    @property
    def kind(self) -> EngineKind: ...
    @property
    def image(self) -> str: ...
    @property
    def container_port(self) -> int: ...

    def check(self, options: EngineOptions, model: Model, *, gpu_count: int) -> None:
        """Raises InvalidInputError whose `field` is the name of the option."""
        ...

    def arguments(self, launch: Launch) -> Sequence[str]: ...

    async def is_healthy(self, endpoint: Endpoint) -> bool:
        """Whether `/health` answers 200 now. Sends no key. False for a server that is away; raises IdentityError for a
        wrong certificate."""
        ...

    async def look(self, endpoint: Endpoint) -> EngineLook:
        """Health, what it serves and what it does, over one connection. Raises EngineUnreachableError (also while it is
        not healthy), IdentityError (another certificate, or it does not take the key)."""
        ...


class Engines(Protocol):
    def of(self, kind: EngineKind) -> Engine: ...


class ServerStore(Protocol):
    """Servers, inside the caller's transaction."""

    async def installation(self) -> str:
        """This installation's id, part of every name that a cloud sees; made on first use."""
        ...

    async def next_id(self) -> int: ...

    async def add(self, server: Server, *, key: str) -> None:
        """Raises ConflictError if the name is taken."""
        ...

    async def get(self, server_id: int) -> Server | None: ...

    async def get_locked(self, server_id: int) -> Server | None: ...

    async def named(self, name: str) -> Server | None:
        """One that is not deleted."""
        ...

    async def starting_with(self, prefix: str, *, limit: int) -> Sequence[Server]:
        """Those not deleted whose name begins so, by name."""
        ...

    async def search(self, text: str, *, after: int | None, limit: int) -> tuple[Sequence[Server], int]:
        """Those not deleted in whose name, description, model, GPU, type or provider the text occurs, newest first,
        from behind the server `after`; and how many there are in all."""
        ...

    async def save(self, server: Server, *, due_at: datetime | None) -> Server:
        """Writes all that may change, guarded by `server.version`, and notes a change of state in the history; the next
        step is due then. Raises OvertakenError if it was written by somebody else since."""
        ...

    async def claim_due(self, *, holder: str, now: datetime, lease_until: datetime, limit: int) -> Sequence[Server]:
        """Those whose next step is due and which nobody holds, longest due first; held by `holder` from now on."""
        ...

    async def renew(self, server_id: int, *, holder: str, lease_until: datetime) -> bool:
        """False if it is not held any more."""
        ...

    async def release(self, server: Server, *, holder: str, due_at: datetime | None) -> None:
        """Gives it back; the next step is due then, unless somebody wrote the server since."""
        ...

    async def key(self, server_id: int) -> str: ...

    async def keys(self, server_ids: Collection[int]) -> Mapping[int, str]:
        """By server id, of those that are not deleted."""
        ...

    async def replace_key(self, server_id: int, key: str) -> None:
        """Whoever read the old one has read nothing of this one."""
        ...

    async def add_reader(self, server_id: int, person: PersonId, *, at: datetime) -> None:
        """Notes that somebody was shown the key. Repeatable."""
        ...

    async def readers(self) -> Mapping[int, Collection[PersonId]]:
        """Server id -> who was shown its key, of servers that are not deleted."""
        ...

    async def known_machines(self, provider: str) -> Collection[str]:
        """The machines' ids and the orders' names of all servers that are not deleted."""
        ...

    async def machine_ids(self, provider: str) -> Mapping[str, str]:
        """Machine id -> server name, of servers that are neither deleted nor gone."""
        ...

    async def without_machine(self, provider: str) -> Sequence[str]:
        """The names of those not deleted that may have a machine which is not known yet."""
        ...

    async def seconds_to_ready(self, *, provider: str, offer_type: str, model: str, limit: int) -> Sequence[float]:
        """How long the last ones took from order to ready."""
        ...

    async def at_rest(self) -> Sequence[Server]:
        """Those that have a machine, or had, and are on no way: what the monitor looks at."""
        ...

    async def ids_in(self, states: Collection[ServerState]) -> Sequence[int]:
        """The servers that are in one of these states now."""
        ...

    async def running_cost(self) -> RunningCost:
        """Of the machines of servers in these states."""
        ...

    async def add_card(self, server_id: int, card: CardAt) -> None:
        """Repeatable."""
        ...

    async def cards(self, server_id: int) -> Sequence[CardAt]: ...
