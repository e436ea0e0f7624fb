"""Bodies of vLLM's requests. What is wrong with one is an HTTP 400 in JSON, also where a stream was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.engine.runtime import Job, Said, chat_tokens, templated
from lab.engine.settings import Settings
from lab.engine.tokens import count

SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)
COMPLETION_TOKENS = 16
"""What `/v1/completions` writes unless it is told."""
NO_TEMPLATE = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the"
    " tokenizer does not define one."
)


class RefusedError(Exception):
    def __init__(
        self, text: str, *, status: int = 400, kind: str = "BadRequestError", param: str | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind
        self.param = param


class _Strict(BaseModel):
    model_config = ConfigDict(extra="allow")
    """vLLM logs fields it does not know and goes on."""


class TextPart(_Strict):
    type: Literal["text"]
    text: str


class Message(_Strict):
    role: str
    content: str | list[TextPart] | None = None

    def said(self) -> Said:
        parts = self.content or ""
        return Said(self.role, parts if isinstance(parts, str) else "\n".join(part.text for part in parts))


class StreamOptions(_Strict):
    include_usage: bool | None = False


class Sampling(_Strict):
    model: str | None = None
    max_tokens: int | None = None
    temperature: Annotated[float | None, Field(ge=0)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = 0
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = 0
    stop: str | list[str] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    seed: int | None = None

    @property
    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatBody(Sampling):
    messages: list[Message]
    max_completion_tokens: int | None = None
    add_generation_prompt: bool = True
    continue_final_message: bool = False

    def said(self) -> list[Said]:
        return [message.said() for message in self.messages]


class CompletionBody(Sampling):
    prompt: str


Body = TypeVar("Body", bound=Sampling)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    job: Job
    body: Sampling


def chat(fields: Any, settings: Settings) -> Asked:
    """Raises RefusedError."""
    body = _chat(fields, settings)
    messages, goes_on = body.said(), body.continue_final_message
    prompt, asked = chat_tokens(messages, goes_on=goes_on), body.max_completion_tokens or body.max_tokens
    most = _most(prompt, asked, settings, place="messages")
    job = Job(
        messages=messages,
        prompt_tokens=prompt,
        most=most,
        stop=body.stops,
        goes_on=goes_on,
        sampling=_given(body),
    )
    return Asked(body=body, job=job)


def completion(fields: Any, settings: Settings) -> Asked:
    """Raises RefusedError."""
    body = _parsed(CompletionBody, fields, settings)
    prompt = count(body.prompt) + 1
    asked = COMPLETION_TOKENS if body.max_tokens is None else body.max_tokens
    most = _most(prompt, asked, settings, place="prompt")
    said = Said("user", body.prompt)
    job = Job(
        messages=[said],
        prompt_tokens=prompt,
        most=most,
        stop=body.stops,
        is_chat=False,
        sampling=_given(body),
    )
    return Asked(body=body, job=job)


def tokenize_text(fields: Any, settings: Settings) -> str:
    """The prompt, or what the template makes of a chat. Raises RefusedError."""
    if isinstance(fields, Mapping) and "prompt" in fields:
        return _parsed(CompletionBody, fields, settings).prompt
    body = _chat(fields, settings)
    return templated(body.said(), goes_on=body.continue_final_message)


def _chat(fields: Any, settings: Settings) -> ChatBody:
    body = _parsed(ChatBody, fields, settings)
    if not settings.has_chat_template:
        raise RefusedError(NO_TEMPLATE)
    if body.continue_final_message and body.add_generation_prompt:
        raise RefusedError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
    if body.continue_final_message and not body.messages:
        raise RefusedError("There is no final message to continue.")
    return body


def _given(body: Sampling) -> dict[str, Any]:
    given = body.model_dump(include=set(SAMPLING), exclude_unset=True, exclude_none=True)
    return {name: given[name] for name in SAMPLING if name in given}


def _parsed(kind: type[Body], fields: Any, settings: Settings) -> Body:
    try:
        body = kind.model_validate(fields)
    except ValidationError as error:
        raise RefusedError(str(error.errors(include_url=False)), kind="Bad Request") from None
    if body.model and body.model not in settings.served_names:
        raise RefusedError(f"The model `{body.model}` does not exist.", status=404, kind="NotFoundError", param="model")
    if body.stream_options is not None and not body.stream:
        raise RefusedError("Stream options can only be defined when `stream=True`.")
    return body


def _most(prompt: int, asked: int | None, settings: Settings, *, place: str) -> int:
    window = settings.max_total_tokens
    if asked is not None and asked < 1:
        raise RefusedError(f"max_tokens must be at least 1, got {asked}.", param="max_tokens")
    if prompt + (asked or 1) > window:
        in_completion = f", {asked} in the completion" if asked else ""
        raise RefusedError(
            f"This model's maximum context length is {window} tokens. However, you requested {prompt + (asked or 0)}"
            f" tokens ({prompt} in the {place}{in_completion}). Please reduce the length of the {place} or completion."
        )
    return asked or window - prompt
