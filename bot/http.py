"""Prime's own HTTP: health, readiness, metrics, and in HTTP mode Slack's deliveries."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.payloads import MalformedPayloadError, read_body
from bot.settings import Address, is_loopback
from core.errors import ConfigurationError

SLACK_PATH = "/slack/events"
CHECK_SECONDS = 3.0
PROBE_BYTES = 1000

_log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""What is not ready yet, in words for the operator; None if it is ready."""


class SlackDoor:
    """Deliveries by HTTP. The signature is checked on the bytes as they came, before anything is parsed."""

    def __init__(self, signing_secret: str) -> None:
        self._verifier = SignatureVerifier(signing_secret)
        self.app: AsyncApp | None = None
        """While it is None deliveries are refused, and Slack delivers events again."""

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not self._is_signed(body, request.headers):
            if _is_ssl_check(body):
                return web.Response()
            return web.json_response({"error": "invalid request"}, status=401)
        if self.app is None:
            return web.json_response({"error": "not ready"}, status=503)
        try:
            payload = read_body(body, content_type=request.headers.get("Content-Type", ""))
        except MalformedPayloadError:
            _log.warning("payload_refused")
            return web.json_response({"error": "invalid request"}, status=400)
        # Bolt calls "socket_mode" a request that comes with its body read.
        slack_request = AsyncBoltRequest(mode="socket_mode", body=payload, headers=dict(request.headers))
        return await to_aiohttp_response(await self.app.async_dispatch(slack_request))

    def _is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        try:
            return timestamp.isascii() and timestamp.isdigit() and self._verifier.is_valid(body, timestamp, signature)
        except (TypeError, ValueError):  # slack_sdk's, of bytes and headers that are no text
            return False


def _is_ssl_check(body: bytes) -> bool:
    """Slack's probe of the certificate, which asks for nothing and is not signed. Taking a long body apart for whoever
    sends it would hold up everybody else."""
    return len(body) < PROBE_BYTES and parse_qs(body.decode(errors="replace")).get("ssl_check") == ["1"]


class HttpServer:
    """Serves from `async with` on. Raises ConfigurationError if an address cannot be listened on."""

    def __init__(self, *, address: Address, metrics_address: Address | None, door: SlackDoor | None) -> None:
        self.checks: dict[str, Check] = {}
        """What has to be ready, by its name; nothing is while there are none."""
        self._runners: list[web.AppRunner] = []
        main = web.Application()
        main.router.add_get("/healthz", _healthz)
        main.router.add_get("/readyz", self._readyz)
        if door is not None:
            main.router.add_post(SLACK_PATH, door.take)
        self._sites = [("PRIME_HTTP_ADDR", address, main)]
        if metrics_address is None:
            main.router.add_get("/metrics", _metrics_for_loopback)
        else:
            other = web.Application()
            other.router.add_get("/metrics", _metrics)
            self._sites.append(("PRIME_METRICS_ADDR", metrics_address, other))

    async def __aenter__(self) -> Self:
        try:
            for variable, address, application in self._sites:
                await self._serve(variable, address, application)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets requests end, and takes no more. Nothing happens the second time."""
        while self._runners:
            await self._runners.pop().cleanup()

    @property
    def port(self) -> int:
        """The main address's, which was free to choose if 0 was asked for."""
        return self._runners[0].addresses[0][1]

    async def _serve(self, variable: str, address: Address, application: web.Application) -> None:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=3.0)
        self._runners.append(runner)
        await runner.setup()
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise ConfigurationError(
                f"Prime cannot listen on {address}: another program may do so already. Set {variable} to a free "
                "host:port of this machine."
            ) from error

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = await self.reasons_not_ready()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def reasons_not_ready(self) -> Sequence[str]:
        if not self.checks:
            return ["Prime is starting."]
        found = await asyncio.gather(*map(_within_bounds, self.checks.values()))
        return [reason for reason in found if reason]


async def _within_bounds(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return "A check took too long."


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _metrics_for_loopback(request: web.Request) -> web.Response:
    # Behind a proxy on this machine everybody comes from loopback.
    if not is_loopback(request.remote or "") or "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        raise web.HTTPForbidden(
            text="Metrics are for this machine only: set PRIME_METRICS_ADDR to serve them to others."
        )
    return await _metrics(request)
