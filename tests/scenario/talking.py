"""An office in which people talk to models: the servers stand in the database as ready, each an engine of the lab at an
address of its own, with no cloud around them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.catalog.model import EngineKind
from core.people.model import PersonId
from core.servers.model import Desired, ServerState
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from lab.clock import LabClock
from lab.engine.launch import Flavour, Launch
from lab.engine.runtime import EngineRequest
from lab.engine.server import LabEngine
from lab.slack.driver import Person
from lab.slack.people import APP_USER_ID, TEAM_ID
from lab.slack.record import ApiCall
from lab.slack.screen import Json
from lab.slack.text import unescape
from tests.engines import KEY, MODEL, tgi
from tests.prime import KEY as SECRET_KEY
from tests.prime import eventually
from tests.scenario.access import Office, open_office
from tests.scenario.cloud import ROLES, free_port
from tests.servers import SPEC, server

T = TypeVar("T")

FAST = 5000.0
"""Tokens a second: more than anybody can follow."""
HASTE = 10.0
"""How much faster than the machine's the lab's clock runs while a test waits for the end of an answer. Faster would
make Slack's three seconds for an acknowledgement too short for a busy machine."""
WITHIN_SECONDS = 30.0

MODEL_BLOCKS = frozenset({"markdown", "section", "rich_text", "header", "table"})
OWN_BLOCKS = frozenset({"context", "actions"})
END_BUTTONS = frozenset({"Regenerate", "Retry", "Continue"})
CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Answer:
    """The messages that show one answer, the placeholder first."""

    messages: Sequence[Json]

    @property
    def text(self) -> str:
        """What the model said, of all parts together, as a person reads it."""
        return unescape("".join(_text(one, MODEL_BLOCKS) for one in self.messages))

    @property
    def notes(self) -> str:
        """What Prime says itself."""
        return "\n".join(_text(one, OWN_BLOCKS) for one in self.messages)

    @property
    def buttons(self) -> set[str]:
        return {label for one in self.messages for label in buttons_of(one)}

    @property
    def is_over(self) -> bool:
        return bool(self.buttons & END_BUTTONS) and "Stop" not in self.buttons

    @property
    def ts(self) -> str:
        return self.messages[-1]["ts"]


@dataclass(slots=True, kw_only=True)
class Models:
    """Servers in a database, with an engine for each."""

    storage: PostgresStorage
    clock: LabClock
    stack: AsyncExitStack
    port: int = field(default_factory=free_port)
    """Of all engines, each at an address of its own."""
    engines: list[LabEngine] = field(default_factory=list[LabEngine])

    async def serve(
        self,
        name: str = "llama",
        launch: Launch | None = None,
        *,
        owner: str = "U0BEA",
        state: ServerState = ServerState.READY,
        tokens_per_second: float = FAST,
    ) -> LabEngine:
        """A server of this name, whose engine runs."""
        launch = launch or tgi(MODEL, "--api-key", KEY)
        engine = LabEngine(launch, clock=self.clock, loading_seconds=0, tokens_per_second=tokens_per_second)
        address = f"127.0.0.{len(self.engines) + 21}"
        await engine.start(address, self.port)
        self.stack.push_async_callback(engine.stop)
        await engine.ready()
        self.engines.append(engine)
        kind = EngineKind.TGI if launch.flavour is Flavour.TGI else EngineKind.VLLM
        await self.list(name, kind, model=launch.model_id, address=address, owner=owner, state=state)
        return engine

    async def list(
        self,
        name: str,
        kind: EngineKind,
        *,
        model: str,
        address: str,
        owner: str = "U0BEA",
        state: ServerState = ServerState.READY,
    ) -> None:
        """A server whose engine is there already."""
        now = self.clock.now()
        async with self.storage.transaction() as stores:
            server_id = await stores.servers.next_id()
            row = server(
                id=server_id,
                spec=replace(SPEC, name=name, model=model, engine=kind),
                owner=PersonId(TEAM_ID, owner),
                machine_name=f"prime-talk-{server_id}",
                machine_id=f"machine{server_id}",
                address=address,
                desired=Desired.RUNNING if state is ServerState.READY else Desired.STOPPED,
                state=state,
                state_since=now,
                created_at=now,
                ready_at=now,
                asked_at=now,
            )
            await stores.servers.add(row, key=KEY)
            await stores.servers.save(row, due_at=None)


@asynccontextmanager
async def open_models(database_url: str, clock: LabClock) -> AsyncIterator[Models]:
    engine = create_engine(database_url)
    try:
        async with AsyncExitStack() as stack:
            storage = PostgresStorage(engine, SecretKeys.parse(SECRET_KEY))
            yield Models(storage=storage, clock=clock, stack=stack)
    finally:
        await engine.dispose()


@dataclass(frozen=True, slots=True)
class TalkOffice:
    office: Office
    models: Models

    @property
    def clock(self) -> LabClock:
        return self.office.lab.clock

    async def serve(self, name: str = "llama", launch: Launch | None = None, **given: Any) -> LabEngine:
        return await self.models.serve(name, launch, **given)

    async def thread(self, person: Person, channel: str, ts: str) -> list[Json]:
        """The replies to a message, as this person sees them."""
        return (await person.messages(channel, thread_ts=ts))[1:]

    async def answer(self, person: Person, ts: str, *, channel: str = "#general", thread_ts: str = "") -> Answer:
        """What Prime said after the message `ts` in its thread, so far."""
        replies = await self.thread(person, channel, thread_ts or ts)
        return Answer([one for one in replies if is_primes(one) and one["ts"] > ts and not one.get("ephemeral")])

    async def answered(self, person: Person, ts: str, **given: Any) -> Answer:
        """As `comes`; time flies meanwhile."""
        return await self.hastened(self.comes(person, ts, **given))

    async def comes(
        self,
        person: Person,
        ts: str,
        *,
        channel: str = "#general",
        thread_ts: str = "",
        until: Callable[[Answer], bool] = lambda answer: answer.is_over,
        within_seconds: float = WITHIN_SECONDS,
    ) -> Answer:
        """The answer to the message `ts`, once it is over (or as asked)."""
        found = Answer([])

        async def is_so() -> bool:
            nonlocal found
            found = await self.answer(person, ts, channel=channel, thread_ts=thread_ts)
            return until(found)

        try:
            # What Prime hides depends on whom it knows; she has nothing to do with any test.
            await eventually(is_so, within_seconds=within_seconds)
        except TimeoutError:
            raise AssertionError(f"no such answer; it stands at: {found.messages}") from None
        return found

    async def asks(
        self, person: Person, text: str, *, channel: str = "#general", thread_ts: str | None = None
    ) -> tuple[str, Answer]:
        """Says it to Prime, and waits for the end of the answer."""
        ts = await person.says(channel, text, thread_ts=thread_ts)
        return ts, await self.answered(person, ts, channel=channel, thread_ts=thread_ts or "")

    async def hastened(self, work: Awaitable[T], *, haste: float = HASTE) -> T:
        """What it comes to, while time flies. Not for two things at once: it would fly twice as fast."""
        ticking = asyncio.create_task(self._tick(haste))
        try:
            return await work
        finally:
            ticking.cancel()

    async def _tick(self, haste: float) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.clock.jump(0.02 * (haste - 1))

    def shown(self, ts: str) -> list[str]:
        """All that the message `ts` ever showed of the model's text, in order."""
        calls = [one for one in self.office.lab.record.called("chat.update") if one.error is None]
        updates = [one.arguments for one in calls if one.arguments["ts"] == ts]
        return [unescape(_text({"blocks": as_json(one.get("blocks")) or []}, MODEL_BLOCKS)) for one in updates]


@asynccontextmanager
async def open_talk_office(database_url: str, **given: Any) -> AsyncIterator[TalkOffice]:
    """Bea holds READ_WRITE, Rita READ, Nils nothing; Adam is ADMIN. `given` are settings of Prime."""
    clock = LabClock()
    async with open_models(database_url, clock) as models:
        settings = {"tgi_scheme": "http", "tgi_port": models.port, **given}
        async with open_office(database_url, clock=clock, **settings) as office:
            for user, role in ROLES.items():
                office.give(user, role)
            await eventually(lambda: office.rows("SELECT 1 FROM person WHERE \"user\" = 'U0OLIVIA'"))
            yield TalkOffice(office, models)


def sent(engine: LabEngine, path: str = CHAT) -> list[EngineRequest]:
    """The prompts that an engine got."""
    return [one for one in engine.requests if one.path == path]


def messages_of(request: EngineRequest) -> list[tuple[str, str]]:
    """Role and text of each message of a chat."""
    return [(one["role"], one["content"]) for one in request.body["messages"]]


def is_primes(message: Json) -> bool:
    return message.get("user") == APP_USER_ID


def buttons_of(message: Json) -> list[str]:
    elements = [one for block in message.get("blocks") or [] for one in block.get("elements", [])]
    return [one["text"]["text"] for one in elements if one.get("type") == "button"]


def as_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def early_calls(calls: list[ApiCall]) -> list[ApiCall]:
    """Those of a method, or of a channel's messages, that was refused and was to wait still."""
    until: dict[tuple[str, str], float] = {}
    found: list[ApiCall] = []
    for call in calls:
        key = (call.method, call.arguments.get("channel", "") if call.method == "chat.postMessage" else "")
        if call.at < until.get(key, 0.0):
            found.append(call)
        if call.status == 429:
            until[key] = call.at + (call.retry_after or 0)
    return found


def _text(message: Json, kinds: frozenset[str]) -> str:
    blocks = [block for block in message.get("blocks") or [] if block["type"] in kinds]
    if not message.get("blocks") and kinds is MODEL_BLOCKS:
        return message.get("text", "")
    return "".join(_words(block) for block in blocks)


def _words(thing: Any) -> str:
    if isinstance(thing, list):
        return "".join(map(_words, thing))
    if isinstance(thing, dict):
        return "".join(
            one if key == "text" and isinstance(one, str) else _words(one)
            for key, one in thing.items()
            if key in ("text", "elements", "rows", "fields")
        )
    return ""
