"""How soon `prime run` serves after a restart, and what it and its processes keep in memory."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from lab.slack.server import SlackLab
from tests.bench.row import Row
from tests.prime import ROOT, environment, start_process
from tests.scenario.cloud import free_port

STARTS = 5
UP_SECONDS = 60.0
LOOK_SECONDS = 0.05
POSTGRES = "postgres"


async def run() -> list[Row]:
    """With the engine that people get, on a database of its own that is there already; the database's own start counts,
    its processes do not."""
    lab = SlackLab(ROOT / "app.yaml")
    await lab.start()
    seconds, trees, mains = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder:
        port = free_port()
        given = environment(
            lab,
            Path(folder),
            PRIME_LOG_LEVEL="WARNING",
            PRIME_REDACTION_ENGINE="spacy",
            PRIME_HTTP_ADDR=f"127.0.0.1:{port}",
        )
        try:
            for _ in range(1 + STARTS):  # the first makes the database
                began = time.perf_counter()
                prime = await start_process("run", env=given, cwd=Path(folder))
                try:
                    await _ready(port)
                    seconds.append(time.perf_counter() - began)
                    await _all_loaded(port)
                    memory = dict(_tree(prime.pid))
                    trees.append(sum(memory.values()))
                    mains.append(memory[prime.pid])
                finally:
                    prime.terminate()
                    await prime.communicate()
        finally:
            await lab.stop()
    return [
        Row(what="restart to /readyz", figure=max(seconds[1:]), unit="s", beside=10, beside_name="goal"),
        Row(what="the main process, just started", figure=max(mains), unit="MB", beside=250, beside_name="goal"),
        Row(
            what="with two processes that look for personal data",
            figure=statistics.median(trees),
            unit="MB",
            beside=700,
            beside_name="goal",
        ),
    ]


async def _ready(port: int) -> None:
    async with asyncio.timeout(UP_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(LOOK_SECONDS)


async def _all_loaded(port: int) -> None:
    async with asyncio.timeout(UP_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while "prime_detectors_ready 2.0" not in (await client.get(f"http://127.0.0.1:{port}/metrics")).text:  # noqa: ASYNC110 another process
            await asyncio.sleep(LOOK_SECONDS)


def _tree(root: int) -> Iterator[tuple[int, float]]:
    """Each process from this one on, but Postgres', with its memory in MB, what it shares counted in parts."""
    for process in [root, *_children(root)]:
        folder = Path(f"/proc/{process}")
        if POSTGRES not in (folder / "comm").read_text():
            told = (folder / "smaps_rollup").read_text()
            yield process, int(told.partition("\nPss:")[2].split()[0]) / 1000


def _children(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from _children(child)
