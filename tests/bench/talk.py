"""How soon people read what a model says: `prime run` as a process, in the lab, with Slack's limits on.

The design's 50 answers of three minutes are watched for two minutes in their midst, when 50 are under way all the time
and 17 end in a minute; those that are left then end at once."""

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from db.embedded import EmbeddedPostgres
from db.migrate import upgrade
from lab.clock import LabClock
from lab.engine.runtime import Said
from lab.engine.server import LabEngine
from lab.engine.tokens import count as count_tokens
from lab.slack import people
from lab.slack.driver import Person
from lab.slack.record import ApiCall
from lab.slack.server import SlackLab
from tests.bench.row import Row
from tests.prime import KEY, ROOT, environment, eventually, start_process
from tests.scenario.talking import Answer, as_json, early_calls, is_primes, open_models

QUIET = 12
"""Answers, one after the other, for what one stream takes."""
CROWD = 50
ANSWER_SECONDS = 180.0
RAMP_SECONDS = 75.0
"""In which the crowd begins: the first words of 50 answers alone are more than Slack takes in a minute."""
WATCHED_SECONDS = 120.0
AT_ONCE_SECONDS = 75.0
TOKENS_PER_SECOND = 30.0


@dataclass(slots=True, kw_only=True)
class Stream:
    """One answer."""

    channel: str
    asked_at: float
    text: str
    begun_at: float = 0.0
    """When the engine began; 0 until then."""

    @property
    def first_token_at(self) -> float:
        return self.begun_at + 1 / TOKENS_PER_SECOND

    @property
    def ends_at(self) -> float:
        """With the token that says so."""
        return self.begun_at + (count_tokens(self.text) + 1) / TOKENS_PER_SECOND


@dataclass(slots=True)
class World:
    lab: SlackLab
    engine: LabEngine
    prime: asyncio.subprocess.Process
    database_url: str
    stack: AsyncExitStack
    streams: dict[str, Stream] = field(default_factory=dict[str, Stream])
    """By what was asked."""
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def asks(self, *, seconds: float) -> Stream:
        """Somebody new asks, by direct message, for an answer that takes so long."""
        number = next(self.numbers)
        user = f"U0BENCH{number}"
        self.lab.workspace.add_person(
            people.Person(id=user, name=f"bench{number}", real_name=f"Bench {number}", kind="")
        )
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                'INSERT INTO role_grant (team, "user", role, granted_by, reason, since, announced) '
                "VALUES (%s, %s, 'READ', 'cli:bench', '', '2026-01-01', false)",
                (people.TEAM_ID, user),
            )
        person = await self.stack.enter_async_context(Person(self.lab.url, user))
        words = int(seconds * TOKENS_PER_SECOND) - 1
        asked = f"question {number}"
        stream = Stream(
            channel=person.channel("app"),
            asked_at=self.lab.clock.time(),
            text=" ".join(f"{(7 * number + word) % 1000:03}" for word in range(words)),  # as long as real tokens are
        )
        self.streams[asked] = stream
        await person.says("app", asked)
        return stream

    def say(self, messages: Sequence[Said]) -> str:
        stream = self.streams[messages[-1].text]
        stream.begun_at = self.lab.clock.time()
        return stream.text

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.prime.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1000

    # --- what was shown, from the calls that Slack took

    def calls(self, method: str, stream: Stream) -> list[ApiCall]:
        return [
            one
            for one in self.lab.record.called(method)
            if one.error is None and one.arguments.get("channel") == stream.channel
        ]

    def shows(self, stream: Stream) -> list[tuple[float, Answer]]:
        """What Slack was told to show, and when; a long answer's last part may be a message that is never edited."""
        told = [*self.calls("chat.postMessage", stream), *self.calls("chat.update", stream)]
        return [
            (one.at, Answer([{"blocks": as_json(one.arguments["blocks"])}]))
            for one in sorted(told, key=lambda one: one.at)
        ]

    def placed(self, stream: Stream) -> float:
        return self.calls("chat.postMessage", stream)[0].at

    def first_words(self, stream: Stream) -> float:
        return next(at for at, shown in self.shows(stream) if shown.text.strip())

    def final(self, stream: Stream) -> float | None:
        return next((at for at, shown in self.shows(stream) if shown.is_over), None)

    def end(self, stream: Stream) -> float:
        """When it was shown whole."""
        final = self.final(stream)
        assert final is not None
        return final

    def stands(self, stream: Stream) -> str:
        """The text of the answer as it stands, all of its messages together."""
        messages = self.lab.workspace.channels[stream.channel].messages.values()
        return Answer([one for one in messages if is_primes(one)]).text


async def run() -> list[Row]:
    async with _world() as world:
        alone = await _alone(world)
        crowd = await _crowd(world)
        return [*alone, *crowd, *_losses(world)]


async def _alone(world: World) -> list[Row]:
    placed: list[float] = []
    shown: list[float] = []
    for _ in range(QUIET):
        stream = await world.asks(seconds=2)
        await eventually(lambda: world.final(stream), within_seconds=30)  # noqa: B023 awaited here
        placed.append(world.placed(stream) - stream.asked_at)
        shown.append(world.first_words(stream) - stream.first_token_at)
    return [
        _seconds("placeholder after a mention, p95", _p95(placed), 1.0),
        _seconds("first words after the first token, one stream, p95", _p95(shown), 1.5),
    ]


async def _crowd(world: World) -> list[Row]:
    clock = world.lab.clock
    begun = clock.time()
    watched_from = begun + RAMP_SECONDS
    watched_to = watched_from + WATCHED_SECONDS
    all_end = watched_to + 5.0
    for number in range(CROWD):
        await _until(clock, begun + number * RAMP_SECONDS / CROWD)
        ends_at = watched_from + (number + 1) * ANSWER_SECONDS / CROWD
        await world.asks(seconds=(ends_at if ends_at < watched_to else all_end) - clock.time())
    for number in range(int(WATCHED_SECONDS * CROWD / ANSWER_SECONDS)):
        await _until(clock, watched_from + (number + 1) * ANSWER_SECONDS / CROWD)
        await world.asks(seconds=all_end - clock.time())
    streams = [one for one in world.streams.values() if one.asked_at >= begun]
    await _shown_whole(world, streams)
    single = [one for one in streams if one.ends_at < watched_to]
    together = [one for one in streams if one.ends_at >= watched_to]
    late = [world.end(one) - one.ends_at for one in single]
    last = max(map(world.end, together)) - max(one.ends_at for one in together)
    return [
        _seconds(f"final edit after the last token, {CROWD} answers, p95 of {len(single)} ends", _p95(late), 3.0),
        _seconds(f"{len(together)} ends at once, the last of them", last, AT_ONCE_SECONDS),
        Row(
            what="Jain fairness of their cadence",
            figure=_jain([_cadence(world, one) for one in streams if _is_long(world, one)]),
            unit="",
            beside=0.9,
            beside_name="goal",
        ),
        Row(what="RSS of the main process after it", figure=world.rss_mb(), unit="MB", beside=250, beside_name="goal"),
    ]


async def _until(clock: LabClock, moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - clock.time()))


async def _shown_whole(world: World, streams: Sequence[Stream]) -> None:
    """Waits until each of them shows its end."""
    waiting = list(streams)
    async with asyncio.timeout(4 * AT_ONCE_SECONDS):
        while waiting := [one for one in waiting if world.final(one) is None]:  # noqa: ASYNC110 calls tell nobody
            await asyncio.sleep(1)  # looking costs the lab, which is measured with


def _is_long(world: World, stream: Stream) -> bool:
    """Shorter ones are little else than first words and an end, and are edited more often for that."""
    return world.end(stream) - stream.begun_at > ANSWER_SECONDS / 3


def _cadence(world: World, stream: Stream) -> float:
    """Edits a second, from the engine's first token to the end that people see."""
    edits = [at for at, shown in world.shows(stream) if shown.text.strip()]
    return len(edits) / (edits[-1] - stream.first_token_at)


def _jain(figures: Sequence[float]) -> float:
    return sum(figures) ** 2 / (len(figures) * sum(one * one for one in figures))


def _losses(world: World) -> list[Row]:
    streams = list(world.streams.values())
    lost = sum(len(one.text) for one in streams if "".join(world.stands(one).split()) != "".join(one.text.split()))
    calls = list(world.lab.record.calls)
    return [
        Row(
            what="characters of answers that did not come whole",
            figure=lost,
            unit="",
            beside=sum(len(one.text) for one in streams),
            beside_name="of",
        ),
        Row(
            what="calls before Retry-After had passed",
            figure=len(early_calls(calls)),
            unit="",
            beside=len(calls),
            beside_name="of",
        ),
    ]


def _seconds(what: str, figure: float, goal: float) -> Row:
    return Row(what=what, figure=figure, unit="s", beside=goal, beside_name="goal")


def _p95(figures: Sequence[float]) -> float:
    return statistics.quantiles(figures, n=20)[-1]


@asynccontextmanager
async def _world() -> AsyncIterator[World]:
    lab = SlackLab(ROOT / "app.yaml")
    await lab.start()
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        upgrade(postgres.url)
        async with open_models(postgres.url, lab.clock) as models, AsyncExitStack() as stack:
            engine = await models.serve(tokens_per_second=TOKENS_PER_SECOND)
            given = {
                "DATABASE_URL": postgres.url,
                "PRIME_SECRET_KEY": KEY,
                "PRIME_LOG_LEVEL": "WARNING",
                "TGI_SCHEME": "http",
                "TGI_PORT": str(models.port),
            }
            prime = await start_process(
                "run", env=environment(lab, Path(folder), PRIME_REDACTION_ENGINE="spacy", **given), cwd=Path(folder)
            )
            talking = asyncio.create_task(prime.communicate())  # so that its pipes never fill
            try:
                async with asyncio.timeout(60):
                    await lab.app_connected()
                world = World(lab, engine, prime, postgres.url, stack)
                engine.answer = world.say
                yield world
            finally:
                prime.terminate()
                await talking
    await lab.stop()
