"""What an operator wants to know of a Postgres."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import connected, known_errors


@dataclass(frozen=True, slots=True)
class Facts:
    version: str
    now: datetime
    """By its own clock."""
    with_tls: bool


async def facts(engine: AsyncEngine) -> Facts:
    """Raises DatabaseUnavailableError."""
    with known_errors():
        async with connected(engine) as connection:
            asked = text("SELECT current_setting('server_version'), clock_timestamp()")
            version, now = (await connection.execute(asked)).one()
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            return Facts(version.split()[0], now, driver.pgconn.ssl_in_use)
