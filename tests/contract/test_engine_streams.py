"""Answers of both engines, against the lab's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Self

import pytest

from core.catalog.model import EngineKind, EngineOptions
from core.redaction.model import RedactedText
from core.servers.errors import (
    EngineOverloadedError,
    EngineUnreachableError,
    GenerationFailedError,
    NoChatTemplateError,
    PromptRefusedError,
)
from core.servers.model import Endpoint, Launch
from core.talk.model import End, EndReason, Message, Sampling, Speaker, Token
from core.talk.ports import Events
from lab.engine.launch import Launch as LabLaunch
from lab.engine.server import LabEngine
from providers.engines.registry import InstalledEngines
from tests.canned import Canned, answer, canned_server
from tests.recipients import recipient

KEY = "the-key-of-this-server"
CHAT_MODEL = "Qwen/Qwen2.5-7B-Instruct"


class Talk:
    """An engine of the lab, and ours that asks it."""

    def __init__(self, kind: EngineKind, *, model: str = CHAT_MODEL, tokens_per_second: float = 2000) -> None:
        self._engines = InstalledEngines()
        engine = self.engine = self._engines.of(kind)
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
        await self.aclose()

    async def aclose(self) -> None:
        await self._engines.aclose()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(url=self.lab.url, key=KEY, fingerprint=None)

    def chat(self, *texts: str, sampling: Sampling | None = None, stall_seconds: float = 10) -> Events:
        messages = [Message(speaker=Speaker.USER, text=RedactedText(text)) for text in texts]
        return self.engine.chat(
            recipient(self.endpoint, model=self.model), messages, sampling or Sampling(), stall_seconds=stall_seconds
        )

    def generate(self, text: str, *, sampling: Sampling | None = None, stall_seconds: float = 10) -> Events:
        return self.engine.generate(
            recipient(self.endpoint, model=self.model),
            RedactedText(text),
            sampling or Sampling(),
            stall_seconds=stall_seconds,
        )


OPTIONS = EngineOptions(max_total_tokens=1024)

Ask = Callable[..., Events]


@pytest.fixture(params=list(EngineKind))
async def talk(request: pytest.FixtureRequest) -> AsyncIterator[Talk]:
    async with Talk(request.param) as talk:
        yield talk


@pytest.fixture(params=["chat", "generate"])
def ask(request: pytest.FixtureRequest, talk: Talk) -> Ask:
    """Either way to ask."""
    return getattr(talk, request.param)


async def heard(events: Events) -> tuple[str, End]:
    """The whole text, and the end, which comes once and last."""
    async with asyncio.timeout(20), aclosing(events):
        *tokens, end = [event async for batch in events for event in batch]
    assert isinstance(end, End)
    return "".join(token.text for token in tokens if isinstance(token, Token)), end


async def broken(events: Events, error: type[Exception]) -> str:
    """What was heard before it broke."""
    heard: list[str] = []

    async def hear() -> None:
        async with asyncio.timeout(20), aclosing(events):
            async for batch in events:
                heard.extend(event.text for event in batch if isinstance(event, Token))

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
    await heard(talk.engine.chat(recipient(talk.endpoint, model=CHAT_MODEL), messages, Sampling(), stall_seconds=10))
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
    async with Talk(kind, model="mistralai/Mistral-7B-v0.3") as talk:
        await broken(talk.chat("Hello"), PromptRefusedError)
        await heard(talk.generate("Once upon a time"))


async def test_says_that_a_server_is_away(talk: Talk, ask: Ask) -> None:
    await talk.lab.stop()
    await broken(ask("Hello"), EngineUnreachableError)


def said(*texts: str) -> list[Message]:
    """Turns of a person and the model, one after the other."""
    speakers = [Speaker.USER, Speaker.ASSISTANT]
    return [Message(speaker=speakers[turn % 2], text=RedactedText(text)) for turn, text in enumerate(texts)]


async def test_counts_what_the_engine_counts(talk: Talk) -> None:
    _, chatted = await heard(talk.chat("How many is this? 日本語"))
    _, generated = await heard(talk.generate("How many is this? 日本語", sampling=Sampling(max_tokens=5)))
    engine, text = talk.engine, RedactedText("How many is this? 日本語")
    assert (
        await engine.count_messages(recipient(talk.endpoint, model=CHAT_MODEL), said(text.text))
        == chatted.prompt_tokens
    )
    counted = await engine.count_text(recipient(talk.endpoint, model=CHAT_MODEL), text)
    assert counted in (generated.prompt_tokens, (generated.prompt_tokens or 0) - 1)  # an engine may begin with a token


async def test_counts_prompts_that_are_too_long(talk: Talk) -> None:
    counted = await talk.engine.count_text(recipient(talk.endpoint, model=CHAT_MODEL), RedactedText("word " * 30_000))
    assert counted is not None
    assert counted >= 30_000


@pytest.mark.parametrize("kind", EngineKind)
async def test_counts_no_chat_of_a_base_model(kind: EngineKind) -> None:
    async with Talk(kind, model="mistralai/Mistral-7B-v0.3") as talk:
        with pytest.raises(NoChatTemplateError):
            await talk.engine.count_messages(recipient(talk.endpoint, model=talk.model), said("Hello"))
        assert await talk.engine.count_text(recipient(talk.endpoint, model=talk.model), RedactedText("Hello"))


@pytest.mark.parametrize(
    "given",
    [
        Canned(status=404),
        Canned(status=405),
        Canned(body=b"{no JSON}"),
        answer({"count": "many"}),
        answer({"count": -1}),
        answer({"tokenize_response": None}),
        answer(None),
    ],
)
async def test_cannot_count_where_no_engine_tells(talk: Talk, given: Canned) -> None:
    async with canned_server() as server:
        for path in ("/chat_tokenize", "/tokenize"):
            server.lay(f"POST {path}", given)
        endpoint = Endpoint(url=server.url, key=KEY, fingerprint=None)
        assert await talk.engine.count_messages(recipient(endpoint, model=CHAT_MODEL), said("Hello")) is None
        assert await talk.engine.count_text(recipient(endpoint, model=CHAT_MODEL), RedactedText("Hello")) is None


async def test_asks_each_engine_for_a_repetition_penalty_in_its_words(talk: Talk) -> None:
    sampling = Sampling(repetition_penalty=1.5, max_tokens=5)
    await heard(talk.chat("Hello", sampling=sampling))
    await heard(talk.generate("Hello", sampling=sampling))
    chat, generate = (request.body for request in talk.lab.requests)
    if talk.engine.kind is EngineKind.TGI:
        assert (chat["presence_penalty"], generate["parameters"]["repetition_penalty"]) == (-0.5, 1.5)
        assert "repetition_penalty" not in chat
    else:
        assert (chat["repetition_penalty"], generate["repetition_penalty"]) == (1.5, 1.5)


async def test_leaves_to_the_engine_what_nobody_set(talk: Talk) -> None:
    await heard(talk.chat("Hello"))
    (request,) = talk.lab.requests
    assert set(request.body) == {"model", "messages", "stream", "stream_options"}


async def test_asks_for_more_of_an_answer(talk: Talk) -> None:
    """TGI goes on by itself with a last message of the assistant's, and knows no word for it."""
    messages = said("Count to ten", "one two three")
    await heard(talk.engine.chat(recipient(talk.endpoint, model=CHAT_MODEL), messages, Sampling(), stall_seconds=10))
    await heard(talk.chat("Hello"))
    more, fresh = (request.body for request in talk.lab.requests)
    asked = {"add_generation_prompt": False, "continue_final_message": True}
    told = {name: more[name] for name in asked if name in more}
    assert told == (asked if talk.engine.kind is EngineKind.VLLM else {})
    assert not asked.keys() & fresh.keys()
