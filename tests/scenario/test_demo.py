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
from tests import llama_cpp
from tests.profiles import LONG
from tests.scenario.conftest import ROOT, eventually
from tests.scenario.test_servers import creates, in_state

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
async def demo(folder: Path, *options: str) -> AsyncIterator[Demo]:
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", *options),
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


@pytest.mark.skipif(not LONG, reason="half a minute; test_talk_llama_cpp.py has the same model without the demo")
async def test_a_real_model_on_this_machine_answers_in_it(tmp_path: Path) -> None:
    llama_cpp.write_model(tmp_path / "tiny.gguf")
    async with (
        llama_cpp.llama_server(tmp_path / "tiny.gguf", key="sesame") as url,
        demo(tmp_path, "--engine-url", url, "--engine-key", "sesame") as one,
        Person(one.url, "U0BEA") as bea,
    ):
        await creates(bea, channel="#general")
        await in_state(bea, "ready", channel="#general")
        await bea.says("#general", "@Prime who are you?")
        answer = await bea.sees(lambda it: "Regenerate" in str(it), channel="#general", within_seconds=30)
    shown = "".join(block["text"] for block in answer["blocks"] if block["type"] == "markdown")
    assert shown == llama_cpp.TEXT


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--engine-url", "http://models.example"], "only to a server on this machine"),
        (["--engine-url", "http://127.0.0.1:9"], "Nothing at http://127.0.0.1:9 answers"),
        (["--engine-model", "tiny"], "belong to an `--engine-url`"),
    ],
)
async def test_a_model_that_it_cannot_ask_is_refused_before_anything_starts(options: list[str], sentence: str) -> None:
    command = (sys.executable, "-m", "bot", "demo", *options)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert sentence in said.decode()
    assert "Traceback" not in said.decode()
