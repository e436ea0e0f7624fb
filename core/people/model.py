"""People as Slack knows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class PersonId(NamedTuple):
    """Who somebody is, for every decision: Prime's own workspace and the Slack user id. Never a name or an address."""

    team: str
    user: str

    def __str__(self) -> str:
        return f"{self.team}/{self.user}"


class Standing(StrEnum):
    """What Slack says somebody is. Only a member can hold a role."""

    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"
    """Of another workspace, met through Slack Connect."""
    BOT = "bot"
    DEACTIVATED = "deactivated"
    UNKNOWN = "unknown"
    """Slack left out a flag that would have to be there to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Slack's facts about one person at `checked_at`."""

    id: PersonId
    standing: Standing
    name: str
    """For people to read, never for decisions."""
    is_workspace_admin: bool
    """True for owners too."""
    is_workspace_owner: bool
    checked_at: datetime
    real_name: str = ""
    """As they are called, which is often more than what they are shown as."""
