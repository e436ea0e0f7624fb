"""The one HTTP client by which engines are asked for answers, with connections of its own for each certificate."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from core.servers.model import Endpoint
from core.talk.ports import Recipient
from providers.engines.network import EngineTransport
from providers.pinned import CONNECT_SECONDS, HEADERS, authorization, context_for, translated_errors

KEPT_SECONDS = 3600.0
"""A server that nobody talked to for so long is forgotten."""
_TRANSPORT = "prime.transport"

Known = tuple[str, str | None]
"""Where a server answers, and the certificate that it has."""


class EngineWire:
    """No connection is ever used for another certificate than the one that it was made for."""

    def __init__(self) -> None:
        self._connections: dict[Known, _Connections] = {}
        self._client = httpx.AsyncClient(
            transport=_Switch(),
            headers=HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # nothing that one machine gave goes to another
            follow_redirects=False,
            trust_env=False,
        )

    @asynccontextmanager
    async def post(
        self, to: Recipient, path: str, body: dict[str, Any], *, silence_seconds: float
    ) -> AsyncGenerator[httpx.Response]:
        """All that engines are told passes here. The response as soon as it begins; leaving it unread closes its
        connection. No limit to the whole, but `silence_seconds` without a byte end it.

        Raises GateError (nothing was sent), EngineUnreachableError, IdentityError."""
        endpoint, payload = (
            to.endpoint,
            json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"),
        )
        to.gate.check(payload)
        await self._forget_unused()
        connections = self._connections_to(endpoint)
        connections.streams += 1
        try:
            async with (
                translated_errors(),
                self._client.stream(
                    "POST",
                    f"{endpoint.url}{path}",
                    content=payload,
                    headers={**authorization(endpoint.key), "Content-Type": "application/json"},
                    timeout=httpx.Timeout(silence_seconds, connect=CONNECT_SECONDS),
                    extensions={_TRANSPORT: connections.transport},
                ) as response,
            ):
                yield response
        finally:
            connections.streams -= 1

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._close(list(self._connections))

    def _connections_to(self, endpoint: Endpoint) -> "_Connections":
        known = (endpoint.url, endpoint.fingerprint)
        if known not in self._connections:
            tls = context_for(endpoint) if endpoint.url.startswith("https://") else None
            self._connections[known] = _Connections(EngineTransport(tls))
        connections = self._connections[known]
        connections.used_at = time.monotonic()
        return connections

    async def _forget_unused(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        await self._close(
            [known for known, one in self._connections.items() if not one.streams and one.used_at < oldest]
        )

    async def _close(self, unused: list[Known]) -> None:
        for connections in [self._connections.pop(known) for known in unused]:
            await connections.transport.aclose()


@dataclass(slots=True)
class _Connections:
    transport: EngineTransport
    streams: int = 0
    used_at: float = 0.0


class _Switch(httpx.AsyncBaseTransport):
    """Sends each request by the transport that it names."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport: EngineTransport = request.extensions[_TRANSPORT]
        return await transport.handle_async_request(request)
