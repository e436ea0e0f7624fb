"""One turn, answered: redacted, counted, streamed, and written down as it comes."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from core.clock import Clock
from core.errors import ConflictError, DatabaseUnavailableError, InvalidInputError
from core.redaction.errors import PromptBlockedError
from core.redaction.model import RedactedText, Redaction
from core.redaction.ports import Redactor
from core.redaction.restore import Restorer
from core.redaction.stored import seen_by_model
from core.redaction.vault import Vault
from core.servers.errors import EngineOverloadedError, NoChatTemplateError
from core.servers.model import Endpoint, Server
from core.servers.ports import MachineFront
from core.storage import Storage
from core.talk.context import Exchange, answer_limit, exchanges_before, fit, input_limit, messages_of
from core.talk.line import Line
from core.talk.model import Conversation, End, EngineInfo, Mode, Part, Settings, Token, Turn, TurnKind, TurnState
from core.talk.ports import Events, ModelServers, Reply
from core.talk.rules import merge, sampling_of
from core.talk.transcript import STOP, AllWords, OwnWords, transcript_of

NOT_SENT = "This was not sent to the model. Whoever asked was told why."
_TAKEN_OVER = "Another replica of Prime answers this."
COMPLETION_TOKENS = 1024
"""Of a completion where neither the engine tells its window nor anybody how long it may be: vLLM's own choice is 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What answering works with."""

    storage: Storage
    clock: Clock
    models: ModelServers
    front: MachineFront
    redactor: Redactor
    stall_seconds: float
    """Silence of an engine that counts as its end."""


@dataclass(slots=True, kw_only=True)
class EngineMemory:
    """What this process learned of an engine since that became ready."""

    line: Line
    info: EngineInfo | None = None
    has_template: bool = True


class NotSentError(InvalidInputError):
    """The prompt holds what must not leave. `str` is for everybody, `told` for whoever asked."""

    def __init__(self, told: str) -> None:
        super().__init__(NOT_SENT)
        self.told = told


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

    async def run(self, reply: Reply) -> None:
        """Returns when the answer came whole. Raises PrimeError for what kept it from that; see `so_far`."""
        wiring, server = self._wiring, self._server
        async with wiring.storage.transaction() as stores:
            self._vault = await stores.talk.vault(self._conversation.id)
            talk = await stores.talk.of_server(server.id)
            personal = await stores.talk.personal(self.turn.author)
            turns = await stores.talk.turns(self._conversation.id)
            key = await stores.servers.key(server.id)
            await stores.watch.used(server.id, at=wiring.clock.now())
        if self.turn.is_redacted and not self.turn.prompt and self.turn.kind is not TurnKind.MORE:
            raise InvalidInputError(NOT_SENT)  # whoever found that died before it was told
        settings = merge([self.turn.settings, self._conversation.settings, personal, talk.settings])
        settings = await self._redact_stop(settings)
        system = await self._redact_system_prompt(talk.system_prompt)
        turns = await self._redact_turns(turns)
        exchanges = exchanges_before(self.turn, turns, cleared_ts=self._conversation.cleared_ts)
        endpoint = Endpoint(url=wiring.front.url(server.address or ""), key=key, fingerprint=server.fingerprint)
        if self._memory.info is None:
            self._memory.info = await self._model.info(endpoint)
        asking = _Asking(endpoint=endpoint, exchanges=exchanges, system=system, settings=settings)
        try:
            await self._stream(asking, reply)
        except NoChatTemplateError:
            self._memory.has_template = False
            await self._stream(asking, reply)

    def so_far(self) -> Turn:
        """With the answer as far as it came."""
        return replace(
            self.turn,
            answer="".join(self._pieces),
            generated_tokens=self.turn.generated_tokens or self._tokens or None,
        )

    async def note(self, parts: Sequence[Part]) -> None:
        """Writes down how far it came, before people see it. An answer goes on while the database is away."""
        self.turn = replace(self.turn, parts=tuple(parts))
        try:
            async with self._wiring.storage.transaction() as stores:
                is_held = await stores.talk.write(self.so_far(), holder=self._holder)
        except DatabaseUnavailableError:
            return
        if not is_held:
            raise ConflictError(_TAKEN_OVER)  # and nothing more is shown

    # --- redacting

    async def _redact_system_prompt(self, prompt: str) -> RedactedText | None:
        if not prompt:
            return None
        [redaction] = await self._redacted([prompt])
        if isinstance(redaction, PromptBlockedError):
            raise InvalidInputError(
                "The system prompt of this server holds a password or key, so nothing was sent. An ADMIN changes it "
                "with the button Answers on the server's card."
            )
        return redaction.text

    async def _redact_stop(self, settings: Settings) -> Settings:
        """Stop sequences are typed, too. The model says a value of one as its placeholder."""
        if not settings.stop:
            return settings
        redacted: list[str] = []
        for one in await self._redacted(settings.stop):
            if isinstance(one, PromptBlockedError):
                raise InvalidInputError(
                    "A stop sequence in Settings holds a password or key, so nothing was sent. Take it out and ask "
                    "again."
                )
            redacted.append(one.text.text)
        return replace(settings, stop=tuple(redacted))

    async def _redact_turns(self, turns: Sequence[Turn]) -> list[Turn]:
        """All of them as the model may see them. What was typed is replaced by that, here and in the database.

        Raises NotSentError, RedactionFailedError."""
        redacted: dict[int, Turn] = {}
        told = ""
        raw = [one for one in turns if not one.is_redacted and (one.state is TurnState.NOTED or one.id == self.turn.id)]
        for one, result in zip(raw, await self._redacted([one.prompt for one in raw]), strict=True):
            if isinstance(result, PromptBlockedError):
                redacted[one.id] = replace(one, prompt="", is_redacted=True, is_seen=False)
                told = str(result) if one.id == self.turn.id else told
            else:
                redacted[one.id] = replace(one, prompt=result.text.text, is_redacted=True, redactions=result.replaced)
        self.turn = redacted.pop(self.turn.id, self.turn)
        async with self._wiring.storage.transaction() as stores:
            if not await stores.talk.write(self.turn, holder=self._holder):
                raise ConflictError(_TAKEN_OVER)  # and whoever did may have given the placeholders to other values
            await stores.talk.save_vault(self._conversation.id, self._vault)
            for note in redacted.values():
                await stores.talk.change(note)
        if told:
            raise NotSentError(told)
        return [redacted.get(one.id, one) for one in turns]

    async def _redacted(self, texts: Sequence[str]) -> Sequence[Redaction | PromptBlockedError]:
        """Of all together, so that what one tells is known in the others; where one must not leave, of each alone."""
        redactor = self._wiring.redactor
        try:
            return await redactor.redact(texts, self._vault)
        except PromptBlockedError as error:
            if len(texts) == 1:
                return [error]
            return [one for text in texts for one in await self._redacted([text])]

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
        restorer, own_words = Restorer(self._vault), self._own_words(asking)
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
            reply.add(restorer.feed(rest) + restorer.flush())

    def _ended(self, end: End) -> None:
        self.turn = replace(
            self.turn,
            end=end.reason,
            prompt_tokens=end.prompt_tokens,
            generated_tokens=end.generated_tokens or self._tokens,
        )

    def _events(self, asking: "_Asking") -> Events:
        launched, stall = self._server.spec.model, self._wiring.stall_seconds
        if self._is_chat(asking):
            sampling = sampling_of(asking.settings, max_tokens=asking.max_tokens)
            messages = messages_of(asking.exchanges, system=asking.system)
            return self._model.chat(asking.endpoint, messages, sampling, model=launched, stall_seconds=stall)
        also_stop = () if asking.is_completion else (STOP,)
        sampling = sampling_of(asking.settings, max_tokens=asking.max_tokens or COMPLETION_TOKENS, also_stop=also_stop)
        prompt = _plain(asking)
        return self._model.generate(asking.endpoint, prompt, sampling, model=launched, stall_seconds=stall)

    async def _fitted(self, asking: "_Asking") -> "_Asking":
        """With as much of the conversation as the engine reads beside the answer."""
        info, wanted = self._memory.info, asking.settings.max_tokens
        max_input = info.max_input_tokens if info else None
        max_total = info.max_total_tokens if info else None
        exchanges = asking.exchanges[-1:] if asking.is_completion else asking.exchanges

        async def count(kept: Sequence[Exchange]) -> int | None:
            trial = replace(asking, exchanges=kept)
            if self._is_chat(asking):
                messages = messages_of(kept, system=asking.system)
                return await self._model.count_messages(asking.endpoint, messages, model=self._server.spec.model)
            return await self._model.count_text(asking.endpoint, _plain(trial), model=self._server.spec.model)

        most = input_limit(max_input=max_input, max_total=max_total, answer=wanted)
        fitted = await fit(exchanges, count, most=most)
        left_out = 0 if asking.is_completion else fitted.left_out
        self.turn = replace(self.turn, left_out=left_out, prompt_tokens=fitted.tokens)
        max_tokens = answer_limit(max_total=max_total, prompt=fitted.tokens, answer=wanted)
        return replace(asking, exchanges=fitted.exchanges, max_tokens=max_tokens)

    def _own_words(self, asking: "_Asking") -> OwnWords | AllWords:
        is_transcript = not asking.is_completion and not self._memory.has_template
        return OwnWords(goes_on=bool(asking.exchanges[-1].answer)) if is_transcript else AllWords()

    def _is_chat(self, asking: "_Asking") -> bool:
        return self._memory.has_template and not asking.is_completion


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """What is asked of an engine."""

    endpoint: Endpoint
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
