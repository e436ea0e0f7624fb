"""What people decide and see of what is personal in a conversation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.access.model import Principal
from core.access.permissions import Permission, require
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import AccessDeniedError, ConflictError
from core.redaction.model import Disposition, EntityType, Seen
from core.redaction.placeholders import FORMS, meant
from core.redaction.policy import risk
from core.redaction.ports import RuleBook
from core.redaction.redactor import Redactor
from core.redaction.restore import restore
from core.storage import Storage, Stores
from core.talk.locks import locked, server_of
from core.talk.model import Conversation, Turn, TurnState
from core.talk.redacting import mentioned_in
from core.talk.rules import is_offered_edit, may_steer, withdrawn

CANCELLED = "Whoever asked took this back, so nothing was sent."
_DECIDED = "This was decided already."
_FORGETS_AT_ONCE = 100


class Choice(StrEnum):
    """What an author says about what was found in their prompt."""

    REDACTED = "redacted"
    AS_IS = "as_is"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 the word for it; Python's own is not meant anywhere here
    """What an author is asked about."""

    turn: Turn
    conversation: Conversation
    found: Mapping[EntityType, Sequence[str]]
    risk: int


@dataclass(frozen=True, slots=True)
class Privacy:
    storage: Storage
    clock: Clock
    redactor: Redactor
    rulebook: RuleBook
    wake: Callable[[], None]
    """Called when there is something for the talker to do."""

    async def warning(self, actor: Principal, turn_id: int) -> Warning:
        """What was found in a prompt that waits for its author's word: looked for again, since it is kept nowhere.

        Raises AccessDeniedError for others, ConflictError if it does not wait any more, RedactionFailedError."""
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            _check_waits(actor, turn)
            vault = await stores.talk.vault(conversation.id)
        rules = await self.rulebook.rules(conversation.thread.channel, mentioned=mentioned_in([turn]))
        [found] = await self.redactor.redact([turn.prompt], vault, rules)
        score = risk({one.type for one in found.findings}, rules.policy)
        return Warning(turn=turn, conversation=conversation, found=found.warned, risk=score)

    async def decide_warning(self, actor: Principal, turn_id: int, choice: Choice) -> Turn:
        """Audited, with types and counts. Raises AccessDeniedError for others, ConflictError if it does not wait any
        more."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, _ = await locked(stores, turn_id)
            _check_waits(actor, turn)
            asked_about = {str(kind): count for kind, count in turn.warned.items()}
            turn = _decided(turn, choice, now=self.clock.now())
            await stores.talk.change(turn)
            await self._note(stores, actor, f"redaction.warning.{choice}", f"turn:{turn.id}", asked_about)
        self.wake()
        return turn

    async def seen(self, actor: Principal, turn_id: int) -> Seen:
        """What the model saw of a prompt, and what the placeholders in it stand for. For its author.

        Raises ConflictError while it was not looked through yet."""
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            vault = await stores.talk.vault(conversation.id)
        if turn.author != actor.person:
            raise AccessDeniedError("Only whoever asked can see what the model saw.")
        if not turn.is_redacted:
            raise ConflictError("Nothing of this was sent to a model.")
        if not turn.prompt:
            raise ConflictError("Nothing of this is kept any more.")
        placeholders = dict.fromkeys(meant(one) for one in FORMS.finditer(turn.prompt))
        values = [(one, vault.values[one]) for one in placeholders if one in vault.values]
        return Seen(prompt=turn.prompt, risk=turn.risk, values=values)

    async def reveal(self, actor: Principal, turn_id: int) -> str:
        """A masked answer with its values, for one person; audited. Raises AccessDeniedError below READ, which guests
        and strangers always are."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            turn, conversation = await locked(stores, turn_id)
            vault = await stores.talk.vault(conversation.id)
            text = restore(turn.answer, vault)
            await self._note(stores, actor, "redaction.answer.reveal", f"turn:{turn.id}", {})
        return text

    async def forget(self, actor: Principal, turn_id: int) -> Conversation:
        """The thread of this turn: its texts and values are gone for good; the messages in Slack stay. For whoever
        began it, the server's owner and ADMINs. Raises ConflictError while something in it waits or runs."""
        async with self.storage.transaction() as stores:
            _, conversation = await locked(stores, turn_id)
            if not may_steer(actor, conversation.starter, await server_of(stores, conversation)):
                raise AccessDeniedError("Only whoever began this thread, the server's owner and ADMINs forget it.")
            turns = await stores.talk.turns(conversation.id)
            if any(one.is_open and not is_offered_edit(one) for one in turns):
                raise ConflictError("Something is still open in this thread. Press Stop first, or wait for its end.")
            if not await stores.talk.forget(conversation.id):
                raise ConflictError("There is nothing left to forget in this thread.")
            await self._note(stores, actor, "redaction.thread.forget", f"conversation:{conversation.id}", {})
        return conversation

    async def forget_old(self, *, older_than: timedelta) -> int:
        """Conversations in which nobody asked anything for so long; how many."""
        before = self.clock.now() - older_than
        async with self.storage.transaction() as stores:
            old = await stores.talk.forgettable(before=before, limit=_FORGETS_AT_ONCE)
            for conversation_id in old:
                await stores.talk.forget(conversation_id)
            if old:
                entry = AuditEntry(
                    at=self.clock.now(),
                    actor="prime:forget_conversations",
                    action="redaction.threads.forget",
                    target="setting:retention",
                    detail={"conversations": len(old), "days": older_than.days},
                )
                await stores.audit.append(entry)
        return len(old)

    async def _note(
        self, stores: Stores, actor: Principal, action: str, target: str, detail: Mapping[str, int]
    ) -> None:
        entry = AuditEntry(
            at=self.clock.now(), actor=str(actor.person), action=action, target=target, detail=dict(detail)
        )
        await stores.audit.append(entry)


def _check_waits(actor: Principal, turn: Turn) -> None:
    if turn.author != actor.person:
        raise AccessDeniedError("Only whoever asked decides what is sent.")
    if turn.state is TurnState.RUNNING and turn.decided is None and not turn.is_redacted:
        raise ConflictError("Prime is still writing down what it found. Please press again.")
    if turn.state is not TurnState.WARNED:
        raise ConflictError(_DECIDED)


def _decided(turn: Turn, choice: Choice, *, now: datetime) -> Turn:
    """For the talker, which answers it or closes its message."""
    if choice is Choice.CANCEL:
        return replace(withdrawn(turn), state=TurnState.WAITING, failure=CANCELLED, ended_at=now)
    decided = Disposition.REDACT if choice is Choice.REDACTED else Disposition.PASSTHROUGH
    return replace(turn, state=TurnState.WAITING, decided=decided)
