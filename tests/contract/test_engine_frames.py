"""Every shape in which an answer or its failure may come, from a server that sends just that."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from core.catalog.model import EngineKind
from core.errors import PrimeError
from core.redaction.model import RedactedText
from core.servers.errors import (
    AnswerCutError,
    EngineOverloadedError,
    EngineStalledError,
    EngineUnreachableError,
    GenerationFailedError,
    IdentityError,
    NoChatTemplateError,
    PromptRefusedError,
)
from core.servers.model import Endpoint
from core.talk.model import End, EndReason, Message, Sampling, Speaker, Token
from providers.engines.container import ContainerEngine
from providers.engines.registry import InstalledEngines
from tests.raw_server import After, raw_server
from tests.recipients import recipient

OVERLOADED, FAILED, INVALID = "Model is overloaded", "Request failed during generation: x", "Input validation error: x"
NO_TEMPLATE = "Template error: template not found"
NO_TEMPLATE_OF_VLLM = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the "
    "tokenizer does not define one."
)


@pytest.fixture
async def engine() -> AsyncIterator[ContainerEngine]:
    engines = InstalledEngines()
    yield engines.of(EngineKind.TGI)
    await engines.aclose()


async def heard(engine: ContainerEngine, endpoint: Endpoint, *, stall_seconds: float = 10) -> list[str | End]:
    """Texts, and the end."""
    messages = [Message(speaker=Speaker.USER, text=RedactedText("Hello"))]
    events = engine.chat(recipient(endpoint), messages, Sampling(), stall_seconds=stall_seconds)
    found: list[str | End] = []
    async with asyncio.timeout(20), aclosing(events):
        async for batch in events:
            found += [event.text if isinstance(event, Token) else event for event in batch]
    return found


async def broken(
    engine: ContainerEngine, endpoint: Endpoint, *, stall_seconds: float = 10
) -> tuple[list[str], PrimeError]:
    """What was heard before it broke, and how it did."""
    messages = [Message(speaker=Speaker.USER, text=RedactedText("Hello"))]
    found: list[str] = []
    try:
        async with (
            asyncio.timeout(20),
            aclosing(engine.chat(recipient(endpoint), messages, Sampling(), stall_seconds=stall_seconds)) as events,
        ):
            async for batch in events:
                found += [event.text for event in batch if isinstance(event, Token)]
    except PrimeError as error:
        return found, error
    raise AssertionError("it did not break")


def delta(content: str | None, *, finish: str | None = None, **fields: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **fields})


def event(frame: object) -> bytes:
    return b"data: " + json.dumps(frame, ensure_ascii=False).encode() + b"\n\n"


def failed(message: str) -> bytes:
    return event({"error": {"message": message, "http_status_code": 422}})


USAGE = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
DONE = b"data: [DONE]\n\n"
END = End(reason=EndReason.STOP, prompt_tokens=3, generated_tokens=2)
UNCOUNTED = End(reason=EndReason.STOP, prompt_tokens=None, generated_tokens=None)


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        pytest.param(delta("a") + delta("b") + delta("", finish="stop") + USAGE + DONE, END, id="as TGI does it"),
        pytest.param(
            event({"choices": [{"delta": {"role": "assistant", "content": None}}]})
            + delta("a")
            + delta("b")
            + event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            + USAGE
            + DONE,
            END,
            id="a first delta without text, a last one without content",
        ),
        pytest.param(
            event({"choices": [{"delta": {"role": "assistant"}}]}) + delta("a") + delta("b", finish="stop"),
            UNCOUNTED,
            id="a role alone, and no [DONE]",
        ),
        pytest.param(
            (delta("a") + delta("b", finish="stop") + USAGE + DONE)
            .replace(b"data: ", b"data:")
            .replace(b"\n", b"\r\n"),
            END,
            id="no space, and lines that end with two characters",
        ),
        pytest.param(
            b":\n\n" + delta("a") + b": ping\n\nevent: x\nid: 4\n\n" + delta("b", finish="stop") + b"\n" + USAGE + DONE,
            END,
            id="comments and other fields",
        ),
        pytest.param(
            delta("a", usage=None, error=None) + delta("b", finish="stop") + USAGE + DONE + delta("c"),
            END,
            id="nulls, and more behind the end",
        ),
        pytest.param(
            delta("a") + delta("b", finish="stop", usage={"prompt_tokens": 3, "completion_tokens": 2}) + DONE,
            END,
            id="usage together with the finish",
        ),
        pytest.param(
            delta("a") + delta("b", finish="stop_sequence", usage={"prompt_tokens": "3", "completion_tokens": 1e9**9}),
            UNCOUNTED,
            id="counts that are none",
        ),
    ],
)
async def test_hears_the_same_in_any_spelling(engine: ContainerEngine, sent: bytes, end: End) -> None:
    async with raw_server(sent) as server:
        assert await heard(engine, server.endpoint) == ["a", "b", end]
    async with raw_server(*(sent[index : index + 1] for index in range(len(sent)))) as server:
        assert await heard(engine, server.endpoint) == ["a", "b", end]


async def test_gives_together_what_came_together(engine: ContainerEngine) -> None:
    messages = [Message(speaker=Speaker.USER, text=RedactedText("Hello"))]
    async with raw_server(delta("a") + delta("b"), delta("c", finish="length") + DONE) as server:
        events = engine.chat(recipient(server.endpoint), messages, Sampling(), stall_seconds=10)
        batches = [list(batch) async for batch in events]
    end = End(reason=EndReason.LENGTH, prompt_tokens=None, generated_tokens=None)
    assert batches == [[Token("a"), Token("b")], [Token("c")], [end]]


async def test_half_a_character_is_replaced(engine: ContainerEngine) -> None:
    """JSON can spell what no database and no message can hold."""
    async with raw_server(delta("x").replace(b'"x"', b'"\\ud83d"') + delta("", finish="stop")) as server:
        text, _ = await heard(engine, server.endpoint)
    assert text == "?"


@pytest.mark.parametrize("after", [After.CUT, After.SILENCE])
async def test_what_goes_wrong_behind_the_end_is_of_no_interest(engine: ContainerEngine, after: After) -> None:
    async with raw_server(delta("a", finish="stop"), after=after) as server:
        assert await heard(engine, server.endpoint, stall_seconds=0.2) == ["a", UNCOUNTED]


@pytest.mark.parametrize(
    ("after", "error"),
    [(After.END, AnswerCutError), (After.CUT, AnswerCutError), (After.SILENCE, EngineStalledError)],
)
async def test_keeps_what_came_before_the_connection_failed(
    engine: ContainerEngine, after: After, error: type[PrimeError]
) -> None:
    async with raw_server(delta("a"), delta("b"), after=after) as server:
        found, raised = await broken(engine, server.endpoint, stall_seconds=0.2)
    assert (found, type(raised)) == (["a", "b"], error)


async def test_silence_before_the_first_word_is_silence_too(engine: ContainerEngine) -> None:
    async with raw_server(after=After.SILENCE) as server:
        found, raised = await broken(engine, server.endpoint, stall_seconds=0.1)
    assert (found, type(raised)) == ([], EngineStalledError)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (failed(OVERLOADED), EngineOverloadedError),
        (failed(FAILED), GenerationFailedError),
        (failed(INVALID), PromptRefusedError),
        (event({"error": OVERLOADED, "error_type": "overloaded"}), EngineOverloadedError),
        (event({"error": FAILED, "error_type": "generation"}), GenerationFailedError),
        (event({"error": INVALID, "error_type": "validation"}), PromptRefusedError),
        (event({"error": {"message": "x", "type": "InternalServerError", "code": 500}}), GenerationFailedError),
        (event({"error": ["?"]}), GenerationFailedError),
        (b"data: {no JSON}\n\n", EngineUnreachableError),
    ],
)
@pytest.mark.parametrize("before", [[], ["a", "b"]])
async def test_tells_failures_inside_a_stream_apart(
    engine: ContainerEngine, frame: bytes, error: type[PrimeError], before: list[str]
) -> None:
    async with raw_server(b"".join(map(delta, before)) + frame + DONE) as server:
        found, raised = await broken(engine, server.endpoint)
    assert (found, type(raised)) == (before, error)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, "not JSON", PromptRefusedError),
        (400, {"error": {"message": NO_TEMPLATE_OF_VLLM}}, NoChatTemplateError),
        (400, {"object": "error", "message": NO_TEMPLATE_OF_VLLM}, NoChatTemplateError),
        (401, "", IdentityError),
        (403, "<html>", IdentityError),
        (422, "Failed to deserialize the JSON body", PromptRefusedError),
        (422, {"error": NO_TEMPLATE, "error_type": "template_error"}, NoChatTemplateError),
        (422, {"error": INVALID, "error_type": "validation"}, PromptRefusedError),
        (424, {"error": FAILED, "error_type": "generation"}, GenerationFailedError),
        (429, "", EngineOverloadedError),
        (500, "{", GenerationFailedError),
        (502, "<html>", EngineUnreachableError),
        (503, {"error": {"message": "The server is overloaded."}}, EngineOverloadedError),
        (503, "", EngineUnreachableError),
        (307, "", GenerationFailedError),
    ],
)
async def test_tells_failures_before_a_stream_apart(
    engine: ContainerEngine, status: int, body: object, error: type[PrimeError]
) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    async with raw_server(*([sent.encode()] if sent else []), status=f"{status} So") as server:
        found, raised = await broken(engine, server.endpoint)
    assert (found, type(raised)) == ([], error)


async def test_a_quoted_prompt_is_not_taken_for_the_engines_words(engine: ContainerEngine) -> None:
    quoted = {"error": {"message": "Wrong shape of the body, which was: " + 50 * "." + " the model is overloaded"}}
    async with raw_server(json.dumps(quoted).encode(), status="400 Bad Request") as server:
        _, raised = await broken(engine, server.endpoint)
    assert type(raised) is PromptRefusedError


async def test_passes_on_no_word_of_the_engine(engine: ContainerEngine) -> None:
    async with raw_server(failed("a secret of somebody")) as server:
        _, raised = await broken(engine, server.endpoint)
    assert "secret" not in str(raised)
