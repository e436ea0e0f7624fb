"""Real slack_bolt apps, unchanged, wired to the lab's Slack over either transport."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from tests.serving import served

MANIFEST = """
_metadata: {major_version: 2}
display_information: {name: Prime, description: Team agent}
features:
  bot_user: {display_name: Prime, always_online: true}
  app_home: {home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false}
  slash_commands:
    - {command: /prime, description: Drive Prime, usage_hint: help, should_escape: true}
    - {command: /raw, description: Takes text as typed}
  shortcuts:
    - {name: Create a server, type: global, callback_id: create_server, description: Opens the form}
    - {name: Ask Prime, type: message, callback_id: ask_about_message, description: Send this message to Prime}
oauth_config:
  scopes:
    bot: [app_mentions:read, channels:history, channels:join, channels:read, chat:write, commands, files:read,
          files:write, groups:history, groups:read, im:history, im:read, im:write, mpim:history, mpim:read, mpim:write,
          usergroups:read, users:read]
settings:
  event_subscriptions:
    bot_events: [app_home_opened, app_mention, app_uninstalled, member_joined_channel, member_left_channel,
                 message.channels, message.groups, message.im, message.mpim, subteam_created, subteam_members_changed,
                 subteam_updated, team_join, tokens_revoked, user_change]
  interactivity: {is_enabled: true}
  socket_mode_enabled: true
  org_deploy_enabled: false
  token_rotation_enabled: false
"""
"""Everything that an app could ask of the lab; Prime's own app.yaml asks for less."""

Client = Any
"""An AsyncWebClient. Its own types call each field of an answer optional, which a test asserts by using it."""


class Wire(StrEnum):
    SOCKET = "socket mode"
    HTTP = "signed http"


def new_app(lab: SlackLab) -> AsyncApp:
    client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
    return AsyncApp(client=client, signing_secret=lab.signing_secret)


@asynccontextmanager
async def connected(lab: SlackLab, app: AsyncApp, wire: Wire) -> AsyncIterator[None]:
    """The app takes deliveries within this block."""
    if wire is Wire.SOCKET:
        handler = AsyncSocketModeHandler(app, lab.app_token)
        await handler.connect_async()
        try:
            yield
        finally:
            await handler.close_async()
    else:
        async with serving(app) as url:
            await lab.deliver_to(url)
            yield


@asynccontextmanager
async def serving(app: AsyncApp) -> AsyncIterator[str]:
    """Serves the app over HTTP on a free port; its request URL."""

    async def take(request: web.Request) -> web.Response:
        bolt_request = AsyncBoltRequest(
            body=await request.text(),
            query=request.query_string,
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        answer = await app.async_dispatch(bolt_request)
        headers = {
            name: value for name, value in answer.first_headers_without_set_cookie().items() if name != "content-type"
        }
        content_type = answer.first_headers().get("content-type", "text/plain").split(";")[0]
        return web.Response(status=answer.status, text=answer.body, content_type=content_type, headers=headers)

    async with listening(take) as url:
        yield url


@asynccontextmanager
async def listening(handler: object) -> AsyncIterator[str]:
    """Serves POST requests with an aiohttp handler on a free port; the URL."""
    async with served(web.post("/slack/events", handler)) as url:  # pyright: ignore[reportArgumentType]
        yield f"{url}/slack/events"


async def refused(call: Awaitable[object]) -> str:
    """The error code of a call that Slack refuses, as it does with HTTP 200."""
    with pytest.raises(SlackApiError) as caught:
        await call
    response: Any = caught.value.response
    assert response.status_code == 200
    return response["error"]


async def until(condition: Callable[[], object]) -> None:
    """Waits for what no event announces; 5 s at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
