"""What Slack says of its Web API's methods (reference/slack-platform.md sections 8 and 15), one line a method.

A method that is not here cannot be called: its rate and its scopes are known first.
"""

from dataclasses import dataclass

from core.pacing.model import Rate

MARGIN = 0.94
"""The part of a limit that is used: calls reach Slack less evenly than they leave."""


def per_minute(limit: int, *, burst: int) -> Rate:
    """At most `limit` in any minute, at most `burst` at once."""
    return Rate(seconds_between=60 / (limit * MARGIN - burst), burst=burst)


TIER_2 = per_minute(20, burst=4)
TIER_3 = per_minute(50, burst=8)
TIER_4 = per_minute(100, burst=16)
POSTING = per_minute(300, burst=20)
"""chat.postMessage in the whole workspace: "several hundred" a minute."""
POSTING_IN_CHANNEL = Rate(seconds_between=1.05, burst=3)
EDITING = per_minute(50, burst=4)
"""chat.update: of TIER_3, with a small burst, so that fifty answers which end at once are whole within 75 s."""
UNPUBLISHED = per_minute(600, burst=30)
RESPONSE_URL = per_minute(600, burst=30)
UPLOAD_URL = per_minute(600, burst=30)
DOWNLOAD_URL = per_minute(600, burst=30)

TRIGGER_SECONDS = 2.5
"""A trigger id lives for three seconds, the way to Slack included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    rate: Rate
    scopes: tuple[str, ...] = ()
    """What the bot token needs."""
    rate_in_channel: Rate | None = None
    repeatable: bool = True
    """Whether a call may be made again that was perhaps carried out."""
    worth_seconds: float | None = None
    """After this the call is worth nothing."""


def _read(rate: Rate, *scopes: str) -> Method:
    return Method(rate=rate, scopes=scopes)


def _once(rate: Rate, *scopes: str) -> Method:
    return Method(rate=rate, scopes=scopes, repeatable=False)


_opening = Method(rate=TIER_4, repeatable=False, worth_seconds=TRIGGER_SECONDS)
_CHANNELS_READ = ("channels:read", "groups:read")
_HISTORY = ("channels:history", "groups:history", "im:history")

METHODS: dict[str, Method] = {
    "auth.test": _read(UNPUBLISHED),
    "apps.connections.open": _read(TIER_3),  # the app token's, whose scope is no part of the manifest
    "chat.postMessage": Method(
        rate=POSTING, rate_in_channel=POSTING_IN_CHANNEL, scopes=("chat:write",), repeatable=False
    ),
    "chat.postEphemeral": _once(TIER_4, "chat:write"),
    "chat.update": Method(rate=EDITING, scopes=("chat:write",)),
    "chat.delete": _once(TIER_3, "chat:write"),
    "chat.startStream": _once(TIER_2, "chat:write"),
    "chat.appendStream": _once(TIER_4, "chat:write"),
    "chat.stopStream": _once(TIER_2, "chat:write"),
    "chat.getPermalink": _read(UNPUBLISHED),
    "views.open": _opening,
    "views.push": _opening,
    "views.update": Method(rate=TIER_4),
    "views.publish": Method(rate=TIER_4),
    "conversations.open": Method(rate=TIER_3, scopes=("im:write",)),
    "conversations.info": _read(TIER_3, *_CHANNELS_READ),
    "conversations.list": _read(TIER_2, *_CHANNELS_READ),
    "conversations.members": _read(TIER_4, *_CHANNELS_READ),
    "conversations.history": _read(TIER_3, *_HISTORY),
    "conversations.replies": _read(TIER_3, *_HISTORY),
    "users.info": _read(TIER_4, "users:read"),
    "users.list": _read(TIER_2, "users:read"),
    "usergroups.list": _read(TIER_2, "usergroups:read"),
    "usergroups.users.list": _read(TIER_2, "usergroups:read"),
    "files.info": _read(TIER_4, "files:read"),
    "files.getUploadURLExternal": _read(TIER_4, "files:write"),
    "files.completeUploadExternal": _once(TIER_4, "files:write"),
}
