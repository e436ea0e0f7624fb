"""Answers in Slack, from the placeholder on."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from slack_sdk.errors import SlackApiError

from bot.mrkdwn import escape
from bot.once import Spot, find_posted, post_once
from bot.pacer import Priority, sending
from bot.reply import BeforeShowing, SlackReply, posted_since
from bot.sender import Sender, SlackUnavailableError
from bot.views.answer import build_placeholder, build_thinking, build_waking
from bot.views.menu import Message
from bot.views.warning import build_warned, build_warning
from core.clock import Clock
from core.redaction.model import EntityType
from core.servers.model import Server, ServerCard, ServerState
from core.talk.model import Answered, Asked, Conversation, Part, Turn
from core.talk.ports import Replies, Reply

TRIES = 3
STILL_FRESH = timedelta(seconds=5)
"""A turn that is taken up later than this after it was asked may show something else than that it is thought about."""

_log = structlog.get_logger(__name__)


class Cards(Protocol):
    async def card(self, server_id: int) -> ServerCard: ...


class SlackReplies(Replies):
    def __init__(self, sender: Sender, servers: Cards, clock: Clock) -> None:
        self._sender = sender
        self._servers = servers
        self._clock = clock

    async def placeholder(self, asked: Asked, *, look_since: datetime | None) -> str | None:
        """Posts what stands in for the answer, unless it stands since `look_since`; its ts, or None if Slack does not
        take it there. Raises SlackUnavailableError, which it is safe to call it again after."""
        turn, spot = _turn_of(asked), _spot(asked.conversation)
        message = await self._placeholder(asked)
        for _ in range(TRIES):
            try:
                with sending(Priority.FIRST_WORDS):
                    return await post_once(self._sender, spot, message, key=f"turn/{turn.id}", look_since=look_since)
            except SlackUnavailableError:
                look_since = posted_since(turn)  # it may stand all the same
        raise SlackUnavailableError(maybe_done=False)

    async def show_waiting(self, asked: Asked, *, still_waits: Callable[[], Awaitable[bool]]) -> None:
        """The same in the message that the turn has already: unless it does not wait any more when that message is
        about to be edited. Raises UnavailableError."""
        turn = _turn_of(asked)
        message = await self._placeholder(asked)
        with sending(Priority.FIRST_WORDS):
            await self._show(turn, asked.conversation, message, still_waits=still_waits)

    @asynccontextmanager
    async def open(
        self, turn: Turn, conversation: Conversation, server: Server, *, before_showing: BeforeShowing
    ) -> AsyncGenerator[Reply]:
        waited = turn.tries > 1 or self._clock.now() - turn.created_at > STILL_FRESH
        reply = SlackReply(
            self._sender,
            self._clock,
            turn,
            _spot(conversation),
            server=server.spec.name,
            before_showing=before_showing,
            shown=None if waited else build_thinking(turn.id, server.spec.name),
            look=turn.tries > 1,
        )
        reply.begin()
        try:
            yield reply
        finally:
            await reply.end()

    async def show_asleep(
        self,
        turn: Turn,
        conversation: Conversation,
        server: Server,
        *,
        still_waits: Callable[[], Awaitable[bool]],
    ) -> None:
        message = build_waking(turn.id, server, expected=await self._expected(server))
        await self._show(turn, conversation, message, still_waits=still_waits)

    async def warn(
        self, turn: Turn, conversation: Conversation, found: Mapping[EntityType, Sequence[str]], *, risk: int
    ) -> None:
        await self._show(turn, conversation, build_warned(turn.id, turn.author.user), still_waits=_always)
        text, blocks = build_warning(turn.id, found, risk)
        await self._tell(turn, conversation, {"text": text, "blocks": blocks})

    async def tell_author(self, turn: Turn, conversation: Conversation, sentence: str) -> None:
        await self._tell(turn, conversation, {"text": escape(sentence)})

    async def close(
        self, turn: Turn, conversation: Conversation, server: Server | None, text: str, answered: Answered
    ) -> Sequence[Part]:
        spot = _spot(conversation)
        reply = SlackReply(
            self._sender,
            self._clock,
            replace(turn, parts=await self._all_parts(turn, spot)),
            spot,
            server="" if server is None else server.spec.name,
            before_showing=_nothing,
            shown=None,
            look=False,
        )
        reply.add(text)
        return await reply.finish(answered, turn)

    async def _tell(self, turn: Turn, conversation: Conversation, message: Mapping[str, Any]) -> None:
        """To its author alone, in the thread."""
        thread = conversation.thread
        told: dict[str, Any] = {"channel": thread.channel, "thread_ts": thread.ts, **message}
        try:
            with sending(Priority.FIRST_WORDS):
                if thread.channel.startswith("D"):  # nobody else reads there, and ephemeral messages get lost
                    await self._sender.chat_postMessage(**told)
                else:
                    await self._sender.chat_postEphemeral(user=turn.author.user, **told)
        except SlackApiError as error:
            _log.warning("author_not_told", turn=turn.id, error=str(error.response["error"]))

    async def _all_parts(self, turn: Turn, spot: Spot) -> Sequence[Part]:
        """Those that were noted, and those that were posted and not noted."""
        with sending(Priority.FINAL_TEXT):
            found = await find_posted(self._sender, spot, key=f"turn/{turn.id}", since=posted_since(turn))
        noted = {part.ts for part in turn.parts}
        # Where they begin follows from the text.
        return [*turn.parts, *(Part(ts=ts, start=0) for one in found if (ts := str(one["ts"])) not in noted)]

    async def _placeholder(self, asked: Asked) -> Message:
        is_up = asked.server is None or asked.server.state is ServerState.READY
        expected = None if asked.server is None or is_up else await self._expected(asked.server)
        return build_placeholder(asked, expected=expected)

    async def _expected(self, server: Server) -> tuple[float, float] | None:
        return (await self._servers.card(server.id)).expected_seconds

    async def _show(
        self,
        turn: Turn,
        conversation: Conversation,
        message: Message,
        *,
        still_waits: Callable[[], Awaitable[bool]],
    ) -> None:
        """In the turn's first message, if that is there, and unless it does not wait any more."""

        async def draw() -> Mapping[str, Any] | None:
            return {"text": message[0], "blocks": message[1]} if await still_waits() else None

        if not turn.parts:
            return
        try:
            await self._sender.update_latest(channel=conversation.thread.channel, ts=turn.parts[0].ts, draw=draw)
        except SlackApiError as error:
            _log.warning("answer_not_updated", turn=turn.id, error=str(error.response["error"]))


def _turn_of(asked: Asked) -> Turn:
    assert asked.turn is not None, "only a turn has a message"
    return asked.turn


def _spot(conversation: Conversation) -> Spot:
    return Spot(channel=conversation.thread.channel, thread_ts=conversation.thread.ts)


async def _always() -> bool:
    return True


async def _nothing(parts: Sequence[Part]) -> None:
    """All of an answer that has ended is written down."""
