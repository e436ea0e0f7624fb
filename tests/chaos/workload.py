"""What people do meanwhile: a plan that a seed makes, and the notes that they keep of it themselves."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.ids import Action
from lab.slack import people
from lab.slack.driver import Person
from lab.slack.screen import Json
from tests.chaos.world import ADMIN, ROLES, World

ACT_EVERY_SECONDS = 1.5
MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
FIRST_SERVER = "llama"
ASK, FOLLOW, STOP, REQUEST, APPROVE, CREATE = "ask", "follow up", "stop", "request", "approve", "create"
ACTS = (*((ASK,) * 5), *((FOLLOW,) * 4), STOP, STOP, REQUEST, REQUEST, APPROVE, APPROVE, CREATE)
GAVE_UP = (AssertionError, LookupError, TimeoutError, OSError)
"""What a person's client says when something did not come; people then do something else."""


@dataclass(frozen=True, slots=True)
class Act:
    at: float
    """Seconds from the beginning."""
    what: str
    number: int
    """Which person, thread or server."""


@dataclass(frozen=True, slots=True)
class Prompt:
    thread_ts: str
    ts: str
    user: str
    canary: str
    """What stands in it and must not reach a model."""


@dataclass(slots=True)
class Notes:
    prompts: list[Prompt] = field(default_factory=list[Prompt])
    servers: list[str] = field(default_factory=list[str])
    """Those that somebody asked for and was not refused."""
    newcomers: list[str] = field(default_factory=list[str])
    gave_up: int = 0


def plan(seed: int, *, seconds: float) -> Sequence[Act]:
    dice = random.Random(f"workload {seed}")
    acts: list[Act] = []
    at = 0.0
    while at < seconds:
        acts.append(Act(at, dice.choice(ACTS), dice.randrange(1000)))
        at += dice.expovariate(1 / ACT_EVERY_SECONDS)
    return acts


class Crowd:
    def __init__(self, world: World) -> None:
        self.notes = Notes()
        self._world = world
        self._people: dict[str, Person] = {}

    async def arrive(self) -> None:
        for user in (ADMIN, *ROLES):
            self._people[user] = await self._world.person(user)

    async def make_first_server(self) -> None:
        await self._create(FIRST_SERVER)
        assert self.notes.servers == [FIRST_SERVER], "the first server was refused in calm weather"

    async def work(self, acts: Sequence[Act]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for act in acts:
                await asyncio.sleep(max(0.0, began + act.at - loop.time()))
                self._world.note_engines()
                tasks.create_task(self._try(act))

    async def _try(self, act: Act) -> None:
        does: dict[str, Callable[[int], Awaitable[None]]] = {
            ASK: self._ask,
            FOLLOW: self._follow,
            STOP: self._stop,
            REQUEST: self._request,
            APPROVE: self._approve,
            CREATE: lambda number: self._create(f"box-{number}"),
        }
        try:
            async with asyncio.timeout(20):
                await does[act.what](act.number)
        except GAVE_UP:
            self.notes.gave_up += 1

    # --- talking

    async def _ask(self, number: int) -> None:
        await self._say(list(ROLES)[number % len(ROLES)], "", f"@Prime on {FIRST_SERVER}: ")

    async def _follow(self, number: int) -> None:
        if self.notes.prompts:
            before = self.notes.prompts[number % len(self.notes.prompts)]
            await self._say(before.user, before.thread_ts, "")

    async def _say(self, user: str, thread_ts: str, before: str) -> None:
        count = len(self.notes.prompts)
        canary = f"c{count}.{user.lower()}@chaos-canary.example"
        self.notes.prompts.append(Prompt("", "", user, canary))
        text = f"{before}question {count}, write to {canary} please"
        ts = await self._people[user].says("#general", text, thread_ts=thread_ts or None)
        self.notes.prompts[count] = Prompt(thread_ts or ts, ts, user, canary)

    async def _stop(self, number: int) -> None:
        person = self._people[list(ROLES)[number % len(ROLES)]]
        await person.presses(Action.TALK_STOP)

    # --- access

    async def _request(self, _: int) -> None:
        number = len(self.notes.newcomers)
        user = f"U0NEW{number}"
        self.notes.newcomers.append(user)
        self._world.lab.workspace.add_person(
            people.Person(id=user, name=f"new{number}", real_name=f"New Comer {number}", kind="newcomer")
        )
        self._world.lab.workspace.channels["C0RANDOM"].members.append(user)
        person = self._people[user] = await self._world.person(user)
        await person.types("/prime access", channel="#random")
        await person.sees_modal("Ask for access")
        await person.fills("Reason", "To help")
        await person.chooses("Role", "READ")
        await person.submits()

    async def _approve(self, _: int) -> None:
        await self._people[ADMIN].presses("Approve")

    # --- servers

    async def _create(self, name: str) -> None:
        person = self._people["U0BEA"]
        if person.modal is not None:
            await person.closes_modal()
        await person.types("/prime create", channel="#random")
        await person.sees_modal("Create a model server")
        await person.fills("Name", name)
        await person.chooses("Model", MODEL)
        await person.sees("The model *")
        answer: Json = await person.submits()
        if answer["ok"]:
            self.notes.servers.append(name)
