"""From the request to the handler and back, with everything that can go wrong on the way."""

import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from lab.faults import Options
from lab.paperspace.api.routes import Call, find
from lab.paperspace.cloud import Cloud
from lab.paperspace.errors import CloudError
from lab.paperspace.faults import FaultName
from lab.paperspace.model import Team
from lab.paperspace.power import Power

LARGEST_BODY = 100_000
CALLS_KEPT = 100_000
BLOCKED = (("POST", "/startup-scripts"), ("POST", "/machines"))
"""What the firewall can object to."""
BLOCK_PAGE = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    "<body><h1>Sorry, you have been blocked</h1><p>You are unable to access paperspace.com</p></body></html>"
)


@dataclass(slots=True, kw_only=True)
class ApiCall:
    """One call as it came, without its key. `at` is the lab's time in seconds since 1970."""

    method: str
    path: str
    """Without /v1 and query."""
    body: Any
    """The JSON; None where there was none."""
    at: float
    status: int = 200
    is_lost: bool = False
    """The work was done and the answer never arrived."""


class Door:
    def __init__(self, cloud: Cloud, power: Power) -> None:
        self.calls: deque[ApiCall] = deque(maxlen=CALLS_KEPT)
        self._cloud = cloud
        self._power = power

    async def serve(self, request: web.Request) -> web.StreamResponse:
        call = ApiCall(
            method=request.method, path=f"/{request.match_info['path']}", body=None, at=self._cloud.clock.time()
        )
        self.calls.append(call)
        raw = await request.content.read(-1) if (request.content_length or 0) <= LARGEST_BODY else None
        call.body = _json(raw or b"")
        if (slow := self._cloud.faults.options(FaultName.SLOW)) is not None:
            await self._cloud.clock.sleep(slow["seconds"])
        response = self._answer(request, call, raw)
        call.status = response.status
        if self._strikes(FaultName.LOST_REPLIES, call) is not None and request.transport is not None:
            call.is_lost = True
            request.transport.abort()
        return response

    def _answer(self, request: web.Request, call: ApiCall, raw: bytes | None) -> web.Response:
        try:
            if (limited := self._strikes(FaultName.RATE_LIMITS, call)) is not None:
                return _too_many(limited["retry_after"])
            if self._cloud.faults.options(FaultName.HTML) is not None and (call.method, call.path) in BLOCKED:
                return web.Response(status=403, text=BLOCK_PAGE, content_type="text/html")
            broken = self._strikes(FaultName.ERRORS, call)
            if broken is not None and not broken["after"]:
                return _refusal(CloudError("INTERNAL_SERVER_ERROR", "Internal server error"))
            answer = self._handled(request, call, raw)
            if broken is not None:
                return _refusal(CloudError("INTERNAL_SERVER_ERROR", "Internal server error"))
            return web.json_response(answer)
        except CloudError as error:
            return _refusal(error)

    def _handled(self, request: web.Request, call: ApiCall, raw: bytes | None) -> Any:
        handler, path = find(call.method, call.path)
        team = self._team(request)
        if team is None and call.path.rstrip("/") == "/auth/session":
            return None
        if team is None:
            raise CloudError("UNAUTHORIZED", "Unauthorized")
        body = _body(request, raw)
        return handler(Call(self._cloud, self._power, team, path, dict(request.query), body))

    def _team(self, request: web.Request) -> Team | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return self._cloud.teams.get(key.strip()) if scheme.lower() == "bearer" else None

    def _strikes(self, name: FaultName, call: ApiCall) -> Options | None:
        """The fault's options if this call is one of those that it strikes."""
        options = self._cloud.faults.options(name)
        if options is None or not f"{call.method} {call.path}".startswith(options["only"]):
            return None
        if options["times"] == 0 or self._cloud.dice.random() >= options["share"]:
            return None
        if options["times"] is not None:
            options["times"] -= 1
        return options


def _body(request: web.Request, raw: bytes | None) -> dict[str, Any]:
    if raw is None or len(raw) > LARGEST_BODY:
        raise CloudError("PAYLOAD_TOO_LARGE", "Request body is too large")
    if request.method == "DELETE" or request.method == "GET":
        return {}
    if request.content_type == "application/json" and not raw:
        raise CloudError("BAD_REQUEST", "Body cannot be empty when content-type is set to 'application/json'")
    if not raw or request.content_type != "application/json":
        return {}
    body = _json(raw)
    if not isinstance(body, dict):
        raise CloudError("PARSE_ERROR", "Failed to parse request body")
    return body


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _refusal(error: CloudError) -> web.Response:
    body: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.issues:
        body["issues"] = [{"message": issue} for issue in error.issues]
    return web.json_response(body, status=error.status)


def _too_many(retry_after: float | None) -> web.Response:
    response = _refusal(CloudError("TOO_MANY_REQUESTS", "Too many requests"))
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
