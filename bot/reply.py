"""The messages that become one answer, and the one task that edits them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.answer_parts import FIRST, Cut, cuts, file_text, part_text, shown_cut
from bot.files import upload
from bot.markdown import neutralise
from bot.once import Spot, find_posted, post
from bot.pacer import Priority, sending
from bot.sender import Sender, SlackUnavailableError
from bot.views.answer import (
    build_answered,
    build_continued,
    build_plain,
    build_queue,
    build_surplus,
    build_thinking,
    build_writing,
    excerpt,
)
from bot.views.menu import Message
from core.cancellation import to_its_end
from core.clock import Clock
from core.errors import UnavailableError
from core.talk.model import Answered, Part, Turn
from core.talk.ports import Reply

EDIT_SECONDS = 3.0
"""Between two edits of one message: Slack asks for no more (reference 7)."""
_CLOCKS_APART = timedelta(minutes=10)
_DELETED = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_NOT_TAKEN = frozenset({"msg_blocks_too_long", "msg_too_long", "invalid_blocks", "invalid_blocks_format"})

_log = structlog.get_logger(__name__)

BeforeShowing = Callable[[Sequence[Part]], Awaitable[None]]


class SlackReply(Reply):
    """What is shown is always the beginning of what was added, in parts that stay as they are once another follows."""

    def __init__(
        self,
        sender: Sender,
        clock: Clock,
        turn: Turn,
        spot: Spot,
        *,
        server: str,
        before_showing: BeforeShowing,
        shown: Message | None,
        look: bool,
    ) -> None:
        """`server` is its name; `shown` what the turn's first message shows, None if that is not known; `look`: whether
        parts may stand that were not noted."""
        self._sender = sender
        self._clock = clock
        self._turn = turn
        self._spot = spot
        self._server = server
        self._before_showing = before_showing
        self._look = look
        self._parts = list(turn.parts)
        self._shown: list[Message | None] = [shown, *(None for _ in self._parts)][: len(self._parts)]
        self._pieces: list[str] = []
        self._cuts: list[Cut] = [FIRST]
        self._position = 0
        self._answered: Answered | None = None
        self._is_gone = False
        """Nothing can be shown in the thread any more."""
        self._plain: set[int] = set()
        """Parts whose Markdown Slack does not take."""
        self._file_from: int | None = None
        """The first part that it takes in no form."""
        self._takes_files = True
        self._sent_from: int | None = None
        """Where the file begins that was sent."""
        self._left_at: datetime | None = None
        """When the last edit left."""
        self._shows_words = False
        self._has_words = asyncio.Event()
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        if shown is None:
            self._news.set()

    @property
    def parts(self) -> Sequence[Part]:
        return tuple(self._parts)

    def begin(self) -> None:
        """From now on what is added is shown."""
        self._writer = asyncio.create_task(self._write(), name=f"writer of turn {self._turn.id}")

    async def end(self) -> None:
        """Shows nothing more. Repeatable. Raises what the writer failed by."""
        await self._stop_writing()
        if self._writer is not None and not self._writer.cancelled():
            self._writer.result()

    def queue(self, position: int) -> None:
        self._position = position
        self._news.set()

    def add(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._news.set()
            if not text.isspace():
                self._has_words.set()

    async def finish(self, answered: Answered, turn: Turn) -> Sequence[Part]:
        await self._stop_writing()
        self._turn, self._answered = turn, answered
        with sending(Priority.FINAL_TEXT):
            await self._show_all()
        return self.parts

    # --- the writer

    async def _write(self) -> None:
        while not self._is_gone:
            await self._news.wait()
            self._news.clear()
            try:
                await self._show()
            except UnavailableError as error:
                _log.info("answer_waits", turn=self._turn.id, error=type(error).__name__)
                await self._clock.sleep(EDIT_SECONDS)
                self._news.set()
            await self._pause()

    async def _stop_writing(self) -> None:
        """Whoever waits for a turn leaves the line; a call under way comes to its end."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})

    async def _pause(self) -> None:
        """Until the next edit may leave; the first words wait for nothing."""
        if self._left_at is None:
            return
        wait = EDIT_SECONDS - (self._clock.now() - self._left_at).total_seconds()
        if self._shows_words:
            await self._clock.sleep(wait)
        else:
            await _unless(self._has_words, self._clock.sleep(wait))

    # --- what the messages show

    def _draw(self) -> list[Message]:
        """What there is to show now, message by message."""
        text = self._text()
        tail = self._tail(text)
        found = self._cuts
        if tail is not None:
            found = [*(cut for cut in found if cut.start < tail.start), tail]
        count = len(found) - (tail is not None)
        words = [part_text(text, found, number) for number in range(count)]
        if count > 1 and tail is None and not words[-1].strip():
            words.pop()
        if not words or (self._file_from is not None and len(self._parts) > count):
            words.append("")
        *before, last = words
        drawn = [(excerpt(one), build_continued(neutralise(one))) for one in before]
        drawn.append(self._last(last, is_empty=not text.strip(), has_tail=tail is not None))
        if self._answered is not None:
            surplus = build_surplus()
            drawn += [(surplus[0]["elements"][0]["text"], surplus) for _ in self._parts[len(drawn) :]]
        return [
            (text, build_plain(blocks) if number in self._plain else blocks)
            for number, (text, blocks) in enumerate(drawn)
        ]

    def _last(self, words: str, *, is_empty: bool, has_tail: bool) -> Message:
        turn, server = self._turn, self._server
        if self._answered is not None:
            blocks = build_answered(turn, self._answered, neutralise(words), is_empty=is_empty, has_tail=has_tail)
            return excerpt(words) or blocks[0]["elements"][0]["text"], blocks
        thinking = build_thinking(turn.id, server)
        if words.strip():
            # What notifications read stays the same: Slack calls a message edited whose text changes.
            return thinking[0], build_writing(turn.id, server, neutralise(words), has_tail=has_tail)
        return build_queue(turn.id, server, self._position) if self._position else thinking

    def _text(self) -> str:
        text = "".join(self._pieces)
        self._pieces = [text]
        self._cuts = cuts(text, self._cuts)
        return text

    def _tail(self, text: str) -> Cut | None:
        """Where the file begins that has the rest; None if all is shown in messages."""
        if not self._takes_files:
            return None
        if self._file_from is not None:
            return self._cuts[self._file_from]
        return shown_cut(text, self._cuts)

    # --- showing it

    async def _show_all(self) -> None:
        """For good: what turns out not to be taken as messages goes into the file."""
        while not self._is_gone:
            before = (self._file_from, self._takes_files)
            await self._send_file()
            await self._show()
            if (self._file_from, self._takes_files) == before:
                return

    async def _show(self) -> None:
        """Edits what is not up to date and posts what is missing, in order. Raises UnavailableError."""
        while not self._is_gone:
            number = self._first_to_show(self._draw())
            if number is None or (self._answered is None and number == self._file_from):
                return
            if number == len(self._parts):
                is_done = await to_its_end(self._post(number))
            else:
                is_done = await self._edit(number)
            if is_done and self._answered is None and number == len(self._draw()) - 1:
                return  # what came meanwhile is for the next edit

    def _first_to_show(self, drawn: Sequence[Message]) -> int | None:
        shown = [*self._shown, *(None for _ in drawn[len(self._parts) :])]
        return next((number for number, message in enumerate(drawn) if message != shown[number]), None)

    async def _edit(self, number: int) -> bool:
        """Whether it shows what was to be shown in the moment in which the call left."""
        left: list[Message] = []

        async def draw() -> Mapping[str, Any]:
            left[:] = [self._leave(number)]
            await self._write_down()
            text, blocks = left[0]
            return {"text": text, "blocks": blocks}

        update = self._sender.update_latest(channel=self._spot.channel, ts=self._parts[number].ts, draw=draw)
        try:
            with sending(self._priority()):
                if self._answered is not None or self._has_words.is_set():
                    await update
                elif not await _unless(self._has_words, update):
                    return False
        except SlackApiError as error:
            return await self._refused(number, error)
        self._shown[number] = left[0]
        return True

    async def _post(self, number: int) -> bool:
        """A new message, or one in place of one that somebody deleted. It stands before it is told where."""
        message = self._leave(number)
        await self._write_down()
        key = f"turn/{self._turn.id}" + (f"/{number}" if number else "")
        try:
            with sending(Priority.FINAL_TEXT):
                ts = await self._find(key) or await post(self._sender, self._spot, message, key=key)
        except SlackUnavailableError as error:
            self._look |= error.maybe_done
            raise
        except SlackApiError as error:
            return await self._refused(number, error)
        self._parts[number : number + 1] = [Part(ts=ts, start=self._cuts[number].start if number else 0)]
        self._shown[number : number + 1] = [None if self._look else message]
        await self._write_down()
        return not self._look

    async def _find(self, key: str) -> str | None:
        """A message of this key that stands and is not known."""
        if not self._look:
            return None
        known = {part.ts for part in self._parts}
        found = await find_posted(self._sender, self._spot, key=key, since=posted_since(self._turn))
        return next((str(one["ts"]) for one in found if str(one["ts"]) not in known), None)

    async def _refused(self, number: int, refusal: SlackApiError) -> bool:
        """Makes the best of what Slack did not take; whether that was all that can be done."""
        error = str(refusal.response["error"])
        _log.warning("answer_not_taken", turn=self._turn.id, part=number, error=error)
        if error in _DELETED:
            return await to_its_end(self._post(number))
        if error not in _NOT_TAKEN:
            self._is_gone = True
        elif number not in self._plain:
            self._plain.add(number)
        elif self._file_from is None and self._takes_files:
            self._file_from = number
        else:
            self._is_gone = True
        return False

    def _leave(self, number: int) -> Message:
        """What a message shows that is sent off now."""
        self._left_at = self._clock.now()
        self._shows_words = self._has_words.is_set()
        return self._draw()[number]

    async def _write_down(self) -> None:
        if self._answered is None:
            await self._before_showing(self.parts)

    async def _send_file(self) -> None:
        """The rest of the answer, once; where Slack takes no files, it comes as messages after all."""
        text = self._text()
        tail = self._tail(text)
        if tail is None or tail.start == self._sent_from:
            return
        try:
            await upload(
                self._sender,
                channel=self._spot.channel,
                thread_ts=self._spot.thread_ts,
                name=f"answer-{self._turn.id}.md",
                title="The rest of the answer",
                data=file_text(text, tail).encode("utf-8", "replace"),
            )
        except SlackUnavailableError:
            raise
        except UnavailableError:
            _log.warning("answer_file_not_taken", turn=self._turn.id)
            self._takes_files = False
        else:
            self._sent_from = tail.start

    def _priority(self) -> Priority:
        if self._answered is not None:
            return Priority.FINAL_TEXT
        return Priority.FIRST_WORDS if self._has_words.is_set() and not self._shows_words else Priority.NORMAL


def posted_since(turn: Turn) -> datetime:
    """A time before any message of its answer."""
    return turn.created_at - _CLOCKS_APART


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Does the work, which is given up when the event comes first; whether it was done."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (doing, waiting):
            one.cancel()
        await asyncio.wait({doing, waiting})
    if doing.cancelled():
        return False
    doing.result()
    return True
