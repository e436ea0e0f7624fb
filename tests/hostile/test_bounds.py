"""What somebody may take of Prime at once, and what others may make it hold."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from unittest.mock import patch

import pytest
import pytest_asyncio

from core.catalog.model import EngineKind
from core.redaction.model import RedactedText
from core.servers.errors import AnswerCutError, EngineUnreachableError, OutcomeUnknownError
from core.talk.model import Message, Sampling, Speaker, Token
from core.talk.rules import MOST_WAITING, PROMPT_LENGTH
from lab.slack.deliveries import Kind
from lab.slack.people import APP_USER_ID
from providers.engines.registry import InstalledEngines
from providers.engines.stream import MAX_ANSWER_CHARACTERS, split_events
from providers.http import MAX_ANSWER_BYTES, HttpService
from tests.canned import QuickClock
from tests.conftest import _database
from tests.hostile.door import Door, Shelf, open_door
from tests.prime import eventually
from tests.raw_server import raw_server
from tests.recipients import recipient

MEGABYTE = 1024 * 1024


# --- people -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def door_database(postgres_url: str, template_database: str) -> Iterator[str]:
    yield from _database(postgres_url, template=template_database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(door_database: str) -> AsyncIterator[Door]:
    async with open_door(door_database) as door:
        yield door


async def says(door: Door, **changes: object) -> list[str]:
    """Somebody with the role READ writes to Prime, something that Slack's own client would not let them write; what
    they alone see of it."""
    [said] = [seed for seed in door.seeds if seed.name == "says it directly"]
    user, lab = said.payload["event"]["user"], door.world.lab
    shelf, direct = Shelf(), lab.workspace.direct_message([user, APP_USER_ID])
    with patch.object(lab.platform.deliveries, "transport", shelf):
        posted = lab.workspace.say(user, direct, "something")
        await eventually(lambda: shelf.holds(posted["ts"]))
    before = door.world.own(user)
    event = {**said.payload["event"], "ts": posted["ts"], **changes}
    assert await door.knock(Kind.EVENT, {**said.payload, "event": event, "event_id": f"Ev{posted['ts'][-6:]}"}) == 200
    assert await door.surprises() == []
    return [shown.words for place, shown in door.world.own(user).items() if place not in before]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_prompt_beyond_all_windows_is_not_taken(door: Door) -> None:
    door.world.forget_talk()
    [told] = await says(door, text="x" * (PROMPT_LENGTH + 1))
    assert f"at most {PROMPT_LENGTH:,} characters" in told
    assert door.world.office.rows("SELECT count(*) FROM turn") == [(0,)]


@pytest.mark.asyncio(loop_scope="module")
async def test_only_so_many_files_are_read(door: Door) -> None:
    [shared] = [seed for seed in door.seeds if seed.name == "shares a file"]
    [file] = shared.payload["event"]["files"]
    told = await says(door, files=[file] * 500, text="")
    assert any("reads at most 10 files" in one for one in told)


@pytest.mark.asyncio(loop_scope="module")
async def test_only_so_many_questions_of_somebody_wait(door: Door) -> None:
    [said] = [seed for seed in door.seeds if seed.name == "says it directly"]
    door.world.forget_talk()
    for _ in range(MOST_WAITING):
        door.world.turn_of(said.payload["event"]["user"], "waiting")
    [told] = await says(door, text="one more")
    assert f"{MOST_WAITING} of your questions wait" in told
    assert door.world.office.rows("SELECT count(*) FROM turn") == [(MOST_WAITING,)]


# --- engines and services ---------------------------------------------------------------------------


async def test_an_answer_without_end_is_cut() -> None:
    engines = InstalledEngines()
    said = b'data: {"choices": [{"delta": {"content": "' + b"x" * 100_000 + b'"}}]}\n\n'
    messages = [Message(speaker=Speaker.USER, text=RedactedText("Hello"))]
    length = 0

    async def hear() -> None:
        nonlocal length
        chat = engines.of(EngineKind.TGI).chat(recipient(server.endpoint), messages, Sampling(), stall_seconds=10)
        async with asyncio.timeout(20), aclosing(chat) as events:
            async for batch in events:
                length += sum(len(token.text) for token in batch if isinstance(token, Token))

    async with raw_server(*[said] * (MAX_ANSWER_CHARACTERS // 100_000 + 5)) as server:
        with pytest.raises(AnswerCutError):
            await hear()
    assert length <= MAX_ANSWER_CHARACTERS + 200_000
    await engines.aclose()


@pytest.mark.parametrize("chunk", [b"x" * 65_536, b": a comment\n" * 5_000, b"\n" * 65_536, b"data:\n" * 10_000])
async def test_a_stream_of_anything_takes_no_more_memory_the_longer_it_is(chunk: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield chunk

    async def read() -> None:
        async for _ in split_events(chunks()):
            pass

    tracemalloc.start()
    try:
        try:
            await read()
        except EngineUnreachableError:
            assert b"\n" not in chunk
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEGABYTE


async def test_a_services_answer_without_end_is_not_held() -> None:
    pieces: Sequence[bytes] = [b"[" * 100_000] * (MAX_ANSWER_BYTES // 100_000 + 50)
    async with raw_server(*pieces) as server:
        service = HttpService(name="A cloud", base_url=server.url, clock=QuickClock())
        with pytest.raises(OutcomeUnknownError):
            await service.change("POST", "/machines", body={})
        await service.aclose()
