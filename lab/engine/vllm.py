"""The HTTP side of vLLM's OpenAI server."""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from lab.engine import vllm_bodies as bodies
from lab.engine import vllm_shapes as shapes
from lab.engine.faults import FaultName
from lab.engine.flavour import NotJsonError, NotJsonTypeError, answer, json_body
from lab.engine.meter import Run
from lab.engine.runtime import ConnectionCutError, GenerationFailedError, PromptRefusedError, Runtime
from lab.engine.slots import OverloadedError
from lab.engine.sse import EventStream
from lab.engine.tokens import Finish, Step, tokens

GUARDED = ("/v1", "/v2", "/inference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What tells chat and plain completions apart."""

    ids: str
    kind: str
    chunk_kind: str
    read: Callable[[Any, Any], bodies.Asked]
    whole: Callable[[dict[str, Any], str, Run], dict[str, Any]]
    chunk: Callable[[dict[str, Any], str, Finish | None], dict[str, Any]]
    opening: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Makes a first event without text."""


CHAT = Wire(
    ids="chatcmpl",
    kind="chat.completion",
    chunk_kind="chat.completion.chunk",
    read=bodies.chat,
    whole=shapes.chat,
    chunk=shapes.chat_chunk,
    opening=shapes.role_chunk,
)
COMPLETION = Wire(
    ids="cmpl",
    kind="text_completion",
    chunk_kind="text_completion",
    read=bodies.completion,
    whole=shapes.text,
    chunk=shapes.text_chunk,
)


class Vllm:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._launch = runtime.launch
        self._settings = runtime.launch.settings

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/health", self._health),
            web.get("/ping", self._health),
            web.post("/ping", self._health),
            web.get("/version", self._version),
            web.get("/metrics", self._metrics),
            web.get("/v1/models", self._models),
            web.post("/tokenize", self._reading(self._tokenize)),
            web.post("/v1/chat/completions", self._reading(self._completing(CHAT))),
            web.post("/v1/completions", self._reading(self._completing(COMPLETION))),
        ]

    def needs_key(self, request: web.Request) -> bool:
        return request.path.startswith(GUARDED)

    def opens(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        return scheme.lower() == "bearer" and key == self._settings.api_key

    def unauthorized(self) -> web.Response:
        return answer({"error": "Unauthorized"}, status=401)

    def http_error(self, error: web.HTTPException) -> web.Response:
        return answer(shapes.error(error.reason, kind=error.reason, code=error.status), status=error.status)

    async def _health(self, _: web.Request) -> web.Response:
        is_broken = self._runtime.faults.options(FaultName.UNHEALTHY) is not None
        return web.Response(status=503 if is_broken else 200)

    async def _version(self, _: web.Request) -> web.Response:
        return answer({"version": self._launch.version})

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=self._runtime.meter.text())

    async def _models(self, _: web.Request) -> web.Response:
        return answer(shapes.models(self._launch, created=int(self._runtime.clock.time())))

    async def _tokenize(self, request: web.Request) -> web.StreamResponse:
        text = bodies.tokenize_text(await json_body(request), self._settings)
        found = [token.id for token in tokens(text)]
        window = self._settings.max_total_tokens
        return answer({"count": len(found), "max_model_len": window, "tokens": found, "token_strs": None})

    def _completing(self, wire: Wire) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = wire.read(await json_body(request), self._settings)
            head = {
                "id": f"{wire.ids}-{secrets.token_hex(16)}",
                "object": wire.chunk_kind if asked.body.stream else wire.kind,
                "created": int(self._runtime.clock.time()),
                "model": asked.body.model or self._launch.model_id,
            }
            if asked.body.stream:
                return await self._stream(request, asked, wire, head)
            async with self._runtime.generation(asked.job) as (run, made):
                text = "".join([text async for text, _ in _shown(made, asked.job.stop)])
            return answer(wire.whole(head, text, run))

        return handle

    async def _stream(
        self, request: web.Request, asked: bodies.Asked, wire: Wire, head: dict[str, Any]
    ) -> web.StreamResponse:
        async with self._runtime.generation(asked.job) as (run, made), self._events(request) as stream:
            try:
                if wire.opening is not None:
                    await stream.send(wire.opening(head))
                async for text, finish in _shown(made, asked.job.stop):
                    await stream.send(wire.chunk(head, text, finish))
                if asked.body.include_usage:
                    await stream.send(shapes.usage_chunk(head, run))
            except ConnectionCutError:
                stream.cut()
                return stream.response
            except GenerationFailedError:
                await stream.send(
                    shapes.error("EngineCore encountered an issue.", kind="InternalServerError", code=500)
                )
            await stream.send("[DONE]")
        return stream.response

    def _events(self, request: web.Request) -> EventStream:
        return EventStream(
            request,
            headers={},
            clock=self._runtime.clock,
            keep_alive_seconds=None,
            in_pieces=self._runtime.faults.options(FaultName.SPLIT_UTF8) is not None,
        )

    def _reading(self, handler: Handler) -> Handler:
        """Answers in the status and shape of each error that comes before a stream."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except NotJsonTypeError:
                text, kind, code, param = "Unsupported Media Type: Only 'application/json' is allowed", "", 415, None
            except NotJsonError as error:
                text, kind, code, param = f"JSON decode error: {error}", "Bad Request", 400, None
            except bodies.RefusedError as error:
                text, kind, code, param = str(error), error.kind, error.status, error.param
            except PromptRefusedError as error:
                text, kind, code, param = str(error), "BadRequestError", 400, None
            except OverloadedError:
                text, kind, code, param = "The server is overloaded.", "ServiceUnavailableError", 503, None
            except GenerationFailedError:
                text, kind, code, param = "EngineCore encountered an issue.", "InternalServerError", 500, None
            except ConnectionCutError:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            return answer(shapes.error(text, kind=kind, code=code, param=param), status=code)

        return handle


async def _shown(made: AsyncIterator[Step], stop: list[str]) -> AsyncIterator[tuple[str, Finish | None]]:
    """Texts without special tokens and without the stop sequence: what may be the beginning of one is held back."""
    held = max((len(sequence) for sequence in stop), default=1) - 1
    whole, shown = "", 0
    async for step in made:
        whole += "" if step.token.special else step.token.text
        if step.finish is Finish.STOP:
            end = min(whole.index(sequence) for sequence in stop if sequence in whole)
        else:
            end = len(whole) if step.finish else max(shown, len(whole) - held)
        yield whole[shown:end], step.finish
        shown = end
