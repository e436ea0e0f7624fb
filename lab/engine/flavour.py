"""What one kind of engine adds to the runtime: its routes, its key, its words."""

import json
from typing import Any, Protocol

from aiohttp import web

from lab.engine.sse import dumps


class EngineApi(Protocol):
    def routes(self) -> list[web.AbstractRouteDef]: ...

    def needs_key(self, request: web.Request) -> bool: ...

    def opens(self, authorization: str) -> bool:
        """Whether this header shows the right key."""
        ...

    def unauthorized(self) -> web.Response: ...

    def http_error(self, error: web.HTTPException) -> web.Response:
        """For what the web framework refuses by itself: no such route, wrong method, too large."""
        ...


class NotJsonError(Exception):
    """The body cannot be read as JSON."""


class NotJsonTypeError(Exception):
    """The Content-Type does not say JSON."""


async def json_body(request: web.Request) -> Any:
    """Raises NotJsonTypeError, NotJsonError."""
    if request.content_type != "application/json":
        raise NotJsonTypeError
    raw = await request.read()
    try:
        return json.loads(raw)
    except ValueError as error:
        raise NotJsonError(str(error)) from None


def answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    types = {"Content-Type": "application/json"}  # without a charset
    return web.Response(body=dumps(value).encode(), status=status, headers=types | (headers or {}))
