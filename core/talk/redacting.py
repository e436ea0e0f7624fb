"""All that goes out with one turn, redacted: its prompt, what was said around it, what the server and people set."""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import ConflictError, InvalidInputError
from core.redaction.errors import PromptBlockedError
from core.redaction.gate import Gate
from core.redaction.hint import with_hint
from core.redaction.model import Disposition, EntityType, RedactedText, Redaction
from core.redaction.policy import risk
from core.redaction.ports import RuleBook, Rules
from core.redaction.redactor import LONGEST, ON_LOOP, Redactor, again
from core.redaction.vault import Vault
from core.storage import Storage
from core.talk.model import Conversation, Settings, Turn, TurnKind, TurnState
from core.talk.rules import withdrawn

NOT_SENT = "This was not sent to the model. Whoever asked was told why."
TAKEN_OVER = "Another replica of Prime answers this."
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")


class NotSentError(InvalidInputError):
    """The prompt holds what must not leave. `str` is for everybody, `told` for whoever asked."""

    def __init__(self, told: str, found: Collection[EntityType]) -> None:
        super().__init__(NOT_SENT)
        self.told = told
        self.found = found


class WarnedError(InvalidInputError):
    """Whoever asked has to say first what is to be done with what was found."""

    def __init__(self, found: Mapping[EntityType, Sequence[str]], risk: int) -> None:
        super().__init__("This waits for a word of whoever asked.")
        self.found = found
        self.risk = risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """As it may leave."""

    turn: Turn
    turns: Sequence[Turn]
    """All of the conversation."""
    settings: Settings
    system: RedactedText | None
    vault: Vault
    gate: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacting:
    storage: Storage
    redactor: Redactor
    rulebook: RuleBook
    canaries: Collection[str] = ()

    async def run(
        self,
        turn: Turn,
        conversation: Conversation,
        *,
        turns: Sequence[Turn],
        settings: Settings,
        system_prompt: str,
        vault: Vault,
        model: str,
        holder: str,
    ) -> Redacted:
        """What was typed is replaced by its redacted form in the database, too, before any of it leaves.

        Raises NotSentError, WarnedError, RedactionFailedError, ConflictError (another replica has the turn)."""
        channel = conversation.thread.channel
        raw = [one for one in turns if not one.is_redacted and (one.state is TurnState.NOTED or one.id == turn.id)]
        rules, has_outsiders = await asyncio.gather(
            self.rulebook.rules(channel, mentioned=mentioned_in(raw)), self.rulebook.has_outsiders(channel)
        )
        secrets = rules.policy.of(EntityType.SECRET) in (Disposition.REDACT, Disposition.BLOCK)
        turn, was_redacted = replace(turn, is_masked=has_outsiders), turn.is_redacted
        vault = vault.copy()
        system = await self._system(system_prompt, vault, rules)
        settings = await self._stop(settings, vault, rules)
        notes = await self._notes([one for one in raw if one.id != turn.id], vault, rules)
        try:
            if not was_redacted:
                turn, vault = await self._prompt(turn, vault, rules)
        except PromptBlockedError as error:
            turn = withdrawn(turn)
            await self._write(turn, notes, conversation, vault, holder)
            raise NotSentError(str(error), error.found) from error
        if not turn.prompt and turn.kind is not TurnKind.MORE:
            raise InvalidInputError(NOT_SENT)  # whoever found that died before it was told
        if was_redacted:
            turn = replace(turn, prompt=again(turn.prompt, vault, secrets=secrets).text)
        known = {one.id: one for one in [*notes, turn]}
        history = await _once_more([known.get(one.id, one) for one in turns], turn, vault, secrets=secrets)
        system = None if system is None else again(system.text, vault, secrets=secrets)
        stop = [again(one, vault, secrets=secrets).text for one in settings.stop or ()]
        await self._write(turn, notes, conversation, vault, holder)
        return Redacted(
            turn=turn,
            turns=history,
            settings=replace(settings, stop=tuple(stop)) if stop else settings,
            system=with_hint(system, vault),
            vault=vault,
            gate=Gate(vault, looks_for_secrets=secrets, canaries=self.canaries, may_hold=(model,)),
        )

    async def _prompt(self, turn: Turn, vault: Vault, rules: Rules) -> tuple[Turn, Vault]:
        """Raises PromptBlockedError, WarnedError; then the vault is as before."""
        trial = vault.copy()
        if turn.decided is Disposition.PASSTHROUGH:
            # What nobody was asked about, since the policy began to warn of it later, is replaced.
            settled = {kind for kind, _ in vault.released}
            unasked = rules.policy.types(Disposition.WARN).difference(turn.warned, settled)
            rules = replace(rules, policy=rules.policy.changed(dict.fromkeys(unasked, Disposition.REDACT)))
        [found] = await self.redactor.redact([turn.prompt], trial, rules, decided=turn.decided)
        score = risk({one.type for one in found.findings}, rules.policy)
        if found.warned:
            raise WarnedError(found.warned, score)
        return replace(turn, prompt=found.text.text, is_redacted=True, redactions=found.replaced, risk=score), trial

    async def _notes(self, notes: Sequence[Turn], vault: Vault, rules: Rules) -> list[Turn]:
        """Nobody is asked about what was said in passing: it is replaced, or left out."""
        redactions = await self._each([one.prompt for one in notes], vault, rules, Disposition.REDACT)
        return [
            withdrawn(note)
            if isinstance(found, PromptBlockedError)
            else replace(note, prompt=found.text.text, is_redacted=True, redactions=found.replaced)
            for note, found in zip(notes, redactions, strict=True)
        ]

    async def _system(self, prompt: str, vault: Vault, rules: Rules) -> RedactedText | None:
        """An ADMIN wrote it, so what is only warned of passes."""
        if not prompt:
            return None
        [found] = await self._each([prompt], vault, rules, Disposition.PASSTHROUGH)
        if isinstance(found, PromptBlockedError):
            raise InvalidInputError(
                "The system prompt of this server holds a password or key, so nothing was sent. An ADMIN changes it "
                "with the button Answers on the server's card."
            )
        return found.text

    async def _stop(self, settings: Settings, vault: Vault, rules: Rules) -> Settings:
        """Stop sequences are typed, too. The model says a value of one as its placeholder."""
        redacted: list[str] = []
        for found in await self._each(settings.stop or (), vault, rules, Disposition.REDACT):
            if isinstance(found, PromptBlockedError):
                raise InvalidInputError(
                    "A stop sequence in Settings holds a password or key, so nothing was sent. Take it out and ask "
                    "again."
                )
            redacted.append(found.text.text)
        return replace(settings, stop=tuple(redacted)) if redacted else settings

    async def _each(
        self, texts: Sequence[str], vault: Vault, rules: Rules, decided: Disposition
    ) -> Sequence[Redaction | PromptBlockedError]:
        """Of all together, so that what one tells is known in the others; of each alone where one must not leave, or
        where together they are too long."""
        if not texts:
            return []
        if len(texts) == 1 or sum(map(len, texts)) <= LONGEST:
            try:
                return await self.redactor.redact(texts, vault, rules, decided=decided)
            except PromptBlockedError as error:
                if len(texts) == 1:
                    return [error]
        return [one for text in texts for one in await self._each([text], vault, rules, decided)]

    async def _write(
        self, turn: Turn, notes: Sequence[Turn], conversation: Conversation, vault: Vault, holder: str
    ) -> None:
        async with self.storage.transaction() as stores:
            if not await stores.talk.write(turn, holder=holder):
                raise ConflictError(TAKEN_OVER)  # and whoever did may have given the placeholders to other values
            await stores.talk.save_vault(conversation.id, vault)
            for note in notes:
                await stores.talk.change(note)


def mentioned_in(turns: Sequence[Turn]) -> Collection[str]:
    """Ids of the people whose names may well stand in what was typed."""
    return {user for one in turns for user in (one.author.user, *_MENTION.findall(one.prompt))}


async def _once_more(turns: Sequence[Turn], turn: Turn, vault: Vault, *, secrets: bool) -> list[Turn]:
    """What was sent or said before, with what is known now: a name that a model once wrote may be somebody's today."""

    def run() -> list[Turn]:
        return [
            replace(
                one,
                prompt=one.prompt if one.id == turn.id else again(one.prompt, vault, secrets=secrets).text,
                answer=again(one.answer, vault, secrets=secrets).text,
            )
            for one in turns
        ]

    length = sum(len(one.prompt) + len(one.answer) for one in turns)
    return run() if length <= ON_LOOP else await asyncio.to_thread(run)
