"""Socket Mode: deliveries over a WebSocket that Prime dials (reference/slack-platform.md section 12).

Not slack_sdk's client: that notices a dead socket only after up to 20 s, and closes an old connection before the new
one is open. Here the new one stands first, and the old one stays until what came over it is acknowledged.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError

from bot import metrics
from bot.log import log_unexpected
from bot.payloads import MalformedPayloadError, read_payload
from bot.sender import Sender
from bot.settings import is_loopback
from core.clock import Clock
from core.errors import ConfigurationError, PrimeError

DRAIN_SECONDS = 5.0
"""How long a connection that ends waits for acknowledgements that are still to go out."""
FAREWELL_SECONDS = 12.0
"""How long a connection that was replaced is still listened to: Slack closes it about 10 s after its warning."""

_log = structlog.get_logger(__name__)

Handler = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A connection on which nothing was heard for `silent_seconds`, answers to pings included, is dead. That leaves
    enough of the allowed 20 s to dial."""

    ping_seconds: float = 4.0
    silent_seconds: float = 11.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0


class SocketMode:
    def __init__(
        self,
        *,
        sender: Sender,
        app_token: str,
        handler: Handler,
        clock: Clock,
        pace: Pace | None = None,
        on_gap_over: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_gap_over` is called when deliveries come again after none could: at the start, and when a connection was
        lost before the next one stood."""
        self._sender = sender
        self._app_token = app_token
        self._handler = handler
        self._clock = clock
        self._pace = pace or Pace()
        self._on_gap_over = on_gap_over
        self._current: _Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        return self._current is not None and self._current.open

    async def run(self) -> None:
        """Keeps a connection open until it is cancelled; then takes nothing more, and acknowledges what it took.

        Raises ConfigurationError if Slack does not accept the app token at the start."""
        async with aiohttp.ClientSession() as session:
            try:
                while True:
                    previous, self._current = self._current, await self._dial_until_open(session)
                    self._current.on_open = partial(self._opened, previous)
                    self._current.serving = self._spawn(self._current.serve())
                    if previous is not None:
                        self._spawn(_farewell(previous))
                    reason = await self._current.ending
                    metrics.socket_replaced.labels(reason=reason).inc()
                    _log.info("socket_ends", reason=reason)
                    if reason in ("closed", "too_many_websockets"):
                        await self._clock.sleep(self._pace.first_wait_seconds)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dial_until_open(self, session: aiohttp.ClientSession) -> "_Connection":
        wait = self._pace.first_wait_seconds
        while True:
            try:
                return await self._dial(session)
            except (PrimeError, SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                if isinstance(error, SlackApiError) and self._current is None:
                    raise ConfigurationError(
                        f"Slack does not accept SLACK_APP_TOKEN ({error.response['error']}). Make an app-level token "
                        "with the scope connections:write at https://api.slack.com/apps, on the page of your app, "
                        "under Basic Information."
                    ) from error
                _log.warning("socket_not_opened", error=type(error).__name__, again_in_seconds=wait)
            await self._clock.sleep(wait)
            wait = min(2 * wait, self._pace.longest_wait_seconds)

    async def _dial(self, session: aiohttp.ClientSession) -> "_Connection":
        answer = await self._sender.apps_connections_open(app_token=self._app_token)
        url = str(answer["url"])
        proxy = None if is_loopback(urlsplit(url).hostname or "") else self._sender.proxy
        async with asyncio.timeout(10):
            socket = await session.ws_connect(url, proxy=proxy, autoping=False, max_msg_size=0)
        return _Connection(socket, self._handler, self._pace)

    def _opened(self, previous: "_Connection | None") -> None:
        if previous is None or not previous.open:
            self._on_gap_over()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Connection:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse, handler: Handler, pace: Pace) -> None:
        self._socket = socket
        self._handler = handler
        self._pace = pace
        self._heard_at = time.monotonic()
        self._handling: set[asyncio.Task[None]] = set()
        self.ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why another connection is needed, once it is."""
        self.serving: asyncio.Task[None] | None = None
        self.open = False
        """From Slack's hello until nothing more comes."""
        self.on_open: Callable[[], None] = lambda: None

    async def serve(self) -> None:
        """Takes deliveries until the connection is closed or dead, or this is cancelled."""
        pinging = asyncio.create_task(self._ping(), name="socket ping")
        metrics.socket_connected.inc()
        reason = "closed"
        try:
            reason = await self._listen()
        finally:
            self.open = False
            metrics.socket_connected.dec()
            self._end(reason)
            pinging.cancel()
            await self._close()

    async def _listen(self) -> str:
        while True:
            try:
                async with asyncio.timeout(self._heard_at + self._pace.silent_seconds - time.monotonic()):
                    frame = await self._socket.receive()
            except TimeoutError:
                return "silent"
            self._heard_at = time.monotonic()
            match frame.type:
                case aiohttp.WSMsgType.TEXT:
                    self._take(_read_frame(frame.data))
                case aiohttp.WSMsgType.PING:
                    await self._send(self._socket.pong(frame.data))
                case aiohttp.WSMsgType.PONG:
                    pass
                case _:
                    return "closed"

    def _take(self, frame: Any) -> None:
        match frame:
            case {"type": "hello"}:
                self.open = True
                self.on_open()
                _log.info("socket_opened", connections=frame.get("num_connections"))
            case {"type": "disconnect"}:
                self._end(str(frame.get("reason")))
            case {"envelope_id": str(), "payload": dict()}:
                task = asyncio.create_task(self._handle(frame), name="delivery over the socket")
                self._handling.add(task)
                task.add_done_callback(self._handling.discard)
            case _:
                _log.info("frame_ignored")

    async def _handle(self, frame: dict[str, Any]) -> None:
        try:
            payload = read_payload(frame["payload"])
            response = await self._handler(AsyncBoltRequest(mode="socket_mode", body=payload))
        except MalformedPayloadError:
            _log.warning("payload_refused")
            return
        except Exception as error:  # noqa: BLE001 one delivery's failure must not end the connection
            log_unexpected("delivery_failed", error)
            return
        if response.status != 200:
            return  # not acknowledged: Slack delivers an event again
        ack: dict[str, Any] = {"envelope_id": frame["envelope_id"]}
        if response.body and frame.get("accepts_response_payload"):
            content_type = response.first_headers().get("content-type", "")
            is_json = content_type.startswith("application/json")
            ack["payload"] = json.loads(response.body) if is_json else {"text": response.body}
        await self._send(self._socket.send_str(json.dumps(ack)))

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._pace.ping_seconds)
            await self._send(self._socket.ping())

    async def _send(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._pace.silent_seconds):
                await sending
        except (ConnectionError, TimeoutError) as error:
            _log.warning("socket_not_writable", error=type(error).__name__)  # that it has ended shows in reading

    def _end(self, reason: str) -> None:
        if not self.ending.done():
            self.ending.set_result(reason)

    async def _close(self) -> None:
        """Lets what is being handled be acknowledged first."""
        if self._handling:
            await asyncio.wait(self._handling, timeout=DRAIN_SECONDS)
        for task in self._handling:
            task.cancel()
        with suppress(TimeoutError):  # a dead peer answers no close frame
            async with asyncio.timeout(2.0):
                await self._socket.close()


def _read_frame(text: str) -> Any:
    """None for what cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


async def _farewell(previous: _Connection) -> None:
    """Listens on for what Slack still sends on a connection that was replaced, then ends it."""
    assert previous.serving is not None
    await asyncio.wait({previous.serving}, timeout=FAREWELL_SECONDS)
    previous.serving.cancel()
