"""Threads that Prime begins because somebody asked for one, and starts that somebody asks others for."""

import structlog

from bot.direct import direct_channel
from bot.errors import tell
from bot.once import LATEST, Spot
from bot.placing import place
from bot.replies import SlackReplies
from bot.requests import Place
from bot.sender import Sender
from bot.telling import Payload, Telling
from bot.views.asking import build_chat_begun, build_start_asked
from core.access.model import Principal
from core.errors import PrimeError, UnavailableError
from core.people.model import PersonId
from core.servers.model import Server
from core.services import Services
from core.talk.model import PromptRequest, Thread

_INVITE = "It stands here because Prime is not in that channel. To talk there, write `/invite @Prime` in it."

_log = structlog.get_logger(__name__)


class Chats:
    def __init__(self, client: Sender, services: Services, replies: SlackReplies, telling: Telling) -> None:
        self._client = client
        self._services = services
        self._replies = replies
        self._telling = telling

    async def opened(self, payload: Payload) -> None:
        """Notice.CHAT_OPENED. What is wrong with it is told to whoever asked, alone."""
        try:
            await self._open(payload)
        except UnavailableError:
            raise  # then it comes again
        except PrimeError as error:
            where = Place(user=payload["user"], channel=payload["channel"], thread_ts=payload["thread_ts"] or None)
            await tell(self._client, where, str(error))

    async def start_asked(self, payload: Payload) -> None:
        """Notice.START_ASKED: to the server's owner and to the admins."""
        server = await self._services.servers.get(int(payload["server_id"]))
        message, key = build_start_asked(payload["user"], server), f"start-asked/{payload['delivery']}"
        await self._telling.to_person(server.owner.user, message, key=key, payload=payload)
        await self._telling.to_admins(message, key=key, payload=payload, but=server.owner)

    async def _open(self, payload: Payload) -> None:
        actor = await self._services.access.principal(PersonId(payload["team"], payload["user"]))
        server_id = payload["server_id"]
        server = None if server_id is None else await self._services.servers.get(int(server_id))
        begun = await self._begin(payload, server)
        if begun is None:
            _log.warning("chat_has_no_place", delivery=payload["delivery"])
            return
        thread, ts = begun
        text = "\n\n".join(filter(None, (payload["prompt"], payload["about"])))
        if text:
            await self._ask(payload, actor, thread, ts, text, server)
        else:
            await self._services.talk.begin(actor, thread, server_id)

    async def _begin(self, payload: Payload, server: Server | None) -> tuple[Thread, str] | None:
        """The thread, and its message that asks. Where Prime is no member, they stand in the direct message."""
        team, user = str(payload["team"]), str(payload["user"])
        in_thread = Spot(channel=payload["channel"], thread_ts=payload["thread_ts"] or None)
        ts = await self._post(payload, in_thread, server)
        if ts is not None:
            return Thread(team=team, channel=in_thread.channel, ts=in_thread.thread_ts or ts), ts
        channel = await direct_channel(self._client, user)
        if channel is None:
            return None
        ts = await self._post(payload, Spot(channel=channel), server, hint=_INVITE)
        return None if ts is None else (Thread(team=team, channel=channel, ts=ts), ts)

    async def _post(self, payload: Payload, spot: Spot, server: Server | None, *, hint: str = "") -> str | None:
        message = build_chat_begun(
            payload["user"],
            "" if server is None else server.spec.name,
            payload["prompt"],
            is_about=bool(payload["about"]),
            hint=hint,
        )
        posted = await self._telling.post(spot, message, key=f"chat/{payload['delivery']}", payload=payload)
        return None if posted is None else posted.ts

    async def _ask(
        self, payload: Payload, actor: Principal, thread: Thread, ts: str, text: str, server: Server | None
    ) -> None:
        profile = await self._services.people.profile(actor.person)
        request = PromptRequest(
            thread=thread,
            ts=ts,
            author=actor.person,
            author_name=profile.name,
            text=text,
            is_addressed=True,
            server_name="" if server is None else server.spec.name,
            in_thread=thread.ts != ts,
        )
        asked = await self._services.talk.ask(actor, request)
        if asked is not None:
            since = self._services.clock.now() - LATEST if payload["attempt"] > 1 else None
            await place(asked, actor=actor, services=self._services, replies=self._replies, look_since=since)
