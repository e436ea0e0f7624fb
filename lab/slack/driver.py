"""A person at their Slack client, for tests that read like a story. Drives the page's API alone (README.md).

async with Person(lab.url, "U0NILS") as nils:
    await nils.types("/prime access", channel="#random")
    await nils.sees_modal("Ask for access")
    await nils.fills("Reason", "I want to try a model")
    await nils.submits()
    await nils.sees("Your request is on its way")
"""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from lab.slack import block_state
from lab.slack.screen import Json, Screen, all_options, find_element, find_option, merged, words

PATIENCE_SECONDS = 10.0


class Person:
    def __init__(self, base_url: str, user: str) -> None:
        self.id = user
        self.screen = Screen()
        self._session = aiohttp.ClientSession(base_url)
        self._changed = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        stream = await self._session.get("/lab/stream", params={"as": self.id}, timeout=aiohttp.ClientTimeout())
        self._reading = asyncio.create_task(self._read(stream))
        boot = await self._get("boot")
        self.screen.channels = {channel["id"]: channel for channel in boot["channels"]}
        for channel in boot["channels"]:
            for message in await self.messages(channel["id"]):
                self.screen.messages.setdefault((channel["id"], message["ts"]), message)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._session.close()

    # --- talking ---------------------------------------------------------------------------------

    async def says(
        self, channel: str, text: str, *, thread_ts: str | None = None, file_ids: tuple[str, ...] = ()
    ) -> str:
        """Posts in a channel, given as "#general" or by id; the message's ts."""
        body = {"channel": self.channel(channel), "text": text, "thread_ts": thread_ts, "file_ids": file_ids}
        return (await self._post("messages", **body))["ts"]

    async def edits(self, channel: str, ts: str, text: str) -> None:
        await self._send("PATCH", "messages", channel=self.channel(channel), ts=ts, text=text)

    async def deletes(self, channel: str, ts: str) -> None:
        await self._send("DELETE", "messages", channel=self.channel(channel), ts=ts)

    async def uploads(self, name: str, content: bytes) -> Json:
        """The file; its id goes into `says(file_ids=...)`."""
        async with self._session.post("/lab/upload", params={"as": self.id, "name": name}, data=content) as response:
            return (await response.json())["file"]

    async def types(self, line: str, *, channel: str, thread_ts: str | None = None) -> Json:
        """A slash command: `{"ok": true}`, or `ok: false` with the error and the message that Slack shows."""
        command, _, text = line.partition(" ")
        body = {"channel": self.channel(channel), "command": command, "text": text, "thread_ts": thread_ts}
        return await self._post("commands", **body)

    async def uses_shortcut(self, callback_id: str, *, channel: str | None = None, ts: str | None = None) -> Json:
        """A global shortcut, or a message shortcut on the message `ts`."""
        place = {"channel": self.channel(channel), "ts": ts} if channel else {}
        return await self._post("shortcuts", callback_id=callback_id, **place)

    async def opens_home(self, tab: str = "home") -> Json | None:
        """The Home tab as it was published before this visit."""
        self.screen.home = (await self._post("home", tab=tab))["view"] or self.screen.home
        return self.screen.home

    # --- pressing, choosing, filling -------------------------------------------------------------

    async def presses(self, name: str, *, in_message: str | None = None, in_home: bool = False) -> Json:
        """Presses a button found by its text or action_id: in the message with this ts or these words, on the Home tab,
        or else in the open modal, or else in the newest message that has one."""
        place, block, element = self._find(name, in_message=in_message, in_home=in_home)
        return await self._act(place, block, element, {"value": element.get("value", "")})

    async def chooses(
        self, name: str, *choices: str, in_message: str | None = None, in_home: bool = False
    ) -> Json | None:
        """Chooses options by their text, or people, channels, dates by their value. None where nothing is sent yet."""
        place, block, element = self._find(name, in_message=in_message, in_home=in_home)
        kind = element["type"]
        chosen: list[Any] = list(choices)
        if kind == "overflow" or block_state.VALUE_KEYS[kind][0].startswith("selected_option"):
            chosen = [await self._option(place, block, element, choice) for choice in choices]
        key = "selected_option" if kind == "overflow" else block_state.VALUE_KEYS[kind][0]
        value = {key: chosen if kind == "checkboxes" or kind.startswith("multi_") else chosen[0]}
        return await self._set(place, block, element, value)

    async def fills(self, name: str, text: str) -> Json | None:
        """Types into an input of the open modal, found by its label. None where nothing is sent yet."""
        place, block, element = self._find(name)
        key = block_state.VALUE_KEYS[element["type"]][0]
        value: Any = text
        if element["type"] == "rich_text_input":
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
            value = {"type": "rich_text", "elements": [section]}
        return await self._set(place, block, element, {key: value})

    async def attaches(self, name: str, *files: Json) -> None:
        """Puts files, which they have uploaded, into an input of the open modal, found by its label."""
        place, block, element = self._find(name)
        await self._set(place, block, element, {"files": list(files)})

    async def submits(self) -> Json:
        """`{"ok": true}`, or `ok: false` with `errors` by block_id or an `error`."""
        view = self._open_modal()
        return await self._post("views/submit", view_id=view["id"], state=self.screen.state_of(view))

    async def cancels(self) -> None:
        await self._post("views/close", view_id=self._open_modal()["id"], all=False)

    async def closes_modal(self) -> None:
        """The X in the corner, which closes the whole stack."""
        await self._post("views/close", view_id=self._open_modal()["id"], all=True)

    # --- seeing ----------------------------------------------------------------------------------

    @property
    def modal(self) -> Json | None:
        """The view on top."""
        return self.screen.modals[-1] if self.screen.modals else None

    @property
    def home(self) -> Json | None:
        return self.screen.home

    def channel(self, name: str) -> str:
        """The id of "#general"; of the direct message with the app, for "app"; an id is itself."""
        for channel in self.screen.channels.values():
            if name == f"#{channel['name']}" or (name == "app" and channel["kind"] == "app"):
                return channel["id"]
        return name

    async def messages(self, channel: str, *, thread_ts: str | None = None) -> list[Json]:
        """What stands in a channel or a thread now, oldest first, this person's ephemeral messages included."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        return (await self._get("messages", channel=self.channel(channel), **thread))["messages"]

    async def sees(
        self,
        what: str | Callable[[Json], bool],
        *,
        channel: str | None = None,
        within_seconds: float = PATIENCE_SECONDS,
    ) -> Json:
        """Waits for a message, or a modal or Home tab, with this text or that satisfies this test; the newest such."""
        matches = what if callable(what) else lambda thing: what in words(thing)
        wanted_channel = self.channel(channel) if channel else None

        def look() -> Json | None:
            views = [] if channel else [view for view in (self.modal, self.home) if view]
            messages = [
                message for message in self.screen.newest_first() if wanted_channel in (None, message["channel"])
            ]
            return next((thing for thing in [*messages, *views] if matches(thing)), None)

        return await self._wait_for(look, f"saw no {what!r}", within_seconds)

    async def sees_modal(self, title: str | None = None, *, within_seconds: float = PATIENCE_SECONDS) -> Json:
        """Waits for a modal on top, with this title if given."""

        def look() -> Json | None:
            return self.modal if self.modal and title in (None, self.modal["title"]["text"]) else None

        return await self._wait_for(look, f"saw no modal {title!r}", within_seconds)

    async def sees_no_modal(self, *, within_seconds: float = PATIENCE_SECONDS) -> None:
        await self._wait_for(lambda: None if self.modal else {"closed": True}, "still sees a modal", within_seconds)

    # --- how -------------------------------------------------------------------------------------

    def _find(self, name: str, *, in_message: str | None = None, in_home: bool = False) -> tuple[Json, Json, Json]:
        """The place (a message or a view), the block and the element."""
        if in_home:
            places = [self.home] if self.home else []
        elif in_message is not None:
            places = [one for one in self.screen.newest_first() if one["ts"] == in_message or in_message in words(one)]
        else:
            places = [self.modal] if self.modal else self.screen.newest_first()
        for place in places:
            if found := find_element(place.get("blocks") or [], name):
                return place, *found
        raise AssertionError(f"{self.id} finds no {name!r} in:\n" + "\n---\n".join(map(words, places)))

    async def _set(self, place: Json, block: Json, element: Json, value: Json) -> Json | None:
        """Sets an element; tells the app at once unless the element waits for its form to be submitted."""
        if element["type"] in block_state.VALUE_KEYS and "id" in place:
            newer = {block["block_id"]: {element["action_id"]: {"type": element["type"], **value}}}
            self.screen.typed[place["id"]] = merged(self.screen.typed.get(place["id"], {}), newer)
        if block["type"] == "input" and not block.get("dispatch_action"):
            return None
        return await self._act(place, block, element, value)

    async def _act(self, place: Json, block: Json, element: Json, value: Json) -> Json:
        state = self.screen.state_of(place) if "id" in place else None
        return await self._post("actions", **_target(place, block, element), value=value, state=state)

    async def _option(self, place: Json, block: Json, element: Json, choice: str) -> Json:
        offered = element
        if "external" in element["type"]:
            offered = await self._post("suggestions", **_target(place, block, element), query=choice)
        option = find_option(all_options(offered), choice)
        assert option is not None, f"{choice!r} is not among {[one['text']['text'] for one in all_options(offered)]}"
        return option

    def _open_modal(self) -> Json:
        assert self.modal is not None, f"{self.id} has no modal open"
        return self.modal

    async def _wait_for(self, look: Callable[[], Json | None], failure: str, within_seconds: float) -> Json:
        try:
            async with asyncio.timeout(within_seconds):
                while (found := look()) is None:
                    self._changed.clear()
                    await self._changed.wait()
                return found
        except TimeoutError:
            seen = "\n---\n".join(words(message) for message in self.screen.newest_first()[:5])
            modal = words(self.modal) if self.modal else "none"
            raise AssertionError(
                f"{self.id} {failure} within {within_seconds} s.\nNewest messages:\n{seen}\nModal: {modal}"
            ) from None

    async def _read(self, stream: aiohttp.ClientResponse) -> None:
        buffer = b""
        async with stream:
            async for piece in stream.content.iter_any():
                *frames, buffer = (buffer + piece).split(b"\n\n")
                for frame in frames:
                    if frame.startswith(b"data: "):
                        self.screen.take(json.loads(frame.removeprefix(b"data: ")))
                        self._changed.set()

    async def _get(self, path: str, **query: str) -> Json:
        async with self._session.get(f"/lab/{path}", params={"as": self.id, **query}) as response:
            return await response.json()

    async def _post(self, path: str, **body: Any) -> Json:
        return await self._send("POST", path, **body)

    async def _send(self, verb: str, path: str, **body: Any) -> Json:
        async with self._session.request(verb, f"/lab/{path}", json={"as": self.id, **body}) as response:
            answer = await response.json()
        assert response.status == 200, f"{self.id}: {verb} {path} was refused: {answer}"
        return answer


def _target(place: Json, block: Json, element: Json) -> Json:
    where = {"view_id": place["id"]} if "id" in place else {"channel": place["channel"], "ts": place["ts"]}
    return {**where, "block_id": block["block_id"], "action_id": element["action_id"]}
