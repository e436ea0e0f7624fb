"""The lab's engines for tests: how they are launched, and what they sent as bytes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from lab.engine.server import LabEngine, Launch

TGI = "ghcr.io/huggingface/text-generation-inference:3.3.5"
VLLM = "vllm/vllm-openai:v0.11.0"
MODEL = "Qwen/Qwen3-8B"
KEY = "the-servers-key"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def tgi(model: str, *arguments: str, **environment: str) -> Launch:
    return Launch.from_docker(TGI, ["--model-id", model, *arguments], environment)


def vllm(model: str, *arguments: str, **environment: str) -> Launch:
    return Launch.from_docker(VLLM, ["--model", model, *arguments], environment)


@asynccontextmanager
async def running(launch: Launch, *, tokens_per_second: float = 100_000) -> AsyncIterator[LabEngine]:
    """One that has loaded its model."""
    engine = LabEngine(launch, loading_seconds=0, tokens_per_second=tokens_per_second)
    await engine.start()
    await engine.ready()
    try:
        yield engine
    finally:
        await engine.stop()


@asynccontextmanager
async def client(engine: LabEngine, *, key: str | None = KEY) -> AsyncIterator[httpx.AsyncClient]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=engine.url, headers=headers, timeout=10) as http:
        yield http


def frames(raw: bytes) -> list[Any]:
    """The JSON of each event, `[DONE]` as text. Fails on bytes that are no such events, comments apart."""
    assert raw.endswith(b"\n\n")
    events = [event for event in raw[:-2].split(b"\n\n") if event != b":"]
    assert all(event.startswith(b"data: ") and b"\n" not in event for event in events)
    texts = [event.removeprefix(b"data: ").decode() for event in events]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


def chat(*texts: str, **fields: Any) -> dict[str, Any]:
    """A body of messages that people wrote."""
    return {"messages": [{"role": "user", "content": text} for text in texts], **fields}


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what the engine notices over its sockets."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 the engine's counters tell nobody
            await asyncio.sleep(0.001)
