"""What tests of Prime as a whole have in common."""

import asyncio
import base64
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import structlog

from bot.log import configure_logging
from bot.settings import LogFormat
from bot.socket import Pace
from lab.slack.server import SlackLab

ROOT = Path(__file__).parents[1]
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
QUICK = Pace(ping_seconds=0.2, silent_seconds=3.0, first_wait_seconds=0.05)
"""Soon enough for a test of silence, late enough for a busy machine."""


async def eventually(is_so: Callable[[], Any], *, within_seconds: float = 10.0) -> None:
    """Waits for a condition; it may be a coroutine function."""
    async with asyncio.timeout(within_seconds):
        while True:
            answer = is_so()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.02)


@contextmanager
def logging_as_in_prime(*, level: str = "DEBUG", form: LogFormat = LogFormat.JSON) -> Iterator[None]:
    """`prime run` sets this up for its process; here it is undone."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, root_level = root.handlers[:], root.level
    configure_logging(level=level, form=form)
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(capture=False)
        sys.excepthook, root.handlers[:] = hook, handlers
        root.setLevel(root_level)


@dataclass
class Prime:
    url: str
    session: aiohttp.ClientSession

    async def readiness(self) -> tuple[int, list[str]]:
        try:
            async with self.session.get(f"{self.url}/readyz") as answer:
                return answer.status, (await answer.json())["reasons"]
        except aiohttp.ClientConnectionError:
            return 0, []

    async def is_ready(self) -> bool:
        return (await self.readiness())[0] == 200


@dataclass
class Database:
    url: str

    def lock_out(self, *, away: bool) -> None:
        """Postgres takes no connection to this database, and drops those that there are; or takes them again."""
        *_, name = self.url.partition("?")[0].rsplit("/", 1)
        with psycopg.connect(self.url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(not away).lower()}")  # pyright: ignore[reportArgumentType, reportCallIssue]: the name is ours
            if away:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


StartPrime = Callable[..., AbstractAsyncContextManager[Prime]]


def environment(lab: SlackLab, folder: Path, **given: str) -> Mapping[str, str]:
    """For a `prime` process: a Prime of its own with the embedded Postgres."""
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    return bare | {
        "PYTHONPATH": str(ROOT),
        "SLACK_BOT_TOKEN": lab.bot_token,
        "SLACK_APP_TOKEN": lab.app_token,
        "SLACK_API_URL": lab.api_url,
        "PRIME_DATA_DIR": str(folder / "data"),
        "PRIME_HTTP_ADDR": "127.0.0.1:0",
        "PRIME_REDACTION_ENGINE": "rules",
        **given,
    }


async def start_process(*words: str, env: Mapping[str, str], cwd: Path) -> asyncio.subprocess.Process:
    """A `prime` command, with its output on pipes."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *words,
        env=env,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
