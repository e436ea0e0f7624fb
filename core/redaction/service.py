"""The redaction policy, and a team's own lists."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.access.model import Principal
from core.access.permissions import Permission, may, require
from core.access.service import Access
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.inbox.model import Delivery
from core.notices import Notice, owe
from core.people.model import PersonId, Standing
from core.posted import PostedAt
from core.redaction.lexicon import Lexicon, digest
from core.redaction.model import Disposition, EntityType, Finding
from core.redaction.policy import ChannelPolicy, Policy, default_policy, effective, is_laxer, risk
from core.redaction.ports import ChannelDirectory, Proposal, RuleBook, Rules, Term
from core.redaction.redactor import Redactor
from core.redaction.terms import MOST_TERMS, checked_terms
from core.redaction.vault import Vault
from core.storage import Storage, Stores

RETENTION_DAYS = 90
"""After the last question in a thread; until an ADMIN says otherwise. A quarter is what most work looks back at."""
RETENTION_MOST = 3650
NAMES_HOLD = timedelta(seconds=60)
"""How long the workspace's names are taken for known."""
MEMBERS_TOLD = 1000
"""Of a channel, by a ChannelDirectory. Where there are more, an outsider may be among the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    policy: Policy
    """Of the workspace."""
    channels: Mapping[str, ChannelPolicy]
    retention_days: int
    terms: Mapping[EntityType | None, int]
    """How many there are, by what they are replaced as; None: allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What would be done with a text."""

    text: str
    """What would be sent, were nothing in it that must not be."""
    risk: int
    found: Sequence[tuple[EntityType, str, Disposition]]
    findings: Sequence[Finding]
    """The same, by place."""
    blocked: Sequence[EntityType]


class Redaction(RuleBook):
    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        access: Access,
        channels: ChannelDirectory,
        redactor: Redactor,
        *,
        team: str,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._access = access
        self._channels = channels
        self._redactor = redactor
        self._team = team
        self._names: tuple[datetime, Sequence[str]] | None = None
        self._terms: tuple[int, Lexicon] | None = None

    # --- what holds

    async def rules(self, channel: str, *, mentioned: Collection[str] = ()) -> Rules:
        present = {PersonId(self._team, user) for user in mentioned} | await self._members(channel)
        async with self._storage.transaction() as stores:
            policy = await self._policy(stores)
            own = await stores.redaction.channel(self._team, channel)
            terms = await self._lists(stores)
            people = await self._everybody(stores)
            profiles = await stores.people.get(present)
        near = {
            name
            for one in profiles.values()
            if one.standing is not Standing.BOT  # whose name may be that of a product, or Prime's
            for name in (one.name, one.real_name)
            if name
        }
        lexicon = Lexicon(
            people=people,
            present=sorted(near),
            key=terms.key,
            denied=terms.denied,
            allowed=terms.allowed,
        )
        return Rules(policy=effective(policy, own), lexicon=lexicon)

    async def has_outsiders(self, channel: str) -> bool:
        if channel.startswith("D"):
            return False
        try:
            if await self._channels.is_shared(channel):
                return True
            members = set(await self._channels.members(channel))
        except UnavailableError:
            return True
        if len(members) >= MEMBERS_TOLD:
            return True
        async with self._storage.transaction() as stores:
            profiles = await stores.people.get(members)
        outside = (Standing.GUEST, Standing.STRANGER, Standing.UNKNOWN)
        return any(one.standing in outside for one in profiles.values()) or len(profiles) < len(members)

    async def retention(self) -> timedelta:
        async with self._storage.transaction() as stores:
            return timedelta(days=await stores.redaction.retention_days() or RETENTION_DAYS)

    # --- the policy

    async def overview(self, actor: Principal) -> Overview:
        require(actor.role, Permission.SEE_REDACTION)
        async with self._storage.transaction() as stores:
            return Overview(
                policy=await self._policy(stores),
                channels=await stores.redaction.channels(self._team),
                retention_days=await stores.redaction.retention_days() or RETENTION_DAYS,
                terms=Counter(one.type for one in await stores.redaction.terms()),
            )

    async def change(
        self, actor: Principal, dispositions: Mapping[EntityType, Disposition], *, retention_days: int | None
    ) -> None:
        """Holds from the next prompt on; nothing if all is so already. What is not given (None) stays as it is. Raises
        InvalidInputError (`retention_days`)."""
        require(actor.role, Permission.EDIT_REDACTION)
        if retention_days is not None and not 1 <= retention_days <= RETENTION_MOST:
            raise InvalidInputError(f"Between 1 and {RETENTION_MOST:,} days.", field="retention_days")
        async with self._storage.transaction() as stores:
            await self._still(actor, Permission.EDIT_REDACTION, stores)
            now = await self._policy(stores)
            changed = {kind: one for kind, one in dispositions.items() if now.of(kind) is not one}
            days = await stores.redaction.retention_days() or RETENTION_DAYS
            kept_days = days if retention_days is None else retention_days
            if not changed and days == kept_days:
                return
            default, kept = default_policy(), {**now.dispositions, **dispositions}
            await stores.redaction.set_changes({kind: one for kind, one in kept.items() if one is not default.of(kind)})
            await stores.redaction.set_retention_days(kept_days)
            detail: dict[str, Any] = {kind.value: f"{now.of(kind)} -> {one}" for kind, one in changed.items()}
            if days != kept_days:
                detail["retention_days"] = kept_days
            await self._note(stores, actor, "redaction.policy.change", "setting:redaction", detail)

    async def change_channel(
        self, actor: Principal, channel: str, changes: Mapping[EntityType, Disposition], *, sign: bool
    ) -> None:
        """What differs there. `sign`: that it may be laxer than the workspace.

        Raises AccessDeniedError below ADMIN where it is laxer than now, InvalidInputError (`signed`) where an ADMIN has
        to sign."""
        require(actor.role, Permission.TIGHTEN_REDACTION)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            workspace = await self._policy(stores)
            before = await stores.redaction.channel(self._team, channel)
            await self._check_step(effective(workspace, before), workspace.changed(changes), actor, stores)
            is_lax = _is_laxer(workspace.changed(changes), workspace)
            if is_lax and not sign and may(actor.role, Permission.EDIT_REDACTION):
                raise InvalidInputError(
                    "This is laxer than the rest of the workspace: tick that you sign it.", field="signed"
                )
            policy = ChannelPolicy(
                changes={kind: one for kind, one in changes.items() if one is not workspace.of(kind)}, is_signed=is_lax
            )
            if policy == before:
                return
            await stores.redaction.set_channel(self._team, channel, policy, by=actor.person)
            detail = {kind.value: str(one) for kind, one in policy.changes.items()} | {"signed": policy.is_signed}
            await self._note(stores, actor, "redaction.channel.change", f"channel:{channel}", detail)

    async def reset_channel(self, actor: Principal, channel: str) -> None:
        """As the rest of the workspace. Raises AccessDeniedError where that is laxer, below ADMIN."""
        require(actor.role, Permission.TIGHTEN_REDACTION)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            before = await stores.redaction.channel(self._team, channel)
            if before is None:
                return
            workspace = await self._policy(stores)
            await self._check_step(effective(workspace, before), workspace, actor, stores)
            await stores.redaction.set_channel(self._team, channel, None, by=actor.person)
            await self._note(stores, actor, "redaction.channel.reset", f"channel:{channel}", {})

    async def try_text(self, actor: Principal, text: str, channel: str) -> Trial:
        """Nothing of it is kept. Raises RedactionFailedError."""
        require(actor.role, Permission.SEE_REDACTION)
        rules = await self.rules(channel, mentioned=[actor.person.user])
        return await try_text(self._redactor, text, rules)

    # --- the team's lists

    async def add_terms(self, actor: Principal, text: str, kind: EntityType | None) -> int:
        """One a line; how many are new. `kind`: what they are replaced as; None: they are never replaced. Raises
        InvalidInputError (`terms`) that names the line."""
        require(actor.role, Permission.EDIT_REDACTION)
        terms = checked_terms(text, is_allowed=kind is None)
        digests = await self._digests(terms)
        async with self._storage.transaction() as stores:
            await self._still(actor, Permission.EDIT_REDACTION, stores)
            known, now = {one.digest: one.type for one in await stores.redaction.terms()}, self._clock.now()
            new = [one for one in digests if one not in known or known[one] is not kind]
            if not new:
                return 0
            added = await stores.redaction.add_terms(
                [Term(digest=one, type=kind, added_by=actor.person, added_at=now) for one in new]
            )
            if len(await stores.redaction.terms()) > MOST_TERMS:
                raise InvalidInputError(
                    f"The lists hold at most {MOST_TERMS:,} terms. Nothing was added.", field="terms"
                )
            detail = {"as": "allowed" if kind is None else str(kind), "terms": len(digests), "new": added}
            await self._note(stores, actor, "redaction.terms.add", "setting:redaction", detail)
        return added

    async def remove_terms(self, actor: Principal, terms: Collection[str]) -> int:
        """How many were on a list."""
        require(actor.role, Permission.EDIT_REDACTION)
        digests = await self._digests(terms)
        async with self._storage.transaction() as stores:
            await self._still(actor, Permission.EDIT_REDACTION, stores)
            removed = await stores.redaction.remove_terms(digests)
            if removed:
                await self._note(stores, actor, "redaction.terms.remove", "setting:redaction", {"terms": removed})
        return removed

    async def propose(self, actor: Principal, term: str, kind: EntityType) -> Proposal:
        """That this is nothing personal; an ADMIN decides. The same is proposed once while it waits."""
        require(actor.role, Permission.TALK)
        if kind is EntityType.SECRET:
            raise InvalidInputError("A password or key cannot be allowed by its own words.", field="terms")
        async with self._storage.transaction() as stores:
            await self._still(actor, Permission.TALK, stores)
            for one in await stores.redaction.open_proposals():
                if (one.asker, one.term, one.type) == (actor.person, term, kind):
                    return one
            now = self._clock.now()
            proposal = await stores.redaction.propose(term, kind, actor.person, now=now)
            await stores.inbox.add(_owed(Notice.TERM_PROPOSED, proposal.id), now=now)
            detail = {"type": str(kind)}
            await self._note(stores, actor, "redaction.term.propose", f"proposal:{proposal.id}", detail)
        return proposal

    async def decide(self, actor: Principal, proposal_id: int, is_approved: bool) -> None:  # noqa: FBT001 the decision
        """Raises NotFoundError, ConflictError if it is decided."""
        require(actor.role, Permission.EDIT_REDACTION)
        async with self._storage.transaction() as stores:
            await self._still(actor, Permission.EDIT_REDACTION, stores)
            proposal = await stores.redaction.proposal(proposal_id)
            if proposal is None:
                raise NotFoundError("There is no such proposal.")
            if proposal.decided_by is not None:
                raise ConflictError("This was decided already.")
            now = self._clock.now()
            if is_approved:
                key = await stores.redaction.list_key()
                term = Term(digest=digest(proposal.term, key=key), type=None, added_by=actor.person, added_at=now)
                await stores.redaction.add_terms([term])
            await stores.redaction.settle(proposal_id, by=actor.person, is_approved=is_approved, now=now)
            await stores.inbox.add(_owed(Notice.TERM_SETTLED, proposal_id), now=now)
            action = "redaction.proposal.approve" if is_approved else "redaction.proposal.deny"
            detail = {"type": str(proposal.type)}
            await self._note(stores, actor, action, f"proposal:{proposal_id}", detail)

    async def proposal(self, proposal_id: int) -> Proposal:
        async with self._storage.transaction() as stores:
            found = await stores.redaction.proposal(proposal_id)
        if found is None:
            raise NotFoundError("There is no such proposal.")
        return found

    async def shown_at(self, proposal_id: int, posted: PostedAt) -> None:
        """A message shows it, and is to show what becomes of it."""
        async with self._storage.transaction() as stores:
            if await stores.redaction.proposal(proposal_id) is not None:
                await stores.redaction.note_posted(proposal_id, posted)

    # --- parts

    async def _members(self, channel: str) -> set[PersonId]:
        """Nobody where Slack does not tell: then only whole names are known."""
        if channel.startswith("D"):
            return set()
        try:
            return set(await self._channels.members(channel))
        except UnavailableError:
            return set()

    async def _policy(self, stores: Stores) -> Policy:
        return default_policy().changed(await stores.redaction.changes())

    async def _everybody(self, stores: Stores) -> Sequence[str]:
        now = self._clock.now()
        if self._names is None or now - self._names[0] > NAMES_HOLD:
            names = await stores.people.names(self._team)
            self._names = (now, sorted(name for name in names if len(name.split()) > 1))
        return self._names[1]

    async def _lists(self, stores: Stores) -> Lexicon:
        version = await stores.redaction.terms_version()
        if self._terms is None or self._terms[0] != version:
            terms = await stores.redaction.terms()
            lexicon = Lexicon(
                key=await stores.redaction.list_key() if terms else b"",
                denied={one.digest: one.type for one in terms if one.type is not None},
                allowed=frozenset(one.digest for one in terms if one.type is None),
            )
            self._terms = (version, lexicon)
        return self._terms[1]

    async def _digests(self, terms: Collection[str]) -> Collection[bytes]:
        async with self._storage.transaction() as stores:
            key = await stores.redaction.list_key()
        return await asyncio.to_thread(lambda: {digest(term, key=key) for term in terms})

    async def _check_step(self, before: Policy, after: Policy, actor: Principal, stores: Stores) -> None:
        """Raises AccessDeniedError below ADMIN if it makes anything laxer."""
        needed = Permission.EDIT_REDACTION if _is_laxer(after, before) else Permission.TIGHTEN_REDACTION
        await self._access.require_still(actor, needed, stores, self._clock.now())

    async def _still(self, actor: Principal, permission: Permission, stores: Stores) -> None:
        await stores.access.lock()
        await self._access.require_still(actor, permission, stores, self._clock.now())

    async def _note(
        self, stores: Stores, actor: Principal, action: str, target: str, detail: Mapping[str, Any]
    ) -> None:
        entry = AuditEntry(
            at=self._clock.now(), actor=str(actor.person), action=action, target=target, detail=dict(detail)
        )
        await stores.audit.append(entry)


async def try_text(redactor: Redactor, text: str, rules: Rules) -> Trial:
    """What would be done with a text. Raises RedactionFailedError."""
    blocks = rules.policy.types(Disposition.BLOCK)
    unblocked = rules.policy.changed(dict.fromkeys(blocks, Disposition.REDACT))
    shown = Rules(policy=unblocked, lexicon=rules.lexicon)
    [found] = await redactor.redact([text], Vault(), shown, decided=Disposition.REDACT)
    types = [one.type for one in found.findings]
    return Trial(
        text=found.text.text,
        risk=risk(types, rules.policy),
        findings=found.findings,
        found=[(one.type, text[one.start : one.end], rules.policy.of(one.type)) for one in found.findings],
        blocked=sorted(set(types) & blocks),
    )


def _owed(notice: Notice, proposal_id: int) -> Delivery:
    """Told in order: what shows the term is edited once all of it stands."""
    return owe(notice, order_key=f"proposal/{proposal_id}", proposal_id=proposal_id)


def _is_laxer(one: Policy, other: Policy) -> bool:
    """For any type."""
    return any(is_laxer(one.of(kind), other.of(kind)) for kind in EntityType)
