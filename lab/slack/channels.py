"""Channels and direct messages, with what is said in them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.slack.people import APP_USER_ID

Message = dict[str, Any]
"""A message in Slack's shape. Never changed in place: a change makes a new one, so a delivery may keep the old."""


class Kind(StrEnum):
    """What a conversation is. Each has its own scopes: `channels:history`, `groups:history`, ..."""

    CHANNEL = "channel"
    PRIVATE = "private"
    IM = "im"
    MPIM = "mpim"

    @property
    def scope_family(self) -> str:
        return {Kind.CHANNEL: "channels", Kind.PRIVATE: "groups", Kind.IM: "im", Kind.MPIM: "mpim"}[self]

    @property
    def in_events(self) -> str:
        """The `channel_type` of a message event."""
        return "group" if self is Kind.PRIVATE else self.value


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    id: str
    name: str
    kind: Kind = Kind.CHANNEL
    members: list[str] = field(default_factory=list)
    topic: str = ""
    is_ext_shared: bool = False
    creator: str = "U0OLIVIA"
    created: int = 1_760_000_000
    messages: dict[str, Message] = field(default_factory=dict)
    """By ts, oldest first, thread replies among them."""
    replies: dict[str, list[str]] = field(default_factory=dict)
    """The ts of a thread's replies by the ts of its parent."""
    ephemerals: dict[str, tuple[str, Message]] = field(default_factory=dict)
    """Who sees it, and the message, by ts."""
    read_until: dict[str, str] = field(default_factory=dict)

    @property
    def is_direct(self) -> bool:
        return self.kind in (Kind.IM, Kind.MPIM)

    @property
    def with_app(self) -> bool:
        """Whether this is somebody's direct message with the app."""
        return self.kind is Kind.IM and APP_USER_ID in self.members

    def other_than(self, user: str) -> str:
        """The other person of a direct message; oneself in one's own."""
        return next((member for member in self.members if member != user), user)

    def top_level(self) -> list[Message]:
        return [message for message in self.messages.values() if is_top_level(message)]

    def thread(self, ts: str) -> list[Message]:
        """The parent and its replies, oldest first; empty if there is no such message."""
        if ts not in self.messages:
            return []
        return [self.messages[ts], *(self.messages[reply] for reply in self.replies.get(ts, ()))]

    def with_reply_facts(self, message: Message) -> Message:
        """The message, with what Slack adds to the parent of a thread."""
        replies = self.replies.get(message["ts"])
        if not replies:
            return message
        users = list(dict.fromkeys(self.messages[reply].get("user", "") for reply in replies))
        return {
            **message,
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "reply_users": users[:5],
            "reply_users_count": len(users),
            "latest_reply": replies[-1],
            "is_locked": False,
        }


def is_top_level(message: Message) -> bool:
    """Whether the message stands in the channel itself and not only in a thread."""
    return message.get("thread_ts") in (None, message["ts"]) or message.get("subtype") == "thread_broadcast"


def initial_channels() -> list[Channel]:
    everyone = ["U0OLIVIA", "U0ADAM", "U0BEA", "U0RITA", "U0NILS"]
    return [
        Channel(id="C0GENERAL", name="general", members=[*everyone, "U0DEPLOY", APP_USER_ID], topic="Company-wide"),
        Channel(
            id="C0MLPLATFORM",
            name="ml-platform",
            members=["U0OLIVIA", "U0ADAM", "U0BEA", "U0RITA", "U0GUS", APP_USER_ID],
            topic="Models, machines and what they cost",
        ),
        Channel(
            id="C0APPROVALS",
            name="prime-approvals",
            members=["U0OLIVIA", "U0ADAM", APP_USER_ID],
            topic="Who asks for access to Prime",
        ),
        Channel(id="C0RANDOM", name="random", members=list(everyone), topic="Everything else"),
        Channel(id="C0LEADS", name="leads", kind=Kind.PRIVATE, members=["U0OLIVIA", "U0ADAM"]),
        Channel(
            id="C0GLOBEX",
            name="ext-globex",
            members=["U0OLIVIA", "U0ADAM", "U0BEA", "U0SAM"],
            topic="Shared with Globex",
            is_ext_shared=True,
        ),
    ]
