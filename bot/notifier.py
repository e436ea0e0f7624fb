"""Notices, told: what core owes to people becomes messages in Slack.

A notice may come twice (its worker died after sending), so each method does nothing that is seen twice where it can
tell. A recipient whom Slack refuses does not keep the others from theirs."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.chats import Chats
from bot.create_drawing import finish_form
from bot.direct import direct_channel
from bot.dispatch import Notifier
from bot.given_keys import answer_key
from bot.homes import Homes
from bot.ids import Action
from bot.proposals import Proposals
from bot.replies import SlackReplies
from bot.sender import Sender
from bot.server_cards import ServerCards
from bot.server_news import ServerNews
from bot.spend_requests import SpendRequests
from bot.views.access import build_request_message, describe_outcome_to_asker, describe_sent
from bot.views.kit import Block, actions, button, section
from bot.views.moments import until
from core.access.last_admin import HOW_TO_RECOVER
from core.approvals.model import AccessRequest, PostedAt, RequestState
from core.notices import Notice
from core.services import Services

_log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]


class Notices:
    def __init__(
        self,
        client: Sender,
        services: Services,
        replies: SlackReplies,
        *,
        team: str,
        approval_channel: str | None,
    ) -> None:
        self.homes = Homes(client, services)
        self.news = ServerNews(client, services, approval_channel=approval_channel)
        self.cards = ServerCards(client, services, self.homes, self.news)
        self._chats = Chats(client, services, replies, approval_channel=approval_channel)
        self._spends = SpendRequests(client, services, approval_channel=approval_channel)
        self._proposals = Proposals(client, services, approval_channel=approval_channel)
        self._client = client
        self._services = services
        self._team = team
        self._approval_channel = approval_channel

    def table(self) -> dict[str, Notifier]:
        return {
            Notice.REQUEST_OPENED: self.request_opened,
            Notice.REQUEST_SETTLED: self.request_settled,
            Notice.ROLE_CHANGED: self.role_changed,
            Notice.GRANT_ENDING: self.grant_ending,
            Notice.NO_ADMIN_LEFT: self.no_admin_left,
            Notice.SERVER_CHANGED: self.cards.server_changed,
            Notice.SERVER_NEWS: self.news.tell,
            Notice.MACHINE_UNKNOWN: self.news.machine_unknown,
            Notice.SPEND_REQUEST_OPENED: self._spends.opened,
            Notice.SPEND_REQUEST_SETTLED: self._spends.settled,
            Notice.BUDGET_REACHED: self._spends.budget_reached,
            Notice.COST_DIGEST: self._spends.digest,
            Notice.CREATE_FORM_WAITS: self.create_form_waits,
            Notice.KEY_GIVEN: self.key_given,
            Notice.CHAT_OPENED: self._chats.opened,
            Notice.START_ASKED: self._chats.start_asked,
            Notice.TERM_PROPOSED: self._proposals.opened,
            Notice.TERM_SETTLED: self._proposals.settled,
            Notice.HOME_CHANGED: self.home_changed,
        }

    async def request_opened(self, payload: Payload) -> None:
        """To the approval channel, or where Prime cannot post there, to each admin."""
        request = await self._services.approvals.request(int(payload["request_id"]))
        if request.state is not RequestState.OPEN:
            return
        shown_in = {posted.channel for posted in await self._services.approvals.messages(request.id)}
        if not shown_in:  # else this notice came before, and the asker knows
            await self._tell(request.asker.user, describe_sent(request))
        if self._approval_channel is not None and await self._show(request, self._approval_channel, shown_in):
            return
        for admin in sorted(await self._services.access.admins()):
            if admin != request.asker:
                await self._show(request, await direct_channel(self._client, admin.user), shown_in)

    async def request_settled(self, payload: Payload) -> None:
        request = await self._services.approvals.request(int(payload["request_id"]))
        text, blocks = build_request_message(request)
        for posted in await self._services.approvals.messages(request.id):
            try:
                await self._client.chat_update(channel=posted.channel, ts=posted.ts, text=text, blocks=blocks)
            except SlackApiError as error:
                _log.warning("request_not_updated", request=request.id, error=str(error.response["error"]))
        if request.state is not RequestState.WITHDRAWN:
            await self._tell(request.asker.user, describe_outcome_to_asker(request))

    async def role_changed(self, payload: Payload) -> None:
        team, _, by = str(payload["by"]).partition("/")
        who = f"<@{by}>" if team == self._team else "An operator"
        if payload["role"] == "NONE":
            text = f"{who} took your grants in Prime away. `/prime access` shows what you have now."
        else:
            end = until(_moment(payload["until"]))
            text = f"{who} gave you the role *{payload['role']}* in Prime, {end}. `/prime help` shows what you can do."
        await self._tell(payload["user"], text)

    async def grant_ending(self, payload: Payload) -> None:
        text = f"Your role *{payload['role']}* in Prime is yours only {until(_moment(payload['until']))}."
        await self._tell(payload["user"], text, [section(text), actions(button("Ask to keep it", Action.ACCESS_ASK))])

    async def no_admin_left(self, payload: Payload) -> None:
        """Loud: to the log, to the approval channel, to the workspace's owners and to whoever was ADMIN."""
        _log.error("no_admin_left", cause=payload["cause"])
        text = f":rotating_light: Prime has no ADMIN without an end date any more. {HOW_TO_RECOVER}"
        if self._approval_channel is not None:
            await self._post(self._approval_channel, text)
        owners = await self._services.people.workspace_owners()
        for user in sorted({person.user for person in owners} | set(payload["users"])):
            await self._tell(user, text)

    async def create_form_waits(self, payload: Payload) -> None:
        await finish_form(self._client, self._services, payload)

    async def key_given(self, payload: Payload) -> None:
        await answer_key(self._client, self._services, payload)

    async def home_changed(self, payload: Payload) -> None:
        people = await self._services.home.shown_to(
            payload.get("users", ()), team=self._team, admins=bool(payload.get("admins"))
        )
        await self.homes.write(people)

    async def _show(self, request: AccessRequest, channel: str | None, shown_in: Collection[str]) -> bool:
        """Posts the request and notes where; False if that was not possible."""
        if channel is None:
            return False
        if channel in shown_in:
            return True
        text, blocks = build_request_message(request)
        ts = await self._post(channel, text, blocks)
        if ts is None:
            return False
        await self._services.approvals.shown_at(request.id, PostedAt(channel=channel, ts=ts))
        return True

    async def _tell(self, user: str, text: str, blocks: list[Block] | None = None) -> None:
        channel = await direct_channel(self._client, user)
        if channel is not None:
            await self._post(channel, text, blocks)

    async def _post(self, channel: str, text: str, blocks: list[Block] | None = None) -> str | None:
        """The message's ts; None if Slack does not take it."""
        try:
            answer = await self._client.chat_postMessage(
                channel=channel, text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        except SlackApiError as error:
            _log.warning("notice_not_posted", channel=channel, error=str(error.response["error"]))
            return None
        return str(answer["ts"])


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
