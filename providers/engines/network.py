"""The sockets that answers come by, read ten times a second.

People see an answer grow every few seconds, while an engine sends each of its thirty tokens a second by itself. To wake
up for a token costs more than all that is done with it, so that what comes in between is read together: this is what
lets one process relay hundreds of answers."""

# ruff: noqa: ASYNC109, ARG002  the signatures are those of httpcore

import asyncio
import select
import ssl
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import httpcore
import httpx

READ_EVERY_SECONDS = 0.1
KEPT_SECONDS = 2.0
"""A connection that nobody uses; uvicorn, in which vLLM runs, closes one after 5 s."""


class EngineTransport(httpx.AsyncHTTPTransport):
    """The connections to one server, which are its own: `tls` is what is demanded of it."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(verify=tls or False, trust_env=False)
        # httpx has no argument for the network that its pool uses.
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=None, keepalive_expiry=KEPT_SECONDS, network_backend=_Network(tls)
        )


class _Network(httpcore.AsyncNetworkBackend):
    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _told(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                return _Stream(*await asyncio.open_connection(host, port, ssl=self._tls))


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._transport = cast("asyncio.Transport", writer.transport)
        self._rests_until: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await self._rest()
        with _told(httpcore.ReadTimeout, httpcore.ReadError):
            async with asyncio.timeout(timeout):
                data = await self._reader.read(max_bytes)
        if len(data) < max_bytes:  # nothing is left: what comes from now on waits in the kernel
            self._transport.pause_reading()
            self._rests_until = asyncio.get_running_loop().time() + READ_EVERY_SECONDS
        return data

    async def _rest(self) -> None:
        if self._rests_until is not None:
            await asyncio.sleep(max(0.0, self._rests_until - asyncio.get_running_loop().time()))
            self._transport.resume_reading()
            self._rests_until = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _told(httpcore.WriteTimeout, httpcore.WriteError):
            async with asyncio.timeout(timeout):
                self._writer.write(buffer)
                await self._writer.drain()

    async def aclose(self) -> None:
        """At once, without a farewell: an engine stops when its connection ends."""
        self._transport.abort()
        await asyncio.sleep(0)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Was done while connecting."""
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._has_ended()
        return self._writer.get_extra_info(info)

    def _has_ended(self) -> bool:
        """Of a connection at rest: whether the server closed it, or said what nobody asked for."""
        if self._writer.is_closing() or self._reader.at_eof():
            return True
        poll = select.poll()
        poll.register(self._writer.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))


@contextmanager
def _told(late: type[Exception], broken: type[Exception]) -> Generator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late from error
    except OSError as error:
        raise broken from error
