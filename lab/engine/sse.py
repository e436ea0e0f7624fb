"""Server-sent events to one client."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from aiohttp import web

from lab.clock import LabClock


def dumps(value: Any) -> str:
    """As the engines write JSON: compact, UTF-8 as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class EventStream:
    """`async with EventStream(...) as stream`, then `send`; the handler returns `stream.response`."""

    def __init__(
        self,
        request: web.Request,
        *,
        headers: Mapping[str, str],
        clock: LabClock,
        keep_alive_seconds: float | None,
        is_frozen: Callable[[], bool] = lambda: False,
        in_pieces: bool = False,
    ) -> None:
        """A comment is sent after each `keep_alive_seconds` of silence, unless it `is_frozen` then. `in_pieces` cuts
        inside of characters."""
        self.response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
        self._request = request
        self._clock = clock
        self._keep_alive_seconds = keep_alive_seconds
        self._is_frozen = is_frozen
        self._in_pieces = in_pieces
        self._wrote_at = clock.time()
        self._pinging: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.response.enable_chunked_encoding()
        await self.response.prepare(self._request)
        if self._keep_alive_seconds is not None:
            self._pinging = asyncio.create_task(self._ping(self._keep_alive_seconds))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pinging is not None:
            self._pinging.cancel()

    async def send(self, value: Any) -> None:
        """One event: text as it is, anything else as JSON."""
        text = value if isinstance(value, str) else dumps(value)
        data = f"data: {text}\n\n".encode()
        for piece in _pieces(data) if self._in_pieces else [data]:
            await self.response.write(piece)
        self._wrote_at = self._clock.time()

    def cut(self) -> None:
        """Breaks the connection: what was sent arrives, no end follows."""
        if self._request.transport is not None:
            self._request.transport.close()

    async def _ping(self, seconds: float) -> None:
        while True:
            await self._clock.sleep(self._wrote_at + seconds - self._clock.time())
            if self._clock.time() - self._wrote_at >= seconds:
                self._wrote_at = self._clock.time()
                if not self._is_frozen():
                    await self.response.write(b":\n\n")


def _pieces(data: bytes) -> list[bytes]:
    """Cut behind the first byte of each character of several bytes, and in the middle of the rest."""
    cuts = [index + 1 for index, byte in enumerate(data) if byte >= 0xC0] or [len(data) // 2]
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
