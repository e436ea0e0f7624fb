"""Clouds, hubs and engines that answer anything: what Prime asks of them ends in a value, or in a sentence."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalog.defaults import serving_engines
from core.catalog.model import EngineKind
from core.catalog.published import parse_model
from core.errors import PrimeError
from core.redaction.model import RedactedText
from core.servers.model import Endpoint
from core.servers.ports import Provider
from core.talk.model import Message, Sampling, Speaker
from core.talk.ports import Events
from lab.engine.server import LabEngine
from lab.hub.server import HubLab
from lab.paperspace.server import PaperspaceLab
from providers.engines.container import ContainerEngine
from providers.engines.registry import InstalledEngines
from providers.hub import HuggingFace
from providers.paperspace.provider import Paperspace
from providers.registry import ProviderSettings
from tests.canned import QuickClock
from tests.contract.test_provider_paperspace import ORDER
from tests.engines import KEY, MODEL, tgi, vllm
from tests.hostile.relay import Relay, open_relay
from tests.profiles import cases
from tests.recipients import recipient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 10.0
"""More than any of it waits for what does not come."""

luck = st.integers(0, 2**32)


async def ends(act: Callable[[], Awaitable[object]]) -> None:
    """In a value or a sentence; everything else is an error of the test."""
    async with asyncio.timeout(SECONDS):
        with suppress(PrimeError):
            await act()


# --- a cloud ----------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud() -> AsyncIterator[tuple[Relay, Provider]]:
    lab = PaperspaceLab(boot_seconds=0, stop_seconds=0, seed=7)
    await lab.start()
    async with open_relay(lab.url) as relay:
        provider = Paperspace(lab.api_key, ProviderSettings(base_url=relay.url, clock=QuickClock()))
        yield relay, provider
        await provider.aclose()
    await lab.stop()


@settings(**cases(short=40, long=5_000))
@given(luck)
async def test_a_cloud(cloud: tuple[Relay, Provider], number: int) -> None:
    relay, provider = cloud
    relay.chance = None
    machine = (await provider.list(name=ORDER.name) or [await provider.create(ORDER)])[0].id
    relay.chance = random.Random(number)
    acts: list[Callable[[], Awaitable[object]]] = [
        provider.check_credentials,
        provider.offers,
        provider.list,
        lambda: provider.get(machine),
        lambda: provider.create(ORDER),
        lambda: provider.stop(machine),
        lambda: provider.start(machine),
        lambda: provider.delete(machine),
        lambda: provider.clear_away(ORDER.name),
        lambda: provider.replace_startup_script(ORDER.name, "#!/bin/bash\n"),
    ]
    for act in acts:
        await ends(act)


# --- the Hub ----------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub() -> AsyncIterator[tuple[Relay, HuggingFace]]:
    lab = HubLab()
    await lab.start()
    async with open_relay(lab.url.removesuffix("/api")) as relay:
        hub = HuggingFace(api_url=f"{relay.url}/api", token=lab.token, organisation=lab.org, clock=QuickClock())
        yield relay, hub
        await hub.aclose()
    await lab.stop()


@settings(**cases(short=100, long=10_000))
@given(luck)
async def test_the_hub(hub: tuple[Relay, HuggingFace], number: int) -> None:
    relay, asked = hub
    relay.chance = random.Random(number)

    async def model() -> object:
        told = await asked.model("Qwen/Qwen2.5-7B-Instruct")
        return parse_model(told, serving=serving_engines(), now=datetime(2026, 11, 22, tzinfo=UTC))

    await ends(model)
    await ends(asked.organisation_models)


# --- engines ----------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(EngineKind))
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Relay, ContainerEngine]]:
    launch = (tgi if request.param is EngineKind.TGI else vllm)(MODEL, "--api-key", KEY)
    lab = LabEngine(launch, loading_seconds=0, tokens_per_second=100_000)
    await lab.start()
    await lab.ready()
    engines = InstalledEngines()
    async with open_relay(lab.url) as relay:
        yield relay, engines.of(request.param)
    await engines.aclose()
    await lab.stop()


@settings(**cases(short=60, long=10_000))
@given(luck)
async def test_an_engine(engine: tuple[Relay, ContainerEngine], number: int) -> None:
    relay, model = engine
    relay.chance = random.Random(number)
    endpoint = Endpoint(url=relay.url, key=KEY, fingerprint=None)
    to, text = recipient(endpoint), RedactedText("Hello there")
    messages = [Message(speaker=Speaker.USER, text=text)]
    await ends(lambda: model.is_healthy(endpoint))
    await ends(lambda: model.look(endpoint))
    await ends(lambda: model.info(endpoint))
    await ends(lambda: model.count_messages(to, messages))
    await ends(lambda: model.count_text(to, text))
    await ends(lambda: _heard(model.chat(to, messages, Sampling(), stall_seconds=SECONDS)))
    await ends(lambda: _heard(model.generate(to, text, Sampling(), stall_seconds=SECONDS)))


async def _heard(events: Events) -> None:
    async with aclosing(events):
        async for _ in events:
            pass
