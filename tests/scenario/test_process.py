"""`prime run` as a process: how it starts, dies, stops, and what it writes."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.server import SlackLab
from tests.prime import environment, eventually, start_process

REFUSED = "That needs the role READ"
TYPED = "kumquat"


@asynccontextmanager
async def running(lab: SlackLab, folder: Path, port: int, **given: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`prime run`, ready; killed at the end if it has not ended by then."""
    env = environment(lab, folder, PRIME_HTTP_ADDR=f"127.0.0.1:{port}", **given)
    process = await start_process("run", env=env, cwd=folder)
    try:
        async with aiohttp.ClientSession() as session:

            async def is_ready() -> bool:
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
        await process.communicate()


def processes_of(folder: Path) -> list[int]:
    """Those that were started with this folder in their words or their environment."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if bytes(folder) in told and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


async def test_a_prompt_that_waits_when_prime_is_killed_is_answered_once_after_the_restart(
    lab: SlackLab, nils: Person, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with running(lab, tmp_path, unused_tcp_port) as process:
        await nils.types("/prime access", channel="#general")  # from here on Prime knows who Nils is
        lab.faults.switch(FaultName.RATE_LIMITS, share=1.0, retry_after=5)
        await nils.says("#general", "@Prime good morning")
        await eventually(lambda: [call for call in lab.record.called("chat.postEphemeral") if call.status == 429])
        process.kill()
    assert lab.record.delivered("app_mention")[0].acked_at
    lab.faults.switch(FaultName.RATE_LIMITS, on=False)
    lab.clock.jump(6)
    async with running(lab, tmp_path, unused_tcp_port):
        await nils.sees(REFUSED, within_seconds=40)
        assert len([call for call in lab.record.called("chat.postEphemeral") if call.error is None]) == 1


async def test_sigterm_leaves_no_process(lab: SlackLab, tmp_path: Path, unused_tcp_port: int) -> None:
    async with running(lab, tmp_path, unused_tcp_port) as process:
        assert len(processes_of(tmp_path)) > 1
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), timeout=20)
    assert process.returncode == 0
    assert b"Traceback" not in output
    assert processes_of(tmp_path) == []


async def test_no_typed_word_is_in_the_log_at_debug(
    lab: SlackLab, nils: Person, tmp_path: Path, unused_tcp_port: int
) -> None:
    given = {"PRIME_LOG_LEVEL": "DEBUG", "PRIME_LOG_FORMAT": "json"}
    async with running(lab, tmp_path, unused_tcp_port, **given) as process:
        await nils.types(f"/prime {TYPED}", channel="#random")
        await nils.says("#general", f"@Prime {TYPED}")
        await nils.sees(REFUSED)
        await nils.says("app", TYPED)
        await nils.sees(REFUSED, channel="app")
        await nils.presses("Ask for access", in_message=REFUSED)
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{unused_tcp_port}/{TYPED}"
            async with session.post(url, data=TYPED):
                pass
        process.send_signal(signal.SIGTERM)
        output, errors = await asyncio.wait_for(process.communicate(), timeout=20)
    lines = [json.loads(line) for line in output.decode().splitlines()]
    assert {line["event"] for line in lines} >= {"slack_reached", "worked", "stopped"}
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert TYPED.encode() not in output + errors
    assert not errors
    assert not re.search(rb"xox[bp]|xapp", output)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SLACK_BOT_TOKEN": ""}, ["SLACK_BOT_TOKEN is not set", "https://api.slack.com/apps", "prime demo"]),
        ({"SLACK_APP_TOKEN": ""}, ["SLACK_APP_TOKEN is not set", "https://api.slack.com/apps", "prime demo"]),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, ["Slack does not accept SLACK_BOT_TOKEN (invalid_auth)"]),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, ["Slack does not accept SLACK_APP_TOKEN (invalid_auth)"]),
        ({"DATABASE_URL": "postgresql://u@127.0.0.1:9/n"}, ["PRIME_SECRET_KEY is not set"]),
        ({"PRIME_SECRET_KEY": "short"}, ["PRIME_SECRET_KEY", "Make one with"]),
        ({"PRIME_HTTP_ADDR": "203.0.113.1:1"}, ["cannot listen on 203.0.113.1:1", "PRIME_HTTP_ADDR"]),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence_and_ends_it(
    lab: SlackLab, tmp_path: Path, given: dict[str, str], said: list[str]
) -> None:
    process = await start_process("run", env=environment(lab, tmp_path, **given), cwd=tmp_path)
    _, errors = await asyncio.wait_for(process.communicate(), timeout=30)
    sentence = errors.decode()
    assert process.returncode == 1
    assert all(words in sentence for words in said)
    assert "Traceback" not in sentence
    assert len(sentence.splitlines()) == 1
    assert processes_of(tmp_path) == []


async def test_ctrl_c_is_silent(lab: SlackLab, tmp_path: Path, unused_tcp_port: int) -> None:
    async with running(lab, tmp_path, unused_tcp_port) as process:
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), timeout=20)
    assert process.returncode == 0
    assert not errors


class TestOtherCommands:
    async def test_doctor_and_audit_verify_are_well_beside_a_running_prime(
        self, lab: SlackLab, tmp_path: Path, unused_tcp_port: int
    ) -> None:
        env = environment(lab, tmp_path)
        async with running(lab, tmp_path, unused_tcp_port) as process:
            for words in (["doctor"], ["audit", "verify"], ["migrate"]):
                command = await start_process(*words, env=env, cwd=tmp_path)
                output, errors = await asyncio.wait_for(command.communicate(), timeout=30)
                assert command.returncode == 0, (words, output, errors)
            assert process.returncode is None

    async def test_doctor_says_what_to_do_about_each_wire_that_fails(self, lab: SlackLab, tmp_path: Path) -> None:
        lab.platform.app.installed_scopes -= {"im:history"}
        given = {"SLACK_APP_TOKEN": "xapp-wrong", "DATABASE_URL": "postgresql://u:hidden@127.0.0.1:9/n"}
        env = environment(lab, tmp_path, **given, PRIME_SECRET_KEY="a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
        command = await start_process("doctor", env=env, cwd=tmp_path)
        output, _ = await asyncio.wait_for(command.communicate(), timeout=30)
        text = output.decode()
        failures = [line for line in text.splitlines() if line.startswith("FAIL")]
        assert command.returncode == 1
        assert [line.split(":")[0] for line in failures] == [
            "FAIL Slack scopes",
            "FAIL Slack app token",
            "FAIL Database",
        ]
        assert "im:history" in failures[0]
        assert "hidden" not in text

    async def test_an_unknown_error_is_a_reference_and_no_traceback(self, lab: SlackLab, tmp_path: Path) -> None:
        code = "import bot.cli; bot.cli.manifest.callback = lambda url: 1 / 0; bot.cli.main()"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, "manifest",
            env=environment(lab, tmp_path), cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), timeout=30)
        match = re.search(rb"reference (\w{6})", errors)
        assert process.returncode == 1
        assert match
        assert match[1] in output
        assert b"Traceback" not in output + errors
        assert b"ZeroDivisionError" in output
        assert b"division by zero" not in output

    async def test_a_wrong_word_is_met_with_the_usage(self, lab: SlackLab, tmp_path: Path) -> None:
        command = await start_process("rnu", env=environment(lab, tmp_path), cwd=tmp_path)
        _, errors = await asyncio.wait_for(command.communicate(), timeout=30)
        assert command.returncode == 2
        assert b"No such command 'rnu'" in errors
