"""What somebody said, from Slack's events and from its history (reference/slack-platform.md sections 11 and 16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.talk.model import Thread

SAID_SUBTYPES = (None, "file_share", "thread_broadcast")

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message of a person, as it is now."""

    team: str
    channel: str
    is_direct: bool
    """Whether it was written to Prime directly."""
    ts: str
    thread_ts: str
    """Of the message that its thread hangs on: its own ts, if that is itself."""
    user: str
    text: str
    """With Slack's escapes."""
    files: Sequence[Mapping[str, Any]] = ()
    edited_ts: str = ""
    """Of an event that tells of an edit: when that was."""
    text_before: str = ""
    """The same: what it said before."""

    @property
    def thread(self) -> Thread:
        return Thread(team=self.team, channel=self.channel, ts=self.thread_ts)

    @property
    def is_reply(self) -> bool:
        return self.thread_ts != self.ts

    @property
    def is_edit(self) -> bool:
        return bool(self.edited_ts)

    def mentions(self, user: str) -> bool:
        return _mentions(self.text, user)

    def mentioned(self, user: str) -> bool:
        """Before it was edited."""
        return _mentions(self.text_before, user)


def said_in(event: Event, *, team: str) -> Said | None:
    """None for what no person said, or said anew: bots, joins, deletions, edits that leave the text as it was. An
    edit's `app_mention` is None as well, since `message_changed` tells more."""
    match event:
        case {"type": "app_mention", "edited": _}:
            return None
        case {"type": "message", "subtype": "message_changed", "message": dict(message)}:
            return _edited(event, message, team)
        case {"type": "message" | "app_mention"} if event.get("subtype") in SAID_SUBTYPES:
            return _said(event, event, team)
        case _:
            return None


def _edited(event: Event, message: Event, team: str) -> Said | None:
    """Unfurled links and the number of replies come as changes, too."""
    before: Event = event.get("previous_message") or {}
    edited_ts = str((message.get("edited") or {}).get("ts") or "")
    is_said = message.get("subtype") in SAID_SUBTYPES
    if not is_said or not edited_ts or message.get("text", "") == before.get("text", ""):
        return None
    return _said(event, message, team, edited_ts=edited_ts, text_before=str(before.get("text") or ""))


def _said(event: Event, message: Event, team: str, *, edited_ts: str = "", text_before: str = "") -> Said | None:
    user, channel, ts = message.get("user"), event.get("channel"), message.get("ts")
    if message.get("bot_id") or not user or not channel or not ts:
        return None
    return Said(
        team=team,
        channel=str(channel),
        is_direct=event.get("channel_type") == "im",
        ts=str(ts),
        thread_ts=str(message.get("thread_ts") or ts),
        user=str(user),
        text=str(message.get("text") or ""),
        files=[file for file in message.get("files") or [] if isinstance(file, Mapping)],
        edited_ts=edited_ts,
        text_before=text_before,
    )


def _mentions(text: str, user: str) -> bool:
    return f"<@{user}>" in text or f"<@{user}|" in text
