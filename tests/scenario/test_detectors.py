"""Names, by the engine that people get, and what they see when its processes die."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from tests.integration.test_detectors import children
from tests.prime import eventually
from tests.scenario.talking import TalkOffice, messages_of, open_talk_office, sent


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url, prime_redaction_engine="spacy") as world:
        # Loading takes all processors there are.
        await eventually(lambda: REGISTRY.get_sample_value("prime_detectors_ready") == 2, within_seconds=60)
        yield world


async def test_a_name_without_any_cue_does_not_leave_and_comes_back(world: TalkOffice) -> None:
    engine = await world.serve()
    rita = await world.office.person("U0RITA")
    ts, answer = await world.asks(rita, "@Prime did Margaret Thornton-Hughes arrive in Lisbon?")
    [request] = sent(engine)
    assert messages_of(request)[-1][1] == "did [PERSON_1] arrive in Lisbon?"
    assert "Margaret Thornton-Hughes" in answer.text

    for process in children():
        os.kill(process, signal.SIGKILL)
    _, after = await world.asks(rita, "and when did Margaret leave?", thread_ts=ts)
    asked = [text for one in sent(engine)[1:] for _, text in messages_of(one)]
    assert not any("Margaret" in text for text in asked)
    assert after.text or "could not look through your message" in after.notes


async def test_a_frozen_detector_lets_nothing_out(world: TalkOffice) -> None:
    engine = await world.serve()
    rita = await world.office.person("U0RITA")
    ts, _ = await world.asks(rita, "@Prime hello")
    before = children()
    for process in before:
        os.kill(process, signal.SIGSTOP)
    ts, refused = await world.asks(rita, "did Margaret Thornton-Hughes arrive?", thread_ts=ts)
    asked = [text for one in sent(engine)[1:] for _, text in messages_of(one)]
    assert not any("Margaret" in text for text in asked)
    if not asked:
        assert "could not look through your message" in refused.notes
        assert world.office.audited().count("redaction.prompt.fail") == 1
    await eventually(lambda: not before & children(), within_seconds=30)
