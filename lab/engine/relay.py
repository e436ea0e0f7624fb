"""A model that is elsewhere on this machine: any server that speaks OpenAI's language (llama.cpp, Ollama, vLLM)."""

import ipaddress
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from lab.engine.meter import Run
from lab.engine.runtime import ConnectionCutError, GenerationFailedError, Job, PromptRefusedError
from lab.engine.slots import OverloadedError
from lab.engine.tokens import Finish, Step, Token

CONNECT_SECONDS = 5.0
LINE_BYTES = 1024 * 1024
REFUSALS = (400, 404, 413, 422)
BUSY = (429, 503)
SHOWN_CHARACTERS = 200
"""Of what the server says about a failure."""


class NoServerError(Exception):
    """There is no such server to relay to; the text says why."""


class OpenAIServer:
    """Answers with what the server answers, at its pace. Leaving an answer early closes the connection."""

    def __init__(self, url: str, *, key: str | None, model: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.model = model

    @classmethod
    async def found(cls, url: str, *, key: str | None = None, model: str | None = None) -> Self:
        """With `model`, or else the first that it serves. `url` with or without `/v1`. Raises NoServerError."""
        base = _on_this_machine(url)
        server = cls(base, key=key, model=model or "")
        try:
            async with (
                server._session() as session,
                session.get(f"{base}/v1/models", allow_redirects=False) as response,
            ):
                told = await response.json(content_type=None) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise NoServerError(f"Nothing at {base} answers as an OpenAI-compatible server does.") from None
        if told is None:
            raise NoServerError(f"{base}/v1/models answers {response.status}: is the key right?")
        names = [one["id"] for one in told.get("data") or []]
        if not (model or names):
            raise NoServerError(f"{base} serves no model: name one.")
        server.model = model or names[0]
        return server

    @asynccontextmanager
    async def answering(self, job: Job, run: Run) -> AsyncGenerator[AsyncIterator[Step]]:
        path = "/v1/chat/completions" if job.is_chat else "/v1/completions"
        async with self._session() as session:
            try:
                response = await session.post(f"{self._url}{path}", json=self._body(job), allow_redirects=False)
            except (aiohttp.ClientError, TimeoutError):
                raise GenerationFailedError("The model's server is not there.") from None
            async with response:
                if response.status != 200:
                    raise _failure(response.status, await response.read())
                async with aclosing(_steps(response, run)) as steps:
                    yield steps

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        return aiohttp.ClientSession(headers=self._headers, timeout=timeout, read_bufsize=LINE_BYTES)

    def _body(self, job: Job) -> dict[str, Any]:
        body = {
            **job.sampling,
            "model": self.model,
            "max_tokens": job.most,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if job.stop:
            body["stop"] = job.stop
        if (penalty := job.sampling.get("repetition_penalty")) is not None:
            body["repeat_penalty"] = penalty  # llama.cpp's word
        if not job.is_chat:
            return body | {"prompt": job.messages[0].text}
        body["messages"] = [{"role": said.role, "content": said.text} for said in job.messages]
        # llama.cpp goes on with the assistant's words by itself.
        return body | ({"add_generation_prompt": False, "continue_final_message": True} if job.goes_on else {})


async def _steps(response: aiohttp.ClientResponse, run: Run) -> AsyncGenerator[Step]:
    """A step for each piece of text, and one for the end."""
    finish: Finish | None = None
    try:
        async for line in response.content:
            if not line.startswith(b"data:"):
                continue
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                break
            frame = json.loads(data)
            if error := frame.get("error"):
                raise _failure(200, json.dumps({"error": error}).encode())
            for choice in (frame.get("choices") or [])[:1]:
                if text := choice.get("text") or choice.get("delta", {}).get("content"):
                    yield Step(Token(text, 0))
                if reason := choice.get("finish_reason"):
                    finish = Finish.LENGTH if reason == "length" else Finish.END
            if usage := frame.get("usage"):
                run.prompt_tokens = usage["prompt_tokens"]
                # The step of the end is to be counted as well.
                run.generated = usage["completion_tokens"] - (1 if finish else 0)
    except (aiohttp.ClientError, TimeoutError):
        raise ConnectionCutError from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise GenerationFailedError("The model's server says what nobody understands.") from None
    if finish is None:
        raise ConnectionCutError
    yield Step(Token("", 0) if finish is Finish.LENGTH else Token("</s>", 2, special=True), finish)


def _failure(status: int, body: bytes) -> Exception:
    try:
        error = json.loads(body)["error"]
        text, code = (error["message"], error.get("code")) if isinstance(error, dict) else (error, None)
    except (ValueError, KeyError, TypeError):
        text, code = "", None
    status = code if status == 200 and isinstance(code, int) else status
    text = str(text)[:SHOWN_CHARACTERS] or f"The model's server answers {status}."
    if status in BUSY:
        return OverloadedError()
    return PromptRefusedError(text) if status in REFUSALS else GenerationFailedError(text)


def _on_this_machine(url: str) -> str:
    """Without `/v1`. Raises NoServerError for an address that is not this machine's: what people say in the demo stays
    here."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    host = parts.hostname or ""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
        port = parts.port
    except ValueError:
        is_here, port = False, None
    if not is_here or parts.scheme not in ("http", "https"):
        raise NoServerError(
            f"The demo talks only to a server on this machine, such as http://127.0.0.1:8080, not to {url}."
        )
    name = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{path}"
