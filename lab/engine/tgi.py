"""The HTTP side of text-generation-inference 3."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from lab.engine import tgi_shapes as shapes
from lab.engine.faults import FaultName
from lab.engine.flavour import NotJsonError, NotJsonTypeError, answer, json_body
from lab.engine.runtime import (
    ConnectionCutError,
    GenerationFailedError,
    Job,
    PromptRefusedError,
    Runtime,
    templated,
)
from lab.engine.slots import OverloadedError
from lab.engine.sse import EventStream
from lab.engine.tgi_bodies import (
    ChatBody,
    GenerateBody,
    NotDeserializableError,
    RefusedError,
    chat_body,
    chat_job,
    generate_body,
    generate_job,
)
from lab.engine.tokens import Step, tokens

KEEP_ALIVE_SECONDS = 15.0
OPEN = frozenset({"/info", "/health", "/ping", "/metrics", "/v1/models", "/chat_tokenize"})
"""Take no key, by whatever method; `GET /` neither."""
FAILURES = (RefusedError, PromptRefusedError, OverloadedError, GenerationFailedError)
STATUSES = {"validation": 422, "template_error": 422, "tool_error": 422, "overloaded": 429, "generation": 424}


class Tgi:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._launch = runtime.launch
        self._settings = runtime.launch.settings

    def routes(self) -> list[web.AbstractRouteDef]:
        posts: dict[str, Handler] = {
            "/": self._compat,
            "/generate": self._generate,
            "/generate_stream": self._generate_stream,
            "/v1/chat/completions": self._chat,
            "/tokenize": self._tokenize,
            "/chat_tokenize": self._chat_tokenize,
        }
        return [
            *(web.get(path, self._health, allow_head=True) for path in ("/health", "/ping", "/")),
            web.get("/info", self._info),
            web.get("/v1/models", self._models),
            web.get("/metrics", self._metrics),
            *(web.post(path, self._reading(handler)) for path, handler in posts.items()),
        ]

    def needs_key(self, request: web.Request) -> bool:
        return request.path not in OPEN and (request.path != "/" or request.method == "POST")

    def opens(self, authorization: str) -> bool:
        return authorization.lower() == f"bearer {self._settings.api_key}".lower()

    def unauthorized(self) -> web.Response:
        return web.Response(status=401)

    def http_error(self, error: web.HTTPException) -> web.Response:
        if isinstance(error, web.HTTPRequestEntityTooLarge):
            return web.Response(status=413, text="Failed to buffer the request body: length limit exceeded")
        return web.Response(status=error.status)

    async def _health(self, _: web.Request) -> web.Response:
        if self._runtime.faults.options(FaultName.UNHEALTHY) is not None:
            return answer({"error": "unhealthy", "error_type": "healthcheck"}, status=503)
        return web.Response()

    async def _info(self, _: web.Request) -> web.Response:
        return answer(shapes.info(self._launch))

    async def _models(self, _: web.Request) -> web.Response:
        return answer(shapes.models(self._launch))

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=self._runtime.meter.text())

    async def _compat(self, request: web.Request) -> web.StreamResponse:
        body = generate_body(await json_body(request))
        if body.stream:
            return await self._stream(request, body)
        return await self._whole(body, full_text=body.parameters.get("return_full_text") is not False, in_list=True)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        body = generate_body(await json_body(request))
        return await self._whole(body, full_text=bool(body.parameters.get("return_full_text")), in_list=False)

    async def _generate_stream(self, request: web.Request) -> web.StreamResponse:
        return await self._stream(request, generate_body(await json_body(request)))

    async def _whole(self, body: GenerateBody, *, full_text: bool, in_list: bool) -> web.Response:
        job = generate_job(body, self._settings, streams=False)
        async with self._runtime.generation(job) as (run, made):
            steps = [step async for step in made]
        text = _joined(steps)
        generated: dict[str, Any] = {"generated_text": body.inputs + text if full_text else text}
        if body.parameters.get("details"):
            generated["details"] = shapes.details(run, steps, seed=_seed(body))
        headers = shapes.timings(run, characters=len(body.inputs))
        return answer([generated] if in_list else generated, headers=headers)

    async def _stream(self, request: web.Request, body: GenerateBody) -> web.StreamResponse:
        """Whatever goes wrong from here on arrives as an event of a 200."""
        async with self._events(request, characters=len(body.inputs)) as stream:
            try:
                job = generate_job(body, self._settings, streams=True)
                async with self._runtime.generation(job) as (run, made):
                    text = ""
                    async for step in made:
                        text += "" if step.token.special else step.token.text
                        wanted = body.parameters.get("details")
                        details = shapes.stream_details(run, seed=_seed(body)) if wanted else None
                        await stream.send(shapes.frame(step, index=run.generated, text=text, details=details))
            except ConnectionCutError:
                stream.cut()
            except FAILURES as error:
                self._note(error)
                text, kind = _words(error)
                await stream.send({"error": text, "error_type": kind})
        return stream.response

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self._runtime.meter.requested()  # once more than the generation behind it, as the real one counts
        body = chat_body(await json_body(request))
        self._check_template(body)
        model = body.model or self._launch.model_id
        created = int(self._runtime.clock.time())
        if body.stream:
            return await self._chat_stream(request, body, model=model, created=created)
        job = chat_job(body, self._settings)
        async with self._runtime.generation(job) as (run, made):
            text = _joined([step async for step in made])
        headers = shapes.timings(run, characters=_characters(job))
        return answer(shapes.chat(self._launch, model, created=created, text=text, run=run), headers=headers)

    async def _chat_stream(
        self, request: web.Request, body: ChatBody, *, model: str, created: int
    ) -> web.StreamResponse:
        characters = sum(len(said.text) for said in body.messages)
        async with self._events(request, characters=characters) as stream:
            try:
                async with self._runtime.generation(chat_job(body, self._settings)) as (run, made):
                    async for step in made:
                        await stream.send(shapes.chat_chunk(self._launch, model, created=created, step=step))
                if body.include_usage:
                    await stream.send(shapes.chat_usage_chunk(self._launch, model, created=created, run=run))
            except ConnectionCutError:
                stream.cut()
                return stream.response
            except FAILURES as error:
                self._note(error)
                await stream.send({"error": {"message": _words(error)[0], "http_status_code": 422}})
            await stream.send("[DONE]")
        return stream.response

    async def _tokenize(self, request: web.Request) -> web.StreamResponse:
        return answer(_spans(generate_body(await json_body(request)).inputs))

    async def _chat_tokenize(self, request: web.Request) -> web.StreamResponse:
        body = chat_body(await json_body(request))
        self._check_template(body)
        text = templated(body.messages, goes_on=body.goes_on)
        return answer({"tokenize_response": _spans(text), "templated_text": text})

    def _check_template(self, body: ChatBody) -> None:
        if not self._settings.has_chat_template:
            raise RefusedError("Template error: template not found", "template_error")
        if body.fields.get("tools") and body.fields.get("response_format"):
            raise RefusedError("Tool error: Grammar and tools are mutually exclusive", "tool_error")

    def _events(self, request: web.Request, *, characters: int) -> EventStream:
        headers = {
            "Cache-Control": "no-cache",
            "x-compute-type": "gpu",
            "x-compute-characters": str(characters),
            "x-accel-buffering": "no",
        }
        return EventStream(
            request,
            headers=headers,
            clock=self._runtime.clock,
            keep_alive_seconds=KEEP_ALIVE_SECONDS,
            is_frozen=lambda: self._runtime.faults.options(FaultName.STALL) is not None,
            in_pieces=self._runtime.faults.options(FaultName.SPLIT_UTF8) is not None,
        )

    def _reading(self, handler: Handler) -> Handler:
        """Answers in the status and shape of each error that comes before a stream."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except NotJsonTypeError:
                return web.Response(status=415, text="Expected request with `Content-Type: application/json`")
            except NotJsonError as error:
                return web.Response(status=400, text=f"Failed to parse the request body as JSON: {error}")
            except NotDeserializableError as error:
                return web.Response(status=422, text=str(error))
            except FAILURES as error:
                self._note(error)
                text, kind = _words(error)
                return answer({"error": text, "error_type": kind}, status=STATUSES[kind])
            except ConnectionCutError:
                assert request.transport is not None
                request.transport.close()
                return web.Response()

        return handle

    def _note(self, error: Exception) -> None:
        """Counts what failed before a generation began; the rest counts itself."""
        if isinstance(error, RefusedError):
            self._runtime.meter.failed("template" if error.kind == "template_error" else "validation")


def _words(error: Exception) -> tuple[str, str]:
    """The message and the `error_type`."""
    match error:
        case RefusedError():
            return str(error), error.kind
        case PromptRefusedError():
            return f"Input validation error: {error}", "validation"
        case OverloadedError():
            return "Model is overloaded", "overloaded"
        case _:
            return f"Request failed during generation: {error or 'Server error: CUDA error'}", "generation"


def _joined(steps: list[Step]) -> str:
    return "".join(step.token.text for step in steps if not step.token.special)


def _characters(job: Job) -> int:
    return sum(len(said.text) for said in job.messages)


def _seed(body: GenerateBody) -> int | None:
    """Null for greedy decoding."""
    parameters = body.parameters
    samples = parameters.get("do_sample") or parameters.get("temperature") is not None
    return parameters.get("seed") or (shapes.SEED if samples else None)


def _spans(text: str) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = []
    at = 0
    for token in tokens(text):
        spans.append({"id": token.id, "text": token.text, "start": at, "stop": at + len(token.text)})
        at += len(token.text)
    return spans
