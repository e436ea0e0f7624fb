"""What was said while no connection to Slack was open.

Slack delivers an event again three times within some minutes, then it is lost. So after each gap the threads in which
people talk to models are read from where Prime knows them, and what it missed goes the way that an event goes: what it
did not miss is known there by its work key."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.inbox import Intake
from bot.pacer import Priority, sending
from bot.sender import Sender
from core.clock import Clock
from core.errors import PrimeError
from core.talk.model import Thread
from core.talk.service import Talk

LOOKED_BACK = timedelta(hours=6)
AGAIN_SECONDS = 10.0
MOST_THREADS = 20
MOST_REPLIES = 100
"""Of a thread, since the last question that is known."""

_log = structlog.get_logger(__name__)


class CatchUp:
    def __init__(self, client: Sender, talk: Talk, intake: Intake, clock: Clock) -> None:
        self._client = client
        self._talk = talk
        self._intake = intake
        self._clock = clock
        self._gap_over = asyncio.Event()
        self._over_at = clock.now()

    def begin(self) -> None:
        """There was a gap, and a connection is open now. Returns at once."""
        self._over_at = self._clock.now()
        self._gap_over.set()

    async def run(self) -> None:
        """Reads after each gap, again until it came through, until it is cancelled."""
        while True:
            await self._gap_over.wait()
            self._gap_over.clear()
            try:
                with sending(Priority.BACKGROUND):
                    await self.read()
            except PrimeError as error:  # where there was a gap just now, the next call may fail as well
                _log.warning("not_caught_up", error=type(error).__name__)
                await self._clock.sleep(AGAIN_SECONDS)
                self._gap_over.set()

    async def read(self) -> int:
        """How many messages were for Prime, known ones included. Raises UnavailableError."""
        found = 0
        # What came since the gap tells nothing of what was missed in it.
        threads = await self._talk.active(within=LOOKED_BACK, known_before=self._over_at, limit=MOST_THREADS)
        for thread, last_ts in threads:
            found += await self._read_thread(thread, last_ts)
        if found:
            _log.info("caught_up", messages=found)
        return found

    async def _read_thread(self, thread: Thread, last_ts: str) -> int:
        try:
            answer = await self._client.conversations_replies(
                channel=thread.channel, ts=thread.ts, oldest=last_ts, limit=MOST_REPLIES
            )
        except SlackApiError as error:  # a channel that Prime was taken out of, say
            _log.info("thread_not_read", error=str(error.response["error"]))
            return 0
        messages: list[Mapping[str, Any]] = answer.get("messages") or []
        later = [message for message in messages if str(message.get("ts", "")) > last_ts]
        return sum([await self._intake.take(_as_event(thread, message)) for message in later])


def _as_event(thread: Thread, message: Mapping[str, Any]) -> dict[str, Any]:
    """As Slack would have delivered it."""
    kind = {"channel_type": "im"} if thread.channel.startswith("D") else {}
    return {
        "type": "event_callback",
        "team_id": thread.team,
        "event_id": f"caught-up/{thread.channel}/{message['ts']}",
        "event": {**message, "type": "message", "channel": thread.channel, **kind},
    }
