"""What people ask of conversations. Each use case writes down what is wanted; `core.talk.talker` answers. How it
answers is set in `core.talk.tuning`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.access.model import Principal
from core.access.permissions import Permission, may, require
from core.clock import Clock
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.notices import Notice, owe
from core.people.model import PersonId
from core.servers.model import Server, ServerState
from core.servers.service import Servers
from core.storage import Storage, Stores
from core.talk.locks import NO_MORE, locked, server_of
from core.talk.model import (
    Asked,
    Attachment,
    Conversation,
    Fate,
    NewTurn,
    Part,
    PromptRequest,
    Settings,
    Thread,
    Turn,
    TurnKind,
    TurnState,
    Votes,
)
from core.talk.rules import (
    MOST_WAITING,
    PER_PERSON,
    PROMPT_LENGTH,
    can_go_on,
    can_talk,
    check_talks,
    choice_of,
    comes_up,
    is_offered_edit,
    is_stop,
    may_steer,
    place_of,
)

MOST_CHOICES = 100
"""What a select offers."""

_NOT_LAST = "Only the last answer of a thread can be changed. Say in a new message what you want."
_STILL_RUNS = "This is still being answered. Press Stop first, or wait for its end."


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was said in a thread before Prime was asked."""

    ts: str
    author: PersonId
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    storage: Storage
    clock: Clock
    servers: Servers
    wake: Callable[[], None]
    """Called when there is something for the talker to do."""

    async def is_heard(self, thread: Thread) -> bool:
        """Whether a reply in it is for Prime, without a mention."""
        async with self.storage.transaction() as stores:
            return await stores.talk.is_heard(thread)

    async def active(self, *, within: timedelta, known_before: datetime, limit: int) -> Sequence[tuple[Thread, str]]:
        """Threads in which somebody asked something lately, latest first, with the ts of the last question that was
        known before `known_before`."""
        since = self.clock.now() - within
        async with self.storage.transaction() as stores:
            return await stores.talk.active(since=since, known_before=known_before, limit=limit)

    # --- asking

    async def ask(self, actor: Principal, request: PromptRequest) -> Asked | None:
        """Writes down what was said, and what is to be done about it; None: nothing, it was not for Prime or is known
        already.

        Raises AccessDeniedError below READ; NotFoundError, InvalidInputError for a server that is named wrongly;
        ConflictError where there is no server at all."""
        require(actor.role, Permission.TALK)
        if request.in_thread and is_stop(request.text):
            return await self._stop_all(actor, request.thread)
        named = await self.servers.find(actor, request.server_name) if request.server_name else None
        prompt = _prompt_of(request)
        async with self.storage.transaction() as stores:
            if not request.is_addressed and await stores.talk.find(request.thread) is None:
                return None
            now = self.clock.now()
            conversation = await stores.talk.open_conversation(
                request.thread, starter=request.author, in_thread=request.in_thread, now=now
            )
            if request.to_somebody_else and not request.is_addressed:
                return await self._note(stores, conversation, request, prompt)
            key = f"prompt/{request.ts}"
            if await stores.talk.with_key(conversation.id, key) is None:
                await _check_room(stores, request.author)
            server, choices = await self._server_for(stores, conversation, named)
            if server is not None and conversation.server_id != server.id:
                conversation = replace(conversation, server_id=server.id)
            turn, is_new = await stores.talk.add(
                NewTurn(
                    key=key,
                    conversation_id=conversation.id,
                    kind=TurnKind.PROMPT,
                    state=TurnState.OFFERED if server is None else TurnState.NEW,
                    author=request.author,
                    prompt_ts=request.ts,
                    prompt=prompt,
                    settings=conversation.next_settings,
                ),
                now=now,
            )
            if not is_new and turn.parts:
                return None
            conversation = replace(conversation, next_settings=Settings())
            await stores.talk.save(conversation)
            if server is None:
                found = [choice_of(one) for one in choices]
                return Asked(fate=Fate.CHOOSE, conversation=conversation, turn=turn, choices=found)
            return await self._asked(stores, conversation, turn, server)

    async def begin(self, actor: Principal, thread: Thread, server_id: int | None) -> Conversation:
        """A thread that waits for its first question."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            conversation = await stores.talk.open_conversation(
                thread, starter=actor.person, in_thread=False, now=self.clock.now()
            )
            conversation = replace(conversation, server_id=server_id)
            await stores.talk.save(conversation)
        return conversation

    async def placed(self, turn_id: int, ts: str) -> Turn:
        """Its message stands. A NEW turn is WAITING or WAKING from now on. Repeatable."""
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            if not turn.parts:
                turn = replace(turn, parts=(Part(ts=ts, start=0),))
            if turn.state is TurnState.NEW:
                server = await server_of(stores, conversation)
                turn = replace(turn, state=_state_for(server))
            await stores.talk.change(turn)
        self.wake()
        return turn

    async def choose(self, actor: Principal, turn_id: int, server_id: int) -> Asked:
        """Which server an OFFERED turn, and so its conversation, is for. Raises AccessDeniedError for whoever did not
        ask and is no ADMIN; ConflictError if it was chosen already."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            if not may_steer(actor, turn.author, None):
                raise AccessDeniedError("Only whoever asked chooses which server answers.")
            server = await stores.servers.get(server_id)
            if server is None:
                raise NotFoundError("There is no such server any more. `/prime servers` lists those that there are.")
            check_talks(server)
            if turn.state is not TurnState.OFFERED or turn.kind is not TurnKind.PROMPT:
                raise ConflictError("A server was chosen for this already.")
            conversation = replace(conversation, server_id=server.id)
            await stores.talk.save(conversation)
            turn = replace(turn, state=_state_for(server))
            await stores.talk.change(turn)
            asked = await self._asked(stores, conversation, turn, server)
        self.wake()
        return asked

    async def offer_edit(self, actor: Principal, request: PromptRequest) -> Turn | None:
        """Somebody edited a message: an OFFERED turn, if it was their last prompt of this thread and was not asked
        again before; else None. A newer text replaces the one of an offer that was not taken. Raises InvalidInputError
        if it is too long."""
        prompt, ts = _prompt_of(request), request.ts
        if not may(actor.role, Permission.TALK) or not prompt:
            return None
        async with self.storage.transaction() as stores:
            conversation = await stores.talk.find(request.thread)
            if conversation is None:
                return None
            conversation = await stores.talk.lock(conversation.id)
            last = _last(await stores.talk.turns(conversation.id))
            if last is None or last.prompt_ts != ts or last.author != actor.person:
                return None
            turn, is_new = await stores.talk.add(
                NewTurn(
                    key=f"edit/{ts}",
                    conversation_id=conversation.id,
                    kind=TurnKind.EDIT,
                    state=TurnState.OFFERED,
                    author=actor.person,
                    prompt_ts=ts,
                    prompt=prompt,
                    replaces=last.id,
                    settings=last.settings,
                ),
                now=self.clock.now(),
            )
            if is_new:
                return turn
            if turn.state is not TurnState.OFFERED:
                return None
            turn = replace(turn, prompt=prompt)
            await stores.talk.change(turn)
            return turn

    async def accept_edit(self, actor: Principal, turn_id: int) -> Asked:
        """Raises ConflictError if it was accepted before, AccessDeniedError for others than its author."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            if turn.author != actor.person:
                raise AccessDeniedError("Only whoever asked can ask again.")
            if turn.kind is TurnKind.EDIT and turn.state is TurnState.NEW:  # accepted, and its message not noted yet
                return await self._asked(stores, conversation, turn, await server_of(stores, conversation))
            if turn.kind is not TurnKind.EDIT or turn.state is not TurnState.OFFERED:
                raise ConflictError("This was asked again already.")
            last = _last(await stores.talk.turns(conversation.id))
            if last is None or last.id != turn.replaces:
                raise ConflictError(_NOT_LAST)
            if last.is_open:
                raise ConflictError(_STILL_RUNS)
            conversation, server = await self._bound(stores, conversation)
            await self._unsee(stores, last)
            turn = replace(turn, state=TurnState.NEW)
            await stores.talk.change(turn)
            return await self._asked(stores, conversation, turn, server)

    # --- changing what was answered

    async def retake(self, actor: Principal, turn_id: int) -> Asked:
        """Asks for another answer in place of the conversation's last one (Regenerate, Retry). Pressed twice it gives
        the same turn. Raises ConflictError for a turn that runs or is not the last."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            return await self._retake(stores, actor, turn, conversation)

    async def more(self, actor: Principal, turn_id: int) -> Asked:
        """Goes on with the conversation's last answer, which was cut off by its length. Otherwise as `retake`."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            known = await stores.talk.with_key(conversation.id, f"more/{turn.id}")
            if known is None:
                await self._check_last(stores, turn)
                if not can_go_on(turn):
                    raise ConflictError("This answer came to its end by itself, so there is nothing to go on with.")
            new = NewTurn(
                key=f"more/{turn.id}",
                conversation_id=conversation.id,
                kind=TurnKind.MORE,
                state=TurnState.NEW,
                author=actor.person,
                prompt_ts=turn.prompt_ts,
                prompt="",
                is_redacted=True,
                settings=turn.settings,
            )
            conversation, server = await self._bound(stores, conversation)
            added, _ = await stores.talk.add(new, now=self.clock.now())
            return await self._asked(stores, conversation, added, server)

    async def read_thread(self, actor: Principal, turn_id: int, notes: Sequence[Note]) -> Asked:
        """Takes what was said above into the context, and answers the turn again. Raises like `retake`."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            asked = await self._retake(stores, actor, turn, conversation)
            for note in notes:
                new = NewTurn(
                    key=f"note/{note.ts}",
                    conversation_id=conversation.id,
                    kind=TurnKind.NOTE,
                    state=TurnState.NOTED,
                    author=note.author,
                    prompt_ts=note.ts,
                    prompt=f"{note.name}: {note.text}",
                )
                await stores.talk.add(new, now=self.clock.now())
            await stores.talk.save(replace(asked.conversation, began_in_thread=False))
            return asked

    async def stop(self, actor: Principal, turn_id: int) -> Turn:
        """Ends an answer soon; the talker shows it. For its author, the server's owner and ADMIN. Nothing if it has
        ended."""
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            if not may_steer(actor, turn.author, await server_of(stores, conversation)):
                raise AccessDeniedError("Only whoever asked, the server's owner and ADMINs stop an answer.")
            turn = await self._stop(stores, actor, turn)
        self.wake()
        return turn

    async def undo(self, actor: Principal, turn_id: int) -> Turn:
        """Drops the last turn: later ones do not see it. Raises ConflictError like `retake`."""
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            if not may_steer(actor, turn.author, await server_of(stores, conversation)):
                raise AccessDeniedError("Only whoever asked, the server's owner and ADMINs drop an answer.")
            await self._check_last(stores, turn)
            return await self._unsee(stores, turn)

    async def clear(self, actor: Principal, turn_id: int) -> Conversation:
        """The conversation of this turn starts afresh. Raises ConflictError while an answer runs in it."""
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            server = await server_of(stores, conversation)
            if not may_steer(actor, turn.author, server) and actor.person != conversation.starter:
                raise AccessDeniedError("Only whoever asks here, the server's owner and ADMINs clear a thread.")
            turns = await stores.talk.turns(conversation.id)
            if any(one.state in (TurnState.WAITING, TurnState.RUNNING) for one in turns):
                raise ConflictError(_STILL_RUNS)
            conversation = replace(conversation, cleared_ts=max(one.prompt_ts for one in turns))
            await stores.talk.save(conversation)
            return conversation

    async def vote(self, actor: Principal, turn_id: int, *, up: bool) -> bool | None:
        """Their vote from now on; the same again takes it back (None)."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, _ = await locked(stores, turn_id)
            vote = None if await stores.talk.vote_of(turn.id, actor.person) is up else up
            await stores.talk.vote(turn.id, actor.person, up=vote)
        return vote

    async def votes(self, server_id: int) -> Votes:
        async with self.storage.transaction() as stores:
            return await stores.talk.votes(server_id)

    async def turn(self, turn_id: int) -> tuple[Turn, Conversation]:
        """Raises NotFoundError."""
        async with self.storage.transaction() as stores:
            turn = await stores.talk.turn(turn_id)
            conversation = None if turn is None else await stores.talk.get(turn.conversation_id)
        if turn is None or conversation is None:
            raise NotFoundError(NO_MORE)
        return turn, conversation

    async def start(self, actor: Principal, turn_id: int) -> bool:
        """Starts the server that a WAKING turn waits for; False if this person may not, and so its owner and the
        approval channel are asked to. Raises ConflictError, OverBudgetError as `Servers.start`."""
        require(actor.role, Permission.TALK)
        _, conversation = await self.turn(turn_id)
        if conversation.server_id is None:
            raise NotFoundError(NO_MORE)
        server = await self.servers.get(conversation.server_id)
        if server.state is ServerState.READY or comes_up(server):
            self.wake()
            return True
        if may(actor.role, Permission.RUN_SERVERS):
            await self.servers.start(actor, server.id)
            return True
        async with self.storage.transaction() as stores:
            asked = owe(
                Notice.START_ASKED,
                server_id=server.id,
                user=actor.person.user,
                work_key=f"start-asked/{server.id}/{server.version}/{actor.person}",
            )
            await stores.inbox.add(asked, now=self.clock.now())
        return False

    async def open_chat(
        self,
        actor: Principal,
        *,
        channel: str,
        server_id: int | None,
        prompt: str,
        key: str,
        about: str = "",
        thread_ts: str = "",
    ) -> None:
        """Owes a thread in a channel (or, with a person's id, in their direct message) that begins with this prompt,
        which may be empty. `about` is a message that it is asked about. With `thread_ts` it goes on in that thread.
        `key` is that of what asked for it: the same again begins no other."""
        require(actor.role, Permission.TALK)
        notice = owe(
            Notice.CHAT_OPENED,
            work_key=f"chat/{key}",
            team=actor.person.team,
            user=actor.person.user,
            channel=channel,
            thread_ts=thread_ts,
            server_id=server_id,
            prompt=prompt[:PROMPT_LENGTH],
            about=about[:PROMPT_LENGTH],
        )
        async with self.storage.transaction() as stores:
            await stores.inbox.add(notice, now=self.clock.now())

    # --- parts of the above

    async def _server_for(
        self, stores: Stores, conversation: Conversation, named: Server | None
    ) -> tuple[Server | None, Sequence[Server]]:
        """The server, or those to choose from: the thread's, else the named one, else the channel's, else the only one
        that is ready, else the only one."""
        bound = await server_of(stores, conversation)
        if bound is not None and can_talk(bound):
            if named is not None and named.id != bound.id:
                raise InvalidInputError(
                    f"This thread talks to `{bound.spec.name}`. Ask `{named.spec.name}` in a new thread."
                )
            return bound, ()
        if named is not None:
            check_talks(named)
            return named, ()
        thread = conversation.thread
        default_id = await stores.talk.channel_server(thread.team, thread.channel)
        default = None if default_id is None else await stores.servers.get(default_id)
        if default is not None and can_talk(default):
            return default, ()
        listed, _ = await stores.servers.search("", after=None, limit=MOST_CHOICES)
        there = [one for one in listed if can_talk(one)]
        ready = [one for one in there if one.state is ServerState.READY]
        if not there:
            raise ConflictError("There is no server to talk to yet. `/prime create` makes one.")
        if len(ready) == 1 or (not ready and len(there) == 1):
            return (ready or there)[0], ()
        return None, [*ready, *(one for one in there if one not in ready)]

    async def _asked(self, stores: Stores, conversation: Conversation, turn: Turn, server: Server | None) -> Asked:
        if server is None or server.state is ServerState.READY:
            turns = await stores.talk.turns(conversation.id)
            busy = any(one.id != turn.id and one.state in (TurnState.WAITING, TurnState.RUNNING) for one in turns)
            is_behind = busy or await stores.talk.open_turns(turn.author) >= PER_PERSON
            return Asked(fate=Fate.ACCEPTED, conversation=conversation, turn=turn, server=server, is_behind=is_behind)
        fate = Fate.COMES_UP if comes_up(server) else Fate.ASLEEP
        return Asked(fate=fate, conversation=conversation, turn=turn, server=server)

    async def _note(self, stores: Stores, conversation: Conversation, request: PromptRequest, prompt: str) -> Asked:
        note = NewTurn(
            key=f"note/{request.ts}",
            conversation_id=conversation.id,
            kind=TurnKind.NOTE,
            state=TurnState.NOTED,
            author=request.author,
            prompt_ts=request.ts,
            prompt=f"{request.author_name}: {prompt}",
        )
        await stores.talk.add(note, now=self.clock.now())
        return Asked(fate=Fate.NOTED, conversation=conversation, turn=None)

    async def _retake(self, stores: Stores, actor: Principal, turn: Turn, conversation: Conversation) -> Asked:
        key = f"retake/{turn.id}"
        if await stores.talk.with_key(conversation.id, key) is None:
            await self._check_last(stores, turn)
            if not turn.prompt and turn.kind is not TurnKind.MORE:
                raise ConflictError(
                    "What was asked is not kept, because it must not leave. Ask again in a new message."
                )
            await self._unsee(stores, turn)
        new = NewTurn(
            key=key,
            conversation_id=conversation.id,
            kind=TurnKind.MORE if turn.kind is TurnKind.MORE else TurnKind.PROMPT,
            state=TurnState.NEW,
            author=actor.person if turn.is_redacted else turn.author,  # who typed it decides what leaves
            prompt_ts=turn.prompt_ts,
            prompt=turn.prompt,
            is_redacted=turn.is_redacted,
            redactions=turn.redactions,
            risk=turn.risk,
            replaces=turn.id,
            settings=turn.settings if conversation.next_settings.is_empty else conversation.next_settings,
        )
        conversation, server = await self._bound(stores, conversation)
        added, is_new = await stores.talk.add(new, now=self.clock.now())
        if is_new and not conversation.next_settings.is_empty:
            conversation = replace(conversation, next_settings=Settings())
            await stores.talk.save(conversation)
        return await self._asked(stores, conversation, added, server)

    async def _bound(self, stores: Stores, conversation: Conversation) -> tuple[Conversation, Server]:
        """With its server, or in place of one that is gone with the one that a new question would go to. Raises
        ConflictError where somebody has to choose."""
        server, choices = await self._server_for(stores, conversation, None)
        if server is None:
            names = ", ".join(f"`{one.spec.name}`" for one in choices[:5])
            raise ConflictError(
                f"Which server is to answer? Ask in a new message, as in `@Prime on NAME: ...`: {names}."
            )
        if server.id != conversation.server_id:
            conversation = replace(conversation, server_id=server.id)
            await stores.talk.save(conversation)
        return conversation, server

    async def _stop_all(self, actor: Principal, thread: Thread) -> Asked | None:
        async with self.storage.transaction() as stores:
            conversation = await stores.talk.find(thread)
            if conversation is None:
                return None
            conversation = await stores.talk.lock(conversation.id)
            server = await server_of(stores, conversation)
            for turn in await stores.talk.turns(conversation.id):
                if turn.is_open and may_steer(actor, turn.author, server):
                    await self._stop(stores, actor, turn)
        self.wake()
        return Asked(fate=Fate.STOPPED, conversation=conversation, turn=None)

    async def _stop(self, stores: Stores, actor: Principal, turn: Turn) -> Turn:
        """One that does not run yet is handed to the talker, which closes its message."""
        if not turn.is_open or turn.stopped_by is not None:
            return turn
        stopped = replace(turn, stopped_by=actor.person)
        if turn.state is not TurnState.RUNNING:
            stopped = replace(stopped, state=TurnState.WAITING if turn.parts else TurnState.STOPPED)
            if await stores.talk.change(stopped):
                return stopped
        return await stores.talk.ask_stop(turn.id, by=actor.person) or turn

    async def _check_last(self, stores: Stores, turn: Turn) -> None:
        if turn.is_open:
            raise ConflictError(_STILL_RUNS)
        last = _last(await stores.talk.turns(turn.conversation_id))
        if last is None or last.id != turn.id:
            raise ConflictError(_NOT_LAST)

    async def _unsee(self, stores: Stores, turn: Turn) -> Turn:
        unseen = replace(turn, is_seen=False)
        await stores.talk.change(unseen)
        return unseen


async def _check_room(stores: Stores, author: PersonId) -> None:
    """Raises ConflictError where enough waits already."""
    if await stores.talk.open_turns(author) >= MOST_WAITING:
        raise ConflictError(
            f"{MOST_WAITING} of your questions wait for an answer. Please ask again when some are done."
        )


def _prompt_of(request: PromptRequest) -> str:
    """Raises InvalidInputError if it is too long to be read."""
    prompt = "\n\n".join([request.text, *map(_shown, request.attachments)]).strip()
    if len(prompt) > PROMPT_LENGTH:
        raise InvalidInputError(f"This is too long: Prime takes at most {PROMPT_LENGTH:,} characters, files included.")
    return prompt


def _shown(attachment: Attachment) -> str:
    return f"File {attachment.name}:\n{attachment.text}"


def _state_for(server: Server | None) -> TurnState:
    """The talker tells people of a server that is not there any more."""
    return TurnState.WAITING if server is None or server.state is ServerState.READY else TurnState.WAKING


def _last(turns: Sequence[Turn]) -> Turn | None:
    """The last one that somebody asked, of those that count and that are more than an offer."""
    asked = [one for one in turns if one.is_seen and one.kind is not TurnKind.NOTE and not is_offered_edit(one)]
    return max(asked, key=place_of, default=None)
