"""`prime run` killed, and stopped, while it answers: another answers or closes what it left, once."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.slack.driver import Person
from tests.prime import eventually
from tests.replicas import Site, open_site
from tests.scenario.talking import Answer, sent

CLOSED_SECONDS = 60.0
"""surface.md: within which what a crash left is completed or closed."""
WORDS = " ".join(f"word{number}" for number in range(60))


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(database_url, tmp_path) as site:
        yield site


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
