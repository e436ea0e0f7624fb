"""An office of people around a Prime, for the tests of access: Prime runs in this process, on the lab's clock."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

import psycopg

from bot.main import serve
from bot.settings import Address, Settings
from lab.clock import LabClock
from lab.slack import people
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from lab.slack.server import SlackLab
from tests.scenario.conftest import KEY, ROOT, eventually

REPLICAS = int(os.environ.get("PRIME_TEST_REPLICAS", "1"))
"""Primes in front of the lab, on one database: Slack deals deliveries out among them."""
TABLES = (
    "audit",
    "role_grant",
    "access_request",
    "role_mapping",
    "server",
    "spend_limit",
    "spend_request",
    "provider_key",
    "catalog_model",
    "catalog_offer",
    "catalog_template",
    "catalog_limit",
    "conversation",
    "turn",
    "turn_vote",
    "person_talk",
    "server_talk",
    "channel_server",
    "redaction_term",
    "channel_redaction",
    "redaction_setting",
    "term_proposal",
)
"""What access decides about; audit has a row for each change."""


class Office:
    """Adam is ADMIN by configuration, and requests go to #prime-approvals unless it is said otherwise."""

    def __init__(self, lab: SlackLab, database_url: str, stack: AsyncExitStack, **given: Any) -> None:
        self.lab = lab
        self._stack = stack
        self._numbers = count(1)
        self._serving: list[asyncio.Task[None]] = []
        self._settings = {
            "slack_bot_token": lab.bot_token,
            "slack_app_token": lab.app_token,
            "slack_api_url": lab.api_url,
            "database_url": database_url,
            "prime_secret_key": KEY,
            "prime_http_addr": Address("127.0.0.1", 0),
            "prime_admins": ("U0ADAM",),
            "prime_approval_channel": "C0APPROVALS",
            "prime_drain_seconds": 0,
            **given,
        }
        self._database = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        # As if Prime had run here before: a new configuration is a change of its own, with its own audit row.
        for user in self._settings["prime_admins"]:
            self._database.execute("INSERT INTO configured_admin VALUES (%s, %s)", (people.TEAM_ID, user))

    async def start_prime(self) -> None:
        settings = Settings(_env_file=None, **self._settings)  # pyright: ignore[reportCallIssue]: pydantic-settings' own
        self._serving = [asyncio.create_task(serve(settings, clock=self.lab.clock)) for _ in range(REPLICAS)]
        connected = asyncio.create_task(self._all_connected())
        await asyncio.wait({*self._serving, connected}, return_when=asyncio.FIRST_COMPLETED)
        for serving in self._serving:
            if serving.done():
                serving.result()

    async def _all_connected(self) -> None:
        sockets = self.lab.platform.socket_mode
        await eventually(lambda: len(sockets.connections) >= REPLICAS, within_seconds=60)

    async def stop_prime(self) -> None:
        for serving in self._serving:
            serving.cancel()
        await asyncio.wait(self._serving, timeout=20)
        for serving in self._serving:
            if not serving.cancelled():
                serving.result()
        await eventually(lambda: not self.lab.platform.deliveries.transport.connected)

    def configure(self, **given: Any) -> None:
        """Other settings, from the next start on."""
        self._settings |= given
        if "database_url" in given:
            self._database = self._stack.enter_context(psycopg.connect(given["database_url"], autocommit=True))

    async def person(self, user: str) -> Person:
        return await self._stack.enter_async_context(Person(self.lab.url, user))

    async def newcomer(self, **flags: Any) -> Person:
        """A member of the workspace whom nobody has met yet."""
        number = next(self._numbers)
        user = f"U0NEW{number}"
        given = {"id": user, "name": f"new{number}", "real_name": f"New Comer {number}", "kind": "newcomer", **flags}
        self.lab.workspace.add_person(people.Person(**given))
        for channel in ("C0GENERAL", "C0RANDOM"):
            self.lab.workspace.channels[channel].members.append(user)
        return await self.person(user)

    def give(self, user: str, role: str) -> None:
        """A lasting grant, without any ceremony."""
        self.rows(
            'INSERT INTO role_grant (team, "user", role, granted_by, reason, since, announced) '
            "VALUES (%s, %s, %s, 'cli:test', '', '2026-01-01', false) RETURNING id",
            people.TEAM_ID,
            user,
            role,
        )

    async def settled(self) -> None:
        """Waits until Prime has done and told everything that it has to."""
        open_work = "SELECT 1 FROM inbox WHERE state IN ('waiting', 'claimed') LIMIT 1"
        async with asyncio.timeout(10):
            while self.rows(open_work):  # noqa: ASYNC110 only the database knows
                await asyncio.sleep(0.006)

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        return self._database.execute(query.encode(), given).fetchall()

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that access decides about."""
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}

    def audited(self) -> list[str]:
        return [action for (action,) in self.rows("SELECT action FROM audit ORDER BY seq")]

    async def role_of(self, person: Person) -> str:
        """As `/prime access` says; of somebody with a role."""
        shown = await self.answer_to(person, "/prime access")
        return words(shown).partition("Your role is *")[2].partition("*")[0]

    async def answer_to(self, person: Person, line: str, *, channel: str = "#random") -> Json:
        """The one message, for them alone, that answers a command. A mention may be written as Slack delivers it."""
        before = {message["ts"] for message in person.screen.newest_first()}
        with patch.object(self.lab.workspace, "escape_typed", _keeping_mentions(self.lab.workspace.escape_typed)):
            assert (await person.types(line, channel=channel))["ok"]
        found = await person.sees(lambda shown: shown.get("ts") not in {None, *before}, channel=channel)
        assert found["ephemeral"]
        return found


@asynccontextmanager
async def open_office(database_url: str, *, clock: LabClock | None = None, **given: Any) -> AsyncIterator[Office]:
    """`given` are settings of Prime."""
    lab = SlackLab(ROOT / "app.yaml", clock=clock, seed=1)
    await lab.start()
    try:
        async with AsyncExitStack() as stack:
            office = Office(lab, database_url, stack, **given)
            await office.start_prime()
            try:
                yield office
            finally:
                await office.stop_prime()
    finally:
        await lab.stop()


async def asks(person: Person, *, reason: str = "To summarise interviews", role: str = "READ") -> None:
    """Somebody without a role asks by the command."""
    assert (await person.types("/prime access", channel="#random"))["ok"]
    await person.sees_modal("Ask for access")
    await person.fills("Reason", reason)
    await person.chooses("Role", role)
    assert await person.submits() == {"ok": True}
    await person.sees_no_modal()


def _keeping_mentions(escape: Callable[[str], str]) -> Callable[[str], str]:
    """The lab's client makes a mention of `@name`, always with the name in it; Slack's does not always."""
    return lambda text: text if "<@" in text else escape(text)


def interactive_elements(message: Json) -> list[str]:
    """What can be pressed or chosen in a message: its text, or its kind."""
    found = [element for block in message["blocks"] if block["type"] == "actions" for element in block["elements"]]
    found += [block["accessory"] for block in message["blocks"] if "accessory" in block]
    return [element.get("text", {}).get("text", element["type"]) for element in found]
