"""What redaction needs from outside, and what others need from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.people.model import PersonId
from core.posted import PostedAt
from core.redaction.lexicon import Lexicon
from core.redaction.model import Disposition, EntityType, Finding
from core.redaction.policy import ChannelPolicy, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for a text."""

    policy: Policy
    lexicon: Lexicon


class Detector(Protocol):
    """Finds what is personal or secret in texts, by itself: it knows neither policy nor conversation."""

    @property
    def is_ready(self) -> bool: ...

    async def watch(self) -> None:
        """Never returns. Raises ConfigurationError if it can never become ready as it is set up."""
        ...

    async def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        """Of each text, in its own characters; stretches may overlap. All belong together: what tells that something is
        a name may stand in another of them.

        Raises RedactionFailedError: it did not look at all of it."""
        ...


class RuleBook(Protocol):
    """What holds where somebody talks."""

    async def rules(self, channel: str, *, mentioned: Collection[str] = ()) -> Rules:
        """`mentioned` are ids of people. Raises DatabaseUnavailableError."""
        ...

    async def has_outsiders(self, channel: str) -> bool:
        """Whether guests or people of other workspaces read along; True where that is not known."""
        ...


class ChannelDirectory(Protocol):
    """Who can read along, as Slack knows it, no older than five minutes. Read over the network."""

    async def members(self, channel: str) -> Sequence[PersonId]:
        """The first thousand. Raises UnavailableError."""
        ...

    async def is_shared(self, channel: str) -> bool:
        """Whether people of other workspaces are in it. Raises UnavailableError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One on a team's list. Its words are not kept: `digest` is a keyed hash (core/redaction/lexicon.py)."""

    digest: bytes
    type: EntityType | None
    """What it is replaced as; None: it is allowed, whatever it looks like."""
    added_by: PersonId
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Somebody says that something is not personal; an ADMIN decides."""

    id: int
    term: str
    """Sealed while it waits, then wiped."""
    type: EntityType
    """As which it was found."""
    asker: PersonId
    asked_at: datetime
    decided_by: PersonId | None = None
    is_approved: bool | None = None
    posted: Sequence[PostedAt] = ()
    """The messages in which it is shown: channel and ts."""


class RedactionStore(Protocol):
    """Policy and lists, inside the caller's transaction."""

    async def changes(self) -> Mapping[EntityType, Disposition]:
        """What admins changed of the defaults."""
        ...

    async def set_changes(self, changes: Mapping[EntityType, Disposition]) -> None: ...

    async def channel(self, team: str, channel: str) -> ChannelPolicy | None: ...

    async def set_channel(self, team: str, channel: str, policy: ChannelPolicy | None, *, by: PersonId) -> None: ...

    async def channels(self, team: str) -> Mapping[str, ChannelPolicy]: ...

    async def retention_days(self) -> int | None:
        """None: as the default is."""
        ...

    async def set_retention_days(self, days: int) -> None: ...

    async def list_key(self) -> bytes:
        """32 bytes, made at the first call, sealed: what digests of terms are keyed with."""
        ...

    async def terms_version(self) -> int:
        """Another number after each change of the terms, in whichever replica."""
        ...

    async def terms(self) -> Sequence[Term]: ...

    async def add_terms(self, terms: Collection[Term]) -> int:
        """How many are new. One whose digest is there gets the new type."""
        ...

    async def remove_terms(self, digests: Collection[bytes]) -> int: ...

    async def propose(self, term: str, kind: EntityType, asker: PersonId, *, now: datetime) -> Proposal: ...

    async def proposal(self, proposal_id: int) -> Proposal | None:
        """Locked until the transaction ends."""
        ...

    async def settle(self, proposal_id: int, *, by: PersonId, is_approved: bool, now: datetime) -> None:
        """Wipes the term."""
        ...

    async def note_posted(self, proposal_id: int, posted: PostedAt) -> None: ...

    async def open_proposals(self) -> Sequence[Proposal]: ...
