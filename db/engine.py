"""The connections to Postgres, and what their errors mean."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from psycopg import errors
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import ConfigurationError, ConflictError, DatabaseUnavailableError

CONNECT_SECONDS = 3
WAIT_SECONDS = 2.0
"""How long a caller waits for a connection, a new one included: Slack wants an answer within 3 s, and a sentence about
the database being away is one."""
STATEMENT_SECONDS = 15
"""Nothing that Prime asks takes as long, the audit's check by batches included."""

_NETWORK_SETTINGS = {"keepalives_idle": 10, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 15000}
"""Seconds, and milliseconds for the last: a host that vanished is noticed."""

_SERVER_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": "10s",
    # A frozen replica must not hold its locks for ever, and a frozen leader not past the end of its lease, for its
    # guarded transactions hold off who takes over.
    "idle_in_transaction_session_timeout": "8s",
}


def create_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """Connects when first used. Raises ConfigurationError for a URL that is none."""
    arguments = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "prime",
        "options": " ".join(f"-c {name}={value}" for name, value in _SERVER_SETTINGS.items()),
        **_NETWORK_SETTINGS,
    }
    return create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,  # an error of the driver must not carry what people typed
        connect_args=arguments,
    )


def driver_url(url: str) -> URL:
    """A plain `postgresql://user:password@host:port/name`, spelled for SQLAlchemy's psycopg driver, which is async or
    not as the engine is. Raises ConfigurationError, which does not show it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in ("postgresql", "postgres"):
        # `from None` by way of the branch: the cause would carry the password.
        raise ConfigurationError("DATABASE_URL is not of the form postgresql://user:password@host:port/name.")
    return parsed.set(drivername="postgresql+psycopg")


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection of the pool. Raises DatabaseUnavailableError if there is none within WAIT_SECONDS, also where
    Postgres hangs rather than fails."""
    opening = asyncio.create_task(_open(engine))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            # Cancelling it would not help: the driver then waits 10 s for Postgres to confirm.
            connection = await asyncio.shield(opening)
    except TimeoutError as error:
        opening.add_done_callback(_give_back)
        raise DatabaseUnavailableError from error
    except asyncio.CancelledError:
        opening.add_done_callback(_give_back)
        raise
    try:
        yield connection
    finally:
        await asyncio.shield(connection.close())


_AWAY = (
    errors.ReadOnlySqlTransaction,  # a stand-by that a failover left us on
    errors.IdleInTransactionSessionTimeout,  # this process was frozen in the middle, and its session has ended
)
"""What the driver does not count among the troubles of operation."""


@contextmanager
def known_errors() -> Generator[None]:
    """The one place where what the driver raises becomes what Prime's callers know."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, errors.SerializationFailure | errors.DeadlockDetected):
            raise ConflictError("Somebody else changed the same thing just now. Please try again.") from error
        if isinstance(error, OperationalError | InterfaceError) or isinstance(error.orig, _AWAY):
            raise DatabaseUnavailableError from error
        raise
    except PoolTimeoutError as error:
        raise DatabaseUnavailableError from error


async def _open(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


def _give_back(opening: asyncio.Task[AsyncConnection]) -> None:
    """Nobody waits for this connection any more."""
    if not opening.cancelled() and opening.exception() is None:
        closing = asyncio.create_task(opening.result().close())
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)


_closing: set[asyncio.Task[None]] = set()
"""The loop holds tasks weakly."""
