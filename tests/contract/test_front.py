"""The client of a machine's front against servers that are not what they should be."""

import asyncio
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint, Progress, Stage
from providers.engines.tgi import TgiEngine
from providers.engines.wire import EngineWire
from providers.front import DETAIL_CHARACTERS, Front
from providers.pinned import MAX_ANSWER_BYTES, authorization, pinned_client
from tests.raw_server import fingerprint_of, make_certificate

KEY = "the-key-of-this-server"
ENGINE = TgiEngine(EngineWire())


@dataclass
class Server:
    """Answers every request with `body`, and keeps what came after the handshake."""

    port: int
    fingerprint: str
    body: bytes = b"{}"
    status: str = "200 OK"
    headers: str = ""
    received: bytearray = field(default_factory=bytearray)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(url=self.front.url("127.0.0.1"), key=KEY, fingerprint=self.fingerprint)

    @property
    def front(self) -> Front:
        return Front(scheme="https", port=self.port)

    def claim(self, fingerprint: str, *, key: str = KEY) -> None:
        proof = hmac.new(key.encode(), f"prime-identity:{fingerprint}".encode(), "sha256").hexdigest()
        self.body = json.dumps({"fingerprint": fingerprint, "hmac": proof}).encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.received += await (reader.readuntil(b"\r\n\r\n") if self.fingerprint else reader.read(1000))
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n{self.headers}\r\n".encode())
            writer.write(self.body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[Server]:
    async with serving(certificate) as server:
        yield server


@asynccontextmanager
async def serving(certificate: Path | None) -> AsyncIterator[Server]:
    """In plain HTTP without a certificate."""
    server, context = Server(0, fingerprint=fingerprint_of(certificate) if certificate else ""), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    listener = await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


class TestIdentify:
    async def test_gives_the_fingerprint_that_was_met_and_proven(self, server: Server) -> None:
        server.claim(server.fingerprint)
        assert await server.front.identify("127.0.0.1", key=KEY) == server.fingerprint

    async def test_never_sends_the_key(self, server: Server) -> None:
        server.claim(server.fingerprint)
        await server.front.identify("127.0.0.1", key=KEY)
        assert b"GET /.prime/identity" in server.received
        assert KEY.encode() not in server.received

    async def test_refuses_who_passes_on_the_real_servers_answer(self, server: Server) -> None:
        """Somebody in between asks the real server, and shows a certificate of his own."""
        server.claim("ab" * 32)
        with pytest.raises(IdentityError):
            await server.front.identify("127.0.0.1", key=KEY)

    async def test_refuses_who_does_not_hold_the_key(self, server: Server) -> None:
        server.claim(server.fingerprint, key="a guess")
        with pytest.raises(IdentityError):
            await server.front.identify("127.0.0.1", key=KEY)

    @pytest.mark.parametrize(
        "body",
        [b"", b"null", b"[]", b'{"fingerprint": 1, "hmac": []}', b"\xff", b"[" * 100_000, b'{"hmac": "\xc3\xa9"}'],
    )
    async def test_refuses_what_is_no_proof(self, server: Server, body: bytes) -> None:
        server.body = body
        with pytest.raises(IdentityError):
            await server.front.identify("127.0.0.1", key=KEY)

    @pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "302 Found"])
    async def test_refuses_who_has_no_identity(self, server: Server, status: str) -> None:
        server.claim(server.fingerprint)
        server.status, server.headers = status, "Location: /elsewhere\r\n"
        with pytest.raises(IdentityError):
            await server.front.identify("127.0.0.1", key=KEY)
        assert b"/elsewhere" not in server.received

    async def test_waits_for_a_front_that_is_not_there_yet(self, server: Server) -> None:
        server.status = "502 Bad Gateway"
        with pytest.raises(EngineUnreachableError):
            await server.front.identify("127.0.0.1", key=KEY)

    async def test_refuses_who_speaks_no_tls(self) -> None:
        async with serving(None) as server:
            with pytest.raises(IdentityError):
                await server.front.identify("127.0.0.1", key=KEY)

    async def test_waits_for_who_does_not_end_the_handshake(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("providers.pinned.CONNECT_SECONDS", 0.05)

        left = asyncio.Event()

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            await writer.wait_closed()
            left.set()

        silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        async with silent:
            front = Front(scheme="https", port=silent.sockets[0].getsockname()[1])
            with pytest.raises(EngineUnreachableError):
                await front.identify("127.0.0.1", key=KEY)
            await asyncio.wait_for(left.wait(), 5)


class TestPinned:
    async def test_sends_no_byte_of_a_request_to_another_certificate(self, server: Server) -> None:
        other = Endpoint(url=server.endpoint.url, key=KEY, fingerprint="0" * 64)
        with pytest.raises(IdentityError):
            await server.front.progress(other)
        with pytest.raises(IdentityError):
            await ENGINE.is_healthy(other)
        assert server.received == b""

    async def test_sends_nothing_before_a_certificate_is_known(self, server: Server) -> None:
        unknown = Endpoint(url=server.endpoint.url, key=KEY, fingerprint=None)
        with pytest.raises(IdentityError):
            await server.front.progress(unknown)
        assert server.received == b""

    async def test_sends_no_key_with_the_question_for_health(self, server: Server) -> None:
        assert await ENGINE.is_healthy(server.endpoint)
        assert KEY.encode() not in server.received

    async def test_follows_no_redirect(self, server: Server) -> None:
        server.status, server.headers = "307 Temporary Redirect", f"Location: http://127.0.0.1:{server.port}/x\r\n"
        async with pinned_client(server.endpoint) as client:
            assert (await client.get("/info", headers=authorization(KEY))).status_code == 307

    async def test_passes_by_the_proxies_of_the_environment(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        assert await ENGINE.is_healthy(server.endpoint)

    async def test_reads_no_more_than_its_cap(self, server: Server) -> None:
        server.body = b" " * (MAX_ANSWER_BYTES + 1)
        with pytest.raises(EngineUnreachableError):
            await server.front.progress(server.endpoint)


class TestProgress:
    async def test_reads_stage_and_detail(self, server: Server) -> None:
        server.body = b'{"stage": "loading", "detail": "weights 3 of 8", "at": "2026-11-22T10:00:00Z"}'
        assert await server.front.progress(server.endpoint) == Progress(stage=Stage.LOADING, detail="weights 3 of 8")
        assert f"Bearer {KEY}".encode() in server.received

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"stage": "dancing"}', b'{"stage": ["ready"]}', b'{"detail": "x"}'])
    async def test_is_none_for_what_it_does_not_know(self, server: Server, body: bytes) -> None:
        server.body = body
        assert await server.front.progress(server.endpoint) is None

    async def test_is_none_before_there_is_any(self, server: Server) -> None:
        server.status = "404 Not Found"
        assert await server.front.progress(server.endpoint) is None

    async def test_shortens_and_cleans_the_detail(self, server: Server) -> None:
        server.body = json.dumps({"stage": "loading", "detail": "a\nb\u202e\x1b" + "x" * 1000}).encode()
        progress = await server.front.progress(server.endpoint)
        assert progress == Progress(stage=Stage.LOADING, detail="ab" + "x" * (DETAIL_CHARACTERS - 2))

    async def test_is_none_without_tls(self) -> None:
        endpoint = Endpoint(url="http://127.0.0.1:9", key=KEY, fingerprint=None)
        assert await Front(scheme="http", port=9).progress(endpoint) is None


@pytest.mark.parametrize(
    ("address", "url"), [("203.0.113.4", "https://203.0.113.4:8080"), ("2001:db8::1", "https://[2001:db8::1]:8080")]
)
def test_url_of_an_address(address: str, url: str) -> None:
    assert Front(scheme="https", port=8080).url(address) == url


@pytest.mark.parametrize("address", ["", "evil.example", "203.0.113.4/x", "203.0.113.4:1@evil"])
def test_url_of_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Front(scheme="https", port=8080).url(address)
