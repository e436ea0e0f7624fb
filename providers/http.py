"""The one way to a service on the web: bounded in time and size, and told in the words of `core.servers.errors`."""

import asyncio
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import structlog

from core.clock import Clock
from core.servers.errors import OutcomeUnknownError, ProviderUnavailableError, RateLimitedError

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
TOTAL_SECONDS = 20.0
"""For one request with its whole answer, so that a drip of bytes does not hold the caller."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
RETRY_AFTER_SECONDS = (0.5, 1.5)
"""What a read waits before it is asked again."""
_CONNECTIONS = 16

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_html(self) -> bool:
        """Such as a firewall's page in place of the service's own answer."""
        return "html" in self.headers.get("content-type", "").lower() or self.body.lstrip()[:1] == b"<"

    def json(self) -> Any:
        """Raises ValueError for what is not JSON."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    @property
    def retry_after_seconds(self) -> float | None:
        """None where the service does not say it in seconds. Hugging Face says it as `RateLimit: "api";r=0;t=55`."""
        told = re.search(r";\s*t=([0-9]+)", self.headers.get("ratelimit", ""))
        text = self.headers.get("retry-after", "") or (told[1] if told else "")
        return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


class HttpService:
    """Calls to one base URL. Redirects are not followed, so no header goes to another host."""

    def __init__(self, *, name: str, base_url: str, clock: Clock, headers: Mapping[str, str] | None = None) -> None:
        """`name` is how people call the service. A content type is set by what has content alone."""
        self._name = name
        self._clock = clock
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"User-Agent": "prime", "Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            follow_redirects=False,
            verify=_certificates(),
        )

    async def read(self, route: str, *, parameters: Mapping[str, str] | None = None, **ids: str) -> Answer:
        """GET, asked again twice after a 5xx, a 429 that names no longer wait, or a lost connection.

        `route` is a template such as `/machines/{id}`, which is what the log shows. Raises RateLimitedError,
        ProviderUnavailableError; every other answer is the caller's to judge."""
        for wait in RETRY_AFTER_SECONDS:
            try:
                return self._checked(await self._send("GET", route, ids, parameters=parameters))
            except RateLimitedError as error:
                if (error.retry_after_seconds or 0) > wait:
                    raise
            except (ProviderUnavailableError, OutcomeUnknownError):
                pass
            await self._clock.sleep(wait)
        try:
            return self._checked(await self._send("GET", route, ids, parameters=parameters))
        except OutcomeUnknownError as error:
            raise self._unavailable() from error

    async def change(self, method: str, route: str, *, body: Any = None, **ids: str) -> Answer:
        """Sends once. Without a body neither a body nor a content type is sent.

        Raises RateLimitedError; ProviderUnavailableError: the service was not reached; OutcomeUnknownError: it was, and
        whether it did what was asked is not known."""
        answer = await self._send(method, route, ids, body=body)
        if answer.status == 429:
            raise self._rate_limited(answer)
        if answer.status >= 500 or answer.status in (408, 499):
            raise self._outcome_unknown()
        return answer

    async def aclose(self) -> None:
        await self._client.aclose()

    def _checked(self, answer: Answer) -> Answer:
        if answer.status == 429:
            raise self._rate_limited(answer)
        if answer.status >= 500 or answer.status == 408:
            raise self._unavailable()
        return answer

    async def _send(
        self,
        method: str,
        route: str,
        ids: Mapping[str, str],
        *,
        parameters: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        request = self._client.build_request(method, _path(route, ids), params=parameters, json=body)
        began, status = time.monotonic(), 0
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                answer = await self._exchange(request)
            status = answer.status
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unavailable() from error
        except (httpx.HTTPError, TimeoutError, _TooLongError) as error:
            raise self._outcome_unknown() from error
        else:
            return answer
        finally:
            level = _log.debug if method == "GET" and 0 < status < 400 else _log.info
            milliseconds = round((time.monotonic() - began) * 1000)
            level("http.call", service=self._name, method=method, route=route, status=status, ms=milliseconds)

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise _TooLongError
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()

    def _rate_limited(self, answer: Answer) -> RateLimitedError:
        return RateLimitedError(
            f"{self._name} asks Prime to call less often. Please try again in a minute.",
            retry_after_seconds=answer.retry_after_seconds,
        )

    def _unavailable(self) -> ProviderUnavailableError:
        return ProviderUnavailableError(f"{self._name} is not answering as it should. Please try again in a minute.")

    def _outcome_unknown(self) -> OutcomeUnknownError:
        return OutcomeUnknownError(
            f"{self._name} did not say whether it did what was asked. Prime looks before it asks again."
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a call."""
    return httpx.create_ssl_context()


class _TooLongError(Exception):
    """An answer beyond the cap."""


def _path(route: str, ids: Mapping[str, str]) -> str:
    """Raises ValueError for an id that would lead to another path."""
    for name, value in ids.items():
        if not value or not all(letter.isalnum() or letter in "-_.:" for letter in value) or set(value) == {"."}:
            raise ValueError(f"not an {name}")
    return route.format(**ids)
