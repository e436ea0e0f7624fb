"""What real TGI servers of 2023 to 2025 sent, byte for byte, read as Prime reads it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from core.catalog.model import EngineKind
from core.redaction.model import RedactedText
from core.servers.errors import PromptRefusedError
from core.servers.model import Endpoint
from core.talk.model import End, EndReason, Message, Sampling, Speaker, Token
from core.talk.ports import Events
from providers.engines.container import ContainerEngine
from providers.engines.registry import InstalledEngines
from tests.raw_server import raw_server
from tests.recipients import recipient

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "tgi-recordings"
INDEX: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text()) if FOLDER.exists() else []
STREAMS = [one["file"] for one in INDEX if one["content_type"] == "text/event-stream"]
REFUSALS = [one["file"] for one in INDEX if one["status"] == 422]

pytestmark = pytest.mark.skipif(not INDEX, reason=f"the recordings are not here: {FOLDER}")


@pytest.fixture
async def engine() -> AsyncIterator[ContainerEngine]:
    engines = InstalledEngines()
    yield engines.of(EngineKind.TGI)
    await engines.aclose()


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
@pytest.mark.parametrize("name", STREAMS)
async def test_hears_what_was_said(engine: ContainerEngine, name: str, size: int) -> None:
    sent = (FOLDER / name).read_bytes()
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    async with raw_server(*pieces) as server:
        assert await heard(ask(engine, server.endpoint, name)) == said_in(sent)


@pytest.mark.parametrize("name", REFUSALS)
async def test_sees_that_a_prompt_was_refused(engine: ContainerEngine, name: str) -> None:
    sent = (FOLDER / name).read_bytes()
    async with raw_server(sent, status="422 Unprocessable Entity") as server:
        with pytest.raises(PromptRefusedError):
            await heard(ask(engine, server.endpoint, name))


def test_there_are_recordings_of_both_kinds() -> None:
    assert len(STREAMS) == 7
    assert len(REFUSALS) == 2


def ask(engine: ContainerEngine, endpoint: Endpoint, name: str) -> Events:
    if name.startswith("chat"):
        messages = [Message(speaker=Speaker.USER, text=RedactedText("Hello"))]
        return engine.chat(recipient(endpoint), messages, Sampling(), stall_seconds=10)
    return engine.generate(recipient(endpoint), RedactedText("Hello"), Sampling(), stall_seconds=10)


async def heard(events: Events) -> tuple[str, End]:
    async with asyncio.timeout(20), aclosing(events):
        *tokens, end = [event async for batch in events for event in batch]
    assert isinstance(end, End)
    return "".join(token.text for token in tokens if isinstance(token, Token)), end


def said_in(sent: bytes) -> tuple[str, End]:
    """What the frames hold, read without Prime."""
    frames = [json.loads(line[5:]) for line in sent.split(b"\n") if line.startswith((b"data:{", b"data: {"))]
    if "choices" in frames[0]:
        text = "".join(frame["choices"][0]["delta"]["content"] for frame in frames)
        reason, details = frames[-1]["choices"][0]["finish_reason"], {}
    else:
        text = "".join(frame["token"]["text"] for frame in frames if not frame["token"]["special"])
        details = frames[-1]["details"] or {}
        reason = details.get("finish_reason")
    return text, End(
        reason=EndReason.LENGTH if reason == "length" else EndReason.STOP,
        prompt_tokens=details.get("input_length"),
        generated_tokens=details.get("generated_tokens"),
    )
