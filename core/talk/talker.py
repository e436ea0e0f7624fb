"""Answers turns, under leases: what a replica that died was answering is taken over by another."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from core.audit.model import AuditEntry
from core.cancellation import to_its_end
from core.errors import NotFoundError, PrimeError, UnavailableError
from core.people.model import PersonId
from core.redaction.errors import GateError, RedactionFailedError
from core.redaction.restore import restore
from core.servers.model import Server, ServerState
from core.storage import Stores
from core.talk.answering import Answering, EngineMemory, Wiring
from core.talk.line import Line
from core.talk.model import Conversation, Turn, TurnState
from core.talk.ports import Replies, Reply
from core.talk.redacting import NotSentError, WarnedError
from core.talk.rules import (
    LEASE,
    OFFER_LIMIT,
    PER_PERSON,
    PLACE_LIMIT,
    TAKEN_OVER_TRIES,
    answered_of,
    can_talk,
    end_state,
    withdrawn,
)

POLL_SECONDS = 0.5
"""How late at most a replica sees what another one stored, such as a press of Stop."""
PROLONG_SECONDS = LEASE.total_seconds() / 3
GRACE_SECONDS = 8.0
AT_ONCE = 400
SLACK_WAITS_SECONDS = (1.0, 3.0, 10.0, 30.0)
"""Between two tries to show the end of an answer while Slack is away."""
UNSHOWN_TRIES = 2900
"""About a day."""
_INTERRUPTED = "Prime was interrupted while this was being answered."
_NOT_PLACED = "Prime was interrupted before it could begin with this."
_NOT_CHOSEN = "No server was chosen for this within a day, so it was not answered. Ask again in a new message."
_NOT_STARTED = "Its server was not started within a day, so this was not answered."
_NOT_DECIDED = "Whoever asked did not say within a day whether this may be sent, so it was not."
_LEFT = {
    TurnState.NEW: _NOT_PLACED,
    TurnState.OFFERED: _NOT_CHOSEN,
    TurnState.WARNED: _NOT_DECIDED,
}
_UNFORESEEN = "Something went wrong on Prime's side while this was being answered."

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Running:
    task: asyncio.Task[None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_by: PersonId | None = None
    """None with `stop` set: Prime itself stops."""
    answering: Answering | None = None


class Talker:
    def __init__(
        self,
        wiring: Wiring,
        replies: Replies,
        *,
        holder: str,
        news: asyncio.Event,
        report: Callable[[str, Exception, int], object],
        at_once: int = AT_ONCE,
        drain_seconds: float = 0,
    ) -> None:
        """`news` is set by whoever stores something for it to do. `report` takes unforeseen errors, with the turn."""
        self._wiring = wiring
        self._replies = replies
        self._holder = holder
        self._news = news
        self._report = report
        self._at_once = at_once
        self._drain_seconds = drain_seconds
        self._running: dict[int, _Running] = {}
        """By turn."""
        self._engines: dict[tuple[int, datetime | None], EngineMemory] = {}
        """By server and since when it is ready."""
        self._shown_waking: dict[int, ServerState] = {}
        """Turn -> what its message last said of the server."""

    async def run(self) -> None:
        """Answers until it is cancelled; then lets what runs go on for `drain_seconds`, and ends the rest within
        `GRACE_SECONDS`."""
        keeper = asyncio.create_task(self._keep_leases(), name="leases of turns")
        try:
            while True:
                self._news.clear()
                with suppress(PrimeError):  # the database is away; what runs goes on
                    await to_its_end(self._take())
                    await to_its_end(self._hear_stops())
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._news.wait()
        finally:
            await self._drain()
            await self._end_all()
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def look_after_waking(self) -> None:
        """What waits for its server goes on when that is ready, and is told what becomes of it; what was left before it
        began comes to its end. For one replica."""
        now = self._wiring.clock.now()
        async with self._wiring.storage.transaction() as stores:
            woken = await stores.talk.wake()
            waking = await stores.talk.waking()
            left = await stores.talk.left(new_before=now - PLACE_LIMIT, offered_before=now - OFFER_LIMIT)
        if woken:
            self._news.set()
        self._shown_waking = {
            turn.id: self._shown_waking[turn.id] for turn, _ in waking if turn.id in self._shown_waking
        }
        for turn, server_id in waking:
            await self._look_after(turn, server_id)
        for turn in left:
            await self._give_to_talker(turn, failure=_LEFT[turn.state])

    # --- taking

    async def _take(self) -> None:
        free = self._at_once - len(self._running)
        if free <= 0:
            return
        now = self._wiring.clock.now()
        async with self._wiring.storage.transaction() as stores:
            turns = await stores.talk.claim(
                holder=self._holder, now=now, lease_until=now + LEASE, limit=free, per_person=PER_PERSON
            )
        for turn in turns:
            # One that runs here already has a new lease: the old one ended while the database was away.
            if turn.id not in self._running:
                self._begin(turn.id, self._hold(turn))

    def _begin(self, turn_id: int, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"turn {turn_id}")
        self._running[turn_id] = _Running(task=task)

        def ended(_: asyncio.Task[None]) -> None:
            del self._running[turn_id]
            self._news.set()  # what waited behind it is free

        task.add_done_callback(ended)

    async def _keep_leases(self) -> None:
        while True:
            await self._wiring.clock.sleep(PROLONG_SECONDS)
            held = list(self._running)
            if not held:
                continue
            try:
                async with self._wiring.storage.transaction() as stores:
                    until = self._wiring.clock.now() + LEASE
                    kept = set(await stores.talk.extend(held, holder=self._holder, lease_until=until))
            except PrimeError:
                continue
            for turn_id in set(held).difference(kept):
                if turn_id in self._running:
                    _log.warning("turn_lost", turn=turn_id)
                    self._running[turn_id].task.cancel()

    async def _hear_stops(self) -> None:
        if not self._running:
            return
        async with self._wiring.storage.transaction() as stores:
            stops = await stores.talk.stops(holder=self._holder)
        for turn_id, person in stops.items():
            if (running := self._running.get(turn_id)) is not None:
                running.stopped_by = person
                running.stop.set()

    async def _drain(self) -> None:
        """What has said nothing yet is left to other replicas at once. Stop still works."""
        for running in self._running.values():
            if running.answering is None or not running.answering.has_begun:
                running.stop.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                while self._running:
                    with suppress(PrimeError):
                        await to_its_end(self._hear_stops())
                    await asyncio.wait([one.task for one in self._running.values()], timeout=POLL_SECONDS)

    async def _end_all(self) -> None:
        if not self._running:
            return
        for running in self._running.values():
            running.stop.set()
        tasks = [running.task for running in self._running.values()]
        _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for task in late:
            task.cancel()
        if late:
            _log.warning("turns_left", turns=len(late))
            await asyncio.wait(late, timeout=2.0)

    # --- one turn

    async def _hold(self, turn: Turn) -> None:
        try:
            await self._answer(turn)
        except PrimeError as error:
            _log.warning("turn_put_off", turn=turn.id, error=type(error).__name__)  # its lease ends, and it comes again
        except Exception as error:  # noqa: BLE001 one answer's failure must not end the others; tries are counted
            self._report("turn_failed", error, turn.id)

    async def _answer(self, turn: Turn) -> None:
        async with self._wiring.storage.transaction() as stores:
            conversation = await stores.talk.get(turn.conversation_id)
            assert conversation is not None, "a turn has a conversation"
            server = None if conversation.server_id is None else await stores.servers.get(conversation.server_id)
        if turn.ended_at is not None or turn.stopped_by is not None or turn.answer or turn.tries > TAKEN_OVER_TRIES:
            await self._close(turn, conversation, server)
        elif server is None or not can_talk(server):
            sentence = "The server of this thread is not there any more. Ask in a new thread."
            await self._close(replace(turn, failure=sentence), conversation, server)
        elif server.state is not ServerState.READY:
            await self._release(turn, TurnState.WAKING)
        else:
            await self._stream(turn, conversation, server)

    async def _stream(self, turn: Turn, conversation: Conversation, server: Server) -> None:
        running = self._running[turn.id]
        turn = replace(turn, started_at=self._wiring.clock.now())
        answering = Answering(
            self._wiring, turn, conversation, server, holder=self._holder, memory=self._memory_of(server)
        )
        running.answering = answering
        async with self._replies.open(turn, conversation, server, before_showing=answering.note) as reply:
            failure, is_unforeseen = "", False
            stream = asyncio.create_task(answering.run(reply), name=f"stream of turn {turn.id}")
            stopping = asyncio.create_task(running.stop.wait())
            try:
                await asyncio.wait({stream, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Closing the stream closes the connection to the engine, which ends the work there.
                for task in (stream, stopping):
                    task.cancel()
                await asyncio.gather(stream, stopping, return_exceptions=True)
            found = await answering.close()
            if not stream.cancelled() and (error := stream.exception()) is not None:
                if isinstance(error, WarnedError):
                    # Asked before it is given back: whoever takes it over from a replica that dies here asks again.
                    await self._replies.warn(turn, conversation, error.found, risk=error.risk)
                    await self._write(replace(turn, warned={kind: len(one) for kind, one in error.found.items()}))
                    await self._release(turn, TurnState.WARNED)
                    return
                if isinstance(error, NotSentError | RedactionFailedError | GateError):
                    await self._note_not_sent(turn, error)
                if isinstance(error, NotSentError):
                    await self._tell_author(turn, conversation, error.told)
                if isinstance(error, PrimeError):
                    failure = str(error)
                elif isinstance(error, Exception):
                    failure, is_unforeseen = _UNFORESEEN, True
                    self._report("answer_failed", error, turn.id)
                _log.info("answer_not_whole", turn=turn.id, error=type(error).__name__, unforeseen=is_unforeseen)
            was_cut_short = stream.cancelled()
            if was_cut_short and running.stopped_by is None and not found.answer:
                await self._release(turn, TurnState.WAITING)  # Prime stops; another replica answers it
                return
            found = replace(
                found,
                ended_at=self._wiring.clock.now(),
                failure=failure,
                stopped_by=running.stopped_by if was_cut_short else None,
            )
            state = TurnState.INTERRUPTED if was_cut_short and running.stopped_by is None else end_state(found)
            if state is TurnState.INTERRUPTED:
                found = replace(found, failure=_INTERRUPTED)
            await self._finish(replace(found, state=state), conversation, server, reply)

    async def _finish(self, turn: Turn, conversation: Conversation, server: Server, reply: Reply) -> None:
        """Written down before it is shown, so that who takes over from here shows the same; done once it is shown."""
        if not await self._write(replace(turn, state=TurnState.RUNNING, parts=tuple(reply.parts))):
            return
        answered = answered_of(turn, server, conversation, is_first=await self._is_first(turn))
        parts = await self._shown(lambda: reply.finish(answered, turn))
        await self._write(replace(turn, parts=tuple(parts if parts is not None else reply.parts)), is_end=True)
        _log_end(turn)

    async def _close(self, turn: Turn, conversation: Conversation, server: Server | None) -> None:
        """Ends a turn that nobody streams: its replica died, it was stopped before it began, or it cannot begin."""
        if turn.ended_at is None:
            if turn.stopped_by is None and not turn.failure:
                turn = replace(turn, failure=_INTERRUPTED)
            turn = replace(turn, ended_at=self._wiring.clock.now())
        state = end_state(turn)
        if turn.failure == _INTERRUPTED and turn.stopped_by is None:
            state = TurnState.INTERRUPTED
        turn = replace(turn, state=state)
        async with self._wiring.storage.transaction() as stores:
            vault = await stores.talk.vault(conversation.id)
        answered = answered_of(turn, server, conversation, is_first=await self._is_first(turn))
        text = turn.answer if turn.is_masked else restore(turn.answer, vault)
        parts = await self._shown(lambda: self._replies.close(turn, conversation, server, text, answered))
        await self._write(replace(turn, parts=tuple(parts if parts is not None else turn.parts)), is_end=True)
        _log_end(turn)

    async def _shown(self, show: Callable[[], Coroutine[Any, Any, Any]]) -> Any | None:
        """Tries for as long as Slack is away; None if that was too long."""
        for number in range(UNSHOWN_TRIES):
            try:
                return await show()
            except UnavailableError:
                await self._wiring.clock.sleep(SLACK_WAITS_SECONDS[min(number, len(SLACK_WAITS_SECONDS) - 1)])
        return None

    async def _write(self, turn: Turn, *, is_end: bool = False) -> bool:
        async def write(stores: Stores) -> bool:
            if is_end:
                conversation = await stores.talk.get(turn.conversation_id)
                if conversation is not None and conversation.server_id is not None:
                    await stores.watch.used(conversation.server_id, at=self._wiring.clock.now())
            return await stores.talk.write(turn, holder=self._holder)

        return await self._persistently(write)

    async def _persistently(self, work: Callable[[Stores], Awaitable[T]]) -> T:
        """However long the database is away: the lease is prolonged as soon as it can be."""
        while True:
            try:
                async with self._wiring.storage.transaction() as stores:
                    return await work(stores)
            except UnavailableError:
                await self._wiring.clock.sleep(1.0)

    async def _release(self, turn: Turn, state: TurnState) -> None:
        async with self._wiring.storage.transaction() as stores:
            await stores.talk.release(turn.id, holder=self._holder, state=state)

    async def _is_first(self, turn: Turn) -> bool:
        turns = await self._persistently(lambda stores: stores.talk.turns(turn.conversation_id))
        return all(one.prompt_ts == turn.prompt_ts for one in turns)

    async def _note_not_sent(self, turn: Turn, error: NotSentError | RedactionFailedError | GateError) -> None:
        """In the audit log, by types; what it was stands nowhere."""
        found = sorted(error.found) if isinstance(error, NotSentError) else []
        entry = AuditEntry(
            at=self._wiring.clock.now(),
            actor=str(turn.author),
            action=not_sent_action(error),
            target=f"turn:{turn.id}",
            detail={"types": [str(kind) for kind in found]},
        )
        with suppress(PrimeError):  # nothing was sent, whether or not that can be noted
            async with self._wiring.storage.transaction() as stores:
                await stores.audit.append(entry)

    async def _tell_author(self, turn: Turn, conversation: Conversation, sentence: str) -> None:
        with suppress(UnavailableError):
            await self._replies.tell_author(turn, conversation, sentence)

    def _memory_of(self, server: Server) -> EngineMemory:
        key = (server.id, server.ready_at)
        if key not in self._engines:
            for old in [one for one in self._engines if one[0] == server.id]:
                del self._engines[old]
            self._engines[key] = EngineMemory(line=Line(self._wiring.clock))
        return self._engines[key]

    # --- what waits for its server

    async def _look_after(self, turn: Turn, server_id: int) -> None:
        try:
            async with self._wiring.storage.transaction() as stores:
                server = await stores.servers.get(server_id)
                conversation = await stores.talk.get(turn.conversation_id)
            if conversation is None:
                raise NotFoundError("A turn without a conversation.")
            is_old = self._wiring.clock.now() - turn.created_at > OFFER_LIMIT
            if server is None or not can_talk(server) or is_old:
                await self._give_to_talker(turn, failure=_NOT_STARTED if is_old else "")
                return
            if self._shown_waking.get(turn.id) is not server.state:
                await self._replies.show_asleep(
                    turn, conversation, server, still_waits=partial(self._still_waits, turn.id)
                )
                self._shown_waking[turn.id] = server.state
        except UnavailableError as error:
            _log.warning("waking_not_shown", turn=turn.id, error=type(error).__name__)

    async def _still_waits(self, turn_id: int) -> bool:
        async with self._wiring.storage.transaction() as stores:
            turn = await stores.talk.turn(turn_id)
        return turn is not None and turn.state is TurnState.WAKING

    async def _give_to_talker(self, turn: Turn, *, failure: str) -> None:
        """It ends there, with a sentence."""
        async with self._wiring.storage.transaction() as stores:
            await stores.talk.lock(turn.conversation_id)
            fresh = await stores.talk.turn(turn.id)
            if fresh is not None and fresh.state is turn.state:
                ended = self._wiring.clock.now() if failure else None
                given = replace(fresh, state=TurnState.WAITING, failure=failure, ended_at=ended)
                await stores.talk.change(withdrawn(given) if turn.state is TurnState.WARNED else given)
        self._news.set()


def _log_end(turn: Turn) -> None:
    _log.info("answered", turn=turn.id, state=turn.state, tokens=turn.generated_tokens, tries=turn.tries)


def not_sent_action(error: NotSentError | RedactionFailedError | GateError) -> str:
    """What the audit log calls it."""
    match error:
        case NotSentError():
            return "redaction.prompt.block"
        case RedactionFailedError():
            return "redaction.prompt.fail"
        case GateError():
            return "redaction.gate.close"
