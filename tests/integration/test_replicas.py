"""Several `prime run` on one database: whichever gets what somebody does, the same comes of it, once."""

import asyncio
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from tests.prime import eventually
from tests.replicas import UP_SECONDS, Site, balancer, open_site
from tests.scenario.talking import sent

WORDS = " ".join(f"word{number}" for number in range(60))
STOP_SECONDS = 1.0
"""surface.md: within which the engine's socket is closed."""


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(database_url, tmp_path) as site:
        yield site


@pytest.fixture
async def rita(site: Site) -> AsyncIterator[Person]:
    async with Person(site.lab.url, "U0RITA") as person:
        yield person


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


async def test_stop_is_heard_by_whichever_replica_answers(site: Site, rita: Person) -> None:
    engine = await site.models.serve(tokens_per_second=5)
    engine.answer = lambda _: WORDS
    await asyncio.gather(site.replica(), site.replica())
    loop = asyncio.get_running_loop()
    for stopped in range(1, 4):
        ts = await rita.says("#general", f"@Prime count {stopped}")
        answer = await site.answer(rita, ts, lambda answer: "word1" in answer.text)
        assert (await rita.presses("Stop", in_message=answer.ts))["ok"]
        pressed = loop.time()
        await eventually(lambda: engine.dropped == stopped)  # noqa: B023 awaited here
        assert loop.time() - pressed < STOP_SECONDS
        over = await site.answer(rita, ts, lambda answer: answer.is_over)
        assert "stopped" in over.notes.lower()


async def is_stopping(address: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{address}/readyz") as answer:
        return answer.status == 503


async def test_behind_a_load_balancer_any_replica_takes_anything(site: Site, rita: Person) -> None:
    engine = await site.models.serve(tokens_per_second=12)
    (first, one), (_, other) = await asyncio.gather(site.http_replica(), site.http_replica())
    async with balancer(one, other) as entry:
        await site.lab.deliver_to(entry.url)
        ts = await rita.says("#general", "@Prime hello")
        await site.answer(rita, ts, lambda answer: "hello" in answer.text and answer.is_over)

        engine.answer = lambda _: WORDS
        ts = await rita.says("#general", "@Prime count")
        answer = await site.answer(rita, ts, lambda answer: "word1" in answer.text)
        await rita.presses("Stop", in_message=answer.ts)
        await site.answer(rita, ts, lambda answer: answer.is_over and "stopped" in answer.notes.lower())
        assert (await rita.types("/prime help", channel="#random"))["ok"]
        assert set(entry.handed) == {one, other}

        first.terminate()
        await eventually(partial(is_stopping, one))
        for _ in range(2):  # so that the one that stops is asked, too
            assert (await rita.types("/prime help", channel="#random"))["ok"]
        await asyncio.wait_for(first.wait(), 20)
        engine.answer = lambda _: "still here"
        ts = await rita.says("#general", "@Prime and now?")
        await site.answer(rita, ts, lambda answer: "still here" in answer.text and answer.is_over)
    await site.settled()
    assert len(sent(engine)) == 3
