"""Modals in which somebody reads along as an engine writes its log."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.open_views import redraw_open
from bot.pacer import Priority
from bot.views.logs import Choice, build_logs_modal
from core.access.permissions import Permission
from core.errors import PrimeError
from core.logs.model import LogTail
from core.services import Services

LASTS = timedelta(minutes=5)
EVERY_SECONDS = 4.0
MOST = 20
"""At a time, in this replica: each may take an edit every few seconds from Slack's budget for all modals."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    actor: Actor
    choice: Choice
    until: datetime
    shown: LogTail | None = None
    """What the modal shows now."""
    hash: str | None = None
    """Slack's, of how this replica drew it last: whatever another one draws ends the follow."""


class LogFollows:
    """They are known to this replica alone; if it ends, they stand still and say until when they would have moved. What
    is pressed may come to another one."""

    def __init__(self, client: AsyncWebClient, services: Services) -> None:
        self._client = client
        self._services = services
        self._follows: dict[str, Follow] = {}
        """By the modal's id, oldest first."""

    def begin(self, view_id: str, actor: Actor, choice: Choice) -> datetime:
        """Until when it is followed. A person follows one log at a time."""
        for other, follow in list(self._follows.items()):
            if follow.actor.person == actor.person:
                del self._follows[other]
        while len(self._follows) >= MOST:
            del self._follows[next(iter(self._follows))]
        until = self._services.clock.now() + LASTS
        self._follows[view_id] = Follow(actor=actor, choice=choice, until=until)
        return until

    def drawn(self, view_id: str, view_hash: str | None) -> None:
        """How it is shown since it is followed; None: it is closed."""
        follow = self._follows.pop(view_id, None)
        if follow is not None and view_hash is not None:
            self._follows[view_id] = replace(follow, hash=view_hash)

    def end(self, view_id: str) -> None:
        self._follows.pop(view_id, None)

    async def refresh(self) -> None:
        """A job: draws each anew in which something changed, or whose time is over."""
        for view_id, follow in list(self._follows.items()):
            try:
                await self._draw(view_id, follow)
            except (PrimeError, SlackApiError) as error:  # access that was taken away, a server that is gone, Slack
                _log.info("log_follow_ended", server=follow.choice.server_id, error=type(error).__name__)
                self.end(view_id)

    async def _draw(self, view_id: str, follow: Follow) -> None:
        await follow.actor.may(Permission.SEE_SERVERS)
        choice, now = follow.choice, self._services.clock.now()
        server = await self._services.servers.get(choice.server_id)
        tail = await self._services.logs.tail(server, at_least=choice.at_least, limit=choice.lines)
        is_over = now >= follow.until
        if self._follows.get(view_id) is not follow or (tail == follow.shown and not is_over):
            return
        self._follows[view_id] = replace(follow, shown=tail)
        view = build_logs_modal(server, tail, choice, now=now, follows_until=follow.until)
        where = {"view_id": view_id} if follow.hash is None else {"view_id": view_id, "hash": follow.hash}
        self.drawn(view_id, await redraw_open(self._client, view, priority=Priority.BACKGROUND, **where))
        if is_over:
            self.end(view_id)
