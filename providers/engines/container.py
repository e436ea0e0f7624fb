"""What the engines have in common: each is an image to run, and is asked over HTTP."""

import asyncio
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.redaction.model import RedactedText
from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint
from core.servers.ports import Engine
from core.talk.model import EngineInfo, Message, Sampling
from core.talk.ports import Events, ModelServer, Recipient
from core.watch.model import EngineLook
from providers.engines.metrics import MetricNames
from providers.engines.shapes import parse_object
from providers.engines.stream import OpenAIReading, answer, failure
from providers.engines.wire import EngineWire
from providers.pinned import TOTAL_SECONDS, get, pinned_client, read, translated_errors

LOOK_CONNECT_SECONDS = 3.0
LOOK_SECONDS = 8.0
"""For a whole look: the monitor takes many, and comes again soon."""
MAX_COUNTED_BYTES = 64 * 1024 * 1024
"""Of a tokenizer's answer, which TGI gives with the text of each token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    image: str
    """With its full version."""
    port: int
    """Where the engine listens inside."""
    key_variable: str
    """The environment variable that gives it the key to demand."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further variables, none of them secret."""


class ContainerEngine(Engine, ModelServer):
    metric_names: MetricNames
    chat_tokens_path: str
    """Where it counts the tokens of a chat."""
    model_path: str
    """Where it tells which model it serves, to whoever has the key."""

    def __init__(self, container: Container, wire: EngineWire) -> None:
        self.container = container
        self._wire = wire

    @property
    def image(self) -> str:
        return self.container.image

    @property
    def container_port(self) -> int:
        return self.container.port

    async def is_healthy(self, endpoint: Endpoint) -> bool:
        try:
            async with pinned_client(endpoint) as client:
                return (await get(client, "/health")).status == 200
        except EngineUnreachableError:
            return False

    async def look(self, endpoint: Endpoint) -> EngineLook:
        async with (
            translated_errors(),
            asyncio.timeout(LOOK_SECONDS),
            pinned_client(endpoint, connect_seconds=LOOK_CONNECT_SECONDS) as client,
        ):
            if (await get(client, "/health")).status != 200:
                raise EngineUnreachableError("The engine does not say that it is well.")
            model = self._served(parse_object(await _read(client, self.model_path, endpoint.key)))
            metrics = (await _read(client, "/metrics", endpoint.key)).decode(errors="replace")
        return self.metric_names.read(metrics, model=model)

    @abstractmethod
    async def info(self, endpoint: Endpoint) -> EngineInfo: ...

    def chat(self, to: Recipient, messages: Sequence[Message], sampling: Sampling, *, stall_seconds: float) -> Events:
        body = {
            "model": self._name(to.model),
            "messages": messages_json(messages),
            **openai_sampling(sampling),
            **self._chat_fields(messages, sampling),
        }
        return answer(self._wire, to, "/v1/chat/completions", body, OpenAIReading(), stall_seconds=stall_seconds)

    @abstractmethod
    def generate(self, to: Recipient, prompt: RedactedText, sampling: Sampling, *, stall_seconds: float) -> Events: ...

    async def count_messages(self, to: Recipient, messages: Sequence[Message]) -> int | None:
        body = {"model": self._name(to.model), "messages": messages_json(messages)}
        return self._counted(await self._ask(to, self.chat_tokens_path, body))

    async def count_text(self, to: Recipient, text: RedactedText) -> int | None:
        return self._counted(await self._ask(to, "/tokenize", self._tokenize_body(text, to.model)))

    @abstractmethod
    def _chat_fields(self, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
        """What a chat is asked beyond what all engines understand alike."""

    @abstractmethod
    def _tokenize_body(self, text: RedactedText, model: str) -> dict[str, Any]: ...

    @abstractmethod
    def _counted(self, told: object) -> int | None:
        """The number of tokens that a tokenizer route told."""

    @abstractmethod
    def _served(self, told: Mapping[str, Any]) -> str:
        """The model that `model_path` tells of; empty if it tells of none."""

    @abstractmethod
    def _name(self, model: str) -> str:
        """What a request calls the model."""

    async def _get_object(self, endpoint: Endpoint, path: str) -> dict[str, Any]:
        async with pinned_client(endpoint) as client:
            return parse_object(await _read(client, path, endpoint.key))

    async def _ask(self, to: Recipient, path: str, body: dict[str, Any]) -> object:
        """The JSON that it answers; None where it has no such route. Raises GateError, EngineUnreachableError,
        NoChatTemplateError, PromptRefusedError, IdentityError."""
        async with (
            translated_errors(),
            asyncio.timeout(TOTAL_SECONDS),
            self._wire.post(to, path, body, silence_seconds=TOTAL_SECONDS) as response,
        ):
            data = await read(response, most=MAX_COUNTED_BYTES)
        if response.status_code in (404, 405):
            return None
        if response.status_code != 200:
            raise failure(response.status_code, data)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None


def messages_json(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.speaker, "content": message.text.text} for message in messages]


def openai_sampling(sampling: Sampling) -> dict[str, Any]:
    """Fields that have no value are left out, since null is refused; so is a top_p of 1, since TGI refuses it."""
    fields = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p if sampling.top_p != 1 else None,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return {name: value for name, value in fields.items() if value is not None}


def flags(options: Mapping[str, str | int | None]) -> list[str]:
    """Words of a command line; an option without a value is left to the engine."""
    return [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]


async def _read(client: httpx.AsyncClient, path: str, key: str) -> bytes:
    """Raises EngineUnreachableError, IdentityError (it does not take the key)."""
    answer = await get(client, path, token=key)
    if answer.status in (401, 403):
        raise IdentityError("The server does not take its own key any more.")
    if answer.status != 200:
        raise EngineUnreachableError("The engine does not answer as it should.")
    return answer.body
