"""Prime behind signed HTTP, and somebody who holds the signing secret and sends it whatever they like."""

import asyncio
import io
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import aiohttp
from structlog.testing import capture_logs

from bot import main
from bot.http import SLACK_PATH
from bot.settings import Settings
from core.access.model import Role
from lab.slack.deliveries import Kind, Parcel
from lab.slack.http_delivery import signature_headers
from lab.slack.people import APP_USER_ID
from lab.slack.server import SlackLab
from tests.prime import ROOT, eventually
from tests.scenario.access import Office
from tests.scenario.access_world import ROOM, World
from tests.scenario.test_access_matrix import ROWS, _add_server, _work_only, open_outside
from tests.scenario.wire import Wire

ANSWER_SECONDS = 5.0
"""Slack waits for three; the machine may be somebody else's too."""
SETTLE_SECONDS = 20.0
CALM_SECONDS = 0.5
"""Of the lab, between two knocks: what Slack lets an app do in a minute is not what is tried here."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seed:
    """A payload as Slack sends it."""

    kind: Kind
    name: str
    payload: Json


class HttpOffice(Office):
    """One to which Slack delivers by HTTP."""

    url = ""

    async def start_prime(self) -> None:
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        given = {**self._settings, "slack_app_token": None, "slack_signing_secret": self.lab.signing_secret}
        settings = Settings(_env_file=None, **given)  # pyright: ignore[reportCallIssue]: pydantic-settings' own
        serving = main.serve(settings, clock=self.lab.clock, on_listening=listening.set_result)
        self._serving = [asyncio.create_task(serving)]
        self.url = f"http://127.0.0.1:{await listening}{SLACK_PATH}"
        await eventually(self._is_open)
        await self.lab.deliver_to(self.url)

    async def stop_prime(self) -> None:
        for serving in self._serving:
            serving.cancel()
        await asyncio.wait(self._serving, timeout=20)

    async def _is_open(self) -> bool:
        async with aiohttp.ClientSession() as session, session.get(self.url.replace(SLACK_PATH, "/readyz")) as answer:
            return answer.status == 200


class Complaints(logging.Handler):
    """Everything that says that Prime met what it did not foresee."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[Mapping[str, Any]] = []
        self._heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._heard.append(f"{record.name}: {record.getMessage()} {''.join(traceback.format_exception(error))}")

    def take(self) -> list[str]:
        """Those since the last time."""
        found = [str(line) for line in self.lines if line["log_level"] in ("error", "critical")] + self._heard
        self.lines.clear()
        self._heard.clear()
        return found


@contextmanager
def listening() -> Iterator[Complaints]:
    complaints = Complaints()
    root = logging.getLogger()
    root.addHandler(complaints)
    try:
        with capture_logs() as lines:
            complaints.lines = lines  # pyright: ignore[reportAttributeAccessIssue]
            yield complaints
    finally:
        root.removeHandler(complaints)


class Door:
    def __init__(self, world: World, url: str, session: aiohttp.ClientSession, complaints: Complaints) -> None:
        self.world = world
        self.url = url
        self.session = session
        self.complaints = complaints
        self.seeds: list[Seed] = []

    async def knock(self, kind: Kind, payload: Any) -> int:
        """Sends it as Slack would, signed; the status of the answer."""
        body, content_type = written(kind, payload)
        return await self.post(body, content_type)

    async def post(self, body: str, content_type: str = "application/json") -> int:
        headers = {"Content-Type": content_type, **signature_headers(self.world.lab.platform.app.signing_secret, body)}
        self.world.lab.clock.jump(CALM_SECONDS)
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            self.session.post(self.url, data=io.BytesIO(body.encode()), headers=headers) as answer,
        ):
            await answer.read()
            return answer.status

    async def surprises(self) -> list[str]:
        """Once Prime has done all that it was sent: what it did not foresee, and what is still on its hands."""
        waiting = "SELECT kind, state, tries, order_key FROM inbox WHERE state IN ('waiting', 'claimed')"
        end = time.monotonic() + SETTLE_SECONDS
        while left := self.world.office.rows(waiting):
            if time.monotonic() > end:
                return [*map(str, left), *self.complaints.take(), *map(str, self.complaints.lines)]
            self.world.lab.clock.jump(0.25)
            await asyncio.sleep(0.01)
        return self.complaints.take()

    async def make_seeds(self) -> list[Seed]:
        """One payload of everything that an ADMIN can do, none of which has come to Prime."""
        found: list[Seed] = []
        shelf = Shelf()
        with patch.object(self.world.lab.platform.deliveries, "transport", shelf):
            self.world.wire = Wire(shelf)  # pyright: ignore[reportArgumentType]: it sends as a socket does
            for row in ROWS:
                for table in ("provider_key", "catalog_model", "catalog_offer", "catalog_template", "catalog_limit"):
                    self.world.office.rows(f"DELETE FROM {table} RETURNING 1")
                user = self.world.somebody(Role.ADMIN)
                await row.draw(self.world, user, row.value(self.world, user))()
                [parcel] = [one for one in shelf.parcels if _is_by(one.payload, user)]
                found.append(Seed(parcel.kind, row.id, parcel.payload))
            found += [Seed(Kind.EVENT, name, await shelf.event(happen)) for name, happen in self._happenings()]
        return found

    def fresh(self, payload: Json) -> Json:
        """With a trigger that opens a modal yet, where it had one."""
        if "trigger_id" not in payload:
            return payload
        user = payload.get("user_id") or payload["user"]["id"]
        return {**payload, "trigger_id": self.world.lab.platform.triggers.issue(user, channel=ROOM)}

    def _happenings(self) -> list[tuple[str, Callable[[], object]]]:
        """What comes as an event, beside App Home."""
        workspace, user = self.world.lab.workspace, self.world.somebody(Role.READ)
        room, direct = workspace.channels[ROOM], workspace.direct_message([user, APP_USER_ID])
        asked = workspace.say(user, direct, "a question")
        files = self.world.lab.platform.files
        shared = [files.shape(files.add("notes.txt", b"some notes", owner=user))]
        return [
            ("says it directly", lambda: workspace.say(user, direct, "hello")),
            ("shares a file", lambda: workspace.say(user, direct, "read this", files=shared)),
            ("mentions Prime", lambda: workspace.say(user, room, "@Prime hello")),
            ("says it in a thread", lambda: workspace.say(user, direct, "and on", thread_ts=asked["ts"])),
            ("edits it", lambda: workspace.edit(user, direct, asked["ts"], "another question")),
            ("is somebody else now", lambda: workspace.change_person(user, real_name="Another Name")),
            ("joins a group", lambda: workspace.set_group("S0READERS", [user])),
        ]


class Shelf:
    """Where parcels end, acknowledged."""

    connected = True
    timeout_reason = "never"

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    async def send(self, parcel: Parcel) -> Json:
        self.parcels.append(parcel)
        return {"options": []}

    def holds(self, ts: str) -> bool:
        """Whether the event of the message came."""
        return any(one.payload.get("event", {}).get("ts") == ts for one in self.parcels)

    async def event(self, happen: Callable[[], object]) -> Json:
        """The first event of what happens."""
        begin = len(self.parcels)
        happen()
        await eventually(lambda: len(self.parcels) > begin)
        return self.parcels[begin].payload

    async def close(self) -> None:
        pass


def written(kind: Kind, payload: Any) -> tuple[str, str]:
    """Body and content type."""
    form = "application/x-www-form-urlencoded"
    match kind:
        case Kind.EVENT:
            return json.dumps(payload), "application/json"
        case Kind.COMMAND:
            return urlencode({key: str(value) for key, value in payload.items()}, errors="surrogatepass"), form
        case Kind.INTERACTIVE:
            return urlencode({"payload": json.dumps(payload)}), form


@asynccontextmanager
async def open_door(database_url: str) -> AsyncIterator[Door]:
    """Nothing moves in it by itself."""
    lab = SlackLab(ROOT / "app.yaml", seed=1)
    with patch.object(main, "_work", _work_only), listening() as complaints:
        async with AsyncExitStack() as stack:
            await lab.start()
            stack.push_async_callback(lab.stop)
            outside = await stack.enter_async_context(open_outside())
            office = HttpOffice(lab, database_url, stack, **outside)
            await office.start_prime()
            stack.push_async_callback(office.stop_prime)
            await _add_server(database_url)
            world = World(office)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            door = Door(world, office.url, session, complaints)
            door.seeds = await door.make_seeds()
            yield door


def _is_by(payload: Json, user: str) -> bool:
    """Not an event of what was made for them to act on."""
    if payload.get("type") == "event_callback":
        return payload["event"]["type"] == "app_home_opened" and payload["event"]["user"] == user
    return user in (payload.get("user_id"), (payload.get("user") or {}).get("id"))
