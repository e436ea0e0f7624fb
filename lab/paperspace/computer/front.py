"""The machine's nginx, as Prime's startup script sets it up: TLS, the key on all but /health, the engine behind it.

It takes from the configuration only which ports are meant. That the configuration itself does what this does is tested
with the real nginx, beside the script."""

import hashlib
import hmac
import re
import ssl
from pathlib import Path

import aiohttp
from aiohttp import web

CONFIGURATION = "etc/nginx/conf.d/prime.conf"
LARGEST_BODY = 2 * 1024 * 1024
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"}


class FrontError(Exception):
    """nginx does not start: its words."""


class Front:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._address = ""
        self._engine = ""
        self._key = ""
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_open(self) -> bool:
        return self._runner is not None

    async def open(self, address: str) -> None:
        """Listens on the machine's address with what its files say now. Raises FrontError."""
        port, engine_port, tls, key = self.read()
        await self.close()
        self._address, self._engine, self._key = address, f"http://{address}:{engine_port}", key
        # Without a limit of time: an answer may take an hour. A slow reader must not make us hoard what is read.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=timeout)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._serve)
        # A client that leaves ends its request at the engine too.
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, address, port, ssl_context=tls).start()
        except OSError:
            await self.close()
            raise FrontError(f"nginx: [emerg] bind() to 0.0.0.0:{port} failed (98: Address already in use)") from None

    async def close(self) -> None:
        """Can be called again where it was cancelled."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    def read(self) -> tuple[int, int, ssl.SSLContext, str]:
        """Its port, the engine's, the certificate, the server's key: `nginx -t`. Raises FrontError."""
        try:
            text = (self._root / CONFIGURATION).read_text()
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(self._root / "etc/prime/tls.crt", self._root / "etc/prime/tls.key")
            key = (self._root / "etc/prime/key").read_text().strip()
        except OSError as error:
            raise FrontError(f"nginx: [emerg] {error}") from None
        listen = re.search(r"listen\s+(?:[\d.]+:)?(\d+)\s+ssl", text)
        engine = re.search(r"proxy_pass\s+http://127\.0\.0\.1:(\d+)", text)
        if listen is None or engine is None:
            raise FrontError(f"nginx: [emerg] no server with ssl and proxy_pass in {CONFIGURATION}")
        return int(listen[1]), int(engine[1]), tls, key

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path == "/health":
            return await self._pass_on(request) if request.method in ("GET", "HEAD") else web.Response(status=403)
        identity_token = hmac.new(self._key.encode(), b"prime-identity-token", hashlib.sha256).hexdigest()
        if path == "/.prime/identity" and self._bears(request, self._key, identity_token):
            return self._file("var/lib/prime/identity.json")
        if not self._bears(request, self._key):
            return web.Response(status=401)
        if path == "/.prime/progress":
            return self._file("run/prime/progress.json")
        return await self._pass_on(request)

    def _bears(self, request: web.Request, *tokens: str) -> bool:
        return request.headers.get("Authorization") in [f"Bearer {token}" for token in tokens]

    def _file(self, path: str) -> web.Response:
        try:
            body = (self._root / path).read_bytes()
        except OSError:
            return web.Response(status=404)
        return web.Response(body=body, content_type="application/json")

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        body = await request.read()
        try:
            call = self._session.request(
                request.method, self._engine + request.raw_path, headers=headers, data=body, allow_redirects=False
            )
            async with call as answer:
                return await self._stream(request, answer)
        except aiohttp.ClientConnectorError:
            return web.Response(status=502)

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        passed = web.StreamResponse(status=answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in HOP_BY_HOP or name.lower() == "content-length":
                passed.headers.add(name, value)
        await passed.prepare(request)
        try:
            async for piece in answer.content.iter_any():
                await passed.write(piece)
        except aiohttp.ClientError:
            if request.transport is not None:
                request.transport.abort()  # the engine broke off: so do we, without a proper end
            return passed
        await passed.write_eof()
        return passed
