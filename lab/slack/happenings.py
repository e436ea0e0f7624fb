"""What happens in the workspace, told to whoever translates it: into events for the app, into updates for the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.slack.channels import Channel, Message
from lab.slack.people import Group, Person

View = dict[str, Any]
"""A view in Slack's shape."""


@dataclass(frozen=True, slots=True)
class MessagePosted:
    channel: Channel
    message: Message


@dataclass(frozen=True, slots=True)
class MessageChanged:
    channel: Channel
    message: Message
    previous: Message
    for_page_only: bool = False
    """Set while a message is streamed: people see each piece, apps hear of the end."""


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    channel: Channel
    previous: Message


@dataclass(frozen=True, slots=True)
class EphemeralShown:
    channel: Channel
    user: str
    message: Message


@dataclass(frozen=True, slots=True)
class EphemeralDeleted:
    channel: Channel
    user: str
    ts: str


@dataclass(frozen=True, slots=True)
class ReadMarked:
    channel: Channel
    user: str


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A direct message, or one with several people, exists now."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class MemberJoined:
    channel: Channel
    user: str
    inviter: str | None


@dataclass(frozen=True, slots=True)
class MemberLeft:
    channel: Channel
    user: str


@dataclass(frozen=True, slots=True)
class PersonJoined:
    person: Person


@dataclass(frozen=True, slots=True)
class PersonChanged:
    person: Person


@dataclass(frozen=True, slots=True)
class GroupCreated:
    group: Group


@dataclass(frozen=True, slots=True)
class GroupChanged:
    group: Group
    added: list[str]
    removed: list[str]
    previous_update: int


@dataclass(frozen=True, slots=True)
class ViewOpened:
    user: str
    view: View
    pushed: bool


@dataclass(frozen=True, slots=True)
class ViewUpdated:
    user: str
    view: View


@dataclass(frozen=True, slots=True)
class ViewClosed:
    user: str
    view_id: str
    whole_stack: bool


@dataclass(frozen=True, slots=True)
class HomePublished:
    user: str
    view: View


@dataclass(frozen=True, slots=True)
class AppConnectionChanged:
    connected: bool


@dataclass(frozen=True, slots=True)
class FaultsChanged:
    pass


Happening = (
    MessagePosted
    | MessageChanged
    | MessageDeleted
    | EphemeralShown
    | EphemeralDeleted
    | ReadMarked
    | ChannelOpened
    | MemberJoined
    | MemberLeft
    | PersonJoined
    | PersonChanged
    | GroupCreated
    | GroupChanged
    | ViewOpened
    | ViewUpdated
    | ViewClosed
    | HomePublished
    | AppConnectionChanged
    | FaultsChanged
)


class Announcer:
    """Tells every watcher of every happening, at once and in order."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[Happening], None]] = []

    def watch(self, watcher: Callable[[Happening], None]) -> None:
        self._watchers.append(watcher)

    def announce(self, happening: Happening) -> None:
        for watcher in self._watchers:
            watcher(happening)
