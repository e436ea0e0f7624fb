"""How what core owes to people reaches them: once, though a notice may come twice, and whoever can do something."""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.direct import direct_channel
from bot.once import LATEST, Spot, post_once
from bot.views.kit import section
from bot.views.menu import Message
from core.people.model import PersonId
from core.posted import PostedAt
from core.services import Services

Payload = Mapping[str, Any]
"""Of a notice, with what the dispatcher adds."""

_log = structlog.get_logger(__name__)


class Telling:
    """A recipient whom Slack refuses does not keep the others from theirs. Each method may raise UnavailableError; the
    notice then comes again, and finds what it posted by the `key`."""

    def __init__(self, client: AsyncWebClient, services: Services, *, approval_channel: str | None) -> None:
        self.approval_channel = approval_channel
        self._client = client
        self._services = services

    async def post(self, spot: Spot, message: Message, *, key: str, payload: Payload) -> PostedAt | None:
        """None if Slack does not take it."""
        is_first = int(payload["attempt"]) == 1
        look_since = None if is_first else self._services.clock.now() - LATEST
        ts = await post_once(self._client, spot, message, key=key, look_since=look_since)
        return None if ts is None else PostedAt(channel=spot.channel, ts=ts)

    async def direct(self, user: str) -> str | None:
        """The channel of the direct messages with a person; None for whom Slack lets Prime not write to."""
        return await direct_channel(self._client, user)

    async def to_person(self, user: str, message: Message | str, *, key: str, payload: Payload) -> PostedAt | None:
        """By direct message; None if that is not possible."""
        channel = await self.direct(user)
        if channel is None:
            return None
        told = (message, [section(message)]) if isinstance(message, str) else message
        return await self.post(Spot(channel=channel), told, key=key, payload=payload)

    async def to_admins(
        self, message: Message, *, key: str, payload: Payload, but: PersonId | None = None
    ) -> list[PostedAt]:
        """To the approval channel, or where Prime cannot post there, to each ADMIN. Empty: nobody was told."""
        if self.approval_channel is not None:
            posted = await self.post(Spot(channel=self.approval_channel), message, key=key, payload=payload)
            if posted is not None:
                return [posted]
        admins = [admin for admin in sorted(await self._services.access.admins()) if admin != but]
        told = [await self.to_person(admin.user, message, key=key, payload=payload) for admin in admins]
        return [posted for posted in told if posted is not None]

    async def edit(self, messages: Iterable[PostedAt], message: Message) -> None:
        """What was posted before."""
        text, blocks = message
        for posted in messages:
            try:
                await self._client.chat_update(channel=posted.channel, ts=posted.ts, text=text, blocks=blocks)
            except SlackApiError as error:
                _log.warning("not_edited", channel=posted.channel, error=str(error.response["error"]))
