"""Delivery over signed HTTP: Slack dials the app (slack-platform.md section 13)."""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from lab.slack.app import InstalledApp
from lab.slack.deliveries import Kind, NotDeliveredError, Parcel
from lab.slack.errors import SlackError

MAX_REDIRECTS = 2


class SignedHttp:
    """One request URL for events, commands, interactivity and options."""

    timeout_reason = "http_timeout"

    def __init__(self, app: InstalledApp, url: str) -> None:
        self._app = app
        self._url = url
        self._session = aiohttp.ClientSession()
        self.connected = False
        """Whether the URL answered the last time."""

    async def verify(self) -> None:
        """What Slack does when the request URL is entered. Raises SlackError if the app does not echo the challenge."""
        challenge = secrets.token_urlsafe(24)
        body = {"type": "url_verification", "token": self._app.verification_token, "challenge": challenge}
        status, _, answer = await self._post(json.dumps(body), "application/json")
        if status != 200 or challenge not in answer:
            raise SlackError("url_verification_failed", "The request URL did not echo the challenge.")
        self.connected = True

    async def probe(self) -> int:
        """Slack's occasional `ssl_check`, which is not signed; the status of the answer."""
        status, _, _ = await self._post(
            urlencode({"ssl_check": 1, "token": self._app.verification_token}),
            "application/x-www-form-urlencoded",
            signed=False,
        )
        return status

    async def send(self, parcel: Parcel) -> dict[str, Any]:
        body, content_type = _encode(parcel)
        headers = {}
        if parcel.attempt:
            headers = {"X-Slack-Retry-Num": str(parcel.attempt), "X-Slack-Retry-Reason": parcel.retry_reason}
        try:
            status, answer_headers, answer = await self._post(body, content_type, headers)
        except aiohttp.TooManyRedirects:
            raise NotDeliveredError("too_many_redirects") from None
        except aiohttp.ClientSSLError:
            raise NotDeliveredError("ssl_error") from None
        except aiohttp.ClientConnectionError:
            self.connected = False
            raise NotDeliveredError("connection_failed") from None
        except aiohttp.ClientError:
            raise NotDeliveredError("unknown_error") from None
        self.connected = True
        if status != 200:
            raise NotDeliveredError("http_error", final=answer_headers.get("x-slack-no-retry") == "1")
        return _ack(answer, answer_headers.get("content-type", ""))

    async def close(self) -> None:
        await self._session.close()

    async def _post(
        self, body: str, content_type: str, headers: dict[str, str] | None = None, *, signed: bool = True
    ) -> tuple[int, dict[str, str], str]:
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (lab)", **(headers or {})}
        if signed:
            headers |= signature_headers(self._app.signing_secret, body)
        async with self._session.post(
            self._url, data=body.encode(), headers=headers, max_redirects=MAX_REDIRECTS
        ) as response:
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return response.status, lowered, await response.text()


def signature_headers(signing_secret: str, body: str) -> dict[str, str]:
    """The machine's time and not the lab's: the app checks it against its own clock."""
    timestamp = str(int(time.time()))
    signature = hmac.new(signing_secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature.hexdigest()}"}


def _encode(parcel: Parcel) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    match parcel.kind:
        case Kind.EVENT:
            return json.dumps(parcel.payload), "application/json"
        case Kind.COMMAND:
            # Flags are words in forms (slack-platform.md section 1).
            flat = {
                key: str(value).lower() if isinstance(value, bool) else value for key, value in parcel.payload.items()
            }
            return urlencode(flat), form
        case Kind.INTERACTIVE:
            return urlencode({"payload": json.dumps(parcel.payload)}), form


def _ack(answer: str, content_type: str) -> dict[str, Any]:
    if not answer:
        return {}
    if not content_type.startswith("application/json"):
        return {"text": answer}
    try:
        body = json.loads(answer)
    except ValueError:
        raise NotDeliveredError("http_error") from None
    return body if isinstance(body, dict) else {}
