"""Hearing what other replicas store, in the moment they do. Who is woken looks by itself from time to time as well: a
connection that is away, or a pooler that passes no notices on, costs a second."""

from collections.abc import Callable, Mapping

import psycopg
import structlog

from core.clock import Clock
from db.engine import CONNECT_SECONDS, driver_url

CHANNEL = "prime_news"
AGAIN_SECONDS = 5.0

_log = structlog.get_logger(__name__)

Wake = Callable[[], object]


async def listen(url: str, wake: Mapping[str, Wake], clock: Clock) -> None:
    """Runs until it is cancelled. `wake` is by the table that somebody wrote work into."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            await _hear(plain, wake)
        except psycopg.Error as error:
            _log.info("news_not_heard", error=type(error).__name__)
        await clock.sleep(AGAIN_SECONDS)


async def _hear(url: str, wake: Mapping[str, Wake]) -> None:
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="prime news"
    )
    async with connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        for one in wake.values():
            one()  # what was stored before
        async for notice in connection.notifies():
            if notice.payload in wake:
                wake[notice.payload]()
