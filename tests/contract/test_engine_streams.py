"""Answers of both engines, against the lab's."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Self

import pytest

from core.catalog.model import EngineKind, EngineOptions
from core.redaction.model import RedactedText
from core.servers.errors import (
    EngineOverloadedError,
    EngineUnreachableError,
    GenerationFailedError,
    PromptRefusedError,
)
from core.servers.model import Endpoint, Launch
from lab.engine.launch import Launch as LabLaunch
from lab.engine.server import LabEngine
from providers.engines.container import ContainerEngine
from providers.engines.model import End, EndReason, Message, Sampling, Speaker, Token
from providers.engines.registry import InstalledEngines
from providers.engines.stream import Events

KEY = "the-key-of-this-server"
CHAT_MODEL = "Qwen/Qwen2.5-7B-Instruct"


class Talk:
    """An engine of the lab, and ours that asks it."""

    def __init__(self, engine: ContainerEngine, *, model: str = CHAT_MODEL, tokens_per_second: float = 2000) -> None:
        self.engine = engine
        self.model = model
        launch = Launch(engine=engine.kind, model=model, revision=None, options=OPTIONS, gpu_count=1)
        read = LabLaunch.from_docker(engine.image, engine.arguments(launch), {engine.container.key_variable: KEY})
        self.lab = LabEngine(read, loading_seconds=0, tokens_per_second=tokens_per_second)

    async def __aenter__(self) -> Self:
        await self.lab.start()
        await self.lab.ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.lab.stop()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(url=self.lab.url, key=KEY, fingerprint=None)

    def chat(self, *texts: str, sampling: Sampling | None = None, stall_seconds: float = 10) -> Events:
        messages = [Message(speaker=Speaker.USER, text=RedactedText(text)) for text in texts]
        return self.engine.chat(
            self.endpoint, messages, sampling or Sampling(), model=self.model, stall_seconds=stall_seconds
        )

    def generate(self, text: str, *, sampling: Sampling | None = None, stall_seconds: float = 10) -> Events:
        return self.engine.generate(
            self.endpoint,
            RedactedText(text),
            sampling or Sampling(),
            model=self.model,
            stall_seconds=stall_seconds,
        )


OPTIONS = EngineOptions(max_total_tokens=1024)

Ask = Callable[..., Events]


@pytest.fixture(params=list(EngineKind))
async def talk(request: pytest.FixtureRequest) -> AsyncIterator[Talk]:
    async with Talk(InstalledEngines().of(request.param)) as talk:
        yield talk


@pytest.fixture(params=["chat", "generate"])
def ask(request: pytest.FixtureRequest, talk: Talk) -> Ask:
    """Either way to ask."""
    return getattr(talk, request.param)


async def heard(events: Events) -> tuple[str, End]:
    """The whole text, and the end, which comes once and last."""
    async with asyncio.timeout(20), aclosing(events):
        *tokens, end = [event async for event in events]
    assert isinstance(end, End)
    return "".join(token.text for token in tokens if isinstance(token, Token)), end


async def broken(events: Events, error: type[Exception]) -> str:
    """What was heard before it broke."""
    heard: list[str] = []

    async def hear() -> None:
        async with asyncio.timeout(20), aclosing(events):
            async for event in events:
                assert isinstance(event, Token)
                heard.append(event.text)

    with pytest.raises(error):
        await hear()
    return "".join(heard)


async def test_gives_the_whole_text_and_its_counts(talk: Talk, ask: Ask) -> None:
    talk.lab.answer = lambda _: "All is well: 日本語, 👩‍🚀 and naïve."
    text, end = await heard(ask("How are you?", sampling=Sampling(max_tokens=500)))
    assert text == "All is well: 日本語, 👩‍🚀 and naïve."
    assert end.reason is EndReason.STOP
    assert end.prompt_tokens is not None
    assert end.generated_tokens is not None
    assert end.prompt_tokens > 0 < end.generated_tokens


async def test_says_when_there_was_no_more_room(ask: Ask) -> None:
    _, end = await heard(ask("Hello", sampling=Sampling(max_tokens=3)))
    assert (end.reason, end.generated_tokens) == (EndReason.LENGTH, 3)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0, top_p=1),
        Sampling(temperature=0.7, top_p=0.9, seed=5, stop=("END", "\n\n")),
        Sampling(temperature=0.0, top_p=1.0, max_tokens=10),
    ],
)
async def test_sends_no_setting_that_an_engine_refuses(ask: Ask, sampling: Sampling) -> None:
    await heard(ask("Hello", sampling=sampling))


async def test_tells_who_said_what(talk: Talk) -> None:
    speakers = (Speaker.SYSTEM, Speaker.USER, Speaker.ASSISTANT, Speaker.USER)
    messages = [Message(speaker=speaker, text=RedactedText(speaker.upper())) for speaker in speakers]
    await heard(talk.engine.chat(talk.endpoint, messages, Sampling(), model=CHAT_MODEL, stall_seconds=10))
    (request,) = talk.lab.requests
    assert request.has_key
    assert request.body["messages"] == [{"role": str(speaker), "content": speaker.upper()} for speaker in speakers]


@pytest.mark.parametrize("fault", ["engine: split UTF-8", "engine: U+2028 in a token"])
async def test_loses_no_character_however_the_bytes_come(talk: Talk, ask: Ask, fault: str) -> None:
    talk.lab.answer = lambda _: "Zoë says 你好 to 🙂 twice."
    talk.lab.faults.switch(fault)
    text, _ = await heard(ask("Hello"))
    assert "Zoë says 你好 to 🙂" in text.replace("\u2028", "")
    assert "\ufffd" not in text
    assert ("\u2028" in text) == ("2028" in fault)


async def test_says_that_the_engine_is_full(talk: Talk, ask: Ask) -> None:
    talk.lab.faults.switch("engine: overloaded")
    assert await broken(ask("Hello"), EngineOverloadedError) == ""


@pytest.mark.parametrize(
    ("fault", "error"),
    [("engine: error frame", GenerationFailedError), ("engine: cut stream", EngineUnreachableError)],
)
async def test_keeps_what_came_before_it_broke(talk: Talk, ask: Ask, fault: str, error: type[Exception]) -> None:
    talk.lab.answer = lambda _: "one two three four five six seven eight nine ten"
    talk.lab.faults.switch(fault, after=3)
    assert "one two three".startswith((await broken(ask("Hello"), error)).strip())


async def test_notices_when_the_engine_goes_silent(talk: Talk, ask: Ask) -> None:
    talk.lab.faults.switch("engine: stall", after=2)
    assert await broken(ask("Hello", stall_seconds=0.2), EngineUnreachableError)


async def test_stops_the_engine_by_closing(talk: Talk, ask: Ask) -> None:
    talk.lab.faults.switch("engine: stall", after=2)
    async with aclosing(ask("Hello")) as events:
        await anext(events)
        assert talk.lab.running == 1
    async with asyncio.timeout(5):
        while talk.lab.running:  # noqa: ASYNC110 the lab tells nobody when a slot is free again
            await asyncio.sleep(0.01)
    assert talk.lab.dropped == 1


async def test_says_that_a_prompt_is_too_long(ask: Ask) -> None:
    await broken(ask("word " * 3000), PromptRefusedError)


@pytest.mark.parametrize("kind", EngineKind)
async def test_says_that_a_base_model_cannot_chat_but_can_go_on(kind: EngineKind) -> None:
    async with Talk(InstalledEngines().of(kind), model="mistralai/Mistral-7B-v0.3") as talk:
        await broken(talk.chat("Hello"), PromptRefusedError)
        await heard(talk.generate("Once upon a time"))


async def test_says_that_a_server_is_away(talk: Talk, ask: Ask) -> None:
    await talk.lab.stop()
    await broken(ask("Hello"), EngineUnreachableError)


RECORDINGS = Path(__file__).parent / "recordings" / "tgi"


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("chat-stream-3.0.1-a", EndReason.STOP),
        ("chat-stream-3.2.1-length", EndReason.LENGTH),
        ("generate-stream-details-3.0.1", EndReason.LENGTH),
    ],
)
async def test_reads_what_real_servers_sent(name: str, reason: EndReason, size: int) -> None:
    sent = (RECORDINGS / f"{name}.sse").read_bytes()
    frames = [json.loads(line[5:]) for line in sent.split(b"\n") if line.startswith(b"data: {")]
    is_chat = name.startswith("chat")
    said = [
        frame["choices"][0]["delta"]["content"] if is_chat else frame["token"]["text"]
        for frame in frames
        if not is_chat or frame["choices"]
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for start in range(0, len(sent), size):
            writer.write(sent[start : start + size])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        talk = Talk(InstalledEngines().of(EngineKind.TGI))
        talk.lab.url = url
        text, end = await heard(talk.chat("Hello") if is_chat else talk.generate("Hello"))
    assert (text, end.reason) == ("".join(said), reason)
