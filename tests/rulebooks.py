"""What holds in tests: the default policy, no list of anybody's, and nobody else in a channel."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from core.errors import UnavailableError
from core.people.model import PersonId
from core.redaction.lexicon import Lexicon
from core.redaction.policy import default_policy
from core.redaction.ports import ChannelDirectory, RuleBook, Rules


def default_rules() -> Rules:
    return Rules(policy=default_policy(), lexicon=Lexicon())


@dataclass
class FixedRules(RuleBook):
    of_all: Rules = field(default_factory=default_rules)
    outsiders: bool = False

    async def rules(self, channel: str, *, mentioned: Collection[str] = ()) -> Rules:
        return self.of_all

    async def has_outsiders(self, channel: str) -> bool:
        return self.outsiders


@dataclass
class Channels(ChannelDirectory):
    """Over plain values."""

    people: dict[str, Sequence[PersonId]] = field(default_factory=dict[str, Sequence[PersonId]])
    shared: set[str] = field(default_factory=set[str])
    away: bool = False

    async def members(self, channel: str) -> Sequence[PersonId]:
        self._answer()
        return self.people.get(channel, ())

    async def is_shared(self, channel: str) -> bool:
        self._answer()
        return channel in self.shared

    def _answer(self) -> None:
        if self.away:
            raise UnavailableError("Slack did not answer.")
