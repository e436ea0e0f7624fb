"""Answers of a real engine that was not made for Prime: llama.cpp's server, asked as vLLM is."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.catalog.model import EngineKind
from core.redaction.model import RedactedText
from core.servers.errors import IdentityError, PromptRefusedError
from core.servers.model import Endpoint
from core.talk.model import End, EndReason, Message, Sampling, Speaker, Token
from core.talk.ports import Events
from providers.engines.container import ContainerEngine
from providers.engines.registry import InstalledEngines
from providers.pinned import get, pinned_client
from tests.llama_cpp import AGAIN, ANSWER, ENDLESS, NAME, SLOTS, TEXT, WINDOW, llama_server, write_model
from tests.recipients import recipient

KEY = "the-key-of-this-server"


@dataclass
class Talk:
    engine: ContainerEngine
    endpoint: Endpoint

    def chat(self, text: str, *, max_tokens: int | None = None) -> Events:
        messages = [Message(speaker=Speaker.USER, text=RedactedText(text))]
        sampling = Sampling(max_tokens=max_tokens)
        return self.engine.chat(recipient(self.endpoint, model=NAME), messages, sampling, stall_seconds=10)

    def generate(self, text: str) -> Events:
        sampling = Sampling(max_tokens=100)
        return self.engine.generate(
            recipient(self.endpoint, model=NAME), RedactedText(text), sampling, stall_seconds=10
        )

    async def counted(self, name: str) -> int:
        """Of the server's own metrics."""
        async with pinned_client(self.endpoint) as client:
            told = await get(client, "/metrics", token=KEY)
        found = re.search(rf"^llamacpp:{name} (\d+)$", told.body.decode(), re.MULTILINE)
        assert found is not None
        return int(found[1])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path)
    return path


@pytest.fixture
async def talk(model: Path) -> AsyncIterator[Talk]:
    engines = InstalledEngines()
    async with llama_server(model, key=KEY) as url:
        yield Talk(engines.of(EngineKind.VLLM), Endpoint(url=url, key=KEY, fingerprint=None))
        await engines.aclose()


async def heard(events: Events) -> tuple[str, End]:
    async with asyncio.timeout(20), aclosing(events):
        *tokens, end = [event async for batch in events for event in batch]
    assert isinstance(end, End)
    return "".join(token.text for token in tokens if isinstance(token, Token)), end


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 the server tells nobody
            await asyncio.sleep(0.02)


async def test_hears_every_character_and_the_counts(talk: Talk) -> None:
    said = End(reason=EndReason.STOP, prompt_tokens=len("Hello"), generated_tokens=len(ANSWER) + 1)
    assert await heard(talk.chat("Hello")) == (TEXT, said)
    assert await heard(talk.generate("Hello")) == (TEXT, said)


async def test_goes_on_with_an_answer(talk: Talk) -> None:
    """The model says one thing after an exclamation mark and another after anything else: the last message decides."""
    messages = [
        Message(speaker=Speaker.USER, text=RedactedText("Hello")),
        Message(speaker=Speaker.ASSISTANT, text=RedactedText(f"And so{ENDLESS}")),
    ]
    text, end = await heard(
        talk.engine.chat(recipient(talk.endpoint, model=NAME), messages, Sampling(max_tokens=3), stall_seconds=10)
    )
    assert (text, end.reason) == (3 * AGAIN, EndReason.LENGTH)


async def test_shows_the_key(talk: Talk) -> None:
    stranger = replace(talk, endpoint=replace(talk.endpoint, key="another"))
    with pytest.raises(IdentityError):
        await heard(stranger.chat("Hello"))


async def test_says_that_a_prompt_is_too_long(talk: Talk) -> None:
    with pytest.raises(PromptRefusedError):
        await heard(talk.chat("x" * (WINDOW + 1)))


async def test_stops_the_engine_by_closing(talk: Talk) -> None:
    async with aclosing(talk.chat(f"Go{ENDLESS}", max_tokens=WINDOW - 100)) as events:
        await anext(events)
        assert await talk.counted("requests_processing") == 1

    async def is_idle() -> bool:
        return await talk.counted("requests_processing") == 0

    await until(is_idle)
    generated = await talk.counted("tokens_predicted_total")
    assert 0 < generated < WINDOW // 2
    await heard(talk.chat("Hello"))
    assert await talk.counted("tokens_predicted_total") == generated + len(ANSWER) + 1


async def test_waits_for_a_slot(talk: Talk) -> None:
    endless = [talk.chat(f"Go{ENDLESS}", max_tokens=WINDOW - 100) for _ in range(SLOTS)]
    for events in endless:
        await anext(events)
    third = asyncio.create_task(heard(talk.chat("Hello")))

    async def is_deferred() -> bool:
        return await talk.counted("requests_deferred") == 1

    await until(is_deferred)
    assert not third.done()
    for events in endless:
        await events.aclose()
    text, _ = await third
    assert text == TEXT


async def test_tells_what_it_can(talk: Talk) -> None:
    info = await talk.engine.info(talk.endpoint)
    assert (info.model, info.version, info.max_total_tokens) == (NAME, None, None)
    assert await talk.engine.count_text(recipient(talk.endpoint, model=NAME), RedactedText("Hello")) is None
