"""`/lab/...`: what a person's Slack client does. README.md is its contract."""

import mimetypes
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from lab.slack import page_shapes as shapes
from lab.slack.channels import Channel
from lab.slack.errors import SlackError
from lab.slack.interactivity import Spot
from lab.slack.people import APP_USER_ID
from lab.slack.platform import Platform

NEWEST = 200
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif"})
"""What the page shows where it stands, and what can hold no script."""
PERSON_FLAGS = {
    "deleted", "is_admin", "is_owner", "is_restricted", "is_ultra_restricted", "real_name", "display_name",
}  # fmt: skip
SHOWN_FAILURES = {
    "operation_timeout",
    "dispatch_failed",
    "not_in_thread",
    "unknown_command",
    "invalid_command_response",
    "invalid_response_action",
    "invalid_options",
    "query_too_short",
}
"""What a person is shown where they acted: `ok: false` in an answer that is 200. The rest is the page's own mistake."""

Json = dict[str, Any]
Handler = Callable[[Json], Awaitable[Json]]


class PageApi:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._workspace = platform.workspace
        self._interactivity = platform.interactivity

    def routes(self) -> list[web.RouteDef]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "boot", self._boot),
            ("GET", "messages", self._messages),
            ("POST", "messages", self._say),
            ("PATCH", "messages", self._edit),
            ("DELETE", "messages", self._delete),
            ("POST", "commands", self._command),
            ("POST", "actions", self._act),
            ("POST", "suggestions", self._suggest),
            ("POST", "views/submit", self._submit),
            ("POST", "views/close", self._close_view),
            ("POST", "shortcuts", self._shortcut),
            ("POST", "home", self._open_home),
            ("POST", "read", self._mark_read),
            ("POST", "members", self._set_member),
            ("POST", "people", self._change_person),
            ("POST", "groups", self._set_group),
            ("POST", "faults", self._switch_fault),
            ("POST", "dms", self._open_direct_message),
        ]
        return [
            *(web.route(verb, f"/lab/{path}", self._answering(handler)) for verb, path, handler in table),
            web.post("/lab/upload", self._upload),
            web.get("/lab/files/{id}", self._download),
        ]

    # --- reading ---------------------------------------------------------------------------------

    async def _boot(self, given: Json) -> Json:
        me = self._workspace.people[given["as"]]
        if not me.is_bot:
            self._workspace.direct_message([me.id, APP_USER_ID])
        return {
            "me": me.id,
            "people": [shapes.person(person) for person in self._workspace.people.values()],
            "channels": [
                shapes.channel(self._workspace, channel, seen_by=me.id)
                for channel in self._workspace.channels_seen_by(me.id)
            ],
            "app": shapes.app(self._platform),
            "faults": self._platform.faults.listing(),
            "groups": [shapes.group(group) for group in self._workspace.groups.values()],
        }

    async def _messages(self, given: Json) -> Json:
        channel, user, thread_ts = self._channel(given), given["as"], given.get("thread_ts")
        found = channel.thread(thread_ts) if thread_ts else channel.top_level()
        mine = [
            message
            for owner, message in channel.ephemerals.values()
            if owner == user and message.get("thread_ts") == thread_ts
        ]
        messages = sorted([*found[-NEWEST:], *mine], key=lambda message: message["ts"])
        return {
            "messages": [shapes.message(channel, message) for message in messages],
            "has_more": len(found) > NEWEST,
        }

    # --- writing ---------------------------------------------------------------------------------

    async def _say(self, given: Json) -> Json:
        channel, files = self._channel(given), self._platform.files
        manifest = self._platform.app.manifest
        if channel.with_app and (manifest.messages_tab_read_only or not manifest.messages_tab_enabled):
            raise SlackError("messages_tab_disabled", "Sending messages to this app has been turned off.")
        shared = [files.get(file_id) for file_id in given.get("file_ids") or ()]
        for file in shared:
            file.shared_in.append(channel)
        message = self._workspace.say(
            given["as"],
            channel,
            given["text"],
            thread_ts=given.get("thread_ts"),
            files=[files.shape(file) for file in shared],
        )
        return {"ts": message["ts"]}

    async def _edit(self, given: Json) -> Json:
        self._workspace.edit(given["as"], self._channel(given), given["ts"], given["text"])
        return {}

    async def _delete(self, given: Json) -> Json:
        self._workspace.delete_own(given["as"], self._channel(given), given["ts"])
        return {}

    async def _mark_read(self, given: Json) -> Json:
        self._workspace.mark_read(given["as"], self._channel(given), given["ts"])
        return {}

    async def _open_direct_message(self, given: Json) -> Json:
        self._workspace.person(given["user"])
        channel = self._workspace.direct_message([given["as"], given["user"]])
        return {"channel": shapes.channel(self._workspace, channel, seen_by=given["as"])}

    async def _upload(self, request: web.Request) -> web.Response:
        owner, name = request.query.get("as", ""), request.query.get("name", "file")
        file = self._platform.files.add(name, await request.read(), owner=owner)
        return web.json_response({"file": self._platform.files.shape(file)})

    async def _download(self, request: web.Request) -> web.Response:
        file = self._platform.files.get(request.match_info["id"])
        user = request.query.get("as", "")
        if file.owner != user and not any(self._workspace.sees(user, channel) for channel in file.shared_in):
            raise web.HTTPNotFound
        # An upload is data, never a page of this origin.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        kind = mimetypes.guess_type(file.name)[0]
        shown = kind if kind in IMAGES else "application/octet-stream"
        return web.Response(body=file.content, content_type=shown, headers=headers)

    # --- the app ---------------------------------------------------------------------------------

    async def _command(self, given: Json) -> Json:
        await self._interactivity.command(
            given["as"],
            self._channel(given),
            given["command"],
            given.get("text", ""),
            thread_ts=given.get("thread_ts"),
        )
        return {"ok": True}

    async def _shortcut(self, given: Json) -> Json:
        ts = given.get("ts")
        channel = self._channel(given) if given.get("channel") else None
        await self._interactivity.shortcut(given["as"], given["callback_id"], channel, ts)
        return {"ok": True}

    async def _act(self, given: Json) -> Json:
        await self._interactivity.act(
            given["as"],
            self._spot(given),
            given["block_id"],
            given["action_id"],
            given.get("value") or {},
            given.get("state"),
        )
        return {"ok": True}

    async def _suggest(self, given: Json) -> Json:
        spot = self._spot(given)
        return await self._interactivity.suggest(
            given["as"], spot, given["block_id"], given["action_id"], given.get("query", "")
        )

    async def _submit(self, given: Json) -> Json:
        answer = await self._interactivity.submit(given["as"], given["view_id"], given.get("state") or {})
        return {"ok": not answer, **answer}

    async def _close_view(self, given: Json) -> Json:
        await self._interactivity.close_view(given["as"], given["view_id"], whole_stack=bool(given.get("all")))
        return {}

    async def _open_home(self, given: Json) -> Json:
        return {"view": self._interactivity.open_home(given["as"], given.get("tab", "home"))}

    # --- the lab's own levers --------------------------------------------------------------------

    async def _set_member(self, given: Json) -> Json:
        channel = self._workspace.channels[given["channel"]]
        user = self._workspace.person(given["user"]).id
        if given["present"]:
            self._workspace.join(channel, user)
        else:
            self._workspace.leave(channel, user)
        return {}

    async def _change_person(self, given: Json) -> Json:
        changes = {name: value for name, value in given.items() if name in PERSON_FLAGS}
        self._workspace.change_person(given["user"], **changes)
        return {}

    async def _set_group(self, given: Json) -> Json:
        self._workspace.set_group(given["group"], given["users"])
        return {}

    async def _switch_fault(self, given: Json) -> Json:
        options = {key: value for key, value in given.items() if key not in ("name", "on")}
        self._platform.faults.switch(given["name"], on=bool(given.get("on")), **options)
        return {"faults": self._platform.faults.listing()}

    def _channel(self, given: Json) -> Channel:
        return self._workspace.channel(given["channel"], seen_by=given["as"])

    def _spot(self, given: Json) -> Spot:
        if view_id := given.get("view_id"):
            return self._interactivity.spot_in_view(given["as"], view_id)
        return self._interactivity.spot_in_message(given["as"], self._channel(given), given["ts"])

    def _answering(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                given = dict(request.query) if request.method == "GET" else await request.json()
                if "as" in given:
                    self._workspace.person(given["as"])
                return web.json_response(await handler(given))
            except SlackError as error:
                body = {"error": error.code, "message": str(error)}
                if error.code in SHOWN_FAILURES:
                    return web.json_response({"ok": False, **body})
                return web.json_response(body, status=400)
            except (KeyError, TypeError, ValueError):
                message = "The request lacks something, or has it in another shape than README.md says."
                return web.json_response({"error": "invalid_arguments", "message": message}, status=400)

        return answer
