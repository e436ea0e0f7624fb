"""Clouds' keys: checked before they are kept, never shown again."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from core.access.model import Principal
from core.access.permissions import Permission, require
from core.access.service import Access
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.keys.model import ProviderEntry, ProviderKey
from core.keys.rules import check_key
from core.servers.errors import ProviderForbiddenError
from core.servers.ports import Provider, Providers
from core.storage import Storage, Stores

_CONFIGURATION = "prime:configuration"


class Keys:
    """One key per cloud, of the team at that cloud whose machines Prime runs."""

    def __init__(self, storage: Storage, clock: Clock, access: Access, providers: Providers) -> None:
        self._storage = storage
        self._clock = clock
        self._access = access
        self._providers = providers

    # --- by admins

    async def listing(self, actor: Principal) -> Sequence[ProviderEntry]:
        """Every installed cloud, with what is known of its key; and keys of clouds that are not installed any more."""
        require(actor.role, Permission.MANAGE_KEYS)
        async with self._storage.transaction() as stores:
            keys = {key.provider: key for key in await stores.keys.list()}
        labels = {type_: self._providers.label(type_) for type_ in self._providers.types()}
        return [
            ProviderEntry(provider=type_, label=labels.get(type_, type_), key=keys.get(type_))
            for type_ in sorted({*labels, *keys})
        ]

    async def save(self, actor: Principal, provider: str, secret: str) -> ProviderKey:
        """Keeps the key, or puts it in place of the one there, once the cloud has accepted it.

        Raises InvalidInputError (field `secret`: malformed, or not accepted), NotFoundError (no such cloud),
        ConflictError: servers run there whose machines the new key does not see, which are named; UnavailableError: the
        cloud cannot be asked. Nothing is kept then."""
        require(actor.role, Permission.MANAGE_KEYS)
        secret = check_key(secret)
        account, seen = await self._look(provider, secret)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            await self._access.require_still(actor, Permission.MANAGE_KEYS, stores, now)
            old = await stores.keys.get_locked(provider)
            await self._refuse_losses(stores, provider, seen=seen, same_account=old is None or old.account == account)
            key = _key(provider, secret, account, by=str(actor.person), now=now)
            await stores.keys.put(key, secret=secret)
            await stores.audit.append(_audit(key, "rotate" if old else "add", actor=str(actor.person), now=now))
        return key

    async def remove(self, actor: Principal, provider: str) -> None:
        """Raises ConflictError while servers are there, NotFoundError if there is no key."""
        require(actor.role, Permission.MANAGE_KEYS)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            await self._access.require_still(actor, Permission.MANAGE_KEYS, stores, now)
            key = await stores.keys.get_locked(provider)
            if key is None:
                raise NotFoundError("There is no such key any more; nothing was changed.")
            machines = await stores.servers.machine_ids(provider)
            names = sorted({*machines.values(), *await stores.servers.without_machine(provider)})
            if names:
                raise ConflictError(
                    f"Prime needs this key for servers that are there: {_listed(names)}. Delete them first, or give "
                    "another key of the same team in its place."
                )
            await stores.keys.remove(provider)
            await stores.audit.append(_audit(key, "remove", actor=str(actor.person), now=now))

    # --- by Prime

    async def first_key(self, provider: str, secret: str) -> bool:
        """Keeps the key that the configuration gives, if the cloud has none and accepts it; whether it was kept.

        Raises what `save` raises for a key or a cloud that cannot be used."""
        async with self._storage.transaction() as stores:
            if any(key.provider == provider for key in await stores.keys.list()):
                return False
        secret = check_key(secret)
        account, _ = await self._look(provider, secret)
        async with self._storage.transaction() as stores:
            now = self._clock.now()
            key = _key(provider, secret, account, by=_CONFIGURATION, now=now)
            if not await stores.keys.add(key, secret=secret):
                return False
            await stores.audit.append(_audit(key, "add", actor=_CONFIGURATION, now=now))
        return True

    async def clouds(self) -> Mapping[str, str]:
        """The clouds that there is a key for -> what people call them."""
        async with self._storage.transaction() as stores:
            types = [key.provider for key in await stores.keys.list()]
        return {type_: self._providers.label(type_) for type_ in self._providers.types() if type_ in types}

    async def check(self, provider: str) -> ProviderKey:
        """Asks the cloud whether the stored key still works. Raises ProviderForbiddenError, UnavailableError."""
        async with _closing(await self.open(provider)) as cloud:
            await cloud.check_credentials()
        async with self._storage.transaction() as stores:
            await stores.keys.note_check(provider, at=self._clock.now())
            key = await stores.keys.get_locked(provider)
        if key is None:
            raise self._none_yet(provider)
        return key

    async def open(self, provider: str) -> Provider:
        """The cloud with the stored key; the caller closes it. Raises ProviderForbiddenError while there is none."""
        async with self._storage.transaction() as stores:
            secret = await stores.keys.secret(provider)
        if secret is None:
            raise self._none_yet(provider)
        return self._providers.open(provider, secret)

    def _none_yet(self, provider: str) -> ProviderForbiddenError:
        label = self._providers.label(provider)
        return ProviderForbiddenError(f"There is no key for {label} yet: an ADMIN adds one with `/prime keys`.")

    async def _look(self, provider: str, secret: str) -> tuple[str, frozenset[str]]:
        """The key's account and the ids of the machines that it sees."""
        async with _closing(self._providers.open(provider, secret)) as cloud:
            try:
                account = await cloud.check_credentials()
                return account, frozenset(machine.id for machine in await cloud.list())
            except ProviderForbiddenError as error:
                label = self._providers.label(provider)
                raise InvalidInputError(f"{label} does not accept this key.", field="secret") from error

    async def _refuse_losses(self, stores: Stores, provider: str, *, seen: frozenset[str], same_account: bool) -> None:
        """Raises ConflictError with the servers that Prime would lose sight of. One whose machine is not known yet may
        be found by the key of the same account alone."""
        machines = await stores.servers.machine_ids(provider)
        lost = [name for machine_id, name in machines.items() if machine_id not in seen]
        if not same_account:
            lost += await stores.servers.without_machine(provider)
        if lost:
            raise ConflictError(
                f"This key does not see the machines of {_listed(sorted(lost))}: Prime would lose them while they cost "
                "money. Give a key of the same team, or delete these servers first. The old key stays."
            )


@asynccontextmanager
async def _closing(cloud: Provider) -> AsyncGenerator[Provider]:
    try:
        yield cloud
    finally:
        await cloud.aclose()


def _key(provider: str, secret: str, account: str, *, by: str, now: datetime) -> ProviderKey:
    return ProviderKey(
        provider=provider, last_four=secret[-4:], account=account, added_by=by, added_at=now, checked_at=now
    )


def _audit(key: ProviderKey, verb: str, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=actor,
        action=f"keys.key.{verb}",
        target=f"provider:{key.provider}",
        detail={"account": key.account, "last_four": key.last_four},
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
