"""The lab's engines where a real model answers: their own wire to whoever asks, OpenAI's to the server behind."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from lab.engine.relay import NoServerError, OpenAIServer
from lab.engine.server import LabEngine, Launch
from tests import llama_cpp
from tests.engines import MODEL, chat, client, frames, tgi, until, vllm
from tests.serving import served

CHAT = "/v1/chat/completions"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
BOTH = pytest.mark.parametrize("launch", [tgi(MODEL), vllm(MODEL)], ids=["tgi", "vllm"])


def delta(text: str | None, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return {"choices": [choice]}


HELLO = [delta(None), delta("Hel"), delta("lo\u2028"), delta(None, "stop"), {"choices": [], "usage": USAGE}, "[DONE]"]


@dataclass
class Canned:
    """Answers every prompt alike."""

    events: Sequence[Any] = field(default_factory=lambda: HELLO)
    refusal: tuple[int, Any] | None = None
    is_endless: bool = False
    """After its events it says nothing more, and keeps the connection."""
    url: str = ""
    bodies: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Whoever asked went away before the end."""

    async def models(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization"))
        return web.json_response({"object": "list", "data": [{"id": "tiny"}, {"id": "large"}]})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.bodies.append(await request.json())
        if self.refusal is not None:
            return web.json_response(self.refusal[1], status=self.refusal[0])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for event in self.events:
                text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
                await response.write(f"data: {text}\n\n".encode())
            if self.is_endless:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return response


@pytest.fixture
async def canned() -> AsyncIterator[Canned]:
    canned = Canned()
    routes = web.get("/v1/models", canned.models), web.post("/v1/{path:.*}", canned.answer)
    async with served(*routes) as canned.url:
        yield canned


@asynccontextmanager
async def relaying(launch: Launch, url: str, **given: str) -> AsyncIterator[LabEngine]:
    engine = LabEngine(launch, loading_seconds=0, model=await OpenAIServer.found(url, **given))
    await engine.start()
    await engine.ready()
    try:
        yield engine
    finally:
        await engine.stop()


def text_of(events: Sequence[Any]) -> str:
    choices = [event["choices"][0] for event in events if isinstance(event, dict) and event.get("choices")]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@BOTH
async def test_a_chat_is_asked_there_and_told_in_the_engines_own_words(launch: Launch, canned: Canned) -> None:
    body = chat("hi", stream=True, max_tokens=50, temperature=0.5, stop=["x"], stream_options={"include_usage": True})
    async with relaying(launch, canned.url, key="sesame") as engine, client(engine) as http:
        events = frames((await http.post(CHAT, json=body)).content)
        whole = (await http.post(CHAT, json=chat("hi"))).json()
    assert text_of(events) == whole["choices"][0]["message"]["content"] == "Hello\u2028"
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    assert events[-2]["usage"] == whole["usage"] == USAGE
    assert canned.keys == ["Bearer sesame"]
    asked = canned.bodies[0]
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["stop"]) == ("tiny", 50, 0.5, ["x"])
    assert asked["messages"] == [{"role": "user", "content": "hi"}]


async def test_plain_generation_asks_for_a_completion(canned: Canned) -> None:
    canned.events = [{"choices": [{"text": "upon", "finish_reason": None}]}, delta(None, "length"), "[DONE]"]
    parameters = {"max_new_tokens": 4, "details": True, "repetition_penalty": 1.3}
    async with relaying(tgi(MODEL), canned.url, model="large") as engine, client(engine) as http:
        answer = await http.post("/generate_stream", json={"inputs": "Once", "parameters": parameters})
    last = frames(answer.content)[-1]
    assert (last["generated_text"], last["details"]["finish_reason"]) == ("upon", "length")
    asked = canned.bodies[0]
    assert canned.paths == ["/v1/completions"]
    assert (asked["prompt"], asked["model"], asked["repeat_penalty"]) == ("Once", "large", 1.3)
    assert asked["temperature"] == 0  # parameters without do_sample are greedy


@BOTH
async def test_an_answer_that_was_begun_is_gone_on_with(launch: Launch, canned: Canned) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Well,"}]
    flags = {} if launch == tgi(MODEL) else {"continue_final_message": True, "add_generation_prompt": False}
    async with relaying(launch, canned.url) as engine, client(engine) as http:
        await http.post(CHAT, json={"messages": messages, "stream": True, **flags})
    asked = canned.bodies[0]
    assert asked["messages"] == messages
    assert (asked["continue_final_message"], asked["add_generation_prompt"]) == (True, False)


@BOTH
async def test_who_closes_the_connection_closes_the_one_behind_it(launch: Launch, canned: Canned) -> None:
    canned.events, canned.is_endless = HELLO[:2], True
    async with relaying(launch, canned.url) as engine, client(engine) as http:
        async with http.stream("POST", CHAT, json=chat("hi", stream=True)) as response:
            async for piece in response.aiter_raw():
                if b"Hel" in piece:
                    break
        await asyncio.wait_for(canned.left.wait(), 5)
        await until(lambda: engine.running == 0)


@BOTH
@pytest.mark.parametrize(
    ("refusal", "status", "says"),
    [
        ((400, {"error": {"message": "the prompt is too long", "code": 400}}), (422, 400), "the prompt is too long"),
        ((503, {"error": "loading"}), (429, 503), "overloaded"),
        ((500, "no JSON of theirs"), (424, 500), ""),
    ],
    ids=["refused", "busy", "broken"],
)
async def test_what_it_refuses_is_refused(
    launch: Launch, canned: Canned, refusal: tuple[int, Any], status: tuple[int, int], says: str
) -> None:
    canned.refusal = refusal
    async with relaying(launch, canned.url) as engine, client(engine) as http:
        answer = await http.post(CHAT, json=chat("hi"))
        assert answer.status_code == status[launch != tgi(MODEL)]
        assert says in answer.text


@BOTH
async def test_a_failure_in_the_middle_keeps_what_came(launch: Launch, canned: Canned) -> None:
    canned.events = [*HELLO[:2], {"error": {"message": "out of memory", "code": 500}}]
    async with relaying(launch, canned.url) as engine, client(engine) as http:
        *events, done = frames((await http.post(CHAT, json=chat("hi", stream=True))).content)
    assert text_of(events[:-1]) == "Hel"
    assert "error" in events[-1]
    assert done == "[DONE]"


@BOTH
async def test_a_stream_that_stops_without_an_end_breaks_off_here_too(launch: Launch, canned: Canned) -> None:
    canned.events = HELLO[:3]
    async with relaying(launch, canned.url) as engine, client(engine) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(CHAT, json=chat("hi", stream=True))


@pytest.mark.parametrize("url", ["http://example.com", "http://10.0.0.1:8080", "ftp://127.0.0.1", "http://127.0.0.1:x"])
async def test_only_this_machine_is_asked(url: str) -> None:
    with pytest.raises(NoServerError, match="only to a server on this machine"):
        await OpenAIServer.found(url)


@pytest.mark.parametrize("form", ["{}", "{}/", "{}/v1", "{}/v1/"])
async def test_the_address_may_name_the_version(canned: Canned, form: str) -> None:
    async with relaying(tgi(MODEL), form.format(canned.url)) as engine, client(engine) as http:
        assert (await http.post(CHAT, json=chat("hi"))).status_code == 200
    assert canned.paths == [CHAT]


async def test_nobody_there_is_told_before_anything_starts() -> None:
    with pytest.raises(NoServerError, match="Nothing at"):
        await OpenAIServer.found("http://127.0.0.1:9")


@BOTH
async def test_a_real_llama_cpp_answers_through_it(launch: Launch, tmp_path: Path) -> None:
    llama_cpp.write_model(tmp_path / "tiny.gguf")
    async with (
        llama_cpp.llama_server(tmp_path / "tiny.gguf", key="sesame") as url,
        relaying(launch, url, key="sesame") as engine,
        client(engine) as http,
    ):
        body = chat("hi", stream=True, max_tokens=100, stream_options={"include_usage": True})
        events = frames((await http.post(CHAT, json=body)).content)
        cut = (await http.post(CHAT, json=chat(llama_cpp.ENDLESS, max_tokens=5))).json()
        plain = await http.post("/tokenize", json={"inputs": "x", "prompt": "x"})
    assert text_of(events) == llama_cpp.TEXT
    assert events[-2]["usage"]["completion_tokens"] >= len(llama_cpp.ANSWER)
    assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 5)
    assert plain.status_code == 200
