"""The configuration that the startup script writes, in a real nginx, before an engine that tells what reached it."""

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import httpx
import pytest
from aiohttp import web

from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint, Progress, Stage
from providers.engines.tgi import TgiEngine
from providers.engines.wire import EngineWire
from providers.front import Front
from providers.pinned import authorization, pinned_client
from tests.nginx import KEY, Nginx, nginx_in
from tests.serving import served

TOKEN = hmac.new(KEY.encode(), b"prime-identity-token", hashlib.sha256).hexdigest()

ANY_CERTIFICATE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE

PATHS = (
    "/",
    "/info",
    "/metrics",
    "/docs",
    "/api-doc/openapi.json",
    "/ping",
    "/version",
    "/tokenize",
    "/chat_tokenize",
    "/v1/models",
    "/v1/chat/completions",
    "/generate",
    "//info",
    "///",
    "/./info",
    "/health/../info",
    "/health/..",
    "/health/",
    "/health/info",
    "/health;/info",
    "/health%2f..%2finfo",
    "/health%2e",
    "/HEALTH",
    "/.prime/progress",
    "/.prime/identity",
    "/.prime/identity/",
    "/.prime/",
    "/.prime/../info",
    "/.PRIME/identity",
    "/?/health",
    "/info?/health",
    "/info#/health",
    "http://other/info",
)

WRONG = (
    "",
    "Bearer",
    "Bearer ",
    KEY,
    f"Basic {KEY}",
    f"Bearer {KEY}x",
    f"Bearer {KEY[:-1]}",
    f"Bearer {KEY.upper()}",
    f"bearer {KEY}",
    f"Bearer  {KEY}",
    f"x Bearer {KEY}",
    "Bearer .*",
)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx_in(tmp_path_factory.mktemp("machine")) as nginx:
        yield nginx


class Engine:
    """Answers everything, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.sent_all = asyncio.Event()
        self.gone = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.raw_path))
        if request.path == "/generate_stream":
            return await self._stream(request)
        if request.path == "/big":
            return web.Response(text=str(len(await request.read())))
        return web.Response(text=f"{request.method} {request.headers.get('Authorization', '')}")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        try:
            await self.sent_all.wait()
        except asyncio.CancelledError:
            self.gone.set()
            raise
        await response.write(b"data: last\n\n")
        return response


@pytest.fixture
async def engine(nginx: Nginx) -> AsyncIterator[Engine]:
    engine = Engine()
    async with served(web.route("*", "/{path:.*}", engine.answer), port=nginx.engine_port):
        yield engine


@pytest.fixture
async def endpoint(nginx: Nginx) -> Endpoint:
    fingerprint = await front(nginx).identify("127.0.0.1", key=KEY)
    return Endpoint(url=front(nginx).url("127.0.0.1"), key=KEY, fingerprint=fingerprint)


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[httpx.AsyncClient]:
    async with pinned_client(endpoint) as client:
        yield client


async def test_opens_nothing_but_health_without_the_key(nginx: Nginx, engine: Engine) -> None:
    for path in PATHS:
        for method in ("GET", "POST", "OPTIONS"):
            assert await status(nginx, method, path) == 401, (method, path)
    assert engine.requests == []


async def test_refuses_a_path_above_the_root(nginx: Nginx, engine: Engine) -> None:
    for path in ("/../info", "/%2e%2e/info", "/health/../../info"):
        assert await status(nginx, "GET", path) == 400, path
    assert engine.requests == []


async def test_takes_no_other_key(nginx: Nginx, engine: Engine) -> None:
    for header in WRONG:
        for path in ("/info", "/.prime/progress", "/.prime/identity"):
            assert await status(nginx, "GET", path, authorization=header) == 401, (header, path)
    assert engine.requests == []


@pytest.mark.usefixtures("engine")
async def test_opens_all_with_the_key(nginx: Nginx) -> None:
    for path in ("/", "/info", "/v1/models", "/.prime/progress", "/.prime/identity"):
        assert await status(nginx, "GET", path, authorization=f"Bearer {KEY}") == 200, path


async def test_opens_identity_and_nothing_else_with_the_identity_token(nginx: Nginx, engine: Engine) -> None:
    for path in PATHS:
        expected = 200 if path == "/.prime/identity" else 401
        assert await status(nginx, "GET", path, authorization=f"Bearer {TOKEN}") == expected, path
    assert engine.requests == []


async def test_opens_health_to_everybody_for_reading(nginx: Nginx, engine: Engine) -> None:
    for path in ("/health", "//health", "/health?x=1", "/info/../health"):
        assert await status(nginx, "GET", path) == 200, path
    assert await status(nginx, "POST", "/health") == 403
    assert {path.partition("?")[0] for _, path in engine.requests} == {"/health"}


async def test_health_is_a_bad_gateway_while_the_engine_is_away(nginx: Nginx, endpoint: Endpoint) -> None:
    assert await status(nginx, "GET", "/health") == 502
    assert not await TgiEngine(EngineWire()).is_healthy(endpoint)


async def test_passes_requests_on_as_they_are(client: httpx.AsyncClient, engine: Engine) -> None:
    answer = await client.post("/v1/chat/completions?x=%2F", headers=authorization(KEY), json={"a": 1})
    assert answer.text == f"POST Bearer {KEY}"
    assert engine.requests == [("POST", "/v1/chat/completions?x=%2F")]


async def test_passes_on_a_stream_as_it_comes(client: httpx.AsyncClient, engine: Engine) -> None:
    async with client.stream("POST", "/generate_stream", headers=authorization(KEY), json={}) as response:
        chunks = response.aiter_raw()
        assert await asyncio.wait_for(anext(chunks), 5) == b"data: first\n\n"
        engine.sent_all.set()
        assert b"".join([chunk async for chunk in chunks]) == b"data: last\n\n"


async def test_tells_the_engine_at_once_when_the_reader_is_gone(client: httpx.AsyncClient, engine: Engine) -> None:
    async with client.stream("POST", "/generate_stream", headers=authorization(KEY), json={}) as response:
        await anext(response.aiter_raw())
    await asyncio.wait_for(engine.gone.wait(), 5)


async def test_waits_an_hour_for_the_next_byte(nginx: Nginx) -> None:
    configuration = nginx.machine.path("/etc/nginx/conf.d/prime.conf").read_text()
    assert "proxy_read_timeout 1h;" in configuration


@pytest.mark.usefixtures("engine")
async def test_takes_bodies_of_two_megabytes_and_keeps_them_off_the_disk(
    nginx: Nginx, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/big", headers=authorization(KEY), content=b"x" * 2_000_000)
    assert answer.text == "2000000"
    assert (await client.post("/big", headers=authorization(KEY), content=b"x" * 2_200_000)).status_code == 413
    assert "buffered to a temporary file" not in nginx.logs


@pytest.mark.usefixtures("engine")
async def test_tells_no_version_and_logs_no_request(nginx: Nginx, client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/info"), await client.get("/info", headers=authorization(KEY))):
        assert "nginx/" not in answer.text + answer.headers.get("server", "")
    assert KEY not in nginx.logs
    assert "/info" not in nginx.logs


async def test_speaks_no_plain_http(nginx: Nginx, engine: Engine) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{nginx.port}/health")
    assert answer.status_code == 400
    assert engine.requests == []


async def test_proves_who_it_is_to_who_has_the_key(nginx: Nginx) -> None:
    certificate = ssl.PEM_cert_to_DER_cert(nginx.machine.path("/etc/prime/tls.crt").read_text())
    assert await front(nginx).identify("127.0.0.1", key=KEY) == hashlib.sha256(certificate).hexdigest()


async def test_is_not_the_server_of_another_key(nginx: Nginx) -> None:
    with pytest.raises(IdentityError):
        await front(nginx).identify("127.0.0.1", key="another")


async def test_tells_how_far_it_has_come(nginx: Nginx, endpoint: Endpoint) -> None:
    progress = await front(nginx).progress(endpoint)
    assert progress == Progress(stage=Stage.LOADING, detail="the engine starts")


async def test_engine_and_front_are_reached_by_the_pinned_certificate_only(nginx: Nginx, engine: Engine) -> None:
    other = Endpoint(url=front(nginx).url("127.0.0.1"), key=KEY, fingerprint="0" * 64)
    with pytest.raises(IdentityError):
        await front(nginx).progress(other)
    with pytest.raises(IdentityError):
        await TgiEngine(EngineWire()).is_healthy(other)
    with pytest.raises(IdentityError):
        await TgiEngine(EngineWire()).look(other)
    assert engine.requests == []


@pytest.mark.usefixtures("engine")
async def test_a_look_with_another_key_meets_a_stranger(endpoint: Endpoint) -> None:
    with pytest.raises(IdentityError):
        await TgiEngine(EngineWire()).look(replace(endpoint, key="another"))


async def test_nothing_listening_is_a_server_that_is_away(nginx: Nginx) -> None:
    with pytest.raises(EngineUnreachableError):
        await Front(scheme="https", port=nginx.engine_port).identify("127.0.0.1", key=KEY)


def front(nginx: Nginx) -> Front:
    return Front(scheme="https", port=nginx.port)


async def status(nginx: Nginx, method: str, path: str, *, authorization: str | None = None) -> int:
    """Of a request whose path is sent as it stands here, which no HTTP client does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port, ssl=ANY_CERTIFICATE)
    lines = [f"{method} {path} HTTP/1.1", "Host: machine", "Connection: close", "Content-Length: 0"]
    lines += [] if authorization is None else [f"Authorization: {authorization}"]
    writer.write(_request(lines))
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ")[1])


def _request(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()
