"""What it costs to relay answers: CPU a token beside a bare read by httpx, and the lag of an event loop with many."""

import asyncio
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import httpx

from core.catalog.model import EngineKind
from core.redaction.model import RedactedText
from core.redaction.restore import Restorer
from core.redaction.vault import Vault
from core.servers.model import Endpoint
from core.talk.model import End, Message, Sampling, Speaker
from providers.engines.registry import InstalledEngines
from tests.bench.row import Row
from tests.recipients import recipient

STREAMS = 400
LAG_GOAL_MS = 50.0
TOKENS_PER_SECOND = 30
SECONDS = 10
TOKENS = TOKENS_PER_SECOND * SECONDS
LAG_EVERY_SECONDS = 0.01
VAULT = Vault({f"[EMAIL_{number}]": f"somebody{number}@acme.example" for number in range(1, 30)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    cpu_us: float
    """A token, of the process that reads."""
    lag_p99_ms: float
    """By how much a timer was late."""


async def run() -> list[Row]:
    async with served() as url:
        beside = await bare(url, STREAMS)
        found = await relayed(url, STREAMS)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    named = f"loop lag, {STREAMS} streams, p99"
    return [
        Row(what="relay, CPU a token", figure=found.cpu_us, unit="us", beside=beside.cpu_us, beside_name="bare httpx"),
        Row(what="the same", figure=found.cpu_us, unit="us", beside=100, beside_name="goal"),
        Row(what=named, figure=found.lag_p99_ms, unit="ms", beside=LAG_GOAL_MS, beside_name="goal"),
        Row(what="memory of that process", figure=megabytes, unit="MB", beside=250, beside_name="goal"),
    ]


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """A plain server of streams, in a process of its own."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{await asyncio.to_thread(here.recv)}"
    finally:
        server.terminate()
        server.join()


async def bare(url: str, streams: int) -> Measured:
    """So many answers at once, read and thrown away."""

    async def read(client: httpx.AsyncClient) -> None:
        async with client.stream("POST", f"{url}/v1/chat/completions", json={}) as response:
            async for _ in response.aiter_raw():
                pass

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=10, trust_env=False) as client:
        return await _measure(lambda: read(client), streams)


async def relayed(url: str, streams: int) -> Measured:
    """So many answers at once, as Prime reads and restores them."""
    engines = InstalledEngines()
    engine, to = engines.of(EngineKind.TGI), recipient(Endpoint(url=url, key="key", fingerprint=None))
    messages = [Message(speaker=Speaker.USER, text=RedactedText("Hello"))]

    async def read() -> None:
        heard, shown, restorer = 0, list[str](), Restorer(VAULT)
        async with aclosing(engine.chat(to, messages, Sampling(), stall_seconds=10)) as events:
            async for batch in events:
                for event in batch:
                    if not isinstance(event, End):
                        heard += 1
                        shown.append(restorer.feed(event.text))
        assert heard == TOKENS, "a token was lost"

    try:
        return await _measure(read, streams)
    finally:
        await engines.aclose()


async def _measure(read: Callable[[], Awaitable[None]], streams: int) -> Measured:
    lags: list[float] = []
    watching = asyncio.create_task(_watch(lags))
    began = time.process_time()
    await asyncio.gather(*(_later(number / streams, read) for number in range(streams)))
    used = time.process_time() - began
    watching.cancel()
    lag_p99_ms = 1000 * statistics.quantiles(lags, n=100)[98]
    return Measured(cpu_us=1e6 * used / (streams * TOKENS), lag_p99_ms=lag_p99_ms)


async def _later(seconds: float, read: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    await read()


async def _watch(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        lags.append(loop.time() - due)


def _serve(told: Connection) -> None:
    asyncio.run(_serve_streams(told))


async def _serve_streams(told: Connection) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=STREAMS)
    told.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`TOKENS` tokens as TGI 3.2 sends them, each by itself and when its time has come."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    word, last = _frame(" word", None), _frame("", "stop")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(TOKENS):
        await asyncio.sleep(began + number / TOKENS_PER_SECOND - loop.time())
        writer.write(word)
    writer.write(last + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()
    writer.close()


def _frame(text: str, finish: str | None) -> bytes:
    delta = {"role": "assistant", "content": text}
    frame = {
        "object": "chat.completion.chunk",
        "id": "",
        "created": 1742565776,
        "model": "meta-llama/Llama-3.1-8B-Instruct",
        "system_fingerprint": "3.2.1-native",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        "usage": None,
    }
    return _chunk(b"data: " + json.dumps(frame, separators=(",", ":")).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
