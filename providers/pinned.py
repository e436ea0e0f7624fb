"""The way to a machine of ours: only to the certificate that was pinned, and bounded, for a machine is not trusted with
Prime's time and memory."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
TOTAL_SECONDS = 15.0
"""For a whole short answer. Streams have no such limit."""
MAX_ANSWER_BYTES = 1024 * 1024
HEADERS = {"User-Agent": "prime", "Accept-Encoding": "identity"}

_CUT_OFF = (
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
)
"""A connection that ended or stuck in the middle says nothing of who was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineAnswer:
    status: int
    body: bytes
    fingerprint: str | None
    """Of the certificate on the very connection that the answer came by; None without TLS."""


def pinned_client(
    endpoint: Endpoint, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS
) -> httpx.AsyncClient:
    """Ends a handshake that meets another certificate, before a byte of a request is sent.

    It sends the key nowhere by itself: see `authorization`. The caller closes it. Raises IdentityError for an https
    endpoint whose certificate is not known."""
    return _client(endpoint.url, context_for(endpoint), connect_seconds, read_seconds)


def context_for(endpoint: Endpoint) -> ssl.SSLContext:
    """What ends a handshake that meets another certificate. Raises IdentityError for an https endpoint whose
    certificate is not known."""
    if endpoint.url.startswith("http://"):
        return _unchecked_context()
    if endpoint.fingerprint is None:
        raise IdentityError("This server has not proven yet who it is, so nothing was sent to it.")
    return _pinned_context(endpoint.fingerprint)


def unpinned_client(url: str) -> httpx.AsyncClient:
    """Meets any certificate: for the question who it is, and for nothing that is secret."""
    return _client(url, _unchecked_context(), CONNECT_SECONDS, READ_SECONDS)


def authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def get(client: httpx.AsyncClient, path: str, *, token: str | None = None) -> MachineAnswer:
    """Raises EngineUnreachableError (nothing, too slow or too much), IdentityError."""
    headers = authorization(token) if token else None
    async with (
        translated_errors(),
        asyncio.timeout(TOTAL_SECONDS),
        client.stream("GET", path, headers=headers) as response,
    ):
        body = await read(response)
        return MachineAnswer(status=response.status_code, body=body, fingerprint=_fingerprint_met(response))


async def read(response: httpx.Response, *, most: int = MAX_ANSWER_BYTES) -> bytes:
    """Raises EngineUnreachableError beyond the cap. Not unpacked: a small answer may unpack to any size."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            raise EngineUnreachableError("The server sent more than Prime reads.")
    return bytes(body)


@asynccontextmanager
async def translated_errors() -> AsyncGenerator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        if any(isinstance(cause, ssl.SSLError) and not isinstance(cause, _CUT_OFF) for cause in _causes(error)):
            raise IdentityError(
                "Something answers at this server's address that is not this server. Nothing was sent to it."
            ) from error
        raise EngineUnreachableError("The server does not answer.") from error


def _client(url: str, context: ssl.SSLContext, connect_seconds: float, read_seconds: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        verify=context,
        headers=HEADERS,
        timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
        follow_redirects=False,
        trust_env=False,  # no proxy of the environment stands between
    )


def _unchecked_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _pinned_context(fingerprint: str) -> ssl.SSLContext:
    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if _fingerprint_of(self) != fingerprint:
                raise ssl.SSLCertVerificationError("another certificate than the pinned one")

    context = _unchecked_context()
    context.sslobject_class = PinnedObject
    return context


def _fingerprint_met(response: httpx.Response) -> str | None:
    stream = response.extensions.get("network_stream")
    connection = None if stream is None else stream.get_extra_info("ssl_object")
    return None if connection is None else _fingerprint_of(connection)


def _fingerprint_of(connection: ssl.SSLObject) -> str:
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
