"""The lab's Slack, put together: `lab = SlackLab(manifest_path); await lab.start()`."""

import asyncio
import json
from pathlib import Path

from aiohttp import web

from lab.clock import LabClock
from lab.slack.errors import SlackError
from lab.slack.happenings import AppConnectionChanged, Happening
from lab.slack.http_delivery import SignedHttp
from lab.slack.page_api import PageApi
from lab.slack.page_stream import PageStream
from lab.slack.platform import build
from lab.slack.web_api import door

PAGE = Path(__file__).parent / "page"
UPLOAD_LIMIT = 64 * 1024 * 1024


class SlackLab:
    """A workspace with one app installed, the one that the manifest declares.

    Starts in Socket Mode; `deliver_to` changes to signed HTTP. For tests: `workspace`, `faults`, `limits`, `clock`,
    `calls` (Web API calls as they came) and `record` (these and every delivery with its acknowledgement)."""

    def __init__(
        self, manifest_path: Path, *, clock: LabClock | None = None, limits: bool = True, seed: int | None = None
    ) -> None:
        """`seed` fixes the dice: order of events, choice of connection, what faults strike."""
        self.clock = clock or LabClock()
        self.platform = build(manifest_path, clock=self.clock, limits=limits, seed=seed)
        self.workspace = self.platform.workspace
        self.faults = self.platform.faults
        self.limits = self.platform.limits
        self.streams = self.platform.streams
        self.record = self.platform.record
        self.calls = self.record.calls
        self.url = ""
        self._page_stream = PageStream(self.platform)
        self.platform.announcer.watch(self._page_stream.watch)
        self._runner: web.AppRunner | None = None

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.platform.app.bot_token

    @property
    def app_token(self) -> str:
        return self.platform.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.platform.app.signing_secret

    async def app_connected(self) -> None:
        """Waits until the app takes deliveries."""
        connected = asyncio.Event()

        def watch(happening: Happening) -> None:
            if isinstance(happening, AppConnectionChanged) and happening.connected:
                connected.set()

        self.platform.announcer.watch(watch)
        if not self.platform.deliveries.transport.connected:
            await connected.wait()

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        application = web.Application(client_max_size=UPLOAD_LIMIT)
        application.add_routes(self._routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.url = f"http://{host}:{bound[1]}"
        self.platform.response_urls.base = self.platform.files.base = self.url

    async def stop(self) -> None:
        self._page_stream.close()
        await self.platform.deliveries.close()
        await self.platform.socket_mode.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def deliver_to(self, url: str) -> None:
        """Delivers over signed HTTP to this request URL from now on. Raises SlackError if it fails the challenge."""
        transport = SignedHttp(self.platform.app, url)
        try:
            await transport.verify()
        except BaseException:
            await transport.close()
            raise
        previous, self.platform.deliveries.transport = self.platform.deliveries.transport, transport
        await self.platform.socket_mode.disable()
        await previous.close()
        self.platform.announcer.announce(AppConnectionChanged(connected=True))
        await transport.probe()

    def uninstall(self) -> None:
        """Removes the app: it is told so, and its token is refused from now on."""
        self.platform.events.uninstalled()
        self.platform.app.refused = "account_inactive"

    def _routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/api/{method}", self._api),
            web.post("/api/{method}", self._api),
            web.get("/link/", self.platform.socket_mode.serve),
            web.post("/respond/{token}", self._respond),
            web.post("/files/upload/{token}", self._receive_file),
            web.get("/files/{id}/{name}", self._private_file),
            web.get("/files/{id}/download/{name}", self._private_file),
            web.get("/lab/stream", self._page_stream.serve),
            *PageApi(self.platform).routes(),
            web.get("/", self._page),
            web.static("/page", PAGE),
        ]

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _api(self, request: web.Request) -> web.Response:
        return await door.serve(self.platform, request)

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
            response_url = self.platform.response_urls.use(request.match_info["token"])
            self.platform.replies.to_response_url(response_url, body if isinstance(body, dict) else {})
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        except SlackError as error:
            status = 404 if error.code in ("used_url", "expired_url") else 400
            return web.json_response({"ok": False, "error": error.code}, status=status)
        return web.json_response({"ok": True})

    async def _receive_file(self, request: web.Request) -> web.Response:
        """The bytes themselves, or a form with one file."""
        if request.content_type.startswith("multipart/"):
            parts = [part for part in (await request.post()).values() if isinstance(part, web.FileField)]
            content = parts[0].file.read() if parts else b""
        else:
            content = await request.read()
        try:
            self.platform.files.receive(request.match_info["token"], content)
        except SlackError as error:
            return web.Response(status=400, text=error.code)
        return web.Response(text=f"OK - {len(content)}")

    async def _private_file(self, request: web.Request) -> web.Response:
        """Slack sends whoever it does not know to the sign-in page, so a client without a token gets HTML."""
        app = self.platform.app
        authorised = request.headers.get("Authorization") == f"Bearer {app.bot_token}" and not app.refused
        if not authorised or "files:read" not in app.installed_scopes:
            raise web.HTTPFound("/?sign_in")
        try:
            file = self.platform.files.seen_by_app(request.match_info["id"])
        except SlackError:
            raise web.HTTPNotFound from None
        shape = self.platform.files.shape(file)
        return web.Response(body=file.content, content_type=shape["mimetype"])
