"""News of servers, told once: in the thread of the card where that stands in a channel, and to the owner."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.direct import direct_channel
from bot.once import Spot, find_posted
from bot.telling import Payload, Telling
from bot.views.server_news import build_news, build_settled, is_still_true
from bot.views.unknown_machine import build_decided, build_unknown_machine
from core.errors import NotFoundError
from core.servers.model import Server, ServerCard
from core.services import Services
from core.watch.model import End, EndKind, MachineFate, News

_log = structlog.get_logger(__name__)


class ServerNews:
    def __init__(self, client: AsyncWebClient, services: Services, telling: Telling) -> None:
        self._client = client
        self._services = services
        self._telling = telling

    async def tell(self, payload: Payload) -> None:
        """Notice.SERVER_NEWS. Not what has ceased to be true since."""
        card = await self._services.servers.card(int(payload["server_id"]))
        news, end = News(payload["news"]), _end_in(payload)
        if not is_still_true(card, news, end):
            _log.info("news_overtaken", server=card.server.id, news=news)
            return
        message = build_news(card, news, end, now=self._services.clock.now())
        spots = await self._spots_of(card.server)
        if news is News.IMPOSTOR:
            spots += [spot for spot in await self._admin_spots() if spot not in spots]
            spots += self._approval_spots()
        for spot in spots:
            key = f"{_key(card.server, news)}/{payload['delivery']}"
            await self._telling.post(spot, message, key=key, payload=payload)

    async def settle(self, card: ServerCard, sentence: str) -> None:
        """Warnings that the server ends soon are over: nothing is to be pressed in them any more."""
        pulse = card.vitals.pulse
        if pulse is None or pulse.warned_at is None:
            return
        key = _key(card.server, News.ENDS_SOON)
        for spot in await self._spots_of(card.server):
            # An hour before, since the clocks of Prime and Slack are two.
            await self._strip(spot, sentence, key=key, since=pulse.warned_at - timedelta(hours=1))

    async def machine_unknown(self, payload: Payload) -> None:
        """Notice.MACHINE_UNKNOWN: to the approval channel, else to each ADMIN; and there again what was decided."""
        watch = self._services.watch
        try:
            machine = await watch.reported(str(payload["provider"]), str(payload["machine_id"]))
        except NotFoundError:
            return
        key = f"machine/{machine.provider}/{machine.machine_id}"
        if machine.fate is not MachineFate.OPEN:
            if "by" in payload:
                sentence = build_decided(machine, by=payload["by"], adopted_as=payload["adopted_as"])
                for spot in [*self._approval_spots(), *await self._admin_spots()]:
                    await self._strip(spot, sentence, key=key, since=machine.first_seen_at - timedelta(hours=1))
            return
        hardware = await watch.hardware(machine)
        message = build_unknown_machine(machine, hardware.price_usd_per_hour)
        await self._telling.to_admins(message, key=key, payload=payload)

    async def _strip(self, spot: Spot, sentence: str, *, key: str, since: datetime) -> None:
        for posted in await find_posted(self._client, spot, key=key, since=since):
            blocks: Sequence[dict[str, Any]] = posted.get("blocks") or []
            if not any(block["type"] == "actions" for block in blocks):
                continue
            try:
                await self._client.chat_update(
                    channel=spot.channel, ts=posted["ts"], text=sentence, blocks=build_settled(blocks, sentence)
                )
            except SlackApiError as error:
                _log.warning("news_not_edited", channel=spot.channel, error=str(error.response["error"]))

    async def _spots_of(self, server: Server) -> list[Spot]:
        direct = await direct_channel(self._client, server.owner.user)
        cards = await self._services.servers.cards(server.id)
        threads = [Spot(channel=card.channel, thread_ts=card.ts) for card in cards if card.channel != direct]
        return threads if direct is None else [*threads, Spot(channel=direct)]

    def _approval_spots(self) -> list[Spot]:
        channel = self._telling.approval_channel
        return [] if channel is None else [Spot(channel=channel)]

    async def _admin_spots(self) -> list[Spot]:
        admins = sorted(await self._services.access.admins())
        channels = [await direct_channel(self._client, admin.user) for admin in admins]
        return [Spot(channel=channel) for channel in channels if channel is not None]


def _key(server: Server, news: News) -> str:
    """The machine's name, since it is no other server's, not even of another installation."""
    return f"{news}/{server.machine_name}"


def _end_in(payload: Payload) -> End | None:
    if "end" not in payload:
        return None
    return End(kind=EndKind(payload["end"]), at=datetime.fromisoformat(payload["end_at"]))
