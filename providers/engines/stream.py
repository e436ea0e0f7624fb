"""An answer as it comes: server-sent events, read on bytes, as many at once as came at once.

Lines end with a line feed alone. Readers of text also take U+2028 and others for an end, and models write those."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from core.errors import PrimeError
from core.servers.errors import (
    AnswerCutError,
    EngineOverloadedError,
    EngineStalledError,
    EngineUnreachableError,
    GenerationFailedError,
    IdentityError,
    NoChatTemplateError,
    PromptRefusedError,
    TemplateRefusedError,
)
from core.talk.model import End, EndReason, Token
from core.talk.ports import Events, Recipient
from providers.engines.shapes import as_count, as_object, as_text, first, parse_object
from providers.engines.wire import EngineWire
from providers.pinned import read

MAX_LINE_BYTES = 1024 * 1024
MAX_ANSWER_CHARACTERS = 2_000_000
"""Of one answer: more than any model says, and an engine that never ends fills no memory."""
REFUSALS = (400, 404, 413, 415, 422)
AWAY = (502, 503, 504)
"""What stands in front of an engine says so."""
BEGINNING = 80
"""Characters of what an engine says about a failure. Further on it may quote the prompt."""

Frame = dict[str, Any]


class Reading:
    """What the frames of one answer come to."""

    def __init__(self) -> None:
        self._reason: EndReason | None = None
        self._prompt_tokens: int | None = None
        self._generated_tokens: int | None = None

    @abstractmethod
    def take(self, frame: Frame) -> str:
        """The text in it; may be empty."""

    @property
    def is_over(self) -> bool:
        """Whether a frame said that it is the end."""
        return self._reason is not None

    def end(self) -> End:
        """Raises AnswerCutError before it is over."""
        if self._reason is None:
            raise AnswerCutError("The answer broke off in the middle.")
        return End(reason=self._reason, prompt_tokens=self._prompt_tokens, generated_tokens=self._generated_tokens)

    def _ends(self, word: object) -> None:
        self._reason = EndReason.LENGTH if word == "length" else EndReason.STOP

    def _counts(self, *, prompt: object, generated: object) -> None:
        self._prompt_tokens = as_count(prompt)
        self._generated_tokens = as_count(generated)


class OpenAIReading(Reading):
    """Of `/v1/chat/completions` and `/v1/completions`."""

    def take(self, frame: Frame) -> str:
        if usage := as_object(frame.get("usage")):
            self._counts(prompt=usage.get("prompt_tokens"), generated=usage.get("completion_tokens"))
        choice = first(frame.get("choices"))
        if reason := choice.get("finish_reason"):
            self._ends(reason)
        return as_text(choice.get("text")) or as_text(as_object(choice.get("delta")).get("content"))


class GenerateReading(Reading):
    """Of TGI's `/generate_stream`."""

    def take(self, frame: Frame) -> str:
        if frame.get("generated_text") is not None:
            details = as_object(frame.get("details"))
            self._ends(details.get("finish_reason"))
            self._counts(prompt=details.get("input_length"), generated=details.get("generated_tokens"))
        token = as_object(frame.get("token"))
        return "" if token.get("special") else as_text(token.get("text"))


async def answer(
    wire: EngineWire, to: Recipient, path: str, body: Frame, reading: Reading, *, stall_seconds: float
) -> Events:
    """Up to `[DONE]` or the end. Closing it closes the connection: then an engine stops. What goes wrong once the end
    was told is of no interest.

    Raises GateError, EngineUnreachableError, EngineStalledError (no byte came for `stall_seconds`), AnswerCutError,
    EngineOverloadedError, PromptRefusedError, NoChatTemplateError, GenerationFailedError, IdentityError."""
    has_begun, length = False, 0
    try:
        async with wire.post(to, path, body, silence_seconds=stall_seconds) as response:
            if response.status_code != 200:
                raise failure(response.status_code, await read(response))
            has_begun = True
            async with aclosing(split_events(response.aiter_raw())) as batches:
                async for batch in batches:
                    tokens, is_done, broken = _read_batch(batch, reading)
                    if tokens:
                        yield tokens
                    length += sum(len(token.text) for token in tokens)
                    if length > MAX_ANSWER_CHARACTERS:
                        raise AnswerCutError(f"The model came to no end in {MAX_ANSWER_CHARACTERS:,} characters.")
                    if broken is not None:
                        raise broken
                    if is_done:
                        break
    except EngineUnreachableError as error:
        cause = error.__cause__
        if not reading.is_over:
            if isinstance(cause, httpx.ReadTimeout):
                raise EngineStalledError(f"The model went silent: not a word for {stall_seconds:g} seconds.") from error
            if has_begun and isinstance(cause, httpx.HTTPError):
                raise AnswerCutError("The connection to the model broke in the middle of the answer.") from error
            raise
    yield [reading.end()]


async def split_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Sequence[bytes]]:
    """The data of the events that each chunk completed, however the bytes were cut. Comments, which keep a connection
    alive, are left out. Raises EngineUnreachableError for a line without end."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise EngineUnreachableError("The server sent more than Prime reads.")
        found = [line[5:].strip(b" \r") for line in lines if line.startswith(b"data:")]
        if found:
            yield found


def _read_batch(batch: Sequence[bytes], reading: Reading) -> tuple[list[Token], bool, PrimeError | None]:
    """The tokens up to `[DONE]` or a failure, whether `[DONE]` came, and the failure."""
    tokens: list[Token] = []
    for data in batch:
        if data == b"[DONE]":
            return tokens, True, None
        try:
            frame = parse_object(data)
        except EngineUnreachableError as error:
            return tokens, False, error
        if frame.get("error"):
            return tokens, False, failure(200, data)
        if text := reading.take(frame):
            tokens.append(Token(text))
    return tokens, False, None


def failure(status: int, body: bytes) -> PrimeError:
    """Told by what the engine says as much as by the status, which TGI sets to 200 or 422 for anything in a stream.
    Its words are not passed on."""
    words = _told(body)
    if status == 429 or "overloaded" in words:
        return EngineOverloadedError("The model is busy with as many requests as it takes. Please try again soon.")
    if status in (401, 403):
        return IdentityError("The server does not take its own key any more.")
    if status in AWAY:
        return EngineUnreachableError("The engine does not answer.")
    if "template not found" in words or "chat template" in words:
        return NoChatTemplateError("This model was not made for conversations.")
    if "template" in words or "system role" in words:
        return TemplateRefusedError("The model's template does not take this conversation.")
    if status in REFUSALS or "validation" in words:
        return PromptRefusedError("The model does not take this prompt with these settings: it may be too long.")
    return GenerationFailedError("The model failed while it answered.")


def _told(body: bytes) -> str:
    """What an engine calls a failure, and how it begins to explain it; empty for what is no JSON."""
    try:
        frame = parse_object(body)
    except EngineUnreachableError:
        return ""
    error = frame.get("error", frame)
    nested = as_object(error)
    kind = as_text(nested.get("type")) or as_text(frame.get("error_type"))
    message = as_text(nested.get("message")) or as_text(error)
    return f"{kind} {message[:BEGINNING]}".lower()
