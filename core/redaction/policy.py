"""What is done with what is found. Pure."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from core.redaction.model import SCORES, Disposition, EntityType

_STRICTNESS = {one: place for place, one in enumerate(Disposition)}


@dataclass(frozen=True, slots=True)
class Policy:
    """For every type of entity."""

    dispositions: Mapping[EntityType, Disposition]

    def of(self, kind: EntityType) -> Disposition:
        return self.dispositions[kind]

    def types(self, disposition: Disposition) -> frozenset[EntityType]:
        return frozenset(kind for kind, one in self.dispositions.items() if one is disposition)

    def changed(self, changes: Mapping[EntityType, Disposition]) -> "Policy":
        return Policy({**self.dispositions, **changes})

    def with_warned(self, disposition: Disposition) -> "Policy":
        """With this in the place of WARN: what somebody decided, or what is done where nobody can be asked."""
        return self.changed(dict.fromkeys(self.types(Disposition.WARN), disposition))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """What differs in one channel."""

    changes: Mapping[EntityType, Disposition]
    is_signed: bool
    """Whether an ADMIN signed that it may be laxer than the workspace's."""


def effective(workspace: Policy, channel: ChannelPolicy | None) -> Policy:
    """What holds in a channel: a change that nobody signed only where it is stricter."""
    if channel is None:
        return workspace
    if channel.is_signed:
        return workspace.changed(channel.changes)
    return workspace.changed({kind: stricter(one, workspace.of(kind)) for kind, one in channel.changes.items()})


def stricter(one: Disposition, other: Disposition) -> Disposition:
    return max(one, other, key=_STRICTNESS.__getitem__)


def is_laxer(one: Disposition, other: Disposition) -> bool:
    return _STRICTNESS[one] < _STRICTNESS[other]


def risk(found: Collection[EntityType], policy: Policy) -> int:
    """0 to 100: the highest score among the types that do not pass through."""
    scores = [SCORES[kind] for kind in found if policy.of(kind) is not Disposition.PASSTHROUGH]
    return max(scores, default=0)


@cache
def default_policy() -> Policy:
    """That of policy.toml."""
    written = tomllib.loads(files("core.redaction").joinpath("policy.toml").read_text(encoding="utf-8"))
    return Policy({kind: Disposition(written[kind]) for kind in EntityType})
