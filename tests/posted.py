"""A Slack that keeps what is posted, for tests of what is shown in a thread."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.budgets import LocalBudgets
from bot.markdown import restore_escapes
from bot.pacer import Pacer
from bot.sender import Sender
from tests.clock import ManualClock
from tests.serving import served

THREAD = "1700000000.000000"


@dataclass
class Slack:
    """Its messages, every edit with its time, and what it refuses next by method."""

    clock: ManualClock
    messages: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    edits: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])
    """Seconds, ts, words."""
    files: list[str] = field(default_factory=list[str])
    refuses: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    refused_channels: set[str] = field(default_factory=set[str])
    """In which nothing can be posted."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """Other calls."""
    held: asyncio.Event | None = None
    """While it is not set, chat.update is read and not carried out."""
    reading: int = 0
    url: str = ""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if method == "upload":
            self.files.append((await request.read()).decode())
            return web.Response()
        is_json = request.content_type == "application/json"
        asked = await request.json() if is_json else {**request.query, **(await request.post())}
        if errors := self.refuses.get(method):
            error = errors.pop(0)
            return web.Response(status=500) if error == "500" else web.json_response({"ok": False, "error": error})
        if method == "chat.postMessage" and asked["channel"] in self.refused_channels:
            return web.json_response({"ok": False, "error": "not_in_channel"})
        return web.json_response({"ok": True, **await self._do(method, asked)})

    async def _do(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "chat.postMessage":
                return {"ts": self.post(asked)}
            case "chat.update":
                self.reading += 1
                if self.held is not None:
                    await self.held.wait()
                self.messages[asked["ts"]] |= {"blocks": asked["blocks"], "text": asked["text"]}
                self.edits.append((self._seconds(), asked["ts"], self.words(asked["ts"])))
            case "conversations.replies":
                return {"messages": [one for ts, one in self.messages.items() if float(ts) > float(asked["oldest"])]}
            case "conversations.open":
                return {"channel": {"id": f"D-{asked['users']}"}}
            case "conversations.history":
                return {"messages": [one for one in self.messages.values() if one["channel"] == asked["channel"]]}
            case "files.getUploadURLExternal":
                return {"upload_url": f"{self.url}/api/upload", "file_id": "F1"}
            case _:
                self.asked.append((method, asked))
        return {}

    def post(self, asked: dict[str, Any]) -> str:
        ts = f"{self._seconds():.0f}.{next(self._numbers):06}"
        self.messages[ts] = {**asked, "ts": ts}
        return ts

    def words(self, ts: str) -> str:
        """The model's, as it said them."""
        blocks = self.messages[ts]["blocks"]
        shown = [block["text"] for block in blocks if block["type"] in ("markdown", "section")]
        return restore_escapes("".join(one if isinstance(one, str) else one["text"] for one in shown))

    def told(self, ts: str) -> str:
        """Prime's own."""
        contexts = [block["elements"] for block in self.messages[ts]["blocks"] if block["type"] == "context"]
        return " ".join(element["text"] for elements in contexts for element in elements)

    def buttons(self, ts: str) -> list[str]:
        rows = [block["elements"] for block in self.messages[ts]["blocks"] if block["type"] == "actions"]
        return [element["action_id"] for elements in rows for element in elements]

    def _seconds(self) -> float:
        return self.clock.now().timestamp()


@asynccontextmanager
async def posting(clock: ManualClock) -> AsyncIterator[tuple[Slack, Sender]]:
    """One that listens, and Prime's way to it."""
    slack = Slack(clock)
    pacer = Pacer(LocalBudgets(), clock)
    async with (
        served(web.route("*", "/api/{method}", slack.serve)) as slack.url,
        Sender(token="xoxb-1", base_url=f"{slack.url}/api", pacer=pacer, clock=clock) as sender,
    ):
        yield slack, sender
