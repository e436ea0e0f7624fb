"""The cards of servers: posted once, edited in place, and never showing an older state after a newer one."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.direct import direct_channel
from bot.homes import Homes
from bot.pacer import Priority, sending
from bot.server_news import ServerNews
from bot.views.menu import Message
from bot.views.moments import until
from bot.views.server_card import EVERYBODY, build_card
from core.servers.model import CardAt, Server, ServerState
from core.services import Services

CARDS_A_ROUND = 4
"""Slack takes some fifty edits a minute, and people who wait for an answer need most of them."""

MOST_DRAWINGS = 2

_OVER = frozenset(
    {ServerState.STOPPING, ServerState.STOPPED, ServerState.DELETING, ServerState.DELETED, ServerState.STARTING}
)
"""What a warning told of before has come, or comes no more."""

_log = structlog.get_logger(__name__)

_Shown = tuple[int, ServerState]
"""The server's version, and the state that it was in."""


class ServerCards:
    def __init__(self, client: AsyncWebClient, services: Services, homes: Homes, news: ServerNews) -> None:
        self._client = client
        self._services = services
        self._homes = homes
        self._news = news
        self._shown: dict[int, _Shown] = {}
        """By server id, what this replica last drew."""
        self._drawing = defaultdict[int, asyncio.Lock](asyncio.Lock)
        self._refreshed_last = 0

    async def server_changed(self, payload: Mapping[str, Any]) -> None:
        """Notice.SERVER_CHANGED. What an earlier notice of several has shown already is not drawn again."""
        server_id = int(payload["server_id"])
        await self._show(server_id)
        card = await self._services.servers.card(server_id)
        if "kept_by" in payload:
            self._homes.servers_changed()
            await self._news.settle(card, f"<@{payload['kept_by']}> kept it {until(card.server.keep_until)}.")
        elif card.server.state in _OVER:
            await self._news.settle(card, f"Over: it is {card.server.state}.")

    async def refresh_cards(self) -> None:
        """A job: elapsed time moves on the cards of servers on their way up, in turn where they are many."""
        servers = await self._services.servers.on_their_way_up()
        turn = sorted(servers, key=lambda server_id: (server_id <= self._refreshed_last, server_id))[:CARDS_A_ROUND]
        with sending(Priority.BACKGROUND):
            for server_id in turn:
                self._refreshed_last = server_id
                if await self._services.servers.cards(server_id):  # the first one is for a notice to post
                    await self._show(server_id, again=True)

    async def _show(self, server_id: int, *, again: bool = False) -> None:
        """Draws, and once more where something newer came meanwhile, which another replica may have drawn and this one
        overwritten; what comes after that has a notice of its own. `again`: also what is drawn already."""
        state: ServerState | None = None
        async with self._drawing[server_id]:
            for _ in range(MOST_DRAWINGS):
                card = await self._services.servers.card(server_id)
                state = card.server.state
                newest, shown = (card.server.version, card.server.state), self._shown.get(server_id)
                if newest == shown and not again:
                    break
                again = False
                if shown is None or shown[1] is not card.server.state:
                    self._homes.servers_changed()
                await self._draw(card.server, build_card(card, role=EVERYBODY, now=self._services.clock.now()))
                self._shown[server_id] = newest
        if state is ServerState.DELETED:
            self._shown.pop(server_id, None)
            self._drawing.pop(server_id, None)

    async def _draw(self, server: Server, message: Message) -> None:
        cards = await self._services.servers.cards(server.id)
        if cards:
            await self._edit(server, cards, message)
            return
        card = await self._post(server.channel, message) or await self._post(
            await direct_channel(self._client, server.owner.user), message
        )
        if card is not None:
            await self._services.servers.card_shown(server.id, card)

    async def _edit(self, server: Server, cards: Sequence[CardAt], message: Message) -> None:
        text, blocks = message
        for card in cards:
            try:
                await self._client.chat_update(channel=card.channel, ts=card.ts, text=text, blocks=blocks)
            except SlackApiError as error:
                _log.warning("card_not_edited", server=server.id, error=str(error.response["error"]))

    async def _post(self, channel: str | None, message: Message) -> CardAt | None:
        """None where Slack does not take it: Prime is not in the channel, which may also be archived or gone."""
        if channel is None:
            return None
        text, blocks = message
        try:
            answer = await self._client.chat_postMessage(
                channel=channel, text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        except SlackApiError as error:
            _log.info("card_not_posted", error=str(error.response["error"]))
            return None
        return CardAt(channel=str(answer["channel"]), ts=str(answer["ts"]))
