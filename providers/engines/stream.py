"""An answer as it comes: server-sent events, read on bytes.

Lines end with a line feed alone. Readers of text also take U+2028 and others for an end, and models write those."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx

from core.errors import PrimeError
from core.servers.errors import (
    EngineOverloadedError,
    EngineUnreachableError,
    GenerationFailedError,
    PromptRefusedError,
)
from core.servers.model import Endpoint
from providers.engines.model import End, EndReason, Token
from providers.engines.shapes import as_count, as_object, as_text, first, parse_object
from providers.pinned import authorization, pinned_client, read, translated_errors

MAX_LINE_BYTES = 1024 * 1024
REFUSALS = (400, 404, 413, 415, 422)

Frame = dict[str, Any]
Events = AsyncGenerator[Token | End]


async def frames(endpoint: Endpoint, path: str, body: Frame, *, stall_seconds: float) -> AsyncGenerator[Frame]:
    """The JSON of each event up to `[DONE]` or the end. Closing it closes the connection: then an engine stops.

    Raises EngineUnreachableError (also when no byte came for `stall_seconds`), EngineOverloadedError,
    PromptRefusedError, GenerationFailedError, IdentityError."""
    async with (
        translated_errors(),
        pinned_client(endpoint, read_seconds=stall_seconds) as client,
        client.stream("POST", path, json=body, headers=authorization(endpoint.key)) as response,
    ):
        if response.status_code != 200:
            raise _failure(response.status_code, await read(response))
        async with aclosing(_data(response)) as events:
            async for data in events:
                if data == b"[DONE]":
                    return
                frame = parse_object(data)
                if "error" in frame:
                    raise _failure(200, data)
                yield frame


async def read_openai(frames: AsyncGenerator[Frame]) -> Events:
    """Of `/v1/chat/completions` and `/v1/completions`."""
    reason: EndReason | None = None
    usage: Frame = {}
    async with aclosing(frames):
        async for frame in frames:
            usage = as_object(frame.get("usage")) or usage
            choice = first(frame.get("choices"))
            if text := as_text(choice.get("text")) or as_text(as_object(choice.get("delta")).get("content")):
                yield Token(text)
            reason = _reason(choice.get("finish_reason")) or reason
    yield _end(reason, prompt=usage.get("prompt_tokens"), generated=usage.get("completion_tokens"))


async def read_generate(frames: AsyncGenerator[Frame]) -> Events:
    """Of TGI's `/generate_stream`."""
    reason: EndReason | None = None
    details: Frame = {}
    async with aclosing(frames):
        async for frame in frames:
            token = as_object(frame.get("token"))
            if (text := as_text(token.get("text"))) and not token.get("special"):
                yield Token(text)
            details = as_object(frame.get("details")) or details
            reason = _reason(details.get("finish_reason"))
    yield _end(reason, prompt=details.get("input_length"), generated=details.get("generated_tokens"))


async def split_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The data of each event, however the bytes were cut. Comments, which keep a connection alive, are left out."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise EngineUnreachableError("The server sent more than Prime reads.")
        for line in lines:
            name, _, value = line.rstrip(b"\r").partition(b":")
            if name == b"data":
                yield value.removeprefix(b" ")


async def _data(response: httpx.Response) -> AsyncGenerator[bytes]:
    async with aclosing(split_events(response.aiter_raw())) as events:
        async for event in events:
            yield event


def _failure(status: int, body: bytes) -> PrimeError:
    """Told by what the engine says as much as by the status, which TGI sets to 422 for anything in a chat. Its words
    are not passed on: they may quote the prompt."""
    words = body.lower()
    if status == 429 or b"overloaded" in words:
        return EngineOverloadedError("The model is busy with as many requests as it takes. Please try again soon.")
    if b"template not found" in words:
        return PromptRefusedError("This model has no chat template.")
    if status in REFUSALS or b"validation" in words:
        return PromptRefusedError("The model does not take this prompt with these settings: it may be too long.")
    return GenerationFailedError("The model failed while it answered.")


def _reason(word: object) -> EndReason | None:
    if not word:
        return None
    return EndReason.LENGTH if word == "length" else EndReason.STOP


def _end(reason: EndReason | None, *, prompt: object, generated: object) -> End:
    if reason is None:
        raise EngineUnreachableError("The answer broke off in the middle.")
    return End(reason=reason, prompt_tokens=as_count(prompt), generated_tokens=as_count(generated))
