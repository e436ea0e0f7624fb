"""The lab's TGI answers as real ones did (recordings), and refuses where and how they refuse."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines import MODEL, chat, client, frames, running, tgi, until

RECORDINGS = Path(__file__).parent / "recordings" / "tgi"
BASE_MODEL = "mistralai/Mistral-7B-v0.3"
LARGE = {"messages": [{"role": "user", "content": "word " * 500}]}


def shape(value: Any) -> Any:
    """Keys in their order, and kinds of values."""
    match value:
        case dict():
            return [(key, shape(item)) for key, item in value.items()]
        case list():
            return [shape(item) for item in value[:1]]
        case _:
            return type(value).__name__


def recorded(name: str) -> bytes:
    return (RECORDINGS / name).read_bytes()


async def raw(http: httpx.AsyncClient, path: str, body: Any) -> bytes:
    answer = await http.post(path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    return answer.content


@pytest.mark.parametrize(
    ("recording", "most"),
    [("chat-stream-3.0.1-a.sse", None), ("chat-stream-3.0.1-b.sse", 3), ("chat-stream-3.2.1-length.sse", 3)],
)
async def test_a_chat_stream_has_the_frames_of_the_recordings(recording: str, most: int | None) -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        ours = frames(await raw(http, "/v1/chat/completions", chat("hi", stream=True, max_tokens=most)))
    theirs = frames(recorded(recording))
    assert theirs[-1] == ours[-1] == "[DONE]"
    assert {json.dumps(shape(frame)) for frame in ours[:-2]} == {json.dumps(shape(frame)) for frame in theirs[:-2]}
    assert shape(ours[-2]) == shape(theirs[-2])
    assert ours[-2]["choices"][0]["finish_reason"] == theirs[-2]["choices"][0]["finish_reason"]
    assert bool(ours[-2]["choices"][0]["delta"]["content"]) is bool(theirs[-2]["choices"][0]["delta"]["content"])
    assert {frame["id"] for frame in ours[:-1]} == {""}


async def test_a_whole_chat_answer_has_the_shape_and_headers_of_the_recording() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        answer = await http.post("/v1/chat/completions", json=chat("hi"))
    assert shape(answer.json()) == shape(json.loads(recorded("chat-3.2.1.json")))
    assert answer.headers["content-type"] == "application/json"
    for name in ("compute-time", "queue-time", "inference-time", "time-per-token", "prompt-tokens", "generated-tokens"):
        assert f"x-{name}" in answer.headers


@pytest.mark.parametrize(
    ("recording", "details"), [("generate-stream-3.0.1.sse", False), ("generate-stream-details-3.0.1.sse", True)]
)
async def test_a_generate_stream_has_the_frame_of_the_recording(recording: str, details: bool) -> None:
    parameters = {"details": details, "do_sample": False, "max_new_tokens": 1, "return_full_text": False, "stop": []}
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        ours = frames(await raw(http, "/generate_stream", {"inputs": "test", "parameters": parameters}))
    assert shape(ours) == shape(frames(recorded(recording).rstrip(b"\n") + b"\n\n"))


async def test_a_validation_error_reads_as_in_the_recording() -> None:
    theirs = json.loads(recorded("generate-validation-error-3.0.1.json"))
    body = {"inputs": "test", "parameters": {"max_new_tokens": 10000}}
    async with running(tgi(MODEL, "--max-total-tokens", "1024")) as engine, client(engine) as http:
        whole = await http.post("/generate", json=body)
        streamed = frames(await raw(http, "/generate_stream", body))
    # The recorded tokenizer saw one token where ours adds one for the beginning.
    assert whole.json() == theirs | {"error": theirs["error"].replace("Given: 1 ", "Given: 2 ")}
    assert whole.status_code == 422
    assert streamed == [whole.json()]


async def test_the_last_frame_of_a_generation_holds_the_text_and_only_it() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        events = frames(await raw(http, "/generate_stream", {"inputs": "hi", "parameters": {"details": True}}))
        whole = (await http.post("/generate", json={"inputs": "hi"})).json()
    assert [event["index"] for event in events] == list(range(1, len(events) + 1))
    assert [event["generated_text"] for event in events[:-1]] == [None] * (len(events) - 1)
    assert {json.dumps(event["details"]) for event in events[:-1]} == {"null"}
    last = events[-1]
    assert (last["token"]["special"], last["token"]["text"]) == (True, "<|im_end|>")
    assert last["generated_text"] == "".join(event["token"]["text"] for event in events[:-1]) == whole["generated_text"]
    assert last["details"] | {"seed": None} == {
        "finish_reason": "eos_token",
        "generated_tokens": len(events),
        "seed": None,
        "input_length": 2,
    }


async def test_the_answer_shows_what_arrived() -> None:
    body = chat("first", "and then?")
    body["messages"].insert(0, {"role": "system", "content": "Be kind."})
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        answer = (await http.post("/v1/chat/completions", json=body)).json()
        engine.answer = lambda messages: " ".join(said.role for said in messages)
        roles = (await http.post("/v1/chat/completions", json=body)).json()
    text = answer["choices"][0]["message"]["content"]
    assert "“and then?”" in text
    assert "3 messages" in text
    assert roles["choices"][0]["message"]["content"] == "system user user"


async def test_the_compat_route_wraps_in_a_list_and_gives_the_prompt_back() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        engine.answer = lambda _: " world"
        whole = await http.post("/", json={"inputs": "hello"})
        short = await http.post("/", json={"inputs": "hello", "parameters": {"return_full_text": False}})
        streamed = frames(await raw(http, "/", {"inputs": "hello", "stream": True}))
    assert (whole.json(), short.json()) == ([{"generated_text": "hello world"}], [{"generated_text": " world"}])
    assert streamed[-1]["generated_text"] == " world"


async def test_usage_comes_only_when_asked_and_without_choices() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        body = chat("hi", stream=True, max_tokens=4, stream_options={"include_usage": True})
        events = frames(await raw(http, "/v1/chat/completions", body))
        tokens = (await http.post("/chat_tokenize", json=chat("hi"))).json()["tokenize_response"]
    assert (events[-2]["choices"], events[-1]) == ([], "[DONE]")
    prompt = len(tokens)
    assert events[-2]["usage"] == {"prompt_tokens": prompt, "completion_tokens": 4, "total_tokens": prompt + 4}


async def test_a_stop_sequence_ends_the_text_and_stays_in_it() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        engine.answer = lambda _: "one two three four"
        whole = await http.post("/v1/chat/completions", json=chat("hi", stop=["two"]))
    choice = whole.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one two", "stop_sequence")


async def test_the_tokenizer_covers_the_text() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        found = (await http.post("/tokenize", json={"inputs": "hello, world"})).json()
    assert "".join("hello, world"[token["start"] : token["stop"]] for token in found) == "hello, world"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
        ({"temperature": 0}, "`temperature` must be strictly positive"),
        ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
        ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
        ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2"),
        ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5"),
        ({"truncate": 0}, "`truncate` must be strictly positive"),
    ],
)
async def test_limits_are_422_whole_and_a_frame_of_a_200_streamed(parameters: dict[str, Any], text: str) -> None:
    body = {"inputs": "hi", "parameters": parameters}
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        whole = await http.post("/generate", json=body)
        streamed = frames(await raw(http, "/generate_stream", body))
    assert whole.status_code == 422
    assert whole.json()["error"].startswith("Input validation error: ")
    assert text in whole.json()["error"]
    assert streamed == [whole.json()]


@pytest.mark.parametrize(
    "fields", [{"top_p": 1.0}, {"presence_penalty": -2}, {"stop": list("abcde")}, {"max_tokens": 0}, LARGE]
)
async def test_chat_says_limits_in_another_frame_and_still_ends_with_done(fields: dict[str, Any]) -> None:
    body = chat("hi") | fields
    async with running(tgi(MODEL, "--max-total-tokens", "256")) as engine, client(engine) as http:
        whole = await http.post("/v1/chat/completions", json=body)
        events = frames(await raw(http, "/v1/chat/completions", body | {"stream": True}))
    assert (whole.status_code, whole.json()["error_type"]) == (422, "validation")
    assert events == [{"error": {"message": whole.json()["error"], "http_status_code": 422}}, "[DONE]"]


async def test_an_empty_prompt_is_refused_and_a_temperature_of_zero_is_greedy_in_chat() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        assert (await http.post("/generate", json={"inputs": ""})).json()["error_type"] == "validation"
        assert (await http.post("/v1/chat/completions", json=chat("hi", temperature=0))).status_code == 200
        assert (await http.post("/v1/chat/completions", json=chat("hi", presence_penalty=0))).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": "hi"},
        chat("hi", stop="a string"),
        chat("hi", stream=None),
        chat("hi", stream_options=None),
        chat("hi", max_tokens=-1),
        {"messages": [{"role": "user", "content": None}]},
        [],
    ],
)
async def test_json_of_another_shape_is_refused_in_plain_text_also_for_streams(body: Any) -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert answer.text.startswith("Failed to deserialize the JSON body")


async def test_what_is_no_json_is_refused_in_plain_text() -> None:
    async with running(tgi(MODEL, "--payload-limit", "100")) as engine, client(engine) as http:
        bad = await http.post("/generate_stream", content=b"{", headers={"Content-Type": "application/json"})
        form = await http.post("/generate_stream", data={"inputs": "x"})
        large = await http.post("/generate_stream", json={"inputs": "x" * 200})
        missing = await http.get("/nothing")
    assert (bad.status_code, form.status_code, large.status_code) == (400, 415, 413)
    assert all(answer.headers["content-type"].startswith("text/plain") for answer in (bad, form, large))
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_base_model_has_no_chat_but_generates(stream: bool) -> None:
    async with running(tgi(BASE_MODEL)) as engine, client(engine) as http:
        refused = await http.post("/v1/chat/completions", json=chat("hi", stream=stream))
        assert (await http.post("/generate", json={"inputs": "hi"})).status_code == 200
    assert refused.status_code == 422
    assert refused.json() == {"error": "Template error: template not found", "error_type": "template_error"}
    given = tgi(BASE_MODEL, "--tokenizer-config-path", "/data/tokenizer_config.json")
    async with running(given) as engine, client(engine) as http:
        assert (await http.post("/v1/chat/completions", json=chat("hi"))).status_code == 200


async def test_one_request_more_than_the_limit_is_refused_and_leaving_frees_the_slot() -> None:
    launch = tgi(MODEL, "--max-concurrent-requests", "1")
    async with running(launch, tokens_per_second=20) as engine, client(engine) as http:
        async with http.stream("POST", "/generate_stream", json={"inputs": "hi"}) as first:
            chunks = first.aiter_raw()
            await anext(chunks)
            whole = await http.post("/generate", json={"inputs": "hi"})
            streamed = frames(await raw(http, "/generate_stream", {"inputs": "hi"}))
            talked = frames(await raw(http, "/v1/chat/completions", chat("hi", stream=True)))
        await until(lambda: engine.running == 0)
        engine.answer = lambda _: "ok"
        assert (await http.post("/generate", json={"inputs": "hi"})).status_code == 200
        metrics = (await http.get("/metrics")).text
    overloaded = {"error": "Model is overloaded", "error_type": "overloaded"}
    assert (whole.status_code, whole.json(), streamed) == (429, overloaded, [overloaded])
    assert talked == [{"error": {"message": "Model is overloaded", "http_status_code": 422}}, "[DONE]"]
    assert engine.dropped == 1
    assert 'tgi_request_failure{err="dropped"} 1' in metrics
    assert 'tgi_request_failure{err="overloaded"} 3' in metrics


async def test_leaving_a_whole_answer_frees_the_slot_too() -> None:
    async with running(tgi(MODEL), tokens_per_second=0.001) as engine, client(engine) as http:
        asking = asyncio.create_task(http.post("/generate", json={"inputs": "hi"}))
        await until(lambda: engine.running == 1)
        asking.cancel()
        await until(lambda: engine.running == 0)
    assert engine.dropped == 1


async def test_silence_is_filled_with_comments() -> None:
    body = chat("hi", stream=True)
    async with (
        running(tgi(MODEL), tokens_per_second=0.001) as engine,
        client(engine) as http,
        http.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        waiting = asyncio.ensure_future(anext(response.aiter_raw()))
        await until(lambda: engine.running == 1)
        engine.clock.jump(15.1)
        assert await asyncio.wait_for(waiting, 5) == b":\n\n"


@pytest.mark.parametrize("path", ["/generate_stream", "/v1/chat/completions"])
async def test_tokens_come_at_their_pace_on_the_labs_clock(path: str) -> None:
    body = {"inputs": "hi"} | chat("hi", stream=True)
    async with running(tgi(MODEL), tokens_per_second=0.1) as engine, client(engine) as http:
        engine.answer = lambda _: "one two"
        async with http.stream("POST", path, json=body) as response:
            chunks = response.aiter_raw()
            for _ in range(3):
                reading = asyncio.ensure_future(anext(chunks))
                await until(lambda: engine.running == 1)
                assert not reading.done()
                engine.clock.jump(10.1)
                assert (await asyncio.wait_for(reading, 5)).startswith(b"data: ")
