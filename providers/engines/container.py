"""What the engines have in common: each is an image to run, and is asked over HTTP."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.redaction.model import RedactedText
from core.servers.errors import EngineUnreachableError
from core.servers.model import Endpoint
from core.servers.ports import Engine
from providers.engines.metrics import MetricNames
from providers.engines.model import EngineInfo, EngineMetrics, Message, Sampling
from providers.engines.shapes import parse_object
from providers.engines.stream import Events, frames, read_openai
from providers.pinned import get, pinned_client


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


class ContainerEngine(Engine):
    metric_names: MetricNames

    def __init__(self, container: Container) -> None:
        self.container = container

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

    @abstractmethod
    async def info(self, endpoint: Endpoint) -> EngineInfo:
        """Raises EngineUnreachableError, IdentityError."""

    async def metrics(self, endpoint: Endpoint) -> EngineMetrics:
        """Raises EngineUnreachableError, IdentityError."""
        return self.metric_names.read((await self._get(endpoint, "/metrics")).decode(errors="replace"))

    def chat(
        self, endpoint: Endpoint, messages: Sequence[Message], sampling: Sampling, *, model: str, stall_seconds: float
    ) -> Events:
        """The answer as it comes, with an `End` if it came whole. Not repeated inside; close it to stop the engine.

        `model` is the one that was launched. Raises EngineUnreachableError (also after `stall_seconds` without a byte),
        EngineOverloadedError, PromptRefusedError, GenerationFailedError, IdentityError."""
        said = [{"role": message.speaker, "content": message.text.text} for message in messages]
        body = {"model": self._name(model), "messages": said, **openai_sampling(sampling)}
        return read_openai(frames(endpoint, "/v1/chat/completions", body, stall_seconds=stall_seconds))

    @abstractmethod
    def generate(
        self, endpoint: Endpoint, prompt: RedactedText, sampling: Sampling, *, model: str, stall_seconds: float
    ) -> Events:
        """How the prompt goes on, for models without a chat template; otherwise as `chat`.

        Give `max_tokens`: vLLM's own choice is 16 here, while TGI and both chats take what room there is."""

    @abstractmethod
    def _name(self, model: str) -> str:
        """What a request calls the model."""

    async def _get_object(self, endpoint: Endpoint, path: str) -> dict[str, Any]:
        return parse_object(await self._get(endpoint, path))

    async def _get(self, endpoint: Endpoint, path: str) -> bytes:
        async with pinned_client(endpoint) as client:
            answer = await get(client, path, token=endpoint.key)
        if answer.status != 200:
            raise EngineUnreachableError("The engine does not answer as it should.")
        return answer.body


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
