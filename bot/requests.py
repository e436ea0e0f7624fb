"""What a request from Slack says, whatever its kind (reference/slack-platform.md sections 1, 3 and 11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import NotFoundError
from core.posted import PostedAt

Body = Mapping[str, Any]


class RequestKind(StrEnum):
    COMMAND = "command"
    EVENT = "event"
    SUBMISSION = "view_submission"
    OPTIONS = "block_suggestion"
    OTHER = "interaction"
    """Buttons, selects, shortcuts, closed views: only that they were taken is answered."""


def kind_of(body: Body) -> RequestKind:
    if "command" in body:
        return RequestKind.COMMAND
    match body.get("type"):
        case "event_callback":
            return RequestKind.EVENT
        case "view_submission":
            return RequestKind.SUBMISSION
        case "block_suggestion":
            return RequestKind.OPTIONS
        case _:
            return RequestKind.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the person is who caused a request."""

    user: str | None = None
    channel: str | None = None
    thread_ts: str | None = None
    response_url: str | None = None


def place_of(body: Body) -> Place:
    match kind_of(body):
        case RequestKind.COMMAND:
            return Place(
                user=body.get("user_id"), channel=body.get("channel_id"), response_url=body.get("response_url")
            )
        case RequestKind.EVENT:
            event: Body = body["event"]
            said: Body = event.get("message") or event  # of an edit it is inside
            return Place(user=said.get("user"), channel=event.get("channel"), thread_ts=said.get("thread_ts"))
        case _:
            # An ephemeral message is not in the payload; its container is.
            container: Body = body.get("container") or {}
            return Place(
                user=(body.get("user") or {}).get("id"),
                channel=container.get("channel_id") or (body.get("channel") or {}).get("id"),
                thread_ts=container.get("thread_ts"),
                response_url=body.get("response_url"),
            )


def view_of(body: Body) -> Body:
    """The modal, or the Home tab, in which something was pressed. Raises NotFoundError if it was elsewhere."""
    view: Body | None = body.get("view")
    if view is None:
        raise NotFoundError("This button works in its own form only. `/prime help` shows how to get there.")
    return view


def message_of(body: Body) -> PostedAt | None:
    """The message on which something was pressed; None if it was elsewhere, or on one that nobody else sees. It stands
    for certain, also if Prime died before it could note that it posted it."""
    container: Body = body.get("container") or {}
    channel, ts = container.get("channel_id"), container.get("message_ts")
    if container.get("type") != "message" or container.get("is_ephemeral") or not channel or not ts:
        return None
    return PostedAt(channel=str(channel), ts=str(ts))
