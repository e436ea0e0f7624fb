"""The database that the settings name: the operator's Postgres, or the one that Prime brings along."""

import asyncio
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_bytes
from tempfile import NamedTemporaryFile

from bot.settings import Settings
from core.errors import ConfigurationError
from core.pacing.ports import BudgetStore
from core.storage import Storage
from db.budget import PostgresBudgets
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.facts import Facts, facts
from db.logs import PostgresLogDatabase
from db.migrate import upgrade
from db.rotation import rotate, sealed_with_unknown_keys
from db.secrets import SecretKeys
from db.storage import PostgresStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    url: str
    embedded: bool
    keys: SecretKeys
    budgets: BudgetStore
    storage: PostgresStorage
    rotate: Callable[[], Awaitable[object]]
    """Brings every sealed value under the first key."""
    unreadable: Callable[[], Awaitable[int]]
    """How many values are sealed with a key that is not given."""
    facts: Callable[[], Awaitable[Facts]]


@asynccontextmanager
async def open_database(settings: Settings, *, migrate: bool = True) -> AsyncGenerator[Database]:
    """The operator's Postgres, or the embedded one, started and (with `migrate`) brought to this version's schema.

    Raises ConfigurationError, UnavailableError."""
    if settings.database_url is not None:
        async with _connected(settings.database_url.get_secret_value(), _given_keys(settings), embedded=False) as found:
            yield found
        return
    folder = settings.prime_data_dir.expanduser()
    postgres = await _start(folder / "postgres")
    try:
        if migrate:
            await asyncio.to_thread(upgrade, postgres.url)
        async with _connected(postgres.url, _own_keys(settings, folder), embedded=True) as found:
            yield found
    finally:
        await asyncio.to_thread(postgres.close)


async def _start(folder: Path) -> EmbeddedPostgres:
    opening = asyncio.create_task(asyncio.to_thread(EmbeddedPostgres.open, folder))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        (await opening).close()  # a thread cannot be cancelled
        raise


@asynccontextmanager
async def _connected(url: str, keys: SecretKeys, *, embedded: bool) -> AsyncGenerator[Database]:
    engine = create_engine(url, pool_size=20)
    try:
        yield Database(
            url=url,
            embedded=embedded,
            keys=keys,
            budgets=PostgresBudgets(engine),
            storage=PostgresStorage(engine, keys),
            rotate=partial(rotate, engine, keys),
            unreadable=partial(sealed_with_unknown_keys, engine, keys),
            facts=partial(facts, engine),
        )
    finally:
        await engine.dispose()


def _given_keys(settings: Settings) -> SecretKeys:
    if settings.prime_secret_key is None:
        raise ConfigurationError(
            "PRIME_SECRET_KEY is not set, and with DATABASE_URL Prime does not make one: every replica needs the same. "
            "Make it with: python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        )
    return SecretKeys.parse(settings.prime_secret_key.get_secret_value())


def _own_keys(settings: Settings, folder: Path) -> SecretKeys:
    """The given keys, or else one of Prime's own that it keeps beside its database, for its user alone."""
    if settings.prime_secret_key is not None:
        return _given_keys(settings)
    path = folder / "secret.key"
    if not path.exists():
        with NamedTemporaryFile("wb", dir=folder, prefix="secret.key.") as new:  # mode 0600
            new.write(urlsafe_b64encode(token_bytes(32)))
            new.flush()
            with suppress(FileExistsError):  # another Prime may start at the same time: one key stays, and it is whole
                os.link(new.name, path)
    return SecretKeys.parse(path.read_text())


def open_log_database(settings: Settings) -> PostgresLogDatabase | None:
    """The operator's Postgres for engines' logs; connects when first used. Raises ConfigurationError."""
    if settings.log_database_url is None:
        return None
    return PostgresLogDatabase(settings.log_database_url.get_secret_value())


async def require_schema(storage: Storage) -> None:
    """Raises ConfigurationError if it is not this version's, DatabaseUnavailableError."""
    if not await storage.schema_fits():
        raise ConfigurationError(
            "The database does not have this version's schema. Run `prime migrate`, then start Prime again."
        )
