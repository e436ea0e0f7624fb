"""`prime run` killed, and stopped, while it answers: another answers or closes what it left, once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.people import TEAM_ID
from lab.slack.server import SlackLab
from tests.prime import KEY, ROOT, environment, eventually, start_process
from tests.scenario.talking import Answer, Models, is_primes, open_models, sent

CLOSED_SECONDS = 60.0
"""surface.md: within which what a crash left is completed or closed."""
UP_SECONDS = 60.0
WORDS = " ".join(f"word{number}" for number in range(60))


@dataclass(frozen=True, slots=True)
class Site:
    """The lab's Slack, models, and any number of replicas; time is the machine's."""

    lab: SlackLab
    models: Models
    database_url: str
    folder: Path
    stack: AsyncExitStack

    async def replica(self, **settings: str) -> asyncio.subprocess.Process:
        """One more, once it takes deliveries."""
        connections = len(self.lab.platform.socket_mode.connections)
        given = {
            "DATABASE_URL": self.database_url,
            "PRIME_SECRET_KEY": KEY,
            "PRIME_ADMINS": "U0RITA",
            "TGI_SCHEME": "http",
            "TGI_PORT": str(self.models.port),
            **settings,
        }
        process = await start_process("run", env=environment(self.lab, self.folder, **given), cwd=self.folder)
        talking = asyncio.create_task(process.communicate())  # so that its pipes never fill

        async def end() -> None:
            if process.returncode is None:
                process.kill()
            await talking

        self.stack.push_async_callback(end)
        sockets = self.lab.platform.socket_mode
        await eventually(lambda: len(sockets.connections) > connections, within_seconds=UP_SECONDS)
        return process

    async def ended(self, process: asyncio.subprocess.Process, how: signal.Signals) -> None:
        process.send_signal(how)
        await asyncio.wait_for(process.wait(), 20)
        await eventually(lambda: not self.lab.platform.socket_mode.connections)

    async def answer(self, rita: Person, ts: str, until: Callable[[Answer], bool], *, seconds: float = 20.0) -> Answer:
        """Once it is as asked."""
        found = Answer([])

        async def is_so() -> bool:
            nonlocal found
            replies = (await rita.messages("#general", thread_ts=ts))[1:]
            found = Answer([one for one in replies if is_primes(one) and not one.get("ephemeral")])
            return until(found)

        await eventually(is_so, within_seconds=seconds)
        return found

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    async def settled(self) -> None:
        await eventually(lambda: not self.rows("SELECT 1 FROM inbox WHERE state IN ('waiting', 'claimed') LIMIT 1"))


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    lab = SlackLab(ROOT / "app.yaml", seed=1)
    await lab.start()
    try:
        async with open_models(database_url, lab.clock) as models, AsyncExitStack() as stack:
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("INSERT INTO configured_admin VALUES (%s, 'U0RITA')", [TEAM_ID])
            yield Site(lab, models, database_url, tmp_path, stack)
    finally:
        await lab.stop()


@pytest.fixture
async def rita(site: Site) -> AsyncIterator[Person]:
    async with Person(site.lab.url, "U0RITA") as person:
        yield person


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_what_was_not_begun_is_answered_by_another_once(site: Site, rita: Person, how: signal.Signals) -> None:
    engine = await site.models.serve(tokens_per_second=0.01)
    engine.answer = lambda _: WORDS
    first = await site.replica()
    ts = await rita.says("#general", "@Prime count")
    await eventually(lambda: engine.running == 1)
    before = await site.answer(rita, ts, lambda answer: bool(answer.messages))
    assert not before.text
    await site.ended(first, how)
    engine.tokens_per_second = 1000.0
    await site.replica()
    answer = await site.answer(rita, ts, lambda answer: answer.is_over, seconds=CLOSED_SECONDS)
    assert [one["ts"] for one in answer.messages] == [one["ts"] for one in before.messages]
    assert answer.text == WORDS
    await eventually(lambda: site.rows("SELECT state FROM turn") == [("done",)])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_what_was_half_said_is_closed_as_interrupted(site: Site, rita: Person, how: signal.Signals) -> None:
    engine = await site.models.serve(tokens_per_second=10)
    engine.answer = lambda _: WORDS
    first = await site.replica(PRIME_DRAIN_SECONDS="0")
    ts = await rita.says("#general", "@Prime count")
    await site.answer(rita, ts, lambda answer: "word3" in answer.text)
    await site.ended(first, how)
    engine.tokens_per_second = 1000.0
    await site.replica()
    answer = await site.answer(rita, ts, lambda answer: answer.is_over, seconds=CLOSED_SECONDS)
    assert "word3" in answer.text
    assert WORDS.startswith(answer.text.strip())
    assert "interrupted" in answer.notes
    assert len(sent(engine)) == 1
    await rita.sees(lambda one: one.get("ts") == answer.ts and "Retry" in Answer([one]).buttons)
    await rita.presses("Retry", in_message=answer.ts)
    again = await site.answer(rita, ts, lambda answer: WORDS in answer.text and answer.is_over)
    assert "Stop" not in again.buttons


async def test_a_rolling_restart_cuts_no_answer_short(site: Site, rita: Person) -> None:
    engine = await site.models.serve(tokens_per_second=12)
    engine.answer = lambda _: WORDS
    sockets = site.lab.platform.socket_mode
    asked = list[str]()
    old = await site.replica()
    for _ in range(2):
        asked.append(await rita.says("#general", "@Prime count"))
        await site.answer(rita, asked[-1], lambda answer: "word3" in answer.text)
        new = await site.replica()
        old.send_signal(signal.SIGTERM)
        await eventually(lambda: len(sockets.connections) == 1)
        asked.append(await rita.says("#general", "@Prime count again"))  # nobody hears it but the new one
        await asyncio.wait_for(old.wait(), 20)
        old = new
    for ts in asked:
        answer = await site.answer(rita, ts, lambda answer: answer.is_over, seconds=40)
        assert answer.text == WORDS
        assert "interrupted" not in answer.notes
    await site.settled()
    assert len(sent(engine)) == len(asked)


async def test_two_replicas_answer_each_prompt_once(site: Site, rita: Person) -> None:
    engine = await site.models.serve()
    site.lab.faults.switch(FaultName.DUPLICATE_EVENTS)
    await asyncio.gather(site.replica(), site.replica())
    await eventually(lambda: len(site.lab.platform.socket_mode.connections) == 2, within_seconds=UP_SECONDS)
    asked = [await rita.says("#general", f"@Prime number {number}") for number in range(5)]
    for number, ts in enumerate(asked):
        answer = await site.answer(rita, ts, lambda answer: answer.is_over, seconds=40)
        assert f"“number {number}”" in answer.text
    await site.settled()
    assert len(sent(engine)) == len(asked)
    for ts in asked:
        assert len((await site.answer(rita, ts, lambda _: True)).messages) == 1
