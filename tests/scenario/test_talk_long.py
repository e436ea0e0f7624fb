"""Long answers, and many at once, with Slack's limits on: nothing is lost on the way."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from tests.scenario.talking import Answer, TalkOffice, early_calls, open_talk_office

CROWD = 50
MESSAGE_CHARACTERS = 13_200
"""Of markdown in one message: slack-platform.md."""

PROSE = "\n\n".join(
    f"## Chapter {chapter}\n\n" + " ".join(f"Sentence {chapter}.{number} is about llamas." for number in range(60))
    for chapter in range(16)
)
CODE = "\n\n".join(
    f"Step {step}:\n\n```python\n" + "\n".join(f"step_{step}_{line} = {line}" for line in range(400)) + "\n```"
    for step in range(4)
)
TABLE = "| llama | wool |\n|---|---|\n" + "\n".join(f"| number {row} | {row * 3} kg |" for row in range(60))
FENCE = re.compile(r"^```\w*\n?", re.MULTILINE)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.fixture
async def rita(world: TalkOffice) -> Person:
    return await world.office.person("U0RITA")


@pytest.mark.parametrize("text", [PROSE, CODE, f"{PROSE[:9000]}\n\n{TABLE}\n\n{CODE[:9000]}\n```\n\nThe end."])
async def test_a_long_answer_goes_on_in_further_messages(world: TalkOffice, rita: Person, text: str) -> None:
    engine = await world.serve()
    engine.answer = lambda _: text
    _, answer = await world.asks(rita, "@Prime write a book")
    assert len(answer.messages) > 1
    assert bare("\n".join(one_text(answer))) == bare(text)
    for shown in one_text(answer):
        assert len(shown) <= MESSAGE_CHARACTERS
        assert len(FENCE.findall(shown)) % 2 == 0, "fences are closed"
    assert "Regenerate" in answer.buttons


async def test_what_is_longer_still_comes_as_a_file(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve()
    text = "\n\n".join(f"{number}. {PROSE[:3000]}" for number in range(18))
    engine.answer = lambda _: text
    ts, answer = await world.asks(rita, "@Prime write a library")
    files = [file for one in await world.thread(rita, "#general", ts) for file in one.get("files", ())]
    [file] = files
    content = world.office.lab.platform.files.get(file["id"]).content
    assert content is not None
    shown = "\n".join(one_text(answer))
    tail = content.decode()
    assert text.endswith(tail.strip()), "the file holds the rest, or all of it"
    assert bare(shown + tail) == bare(text) or bare(tail) == bare(text)


async def test_fifty_answers_at_once_all_come_whole(world: TalkOffice) -> None:
    """By direct messages, since Slack takes one message a second in a channel."""
    engine = await world.serve(tokens_per_second=40)
    engine.answer = lambda messages: f"{messages[-1].text}: " + " ".join(f"llama{number}" for number in range(200))
    people = [await world.office.newcomer() for _ in range(CROWD)]
    for person in people:
        world.office.give(person.id, "READ")
    asked: list[str] = []
    for person in people:
        asked.append(await person.says("app", f"I am {person.id}"))
        await asyncio.sleep(0.05)
    answers = await world.hastened(
        asyncio.gather(
            *(world.comes(one, ts, channel="app", within_seconds=90) for one, ts in zip(people, asked, strict=True))
        ),
        haste=5,
    )
    for person, answer in zip(people, answers, strict=True):
        assert answer.text == f"I am {person.id}: " + " ".join(f"llama{number}" for number in range(200))
    assert not early_calls(list(world.office.lab.record.calls))


async def test_answers_come_whole_through_refusals_and_outages_of_slack(world: TalkOffice, rita: Person) -> None:
    engine = await world.serve(tokens_per_second=60)
    engine.answer = lambda _: PROSE[:4000]
    faults = world.office.lab.faults
    faults.switch(FaultName.RATE_LIMITS, share=0.3, retry_after=1)
    faults.switch(FaultName.API_500S, share=0.3)
    _, answer = await world.asks(rita, "@Prime write a page")
    assert bare(answer.text) == bare(PROSE[:4000])
    assert len(answer.messages) == 1
    assert not early_calls(list(world.office.lab.record.calls))


def one_text(answer: Answer) -> list[str]:
    """What the model said, message by message."""
    return [Answer([one]).text for one in answer.messages]


def bare(text: str) -> str:
    """Without what a cut may change: white space and fences."""
    return re.sub(r"\s+", "", FENCE.sub("", text).replace("```", ""))
