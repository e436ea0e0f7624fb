"""The lab's vLLM: frames with ids, a role chunk first, and errors as HTTP 400 also where a stream was asked for."""

from typing import Any

import pytest

from tests.engines import MODEL, chat, client, frames, running, vllm

BASE_MODEL = "mistralai/Mistral-7B-v0.3"


async def test_a_chat_stream_begins_with_the_role_and_ends_with_done() -> None:
    body = chat("hi there", stream=True, stream_options={"include_usage": True})
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        answer = await http.post("/v1/chat/completions", json=body)
        whole = (await http.post("/v1/chat/completions", json=chat("hi there"))).json()
    events = frames(answer.content)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    deltas = [event["choices"][0]["delta"] for event in events[1:-2]]
    assert all(set(delta) == {"content"} for delta in deltas)
    assert "".join(delta["content"] for delta in deltas) == whole["choices"][0]["message"]["content"]
    assert [event["choices"][0]["finish_reason"] for event in events[1:-2]] == [None] * (len(deltas) - 1) + ["stop"]
    assert (events[-2]["choices"], events[-2]["usage"], events[-1]) == ([], whole["usage"], "[DONE]")
    ids = {event["id"] for event in events[:-1]}
    assert len(ids) == 1
    assert ids.pop().startswith("chatcmpl-")


async def test_plain_completions_write_sixteen_tokens_unless_told() -> None:
    async with running(vllm(BASE_MODEL)) as engine, client(engine) as http:
        whole = (await http.post("/v1/completions", json={"prompt": "Once upon a time"})).json()
        answer = await http.post("/v1/completions", json={"prompt": "Once", "max_tokens": 3, "stream": True})
    assert (whole["object"], whole["usage"]["completion_tokens"]) == ("text_completion", 16)
    assert whole["choices"][0]["finish_reason"] == "length"
    events = frames(answer.content)
    assert [event["choices"][0]["finish_reason"] for event in events[:-1]] == [None, None, "length"]
    assert "".join(event["choices"][0]["text"] for event in events[:-1]) == "Happy to help"
    assert events[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("stop", "text"), [("two", "one "), (["two", "e t"], "on"), ("nine", "one two three")], ids=str
)
async def test_a_stop_sequence_is_left_out(stop: str | list[str], text: str) -> None:
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        engine.answer = lambda _: "one two three"
        choice = (await http.post("/v1/chat/completions", json=chat("hi", stop=stop))).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, "stop")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (chat("hi", max_tokens=256), 400, "maximum context length is 256 tokens"),
        (chat("word " * 500), 400, "maximum context length is 256 tokens"),
        (chat("hi", top_p=0), 400, "top_p"),
        (chat("hi", temperature=-1), 400, "temperature"),
        (chat("hi", max_tokens=0), 400, "max_tokens must be at least 1"),
        (chat("hi", model="another"), 404, "The model `another` does not exist."),
        ({"messages": "hi"}, 400, "messages"),
        ({}, 400, "missing"),
        ([], 400, "dictionary"),
    ],
)
async def test_what_is_wrong_is_an_http_error_in_json(body: Any, status: int, text: str, stream: bool) -> None:
    body = body | {"stream": stream} if isinstance(body, dict) else body
    async with running(vllm(MODEL, "--max-model-len", "256")) as engine, client(engine) as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == status
    assert text in error["message"]


async def test_the_openai_defaults_are_fine() -> None:
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        body = chat("hi", model=MODEL, top_p=1.0, temperature=0, presence_penalty=0, stop="x", max_tokens=5)
        assert (await http.post("/v1/chat/completions", json=body)).status_code == 200


async def test_what_is_no_json_is_refused() -> None:
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        bad = await http.post("/v1/chat/completions", content=b"{", headers={"Content-Type": "application/json"})
        form = await http.post("/v1/chat/completions", data={"inputs": "x"})
    assert (bad.status_code, form.status_code) == (400, 415)


async def test_a_base_model_has_no_chat() -> None:
    async with running(vllm(BASE_MODEL)) as engine, client(engine) as http:
        refused = await http.post("/v1/chat/completions", json=chat("hi", stream=True))
    assert refused.status_code == 400
    assert "default chat template is no longer allowed" in refused.json()["error"]["message"]


async def test_tokenize_counts_what_chat_counts() -> None:
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        counted = (await http.post("/tokenize", json=chat("hi"))).json()
        text = (await http.post("/tokenize", json={"prompt": "hello world"})).json()
        usage = (await http.post("/v1/chat/completions", json=chat("hi"))).json()["usage"]
    assert (counted["count"], counted["max_model_len"]) == (usage["prompt_tokens"], 40960)
    assert (text["count"], len(text["tokens"])) == (2, 2)
