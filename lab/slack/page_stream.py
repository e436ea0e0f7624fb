"""Tells each open page what its person should see, as Server-Sent Events."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from lab.slack import happenings as happened
from lab.slack import page_shapes as shapes
from lab.slack.channels import Channel, is_top_level
from lab.slack.happenings import Happening
from lab.slack.platform import Platform

KEEP_ALIVE_SECONDS = 15.0

Json = dict[str, Any]


class PageStream:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._workspace = platform.workspace
        self._queues: dict[str, set[asyncio.Queue[Json | None]]] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        user = self._workspace.person(request.query.get("as", "")).id
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        queue.put_nowait({"type": "hello"})
        self._queues.setdefault(user, set()).add(queue)
        try:
            await response.prepare(request)
            while (event := await self._next(queue)) is not None:
                await response.write(f"data: {json.dumps(event)}\n\n".encode() if event else b": still here\n\n")
        except ConnectionError:
            pass  # the page has gone
        finally:
            self._queues[user].discard(queue)
        return response

    def close(self) -> None:
        """Ends every stream."""
        self._send(self._queues, None)

    def watch(self, happening: Happening) -> None:
        match happening:
            case happened.MessagePosted(channel, message):
                self._in_channel(channel, {"type": "message", "message": shapes.message(channel, message)})
                if is_top_level(message):
                    self._channel_changed(channel)
            case happened.MessageChanged(channel, message):
                self._in_channel(channel, {"type": "message_changed", "message": shapes.message(channel, message)})
            case happened.MessageDeleted(channel, previous):
                self._in_channel(channel, {"type": "message_deleted", "ts": previous["ts"]})
                self._channel_changed(channel)
            case happened.EphemeralShown(channel, user, message):
                shape = shapes.message(channel, message)
                self._send([user], {"type": "ephemeral", "channel": channel.id, "message": shape})
            case happened.EphemeralDeleted(channel, user, ts):
                self._send([user], {"type": "ephemeral_deleted", "channel": channel.id, "ts": ts})
            case happened.ReadMarked(channel, user):
                self._channel_changed(channel, [user])
            case happened.ChannelOpened(channel):
                self._channel_changed(channel)
            case happened.MemberJoined(channel, user) | happened.MemberLeft(channel, user):
                self._channel_changed(channel, {*self._viewers(channel), user})
            case happened.PersonJoined(person) | happened.PersonChanged(person):
                self._send(self._queues, {"type": "person", "person": shapes.person(person)})
            case happened.ViewOpened(user, view, pushed):
                self._send([user], {"type": "view_pushed" if pushed else "view_opened", "view": view})
            case happened.ViewUpdated(user, view):
                self._send([user], {"type": "view_updated", "view": view})
            case happened.ViewClosed(user, view_id, whole_stack):
                self._send([user], {"type": "view_closed", "view_id": view_id, "all": whole_stack})
            case happened.HomePublished(user, view):
                self._send([user], {"type": "home", "view": view})
            case happened.AppConnectionChanged(connected):
                self._send(self._queues, {"type": "app", "connected": connected})
            case happened.FaultsChanged():
                self._send(self._queues, {"type": "faults", "faults": self._platform.faults.listing()})
            case _:
                pass

    def _in_channel(self, channel: Channel, event: Json) -> None:
        self._send(self._viewers(channel), {**event, "channel": channel.id})

    def _channel_changed(self, channel: Channel, users: Iterable[str] | None = None) -> None:
        for user in self._viewers(channel) if users is None else users:
            if self._queues.get(user):
                shape = shapes.channel(self._workspace, channel, seen_by=user)
                self._send([user], {"type": "channel", "channel": shape})

    def _viewers(self, channel: Channel) -> list[str]:
        """Those at an open page who see the channel."""
        return [user for user, queues in self._queues.items() if queues and self._workspace.sees(user, channel)]

    def _send(self, users: Iterable[str], event: Json | None) -> None:
        for user in users:
            for queue in self._queues.get(user, ()):
                queue.put_nowait(event)

    async def _next(self, queue: asyncio.Queue[Json | None]) -> Json | None:
        """The next event; an empty one when there was none for a while; None at the end."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                return await queue.get()
        except TimeoutError:
            return {}
