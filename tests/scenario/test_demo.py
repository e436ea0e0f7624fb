"""`prime demo` as a process: it shows itself soon, and however it ends, nothing of it is left."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from lab.slack.driver import Person
from lab.slack.screen import words
from tests.scenario.conftest import ROOT, eventually

READY_SECONDS = 60


@dataclass
class Demo:
    process: asyncio.subprocess.Process
    url: str
    folder: Path

    def processes(self) -> list[str]:
        """The command lines of all that live: every one of them works somewhere in the demo's folder."""
        found: list[str] = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink().is_relative_to(self.folder):
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # it has ended
        return found

    def files(self, pattern: str) -> list[Path]:
        return list(self.folder.glob(pattern))

    async def end_by(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(20):
            return await self.process.wait()


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Demo]:
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo"),
        env=bare | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "PRIME_ADMINS": "U0NOT_OF_THE_DEMO"},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not (found := re.search(r"http://127\.0\.0\.1:\d+", said)):
                line = await process.stdout.readline()
                assert line, f"it ended: {said}"
                said += line.decode()
        yield Demo(process, found[0], folder)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
async def test_nothing_is_left_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    async with demo(tmp_path) as one:
        assert any("postgres" in line for line in one.processes())
        code = await one.end_by(number)
        assert code == (0 if number is not signal.SIGKILL else -signal.SIGKILL)
        await eventually(lambda: not one.processes(), within_seconds=20)
    assert not one.files("**/postmaster.pid")
    if number is not signal.SIGKILL:  # which leaves no time to tidy
        assert not one.files("prime-demo-*")


async def test_two_at_once_are_strangers_and_each_shows_prime(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with demo(tmp_path) as one, demo(tmp_path_factory.mktemp("two")) as two:
        assert one.url != two.url
        for each in (one, two):
            async with aiohttp.ClientSession() as session, session.get(each.url) as answer:
                assert answer.status == 200
                assert "<title>" in await answer.text()
        async with Person(one.url, "U0NILS") as nils:
            await nils.types("/prime help", channel="#random")
            await nils.sees("What you can do with Prime")
        async with Person(two.url, "U0ADAM") as adam:
            await adam.types("/prime users", channel="#random")
            shown = words(await adam.sees("People with a role"))
            assert "<@U0BEA> *READ_WRITE*" in shown
            assert "<@U0RITA> *READ*" in shown
            # They have it by `prime admin grant`, beside the running Prime and its database.
            await adam.types("/prime audit @bea", channel="#random")
            assert re.search(r"cli:\S+ `access.grant.add` <@U0BEA>", words(await adam.sees("Audit log")))
