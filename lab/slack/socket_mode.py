"""Socket Mode: the app dials in, over up to ten connections (slack-platform.md section 12)."""

import asyncio
import json
import random
import secrets
from typing import Any

from aiohttp import ClientConnectionError, WSMsgType, web

from lab.clock import LabClock
from lab.slack.app import APP_ID
from lab.slack.deliveries import Kind, NotDeliveredError, Parcel
from lab.slack.happenings import Announcer, AppConnectionChanged
from lab.slack.record import Record

MAX_CONNECTIONS = 10
LIFE_SECONDS = 18_060.0
DEBUG_LIFE_SECONDS = 360.0
NOTICE_SECONDS = 10.0


class Connection:
    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._request = request
        self.silent = False
        """Dead without a close frame: nothing is read, nothing sent, pings stay unanswered."""

    async def send(self, frame: dict[str, Any]) -> None:
        if not self.silent:
            await self._socket.send_str(json.dumps(frame))

    async def disconnect(self, reason: str) -> None:
        await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-lab"}})

    async def close(self) -> None:
        if self.silent:
            self.cut()
        else:
            await self._socket.close()

    def cut(self) -> None:
        """Ends the TCP connection with no close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()


class SocketMode:
    timeout_reason = "timeout"

    def __init__(self, clock: LabClock, announcer: Announcer, record: Record, *, dice: random.Random) -> None:
        self._clock = clock
        self._announcer = announcer
        self._record = record
        self._dice = dice
        self._tickets: set[str] = set()
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections: list[Connection] = []

    @property
    def connected(self) -> bool:
        return bool(self.connections)

    def new_ticket(self) -> str:
        """Admits connections, as part of the URL that apps.connections.open gives."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A connection, from its hello to its end."""
        if request.query.get("ticket") not in self._tickets:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(socket, request)
        if len(self.connections) >= MAX_CONNECTIONS:
            await connection.disconnect("too_many_websockets")
            await connection.close()
            return socket
        self._add(connection)
        life = DEBUG_LIFE_SECONDS if request.query.get("debug_reconnects") == "true" else LIFE_SECONDS
        aging = asyncio.create_task(self._grow_old(connection, life))
        try:
            await connection.send(
                {
                    "type": "hello",
                    "num_connections": len(self.connections),
                    "debug_info": {
                        "host": "applink-lab",
                        "build_number": 1,
                        "approximate_connection_time": int(life),
                    },
                    "connection_info": {"app_id": APP_ID},
                }
            )
            await self._listen(connection, socket, request)
        finally:
            aging.cancel()
            self._remove(connection)
        return socket

    async def send(self, parcel: Parcel) -> dict[str, Any]:
        """To one live connection, any one. The acknowledgement may come over another."""
        if not self.connections:
            raise NotDeliveredError("no connection")
        envelope: dict[str, Any] = {
            "envelope_id": parcel.envelope_id,
            "type": parcel.kind,
            "payload": parcel.payload,
            "accepts_response_payload": parcel.kind is not Kind.EVENT,
        }
        if parcel.kind is Kind.EVENT:
            envelope |= {"retry_attempt": parcel.attempt, "retry_reason": parcel.retry_reason}
        acknowledged: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[parcel.envelope_id] = acknowledged
        try:
            await self._dice.choice(self.connections).send(envelope)
            return await acknowledged
        except ClientConnectionError:
            raise NotDeliveredError("connection lost") from None
        finally:
            del self._pending[parcel.envelope_id]

    def drop(self) -> None:
        """Closes every connection, properly."""
        for connection in self.connections:
            self._spawn(connection.close())

    def silence(self) -> None:
        for connection in self.connections:
            connection.silent = True

    def request_refresh(self) -> None:
        """Asks every app connection to come again: a warning, and ten seconds later the end."""
        for connection in self.connections:
            self._spawn(self._retire(connection, "refresh_requested"))

    async def disable(self) -> None:
        """Socket Mode is off from now on."""
        for connection in list(self.connections):
            await connection.disconnect("link_disabled")
            await connection.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.cut()

    async def _listen(self, connection: Connection, socket: web.WebSocketResponse, request: web.Request) -> None:
        async for frame in socket:
            if connection.silent:
                break
            if frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._take_ack(frame.data)
        # A handler learns that its peer has gone by reading only, and a silent one does not read.
        while connection.silent and request.transport and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    def _take_ack(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        if not isinstance(frame, dict) or not isinstance(envelope_id := frame.get("envelope_id"), str):
            return
        pending = self._pending.get(envelope_id)
        if pending is None:
            self._record.late_ack(envelope_id, self._clock.time())
        elif not pending.done():
            pending.set_result(frame.get("payload") or {})

    async def _grow_old(self, connection: Connection, life: float) -> None:
        await self._clock.sleep(life - NOTICE_SECONDS)
        await self._retire(connection, "warning")

    async def _retire(self, connection: Connection, reason: str) -> None:
        try:
            await connection.disconnect(reason)
            await self._clock.sleep(NOTICE_SECONDS)
            if reason == "warning":
                await connection.disconnect("refresh_requested")
            await connection.close()
        except ClientConnectionError:
            return  # it left when it was asked to

    def _add(self, connection: Connection) -> None:
        self.connections.append(connection)
        if len(self.connections) == 1:
            self._announcer.announce(AppConnectionChanged(connected=True))

    def _remove(self, connection: Connection) -> None:
        self.connections.remove(connection)
        if not self.connections:
            self._announcer.announce(AppConnectionChanged(connected=False))

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
