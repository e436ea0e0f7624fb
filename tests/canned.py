"""A web server that answers what a test lays ready, and remembers what it was asked."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.serving import served


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """One answer; `dropped` cuts the connection in its place, `stalled` begins it and never ends it."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    dropped: bool = False
    stalled: bool = False


def answer(content: Any, *, status: int = 200, **headers: str) -> Canned:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Canned(status=status, body=json.dumps(content).encode(), headers=named)


def refusal(status: int, code: str, message: str = "") -> Canned:
    return answer({"code": code, "message": message}, status=status)


BLOCKED = Canned(status=403, body=b"<!DOCTYPE html><title>Attention Required!</title>", content_type="text/html")
BROKEN = refusal(500, "INTERNAL_SERVER_ERROR")
DROPPED = Canned(dropped=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class CannedServer:
    """The last answer laid for a request is given again and again; what nothing was laid for is 404."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self._answers: defaultdict[str, list[Canned]] = defaultdict(list)

    def lay(self, request: str, *answers: Canned) -> None:
        """`request` is such as `GET /machines`."""
        self._answers[request] = list(answers)

    def asked(self, request: str = "") -> list[Call]:
        return [call for call in self.calls if str(call).startswith(request)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        self.calls.append(call)
        laid = self._answers[str(call)]
        given = (laid.pop(0) if len(laid) > 1 else laid[0]) if laid else refusal(404, "NOT_FOUND")
        if given.dropped:
            assert request.transport is not None
            request.transport.abort()
        if given.stalled:
            await web.StreamResponse(headers={"Content-Length": "100"}).prepare(request)
            await asyncio.Event().wait()  # until the client hangs up
        return web.Response(
            status=given.status, body=given.body, content_type=given.content_type, headers=given.headers
        )


@asynccontextmanager
async def canned_server() -> AsyncIterator[CannedServer]:
    server = CannedServer()
    async with served(web.route("*", "/{path:.*}", server.handle)) as server.url:
        yield server


class QuickClock:
    """Sleeps at once, and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
