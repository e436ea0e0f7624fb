"""The workspace: people, groups, channels and messages. Every change is announced."""

import itertools
import uuid
from collections.abc import Iterable

from lab.clock import LabClock
from lab.slack import happenings as happened
from lab.slack.channels import Channel, Kind, Message, initial_channels
from lab.slack.errors import SlackError
from lab.slack.happenings import Announcer
from lab.slack.people import APP_USER_ID, SLACKBOT_ID, Group, Person, cast, user_groups
from lab.slack.text import mentions, resolve_typed, to_rich_text


class Workspace:
    def __init__(self, clock: LabClock, announcer: Announcer, app_user: Person) -> None:
        self.clock = clock
        self._announcer = announcer
        self.people = {person.id: person for person in [*cast(), app_user]}
        self.groups = {group.id: group for group in user_groups()}
        self.channels = {channel.id: channel for channel in initial_channels()}
        self.large_from = 1000
        """From this many people on, `users.list` wants a limit."""
        self._last_ts = 0
        self._direct: dict[frozenset[str], Channel] = {}
        self._direct_ids = itertools.count(1)

    # --- who and where ---------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        if user not in self.people:
            raise SlackError("user_not_found", "There is no such person.")
        return self.people[user]

    def channel(self, channel: str, *, seen_by: str) -> Channel:
        """The channel; `channel_not_found` if it does not exist as far as this person can see."""
        found = self.channels.get(channel)
        if found is None or not self.sees(seen_by, found):
            raise SlackError("channel_not_found", "There is no such channel, or you cannot see it.")
        return found

    def sees(self, user: str, channel: Channel) -> bool:
        person = self.people[user]
        if user in channel.members:
            return True
        return channel.kind is Kind.CHANNEL and not (person.is_guest or person.is_external)

    def channels_seen_by(self, user: str) -> list[Channel]:
        return [channel for channel in self.channels.values() if self.sees(user, channel)]

    def direct_message(self, users: Iterable[str]) -> Channel:
        """The direct message of exactly these people, opened if there is none yet."""
        together = frozenset(users)
        if channel := self._direct.get(together):
            return channel
        members = sorted(together)
        kind = Kind.IM if len(members) <= 2 else Kind.MPIM
        number = next(self._direct_ids)
        channel = Channel(
            id=f"D0{number:06d}" if kind is Kind.IM else f"G0{number:06d}",
            name="" if kind is Kind.IM else "mpdm-" + "--".join(self.people[user].name for user in members) + "-1",
            kind=kind,
            members=members,
            creator=members[0],
            created=int(self.clock.time()),
        )
        self.channels[channel.id] = self._direct[together] = channel
        self._announcer.announce(happened.ChannelOpened(channel))
        return channel

    # --- messages --------------------------------------------------------------------------------

    def new_ts(self) -> str:
        """A ts that no message of the workspace had before, later than all of them."""
        self._last_ts = max(int(self.clock.time() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def say(
        self,
        user: str,
        channel: Channel,
        text: str,
        *,
        thread_ts: str | None = None,
        files: list[dict[str, object]] | None = None,
    ) -> Message:
        """A person writes `text` as typed."""
        if user not in channel.members:
            raise SlackError("not_in_channel", "You are not a member of this channel.")
        person = self.people[user]
        escaped = self.escape_typed(text)
        message: Message = {
            "client_msg_id": str(uuid.uuid4()),
            "user": user,
            "team": person.team_id,
            "text": escaped,
            "blocks": [to_rich_text(escaped)] if escaped else [],
        }
        if person.bot_id:
            message["bot_id"] = person.bot_id
        if channel.is_ext_shared:
            message |= {"user_team": person.team_id, "source_team": person.team_id}
        if files:
            message |= {"subtype": "file_share", "files": files, "upload": False}
        if thread_ts:
            message["thread_ts"] = self.thread_parent(channel, thread_ts)["ts"]
        return self.post(channel, message)

    def escape_typed(self, text: str) -> str:
        """What a person typed, escaped, with `@name` and `#channel` as references."""
        said = text.casefold()
        people = {
            name: person.id
            for person in self.people.values()
            for name in (person.name, person.real_name, person.display_name)
            # Only those that can match, for the sake of workspaces with ten thousand people.
            if name and not person.deleted and f"@{name}".casefold() in said
        }
        channels = {channel.name: channel.id for channel in self.channels.values() if not channel.is_direct}
        groups = {group.handle: group.id for group in self.groups.values()}
        return resolve_typed(text, people, channels, groups)

    def post(self, channel: Channel, message: Message) -> Message:
        """Stores the message under a new ts."""
        message = {"type": "message", **message, "ts": self.new_ts()}
        parent = channel.messages.get(message.get("thread_ts", ""))
        if parent is None:
            channel.messages[message["ts"]] = message
            self._announcer.announce(happened.MessagePosted(channel, message))
            return message
        message["parent_user_id"] = parent.get("user", "")
        before = channel.with_reply_facts(parent)
        channel.messages[message["ts"]] = message
        channel.replies.setdefault(parent["ts"], []).append(message["ts"])
        self._announcer.announce(happened.MessagePosted(channel, message))
        self._announcer.announce(happened.MessageChanged(channel, channel.with_reply_facts(parent), before))
        return message

    def thread_parent(self, channel: Channel, thread_ts: str) -> Message:
        parent = channel.messages.get(thread_ts)
        if parent is None:
            raise SlackError("thread_not_found", "There is no such message to reply to.")
        if parent.get("thread_ts") not in (None, thread_ts):
            raise SlackError("cannot_reply_to_message", "thread_ts names a reply; it must name the thread's parent.")
        return parent

    def change(self, channel: Channel, message: Message, *, for_page_only: bool = False) -> Message:
        """Puts `message` in the place of the one with its ts."""
        previous = channel.messages[message["ts"]]
        channel.messages[message["ts"]] = message
        self._announcer.announce(
            happened.MessageChanged(
                channel,
                channel.with_reply_facts(message),
                channel.with_reply_facts(previous),
                for_page_only=for_page_only,
            )
        )
        return message

    def edit(self, user: str, channel: Channel, ts: str, text: str) -> None:
        message = self._own_message(user, channel, ts, refusal="cant_update_message")
        escaped = self.escape_typed(text)
        edited = {"user": user, "ts": self.new_ts()}
        self.change(channel, {**message, "text": escaped, "blocks": [to_rich_text(escaped)], "edited": edited})

    def delete_own(self, user: str, channel: Channel, ts: str) -> None:
        self._own_message(user, channel, ts, refusal="cant_delete_message")
        self.delete(channel, ts)

    def delete(self, channel: Channel, ts: str) -> None:
        """Removes the message; a parent with replies becomes a tombstone instead."""
        message = channel.messages[ts]
        if channel.replies.get(ts):
            tombstone: Message = {
                "type": "message",
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": SLACKBOT_ID,
                "hidden": True,
                "ts": ts,
            }
            self.change(channel, tombstone)
            return
        del channel.messages[ts]
        self._announcer.announce(happened.MessageDeleted(channel, message))
        if parent := channel.messages.get(message.get("thread_ts") or ""):
            before = channel.with_reply_facts(parent)
            channel.replies[parent["ts"]].remove(ts)
            self._announcer.announce(happened.MessageChanged(channel, channel.with_reply_facts(parent), before))

    def show_ephemeral(self, channel: Channel, user: str, message: Message, *, ts: str | None = None) -> Message:
        """Shows the message to one person only, in the place of their ephemeral message `ts` if given."""
        message = {"type": "message", "is_ephemeral": True, **message, "ts": ts or self.new_ts()}
        channel.ephemerals[message["ts"]] = (user, message)
        self._announcer.announce(happened.EphemeralShown(channel, user, message))
        return message

    def delete_ephemeral(self, channel: Channel, ts: str) -> None:
        user, _ = channel.ephemerals.pop(ts)
        self._announcer.announce(happened.EphemeralDeleted(channel, user, ts))

    def mark_read(self, user: str, channel: Channel, ts: str) -> None:
        channel.read_until[user] = max(ts, channel.read_until.get(user, ""))
        self._announcer.announce(happened.ReadMarked(channel, user))

    def unread(self, user: str, channel: Channel) -> tuple[int, int]:
        """How many top-level messages of others this member has not read, and how many of those call them."""
        if user not in channel.members:
            return 0, 0
        unread = [
            message
            for message in channel.top_level()
            if message["ts"] > channel.read_until.get(user, "") and message.get("user") != user
        ]
        called = unread if channel.is_direct else [message for message in unread if self._calls(user, message)]
        return len(unread), len(called)

    # --- membership and people -------------------------------------------------------------------

    def join(self, channel: Channel, user: str, *, inviter: str | None = None) -> None:
        if user not in channel.members:
            channel.members.append(user)
            self._announcer.announce(happened.MemberJoined(channel, user, inviter))

    def leave(self, channel: Channel, user: str) -> None:
        if user in channel.members:
            channel.members.remove(user)
            self._announcer.announce(happened.MemberLeft(channel, user))

    def add_person(self, person: Person) -> None:
        self.people[person.id] = person
        self._announcer.announce(happened.PersonJoined(person))

    def change_person(self, user: str, **changes: object) -> None:
        person = self.person(user)
        for name, value in changes.items():
            setattr(person, name, value)
        person.updated = int(self.clock.time())
        self._announcer.announce(happened.PersonChanged(person))

    def add_group(self, group: Group) -> None:
        self.groups[group.id] = group
        self._announcer.announce(happened.GroupCreated(group))

    def set_group(self, group_id: str, users: list[str]) -> None:
        group = self.groups.get(group_id)
        if group is None:
            raise SlackError("no_such_subteam", "There is no such user group.")
        before, previous_update = group.users, group.updated_at
        group.users = list(dict.fromkeys(users))
        group.updated_at = int(self.clock.time())
        added = [user for user in group.users if user not in before]
        removed = [user for user in before if user not in group.users]
        if added or removed:
            self._announcer.announce(happened.GroupChanged(group, added, removed, previous_update))

    def shares_channel_with_app(self, user: str) -> bool:
        return any(
            user in channel.members and APP_USER_ID in channel.members
            for channel in self.channels.values()
            if channel.is_ext_shared
        )

    def _own_message(self, user: str, channel: Channel, ts: str, *, refusal: str) -> Message:
        message = channel.messages.get(ts)
        if message is None:
            raise SlackError("message_not_found", "There is no such message.")
        if message.get("user") != user:
            raise SlackError(refusal, "That message is not yours.")
        return message

    def _calls(self, user: str, message: Message) -> bool:
        text = message.get("text", "")
        if user in mentions(text):
            return True
        groups = (group for group in self.groups.values() if f"<!subteam^{group.id}" in text)
        return any(word in text for word in ("<!here", "<!channel", "<!everyone")) or any(
            user in group.users for group in groups
        )
