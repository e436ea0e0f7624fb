"""What people are told of proposals that something is not personal."""

from collections.abc import Mapping
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.direct import direct_channel
from bot.once import LATEST, Spot, post_once
from bot.views.kit import section
from bot.views.menu import Message
from bot.views.warning import build_proposal, describe_proposal_outcome
from core.redaction.ports import Proposal
from core.services import Services

_log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]


class Proposals:
    def __init__(self, client: AsyncWebClient, services: Services, *, approval_channel: str | None) -> None:
        self._client = client
        self._services = services
        self._approval_channel = approval_channel

    async def opened(self, payload: Payload) -> None:
        """Notice.TERM_PROPOSED: to the approval channel, or where Prime cannot post there, to each ADMIN."""
        proposal = await self._services.redaction.proposal(int(payload["proposal_id"]))
        if proposal.decided_by is not None:
            return
        if self._approval_channel is not None and await self._show(proposal, self._approval_channel, payload):
            return
        for admin in sorted(await self._services.access.admins()):
            channel = await direct_channel(self._client, admin.user)
            if channel is not None:
                await self._show(proposal, channel, payload)

    async def settled(self, payload: Payload) -> None:
        """Notice.TERM_SETTLED: the term is not shown any more, and whoever proposed it hears of it."""
        proposal = await self._services.redaction.proposal(int(payload["proposal_id"]))
        text, blocks = build_proposal(proposal)
        for channel, ts in proposal.posted:
            try:
                await self._client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks)
            except SlackApiError as error:
                _log.warning("proposal_not_updated", proposal=proposal.id, error=str(error.response["error"]))
        own = await direct_channel(self._client, proposal.asker.user)
        if own is not None:
            told = describe_proposal_outcome(proposal)
            await self._post(own, (told, [section(told)]), key=f"proposal-settled/{proposal.id}", payload=payload)

    async def _show(self, proposal: Proposal, channel: str, payload: Payload) -> bool:
        """Posts it and notes where; False if that was not possible."""
        ts = await self._post(channel, build_proposal(proposal), key=f"proposal/{proposal.id}", payload=payload)
        if ts is None:
            return False
        await self._services.redaction.shown_at(proposal.id, channel, ts)
        return True

    async def _post(self, channel: str, message: Message, *, key: str, payload: Payload) -> str | None:
        is_first = int(payload["attempt"]) == 1
        look_since = None if is_first else self._services.clock.now() - LATEST
        return await post_once(self._client, Spot(channel=channel), message, key=key, look_since=look_since)
