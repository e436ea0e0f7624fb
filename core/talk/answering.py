"""One turn, answered: redacted, counted, streamed, and written down as it comes."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from core.clock import Clock
from core.errors import ConflictError, DatabaseUnavailableError
from core.redaction.model import RedactedText
from core.redaction.restore import Restorer
from core.redaction.stored import seen_by_model
from core.redaction.vault import Vault
from core.servers.errors import EngineOverloadedError, TemplateRefusedError
from core.servers.model import Endpoint, Server
from core.servers.ports import MachineFront
from core.storage import Storage
from core.talk.context import Exchange, answer_limit, exchanges_before, fit, input_limit, messages_of
from core.talk.line import Line
from core.talk.model import Conversation, End, EndReason, EngineInfo, Message, Mode, Part, Settings, Token, Turn
from core.talk.ports import Events, ModelServers, Recipient, Reply
from core.talk.redacting import TAKEN_OVER, NotSentError, Redacting
from core.talk.rules import merge, sampling_of, withdrawn
from core.talk.transcript import STOP, AllWords, OwnWords, transcript_of

COMPLETION_TOKENS = 1024
"""Of a completion where neither the engine tells its window nor anybody how long it may be: vLLM's own choice is 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What answering works with."""

    storage: Storage
    clock: Clock
    models: ModelServers
    front: MachineFront
    redacting: Redacting
    stall_seconds: float
    """Silence of an engine that counts as its end."""


@dataclass(slots=True, kw_only=True)
class EngineMemory:
    """What this process learned of an engine since that became ready."""

    line: Line
    info: EngineInfo | None = None
    has_template: bool = True
    has_system_role: bool = True

    def learn_of_template(self, *, has_system: bool) -> bool:
        """From its refusal of a chat; whether there is another way to ask. Templates such as Gemma's take no system
        prompt: it then stands in front of the first thing said."""
        if has_system and self.has_system_role:
            self.has_system_role = False
            return True
        was_tried, self.has_template = self.has_template, False
        return was_tried


class Answering:
    """`turn` is always what is known of it now."""

    def __init__(
        self,
        wiring: Wiring,
        turn: Turn,
        conversation: Conversation,
        server: Server,
        *,
        holder: str,
        memory: EngineMemory,
    ) -> None:
        self.turn = turn
        self._wiring = wiring
        self._conversation = conversation
        self._server = server
        self._holder = holder
        self._memory = memory
        self._model = wiring.models.of(server.spec.engine)
        self._vault = Vault()
        self._pieces: list[str] = []
        self._tokens = 0
        self._noting = asyncio.Lock()
        self._is_closed = False

    @property
    def has_begun(self) -> bool:
        """Whether the model said anything yet."""
        return bool(self._pieces)

    async def run(self, reply: Reply) -> None:
        """Returns when the answer came whole. Raises PrimeError for what kept it from that; see `close`."""
        wiring, server = self._wiring, self._server
        async with wiring.storage.transaction() as stores:
            vault = await stores.talk.vault(self._conversation.id)
            talk = await stores.talk.of_server(server.id)
            personal = await stores.talk.personal(self.turn.author)
            turns = await stores.talk.turns(self._conversation.id)
            key = await stores.servers.key(server.id)
            await stores.watch.used(server.id, at=wiring.clock.now())
        try:
            redacted = await wiring.redacting.run(
                self.turn,
                self._conversation,
                turns=turns,
                settings=merge([self.turn.settings, self._conversation.settings, personal, talk.settings]),
                system_prompt=talk.system_prompt,
                vault=vault,
                model=server.spec.model,
                holder=self._holder,
            )
        except NotSentError:
            self.turn = withdrawn(self.turn)  # whoever closes it writes it down once more
            raise
        self.turn, self._vault = redacted.turn, redacted.vault
        endpoint = Endpoint(url=wiring.front.url(server.address or ""), key=key, fingerprint=server.fingerprint)
        if self._memory.info is None:
            self._memory.info = await self._model.info(endpoint)
        asking = _Asking(
            to=Recipient(endpoint=endpoint, model=server.spec.model, gate=redacted.gate),
            exchanges=exchanges_before(self.turn, redacted.turns, cleared_ts=self._conversation.cleared_ts),
            system=redacted.system,
            settings=redacted.settings,
        )
        while True:
            try:
                await self._stream(asking, reply)
            except TemplateRefusedError:
                if not self._memory.learn_of_template(has_system=asking.system is not None):
                    raise
            else:
                return

    async def note(self, parts: Sequence[Part]) -> None:
        """Writes down how far it came, before people see it. An answer goes on while the database is away."""
        async with self._noting:
            if self._is_closed:
                return
            self.turn = replace(self.turn, parts=tuple(parts))
            try:
                async with self._wiring.storage.transaction() as stores:
                    is_held = await stores.talk.write(self._so_far(), holder=self._holder)
            except DatabaseUnavailableError:
                return
        if not is_held:
            raise ConflictError(TAKEN_OVER)  # and nothing more is shown

    async def close(self) -> Turn:
        """With the answer as far as it came. How it ended is written down by whoever closes it: a note that came later
        would undo that."""
        async with self._noting:
            self._is_closed = True
        return self._so_far()

    def _so_far(self) -> Turn:
        return replace(
            self.turn,
            answer="".join(self._pieces),
            generated_tokens=self.turn.generated_tokens or self._tokens or None,
        )

    # --- asking

    async def _stream(self, asking: "_Asking", reply: Reply) -> None:
        """The engine's answer into the reply; waits in line where the engine has no room."""
        asking = await self._fitted(asking)
        line, tries = self._memory.line, 0
        ticket = None if line.is_empty else line.join()
        try:
            while True:
                if ticket is not None:
                    await line.turn(ticket, tries=tries, show=reply.queue)
                try:
                    await self._read(asking, reply, on_first=partial(_leave, line, ticket))
                except EngineOverloadedError:
                    if self._pieces:
                        raise
                    ticket = line.join() if ticket is None else ticket
                    tries += 1
                else:
                    return
        finally:
            _leave(line, ticket)

    async def _read(self, asking: "_Asking", reply: Reply, *, on_first: Callable[[], None]) -> None:
        restorer, own_words = self._restorer(), self._own_words(asking)
        clock = self._wiring.clock
        try:
            async with aclosing(self._events(asking)) as events:
                async for batch in events:
                    if self.turn.first_token_at is None and batch:
                        self.turn = replace(self.turn, first_token_at=clock.now())
                        on_first()
                    for event in batch:
                        if isinstance(event, Token):
                            self._tokens += 1
                            if said := own_words.feed(event.text):
                                self._pieces.append(said)
                                reply.add(restorer.feed(said))
                        else:
                            self._ended(event)
        finally:  # of what broke off, too, all is shown that came
            if rest := own_words.flush():
                self._pieces.append(rest)
            shown = restorer.feed(rest)
            if self.turn.end is EndReason.LENGTH and (begun := restorer.drop()):
                # What goes on with this answer says the placeholder as a whole.
                self._pieces = ["".join(self._pieces).removesuffix(begun)]
            reply.add(shown + restorer.flush())

    def _ended(self, end: End) -> None:
        self.turn = replace(
            self.turn,
            end=end.reason,
            prompt_tokens=end.prompt_tokens,
            generated_tokens=end.generated_tokens or self._tokens,
        )

    def _events(self, asking: "_Asking") -> Events:
        stall = self._wiring.stall_seconds
        if self._is_chat(asking):
            sampling = sampling_of(asking.settings, max_tokens=asking.max_tokens)
            return self._model.chat(asking.to, self._messages(asking), sampling, stall_seconds=stall)
        also_stop = () if asking.is_completion else (STOP,)
        sampling = sampling_of(asking.settings, max_tokens=asking.max_tokens or COMPLETION_TOKENS, also_stop=also_stop)
        return self._model.generate(asking.to, _plain(asking), sampling, stall_seconds=stall)

    def _messages(self, asking: "_Asking") -> Sequence[Message]:
        return messages_of(asking.exchanges, system=asking.system, has_system_role=self._memory.has_system_role)

    async def _fitted(self, asking: "_Asking") -> "_Asking":
        """With as much of the conversation as the engine reads beside the answer."""
        info, wanted = self._memory.info, asking.settings.max_tokens
        max_input = info.max_input_tokens if info else None
        max_total = info.max_total_tokens if info else None
        exchanges = asking.exchanges[-1:] if asking.is_completion else asking.exchanges

        async def count(kept: Sequence[Exchange]) -> int | None:
            trial = replace(asking, exchanges=kept)
            if self._is_chat(asking):
                return await self._model.count_messages(asking.to, self._messages(trial))
            return await self._model.count_text(asking.to, _plain(trial))

        most = input_limit(max_input=max_input, max_total=max_total, answer=wanted)
        fitted = await fit(exchanges, count, most=most)
        left_out = 0 if asking.is_completion else fitted.left_out
        self.turn = replace(self.turn, left_out=left_out, prompt_tokens=fitted.tokens)
        max_tokens = answer_limit(max_total=max_total, prompt=fitted.tokens, answer=wanted)
        return replace(asking, exchanges=fitted.exchanges, max_tokens=max_tokens)

    def _restorer(self) -> Restorer:
        """Where outsiders read along, placeholders stay."""
        return Restorer(Vault() if self.turn.is_masked else self._vault)

    def _own_words(self, asking: "_Asking") -> OwnWords | AllWords:
        is_transcript = not asking.is_completion and not self._memory.has_template
        return OwnWords(goes_on=bool(asking.exchanges[-1].answer)) if is_transcript else AllWords()

    def _is_chat(self, asking: "_Asking") -> bool:
        return self._memory.has_template and not asking.is_completion


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """What is asked of an engine."""

    to: Recipient
    exchanges: Sequence[Exchange]
    system: RedactedText | None
    settings: Settings
    max_tokens: int | None = None

    @property
    def is_completion(self) -> bool:
        return self.settings.mode is Mode.COMPLETION


def _plain(asking: _Asking) -> RedactedText:
    if asking.is_completion:
        last = asking.exchanges[-1]
        return seen_by_model(last.asked + last.answer)
    return transcript_of(asking.exchanges, system=asking.system)


def _leave(line: Line, ticket: int | None) -> None:
    if ticket is not None:
        line.leave(ticket)
