"""What it costs to relay answers: CPU a token beside a bare read by httpx, and the lag of an event loop with many."""

import asyncio
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
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
TOKENS_PER_SECOND = 30
SECONDS = 10
TOKENS = TOKENS_PER_SECOND * SECONDS
LAG_EVERY_SECONDS = 0.01
VAULT = Vault({f"[EMAIL_{number}]": f"somebody{number}@acme.example" for number in range(1, 30)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    cpu_us: float
    """A token, of the process that reads."""
    lags: list[float]
    """Seconds by which a timer was late."""


async def run() -> list[Row]:
    """`STREAMS` answers at once, from a plain server in a process of its own."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{await asyncio.to_thread(here.recv)}"
    try:
        bare = await _bare(url)
        relayed = await _relayed(url)
    finally:
        server.terminate()
        server.join()
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    p99 = 1000 * statistics.quantiles(relayed.lags, n=100)[98]
    return [
        Row(what="relay, CPU a token", figure=relayed.cpu_us, unit="us", beside=bare.cpu_us, beside_name="bare httpx"),
        Row(what="the same", figure=relayed.cpu_us, unit="us", beside=100, beside_name="goal"),
        Row(what=f"loop lag, {STREAMS} streams, p99", figure=p99, unit="ms", beside=50, beside_name="goal"),
        Row(what="memory of that process", figure=megabytes, unit="MB", beside=250, beside_name="goal"),
    ]


async def _bare(url: str) -> Measured:
    async def read(client: httpx.AsyncClient) -> None:
        async with client.stream("POST", f"{url}/v1/chat/completions", json={}) as response:
            async for _ in response.aiter_raw():
                pass

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=10, trust_env=False) as client:
        return await _measure(lambda: read(client))


async def _relayed(url: str) -> Measured:
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
        return await _measure(read)
    finally:
        await engines.aclose()


async def _measure(read: Callable[[], Awaitable[None]]) -> Measured:
    lags: list[float] = []
    watching = asyncio.create_task(_watch(lags))
    began = time.process_time()
    await asyncio.gather(*(_later(number / STREAMS, read) for number in range(STREAMS)))
    used = time.process_time() - began
    watching.cancel()
    return Measured(cpu_us=1e6 * used / (STREAMS * TOKENS), lags=lags)


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
