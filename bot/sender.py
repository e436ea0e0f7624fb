"""The one way out to Slack's Web API and response URLs."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot import metrics
from bot.pacer import Pacer
from bot.settings import is_loopback
from bot.slack_methods import DOWNLOAD_URL, METHODS, RESPONSE_URL, UPLOAD_URL, Method
from core.cancellation import to_its_end
from core.clock import Clock
from core.errors import UnavailableError
from core.pacing.model import Rate

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
TRIES = 3
PATIENCE = timedelta(minutes=15)
"""How long a call without an end of its own is held back by 429s before its caller hears of it."""

_PAUSE_SECONDS = (0.3, 1.5)
_LIMITED = ("ratelimited", "rate_limited")
_ITS_FAULT = ("internal_error", "fatal_error", "service_unavailable", "request_timeout")
"""Errors by which Slack says that it is not well, with HTTP 200."""
_DEFAULT_RETRY_AFTER = 5.0

_log = structlog.get_logger(__name__)

Answer = dict[str, Any]
Respond = Callable[[Mapping[str, Any]], Awaitable[bool]]
"""Sender.respond to the response URL of a request: what listeners get as `respond`."""
Draw = Callable[[], Awaitable[Mapping[str, Any] | None]]
"""What a message is to say now, as arguments of chat.update; None: nothing new."""


class SlackUnavailableError(UnavailableError):
    """Slack did not answer. `maybe_done`: it may have carried the call out all the same."""

    def __init__(self, *, maybe_done: bool) -> None:
        super().__init__("Slack did not answer Prime. Please try again in a minute.")
        self.maybe_done = maybe_done


class Sender(AsyncWebClient):
    """slack_sdk's client, each of whose calls waits for its turn, is held back by every 429, and is made again only
    where that is safe.

    Raises what slack_sdk raises for an answer that is not ok (SlackApiError); SlackUnavailableError if there is none,
    TooLateError for a call that can only come too late."""

    def __init__(self, *, token: str, base_url: str, pacer: Pacer, clock: Clock) -> None:
        super().__init__(token=token, base_url=base_url, retry_handlers=[])
        self._pacer = pacer
        self._clock = clock
        if is_loopback(urlsplit(self.base_url).hostname or ""):
            self.proxy = None  # slack_sdk takes HTTPS_PROXY for all addresses

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.session is not None
        await self._pacer.close()
        await self.session.close()

    async def update_latest(self, *, channel: str, ts: str, draw: Draw) -> bool:
        """chat.update, for which `draw` is asked when its turn has come, and anew at each further try: what is added
        meanwhile goes out too. False, and no call, if there is nothing new then.

        Whoever is cancelled in the line leaves it; whose call is under way first sees its end, so that a later edit of
        the message is not overtaken by this one."""
        try:
            await self.api_call("chat.update", json=_Drawn({"channel": channel, "ts": ts}, draw))
        except _NothingNewError:
            return False
        return True

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> bool:
        """Posts to a response URL; False if it takes no more (five posts in thirty minutes), or is not Slack's."""
        place = self._at_slack(response_url)
        if place is None:
            return False

        async def post() -> Answer:
            assert self.session is not None
            async with self.session.post(
                place, json=dict(message), proxy=self.proxy, allow_redirects=False
            ) as response:
                await response.read()
                return {"status_code": response.status, "headers": response.headers, "data": {}}

        facts = Method(rate=RESPONSE_URL, repeatable=False)
        answer = await self._paced("response_url", facts, [("response_url", RESPONSE_URL)], post)
        return answer["status_code"] == 200

    async def put_file(self, upload_url: str, data: bytes) -> bool:
        """The second of the three steps of an upload, to the URL that Slack gave in the first; False if it takes
        nothing there."""
        place = self._at_slack(upload_url)
        if place is None:
            return False

        async def post() -> Answer:
            assert self.session is not None
            async with self.session.post(place, data=data, proxy=self.proxy, allow_redirects=False) as response:
                await response.read()
                return {"status_code": response.status, "headers": response.headers, "data": {}}

        facts = Method(rate=UPLOAD_URL)
        answer = await self._paced("upload_url", facts, [("upload_url", UPLOAD_URL)], post)
        return answer["status_code"] == 200

    async def get_file(self, url: str, *, mimetype: str, most_bytes: int) -> bytes | None:
        """What somebody shared, from the `url_private` that Slack gave for it; None if it is larger, or not handed out.
        The token goes to Slack's own hosts alone. Raises SlackUnavailableError."""
        place = self._at_slack(url)
        if place is None:
            return None

        async def get() -> Answer:
            assert self.session is not None
            headers = {"Authorization": f"Bearer {self.token}"}
            async with self.session.get(place, headers=headers, proxy=self.proxy, allow_redirects=False) as response:
                data = b""
                async for chunk in response.content.iter_any():
                    data += chunk
                    if len(data) > most_bytes:
                        break
                return {"status_code": response.status, "headers": response.headers, "data": {}, "file": data}

        answer = await self._paced("download_url", Method(rate=DOWNLOAD_URL), [("download_url", DOWNLOAD_URL)], get)
        is_page = answer["headers"].get("Content-Type", "").startswith("text/html")
        is_sign_in = is_page and mimetype != "text/html"  # where the token may not read files, with HTTP 200
        is_there = answer["status_code"] == 200 and not is_sign_in and len(answer["file"]) <= most_bytes
        return answer["file"] if is_there else None

    def _at_slack(self, url: str) -> URL | None:
        """The URL, if it is Slack's own, as it will be asked for: read but once, so that nobody reads another host in
        it. Also where the Web API itself is, which an operator may have set."""
        try:
            asked, own = URL(url), URL(self.base_url)
            origin = asked.origin()
        except ValueError:
            return None
        if asked.user is not None or asked.password is not None:
            return None
        is_slack = f".{asked.raw_host}".endswith((".slack.com", ".slack-files.com"))
        is_plain = asked.scheme == "https" and asked.explicit_port is None
        return asked if origin == own.origin() or (is_slack and is_plain) else None

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> Answer:
        """The waist of AsyncWebClient: each method and each further page passes here."""
        method = api_url.removeprefix(self.base_url)
        facts = METHODS[method]
        lines = [(method, facts.rate)]
        if facts.rate_in_channel is not None:
            lines.append((f"{method}/{_channel(req_args)}", facts.rate_in_channel))
        request = super()._request
        arguments = req_args.get("json")

        async def call() -> Answer:
            return await request(http_verb=http_verb, api_url=api_url, req_args=req_args)

        async def draw_and_call(given: _Drawn) -> Answer:
            drawn = await given.draw()
            if drawn is None:
                raise _NothingNewError
            now = {**req_args, "json": {**given, **drawn}}
            return await request(http_verb=http_verb, api_url=api_url, req_args=now)

        if isinstance(arguments, _Drawn):
            return await self._paced(method, facts, lines, lambda: to_its_end(draw_and_call(arguments)))
        return await self._paced(method, facts, lines, call)

    async def _paced(
        self, name: str, facts: Method, lines: list[tuple[str, Rate]], call: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Lines are passed in order; the last one is the narrowest, and the one that a 429 closes."""
        start = self._clock.now()
        worth_until = start + timedelta(seconds=facts.worth_seconds) if facts.worth_seconds else start + PATIENCE
        failures = 0
        while True:
            for budget, rate in lines:
                await self._pacer.turn(budget, rate, worth_until=worth_until)
            try:
                answer = await call()
            except (aiohttp.ClientError, TimeoutError, OSError, SlackApiError) as error:
                # Of these, SlackApiError is raised down here for an answer that cannot be read.
                never_sent = isinstance(error, aiohttp.ClientConnectorError)
                failure, cause = SlackUnavailableError(maybe_done=not never_sent), error
            else:
                wait = _retry_after(answer)
                if wait is not None:
                    metrics.slack_calls.labels(method=name, outcome="limited").inc()
                    _log.warning("slack_asks_to_wait", method=name, seconds=wait)
                    await self._pacer.block(lines[-1][0], seconds=wait)
                    continue
                if answer["status_code"] < 500 and _error(answer) not in _ITS_FAULT:
                    metrics.slack_calls.labels(method=name, outcome="answered").inc()
                    return answer
                failure, cause = SlackUnavailableError(maybe_done=True), None
            failures += 1
            metrics.slack_calls.labels(method=name, outcome="failed").inc()
            _log.warning("slack_did_not_answer", method=name, failures=failures)
            if failures >= TRIES or (failure.maybe_done and not facts.repeatable):
                raise failure from cause
            await self._clock.sleep(_PAUSE_SECONDS[failures - 1])


class _Drawn(dict[str, Any]):
    """Arguments of a call of which the rest is drawn when its turn has come."""

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments)
        self.draw = draw


class _NothingNewError(Exception):
    """A call is not worth making any more."""


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait if the call was refused for its rate: by HTTP, or in an answer that is not ok."""
    if answer["status_code"] != 429 and _error(answer) not in _LIMITED:
        return None
    try:
        return max(1.0, float(answer["headers"].get("Retry-After", _DEFAULT_RETRY_AFTER)))
    except ValueError:
        return _DEFAULT_RETRY_AFTER


def _error(answer: Answer) -> str | None:
    data = answer["data"]
    return data.get("error") if isinstance(data, dict) else None


def _channel(req_args: Mapping[str, Any]) -> str:
    for part in ("json", "params", "data"):
        arguments = req_args.get(part)
        if isinstance(arguments, Mapping) and arguments.get("channel"):
            return str(arguments["channel"])
    return ""
