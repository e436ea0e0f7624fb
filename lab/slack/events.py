"""Turns what happens into events for the app: only what it subscribed to, only where it is (slack-platform.md 11)."""

import random
import secrets
from collections import deque
from typing import Any

from lab.slack import happenings as happened
from lab.slack.app import APP_ID, InstalledApp
from lab.slack.channels import Channel, Kind, Message
from lab.slack.deliveries import Deliveries
from lab.slack.files import as_seen_from_outside
from lab.slack.happenings import Happening
from lab.slack.people import APP_USER_ID, TEAM_ID, Person, group_object, user_object
from lab.slack.text import mentions
from lab.slack.workspace import Workspace

EVENTS_PER_HOUR = 30_000
SUBTEAM_USERS_SHOWN = 500

Json = dict[str, Any]

_SUBSCRIPTIONS = {
    Kind.CHANNEL: "message.channels",
    Kind.PRIVATE: "message.groups",
    Kind.IM: "message.im",
    Kind.MPIM: "message.mpim",
}


class Events:
    def __init__(self, app: InstalledApp, workspace: Workspace, deliveries: Deliveries, *, dice: random.Random) -> None:
        self._app = app
        self._workspace = workspace
        self._deliveries = deliveries
        self._dice = dice
        self._sent_at: deque[float] = deque()
        self._limited_minute = 0
        self.per_hour = EVENTS_PER_HOUR

    def watch(self, happening: Happening) -> None:
        match happening:
            case happened.MessagePosted(channel, message):
                self._message_posted(channel, message)
            case happened.MessageChanged(channel, message, previous, for_page_only=False):
                self._message_changed(channel, message, previous)
            case happened.MessageDeleted(channel, previous):
                event = {"subtype": "message_deleted", "deleted_ts": previous["ts"], "previous_message": previous}
                self._message_event(channel, event | {"hidden": True, "ts": self._workspace.new_ts()})
            case happened.MemberJoined(channel, user, inviter):
                event = self._membership("member_joined_channel", channel, user)
                self._membership_event(channel, event | ({"inviter": inviter} if inviter else {}), user)
            case happened.MemberLeft(channel, user):
                self._membership_event(channel, self._membership("member_left_channel", channel, user), user)
            case happened.PersonJoined(person):
                self.emit("team_join", {"user": self._user(person)})
            case happened.PersonChanged(person):
                self.emit("user_change", {"user": self._user(person), "cache_ts": person.updated})
            case happened.GroupCreated(group):
                self.emit("subteam_created", {"subteam": group_object(group, with_users=True)})
            case happened.GroupChanged(group, added, removed, previous_update):
                self._group_changed(group, added, removed, previous_update)
            case _:
                pass

    def home_opened(self, user: str, channel: Channel, tab: str, view: Json | None) -> None:
        """`view` only if one was published before."""
        event = {"user": user, "channel": channel.id, "tab": tab} | ({"view": view} if view else {})
        self.emit("app_home_opened", event)

    def uninstalled(self) -> None:
        """The two events of an uninstall, in any order. The app is refused from then on, so this comes before."""
        events: list[tuple[str, Json]] = [
            ("app_uninstalled", {}),
            ("tokens_revoked", {"tokens": {"oauth": [], "bot": [APP_USER_ID]}}),
        ]
        self._dice.shuffle(events)
        for name, event in events:
            self.emit(name, event)

    def emit(
        self,
        event_type: str,
        event: Json,
        *,
        subscription: str = "",
        scope: str | None = None,
        ext_shared: bool = False,
    ) -> None:
        """Delivers the event if the app is subscribed to it, under `subscription` where that has another name."""
        if not self._app.hears(subscription or event_type, scope=scope) or self._over_limit():
            return
        event_ts = event.get("ts") or self._workspace.new_ts()
        self._deliveries.tell(
            event_type,
            {
                "token": self._app.verification_token,
                "team_id": TEAM_ID,
                "context_team_id": TEAM_ID,
                "context_enterprise_id": None,
                "api_app_id": APP_ID,
                "event": {**event, "type": event_type, "event_ts": event_ts},
                "type": "event_callback",
                "event_id": f"Ev0{secrets.token_hex(5).upper()}",
                "event_time": int(float(event_ts)),
                "authorizations": [
                    {
                        "enterprise_id": None,
                        "team_id": TEAM_ID,
                        "user_id": APP_USER_ID,
                        "is_bot": True,
                        "is_enterprise_install": False,
                    }
                ],
                "is_ext_shared_channel": ext_shared,
                "event_context": f"4-{secrets.token_urlsafe(24)}",
            },
        )

    def _message_posted(self, channel: Channel, message: Message) -> None:
        """As `message`, and as `app_mention` if it mentions the app: two events, in any order."""
        if message.get("subtype") == "slash_command":
            return  # the command as people see it typed; apps hear of it as a command only
        announce = [lambda: self._message_event(channel, _without_metadata(message))]
        if self._mentions_app(channel, message):
            announce.append(lambda: self._mention_event(channel, message))
        self._dice.shuffle(announce)
        for emit in announce:
            emit()

    def _message_changed(self, channel: Channel, message: Message, previous: Message) -> None:
        event = {
            "subtype": "message_changed",
            "hidden": True,
            "message": _without_metadata(message),
            "previous_message": _without_metadata(previous),
            "ts": self._workspace.new_ts(),
        }
        self._message_event(channel, event)
        was_edited = message.get("edited") != previous.get("edited")
        if was_edited and self._mentions_app(channel, message):
            self._mention_event(channel, message)

    def _message_event(self, channel: Channel, message: Message) -> None:
        if APP_USER_ID not in channel.members:
            return
        event = {**message, "channel": channel.id, "channel_type": channel.kind.in_events}
        if channel.is_ext_shared and "files" in event:
            event["files"] = [as_seen_from_outside(file) for file in event["files"]]
        subscription = _SUBSCRIPTIONS[channel.kind]
        self.emit("message", event, subscription=subscription, ext_shared=channel.is_ext_shared)

    def _mention_event(self, channel: Channel, message: Message) -> None:
        event = {**_without_metadata(message), "channel": channel.id}
        event.pop("subtype", None)
        self.emit("app_mention", event, ext_shared=channel.is_ext_shared)

    def _mentions_app(self, channel: Channel, message: Message) -> bool:
        return (
            APP_USER_ID in channel.members
            and not channel.is_direct
            and message.get("user") != APP_USER_ID
            and APP_USER_ID in mentions(message.get("text", ""))
        )

    def _membership(self, event_type: str, channel: Channel, user: str) -> Json:
        channel_type = "G" if channel.kind is Kind.PRIVATE else "C"
        return {"type": event_type, "user": user, "channel": channel.id, "channel_type": channel_type, "team": TEAM_ID}

    def _membership_event(self, channel: Channel, event: Json, user: str) -> None:
        """Also when it is the app itself that came or went."""
        if APP_USER_ID in (user, *channel.members):
            scope = f"{channel.kind.scope_family}:read"
            self.emit(event["type"], event, scope=scope, ext_shared=channel.is_ext_shared)

    def _group_changed(self, group: Any, added: list[str], removed: list[str], previous_update: int) -> None:
        """The delta, its counts strings as in Slack's documentation; and the whole, its people cut off at 500."""
        delta = {
            "subteam_id": group.id,
            "team_id": TEAM_ID,
            "date_previous_update": previous_update,
            "date_update": group.updated_at,
            "added_users": added,
            "added_users_count": str(len(added)),
            "removed_users": removed,
            "removed_users_count": str(len(removed)),
        }
        whole = group_object(group, with_users=True)
        self.emit("subteam_members_changed", delta)
        self.emit("subteam_updated", {"subteam": whole | {"users": group.users[:SUBTEAM_USERS_SHOWN]}})

    def _user(self, person: Person) -> Json:
        return user_object(
            person,
            with_email="users:read.email" in self._app.installed_scopes,
            shares_channel=self._workspace.shares_channel_with_app(person.id),
        )

    def _over_limit(self) -> bool:
        """Beyond the hourly limit events are dropped, and the app is told so once a minute."""
        now = self._workspace.clock.time()
        while self._sent_at and self._sent_at[0] <= now - 3600:
            self._sent_at.popleft()
        if len(self._sent_at) < self.per_hour:
            self._sent_at.append(now)
            return False
        minute = int(now) // 60 * 60
        if minute != self._limited_minute:
            self._limited_minute = minute
            self._deliveries.tell(
                "app_rate_limited",
                {
                    "token": self._app.verification_token,
                    "type": "app_rate_limited",
                    "team_id": TEAM_ID,
                    "minute_rate_limited": minute,
                    "api_app_id": APP_ID,
                },
                retried=False,
            )
        return True


def _without_metadata(message: Message) -> Message:
    return {key: value for key, value in message.items() if key != "metadata"}
