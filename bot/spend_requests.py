"""What people are told of budgets: requests to go beyond one, limits that are reached, the daily digest."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.direct import direct_channel
from bot.once import LATEST, Spot, post_once
from bot.views.digest import build_digest
from bot.views.kit import section
from bot.views.menu import Message
from bot.views.spend_requests import (
    build_budget_reached,
    build_own_request,
    build_request_message,
    describe_outcome_to_asker,
)
from core.cost.model import WORKSPACE, SpendPostedAt, SpendRequest, SpendState
from core.cost.rules import month_of
from core.people.model import PersonId
from core.services import Services

NOBODY = (
    "Prime found no other admin who could decide this. Whoever is ADMIN can change the budget itself, in `/prime cost`."
)

_log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]


class SpendRequests:
    def __init__(self, client: AsyncWebClient, services: Services, *, approval_channel: str | None) -> None:
        self._client = client
        self._services = services
        self._approval_channel = approval_channel

    async def opened(self, payload: Payload) -> None:
        """Notice.SPEND_REQUEST_OPENED: to the asker, and to the approval channel, or where Prime cannot post there, to
        each ADMIN."""
        request = await self._services.costs.request(int(payload["request_id"]))
        if request.state is not SpendState.OPEN:
            return
        own = await direct_channel(self._client, request.asker.user)
        if own is not None:
            await self._show(request, own, build_own_request(request), payload)
        message = build_request_message(request)
        if self._approval_channel is not None and await self._show(request, self._approval_channel, message, payload):
            return
        others = [admin for admin in sorted(await self._services.access.admins()) if admin != request.asker]
        channels = [
            channel for admin in others if (channel := await direct_channel(self._client, admin.user)) is not None
        ]
        shown = [await self._show(request, channel, message, payload) for channel in channels]
        if own is not None and not any(shown):
            await self._post(own, (NOBODY, [section(NOBODY)]), key=f"spend-nobody/{request.id}", payload=payload)

    async def settled(self, payload: Payload) -> None:
        """Notice.SPEND_REQUEST_SETTLED: nothing is to be pressed any more, and the asker hears of it."""
        request = await self._services.costs.request(int(payload["request_id"]))
        own = await direct_channel(self._client, request.asker.user)
        for posted in await self._services.costs.messages(request.id):
            is_own = posted.channel == own
            text, blocks = build_own_request(request) if is_own else build_request_message(request)
            try:
                await self._client.chat_update(channel=posted.channel, ts=posted.ts, text=text, blocks=blocks)
            except SlackApiError as error:
                _log.warning("spend_request_not_updated", request=request.id, error=str(error.response["error"]))
        if own is not None and request.state is not SpendState.WITHDRAWN:
            text = describe_outcome_to_asker(request)
            await self._post(own, (text, [section(text)]), key=f"spend-settled/{request.id}", payload=payload)

    async def budget_reached(self, payload: Payload) -> None:
        """Notice.BUDGET_REACHED: to each ADMIN, and to the person whose budget it is. Not once the month is over, or
        the limit gone."""
        scope, costs = str(payload["scope"]), self._services.costs
        if date.fromisoformat(payload["month"]) != month_of(self._services.clock.now()).date():
            return
        people = set(await self._services.access.admins())
        if scope == WORKSPACE:
            budget = await costs.workspace()
        else:
            person = PersonId(*scope.split("/"))
            people.add(person)
            budget = (await costs.home(person)).own
        if budget.limit_usd is None:
            return
        percent = int(payload["percent"])
        message = build_budget_reached(budget, percent)
        for person in sorted(people):
            channel = await direct_channel(self._client, person.user)
            if channel is not None:
                await self._post(channel, message, key=f"budget/{scope}/{payload['month']}/{percent}", payload=payload)

    async def digest(self, payload: Payload) -> None:
        """Notice.COST_DIGEST: to the channel that is set by now."""
        costs = self._services.costs
        channel = await costs.digest_channel()
        if channel is None:
            return
        message = build_digest(await costs.day(date.fromisoformat(payload["day"])), await costs.workspace())
        await self._post(channel, message, key=f"digest/{payload['day']}", payload=payload)

    async def _show(self, request: SpendRequest, channel: str, message: Message, payload: Payload) -> bool:
        """Posts it and notes where; False if that was not possible."""
        ts = await self._post(channel, message, key=f"spend/{request.id}", payload=payload)
        if ts is None:
            return False
        await self._services.costs.shown_at(request.id, SpendPostedAt(channel=channel, ts=ts))
        return True

    async def _post(self, channel: str, message: Message, *, key: str, payload: Payload) -> str | None:
        is_first = int(payload["attempt"]) == 1
        look_since = None if is_first else self._services.clock.now() - LATEST
        return await post_once(self._client, Spot(channel=channel), message, key=key, look_since=look_since)
