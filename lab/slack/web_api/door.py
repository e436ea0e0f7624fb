"""`/api/<method>`: from the request to the method and back, with Slack's refusals in Slack's order."""

import json
import secrets
from typing import Any

from aiohttp import web

from lab.slack.arguments import Arguments
from lab.slack.errors import SlackError
from lab.slack.faults import FaultName
from lab.slack.platform import Platform
from lab.slack.record import ApiCall
from lab.slack.web_api.registry import METHODS, Call, Method, Token, require_scope


async def serve(platform: Platform, request: web.Request) -> web.Response:
    """Answers are HTTP 200 with `ok: false` where something is wrong, but for rate limits and the API's own faults."""
    name = request.match_info["method"]
    given, token = await _read(request)
    call = ApiCall(method=name, arguments=given, at=platform.clock.time(), status=200, error=None)
    platform.record.calls.append(call)
    if (slow := platform.faults.options(FaultName.SLOW_API)) is not None:
        await platform.clock.sleep(slow["seconds"])
    if (broken := platform.faults.options(FaultName.API_500S)) and platform.dice.random() < broken["share"]:
        call.status, call.error = 500, "internal_error"
        return web.Response(status=500, text="Internal Server Error")
    headers = {"x-slack-req-id": secrets.token_hex(16)}
    try:
        method = _permitted(platform, name, token)
        headers |= _scope_headers(platform, method)
        if (retry_after := _over_limit(platform, method, given)) is not None:
            call.status, call.error, call.retry_after = 429, "ratelimited", retry_after
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers=headers | {"Retry-After": str(retry_after)}
            )
        for scope in method.scopes:
            require_scope(platform, scope)
        answer = {"ok": True, **method.handler(Call(platform, Arguments(given)))}
    except SlackError as error:
        call.error = error.code
        answer = {"ok": False, "error": error.code, **error.details}
    return web.json_response(answer, headers=headers)


def _permitted(platform: Platform, name: str, token: str | None) -> Method:
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    if token is None:
        raise SlackError("not_authed")
    held = {platform.app.bot_token: Token.BOT, platform.app.app_token: Token.APP}.get(token)
    if held is None:
        raise SlackError("invalid_auth")
    if platform.app.refused:
        raise SlackError(platform.app.refused)
    if held is not method.token:
        raise SlackError("not_allowed_token_type")
    return method


def _scope_headers(platform: Platform, method: Method) -> dict[str, str]:
    held = platform.app.installed_scopes if method.token is Token.BOT else {"connections:write"}
    accepted = method.scopes if method.token is Token.BOT else ("connections:write",)
    return {"x-oauth-scopes": ",".join(sorted(held)), "x-accepted-oauth-scopes": ",".join(accepted)}


def _over_limit(platform: Platform, method: Method, given: dict[str, Any]) -> int | None:
    channel = str(given.get("channel", ""))
    fault = platform.faults.options(FaultName.RATE_LIMITS)
    retry_after = platform.limits.admit(method.name, method.tier, channel=channel)
    # Socket Mode stays reachable: an app that cannot connect shows nothing of how it takes a 429.
    if retry_after is None and fault and method.token is Token.BOT and platform.dice.random() < fault["share"]:
        return platform.limits.block(method.name, method.tier, channel=channel, seconds=fault["retry_after"])
    return retry_after


async def _read(request: web.Request) -> tuple[dict[str, Any], str | None]:
    """The arguments, from query and body, and the token: from the header or, but for JSON, from among the arguments."""
    given: dict[str, Any] = dict(request.query)
    form_token = given.pop("token", None)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            body = {}
        given |= body if isinstance(body, dict) else {}
    elif request.method == "POST":
        given |= dict(await request.post())
        form_token = given.pop("token", form_token)
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else form_token
    return given, token or None
