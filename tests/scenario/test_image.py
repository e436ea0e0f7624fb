"""Prime from the Dockerfile's steps: installed, process 1, without privileges, on a read-only root."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from lab.slack.server import SlackLab
from tests.image import Image, build
from tests.prime import eventually

pytestmark = pytest.mark.xdist_group("image")

CHART = """
import asyncio, datetime, bot.charts as charts
bars = charts.Bars(title="Cost", unit="$", days=[datetime.datetime.now()], parts={"llama": [1.0]})
print(asyncio.run(charts.draw(bars))[:4])
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    yield build(folder)
    shutil.rmtree(folder)  # pytest would keep it, and it is large


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("prime --version", "prime, version"),
        ("prime manifest --url https://prime.example.com", "https://prime.example.com/slack/events"),
        ("echo 'Write to John Smith, john@example.com' | prime redact", "[PERSON_1], [EMAIL_1]"),
        (f"python -c '{CHART}'", "PNG"),
        ("id --user && ! touch /tmp/file /opt/prime/file 2>/dev/null", "10001"),
    ],
)
async def test_a_command_finds_all_it_needs(image: Image, volume: Path, line: str, shown: str) -> None:
    assert shown in await output(image.shell(line, volume=volume))


async def test_prime_runs_is_healthy_and_stops_when_told_to(
    image: Image, volume: Path, lab: SlackLab, unused_tcp_port_factory: Callable[[], int]
) -> None:
    port, metrics_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    given = {
        "SLACK_BOT_TOKEN": lab.bot_token,
        "SLACK_APP_TOKEN": lab.app_token,
        "SLACK_API_URL": lab.api_url,
        "PRIME_HTTP_ADDR": f"127.0.0.1:{port}",
        "PRIME_METRICS_ADDR": f"127.0.0.1:{metrics_port}",
    }
    healthcheck = image.shell(image.healthcheck, volume=volume, **given)
    for _ in range(2):  # the second time on what the first one left
        async with started(image.container(volume=volume, **given), port) as process:
            assert await status(healthcheck) == 0
            url = f"http://127.0.0.1:{metrics_port}/metrics"
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                assert "prime_leader" in await answer.text()
            os.kill(first_process(process), signal.SIGTERM)
            async with asyncio.timeout(15):
                assert await process.wait() == 0
        assert await status(healthcheck) == 1


@asynccontextmanager
async def started(words: Sequence[str], port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Ready; killed at the end if it has not ended by then."""
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with aiohttp.ClientSession() as session:

            async def is_ready() -> bool:
                assert process.returncode is None
                try:
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        return answer.status == 200
                except aiohttp.ClientConnectionError:
                    return False

            await eventually(is_ready, within_seconds=60)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def output(words: Sequence[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        told, _ = await process.communicate()
    assert process.returncode == 0, told
    return told.decode()


async def status(words: Sequence[str]) -> int:
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
    async with asyncio.timeout(60):
        return await process.wait()


def first_process(process: asyncio.subprocess.Process) -> int:
    """Process 1 of the container, by the id that it has outside."""
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)
