"""The programs on a server's usage page, run as they stand there against the machine's real front."""

import ast
import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.views.snippets import Target, build_curl, build_fetch_certificate, build_httpx, build_node, build_openai
from lab.engine.server import LabEngine
from providers.front import Front
from tests.engines import tgi
from tests.nginx import KEY, Nginx, nginx_in

MODEL = "Qwen/Qwen3-8B"
BUILDERS: dict[str, Callable[[Target], str]] = {"curl": build_curl, "httpx": build_httpx, "node": build_node}
PROGRAMS = {"curl": ["bash", "-c"], "httpx": [sys.executable, "-c"], "node": ["node", "--input-type=module", "-e"]}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx_in(tmp_path_factory.mktemp("machine")) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """With the same key, and a certificate of its own."""
    with nginx_in(tmp_path_factory.mktemp("another")) as nginx:
        yield nginx


@pytest.fixture
async def engine(nginx: Nginx) -> AsyncIterator[LabEngine]:
    engine = LabEngine(tgi(MODEL), loading_seconds=0, tokens_per_second=100_000)
    await engine.start(port=nginx.engine_port)
    await engine.ready()
    yield engine
    await engine.stop()


def target(nginx: Nginx) -> Target:
    return Target(name="llama", url=f"https://127.0.0.1:{nginx.port}", model="tgi")


async def run(program: list[str], text: str, *, folder: Path, key: str = KEY) -> str:
    """What it prints; nothing if it refuses to go on."""
    process = await asyncio.create_subprocess_exec(
        *program,
        text,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "KEY": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), timeout=30)
    return printed.decode()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", BUILDERS)
async def test_each_program_gets_an_answer_from_this_machine_and_from_no_other(
    nginx: Nginx, another: Nginx, tmp_path: Path, name: str
) -> None:
    if shutil.which(PROGRAMS[name][0]) is None:
        pytest.skip(f"{name} is missing here")
    await run(["bash", "-c"], build_fetch_certificate(target(nginx)), folder=tmp_path)
    answered = await run(PROGRAMS[name], BUILDERS[name](target(nginx)), folder=tmp_path)
    assert len(answered) > 20
    assert await run(PROGRAMS[name], BUILDERS[name](target(another)), folder=tmp_path) == ""


async def test_the_fingerprint_that_it_prints_is_the_one_that_prime_pins(nginx: Nginx, tmp_path: Path) -> None:
    printed = await run(["bash", "-c"], build_fetch_certificate(target(nginx)), folder=tmp_path)
    pinned = await Front(scheme="https", port=nginx.port).identify("127.0.0.1", key=KEY)
    assert printed.strip().partition("=")[2].replace(":", "").lower() == pinned


def test_the_program_for_the_openai_client_is_python() -> None:
    for url in ("https://203.0.113.4:8080", "http://127.0.0.1:8080"):
        program = build_openai(Target(name="llama", url=url, model="tgi"))
        tree = ast.parse(program)
        assert any(isinstance(node, ast.Call) for node in ast.walk(tree))
        assert f'base_url="{url}/v1"' in program
        assert max(map(len, program.splitlines())) <= 120
