"""Prime in front of the lab's Slack: in this process where it is quick, as `prime run` where the process matters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from bot.main import serve
from bot.settings import Address, Settings
from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.prime import KEY, QUICK, ROOT, Database, Prime, StartPrime, eventually


@pytest.fixture
async def lab() -> AsyncIterator[SlackLab]:
    lab = SlackLab(ROOT / "app.yaml", seed=1)
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@pytest.fixture
def start_prime(lab: SlackLab, database: Database) -> StartPrime:
    """Starts Prime in this process; a setting given as None is left out."""

    @asynccontextmanager
    async def start(*, wait: bool = True, **given: Any) -> AsyncIterator[Prime]:
        values = {
            "slack_bot_token": lab.bot_token,
            "slack_app_token": lab.app_token,
            "slack_api_url": lab.api_url,
            "database_url": database.url,
            "prime_secret_key": KEY,
            "prime_http_addr": Address("127.0.0.1", 0),
            **given,
        }
        settings = Settings(_env_file=None, **values)  # pyright: ignore[reportCallIssue]: pydantic-settings' own
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with aiohttp.ClientSession() as session:
            serving = asyncio.create_task(serve(settings, pace=QUICK, on_listening=listening.set_result))
            try:
                await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    serving.result()
                prime = Prime(f"http://127.0.0.1:{listening.result()}", session)
                if wait:
                    ready = asyncio.ensure_future(eventually(prime.is_ready))
                    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
                    if not ready.cancel():
                        ready.result()
                if not serving.done():
                    yield prime
            finally:
                serving.cancel()
                await asyncio.wait({serving}, timeout=20)
                if not serving.cancelled():
                    serving.result()

    return start


@pytest.fixture
async def prime(start_prime: StartPrime) -> AsyncIterator[Prime]:
    """Olivia is its admin."""
    async with start_prime(prime_admins=("U0OLIVIA",)) as prime:
        yield prime


@pytest.fixture
async def olivia(lab: SlackLab) -> AsyncIterator[Person]:
    async with Person(lab.url, "U0OLIVIA") as person:
        yield person


@pytest.fixture
async def nils(lab: SlackLab) -> AsyncIterator[Person]:
    async with Person(lab.url, "U0NILS") as person:
        yield person
