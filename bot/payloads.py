"""What Slack delivers, read, and checked once where it comes in (reference/slack-platform.md sections 1 to 5 and 11).

Slack keeps to these shapes. Behind this check listeners take what they need without a thought; what nobody reads may be
anything. What people choose and type is checked where it is read (`bot/forms.py`, `bot/grammar.py`)."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

DEEPEST = 64
"""Objects and lists within each other; Slack's own are not twenty deep."""

Payload = dict[str, Any]
Shape = dict[str, Any]
"""Of an object, by key, or `*` for all: another shape, a list with the shape of each, the form of a string, a type.
What a key with a question mark names may be left out, null, or an empty list."""

ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
NAME = re.compile(r"[^\x00]{1,255}")
"""What an app may call its actions, blocks and callbacks."""
TOKEN = re.compile(r"[!-~]{1,2000}")

_THING: Shape = {"id": ID}
_BLOCK: Shape = {"type": NAME, "block_id?": NAME}
_VIEW: Shape = {
    "id": ID,
    "type": NAME,
    "hash": TOKEN,
    "callback_id?": str,
    "private_metadata?": str,
    "root_view_id?": ID,
    "blocks?": [_BLOCK],
    "state?": {"values?": {"*": {"*": dict}}},
}
_FILE: Shape = {"id?": ID, "name?": str, "mimetype?": str, "filetype?": str, "size?": int, "url_private?": str}
_EVENT: Shape = {"type": NAME, "event_id": ID, "team_id": ID, "event": dict}
_MESSAGE: Shape = {
    "user?": ID,
    "bot_id?": ID,
    "subtype?": NAME,
    "ts?": TS,
    "thread_ts?": TS,
    "text?": str,
    "edited?": {"ts?": TS},
    "files?": [_FILE],
    "blocks?": [_BLOCK],
}
_CONTAINER: Shape = {"type?": NAME, "channel_id?": ID, "message_ts?": TS, "thread_ts?": TS}
_INTERACTION: Shape = {
    "type": NAME,
    "user": _THING,
    "team?": _THING,
    "channel?": _THING,
    "container?": _CONTAINER,
    "message?": _MESSAGE,
    "view?": _VIEW,
    "response_url?": TOKEN,
}
_COMMAND: Shape = {
    "command": NAME,
    "text?": str,
    "user_id": ID,
    "channel_id": ID,
    "team_id": ID,
    "trigger_id": TOKEN,
    "response_url?": TOKEN,
}
_INTERACTIONS: Mapping[object, Shape] = {
    "block_actions": {
        **_INTERACTION,
        "trigger_id": TOKEN,
        "actions": [
            {
                "type": NAME,
                "action_id": NAME,
                "block_id": NAME,
                "action_ts": TS,
                "value?": str,
                "selected_option?": dict,
            }
        ],
    },
    "block_suggestion": {**_INTERACTION, "action_id": NAME, "block_id": NAME, "value?": str},
    "view_submission": {**_INTERACTION, "trigger_id": TOKEN, "view": _VIEW},
    "view_closed": {**_INTERACTION, "view": _VIEW},
    "shortcut": {**_INTERACTION, "callback_id": NAME, "trigger_id": TOKEN},
    "message_action": {
        **_INTERACTION,
        "callback_id": NAME,
        "trigger_id": TOKEN,
        "channel": _THING,
        "message": _MESSAGE,
    },
}
_SAID: Shape = {
    **_MESSAGE,
    "type": NAME,
    "channel": ID,
    "channel_type?": NAME,
    "message?": _MESSAGE,
    "previous_message?": _MESSAGE,
}
_PERSON: Shape = {"type": NAME, "user": {"id": ID, "profile?": dict, "enterprise_user?": {"teams?": [str]}}}
_GROUP: Shape = {"type": NAME, "subteam": _THING}
_EVENTS: Mapping[object, Shape] = {
    "message": _SAID,
    "app_mention": _SAID,
    "app_home_opened": {"type": NAME, "user": ID, "channel?": ID, "tab?": NAME},
    "user_change": _PERSON,
    "team_join": _PERSON,
    "subteam_created": _GROUP,
    "subteam_updated": _GROUP,
    "subteam_members_changed": {"type": NAME, "subteam_id": ID},
}
_ANY_EVENT: Shape = {"type": NAME}
"""One that nobody listens to."""
_OTHERS: Mapping[object, Shape] = {
    **_INTERACTIONS,
    "url_verification": {"type": NAME, "challenge": TOKEN},
    "app_rate_limited": {"type": NAME},
}


class MalformedPayloadError(ValueError):
    """Slack sends nothing like it. Says no more, since whoever sent it chose the words."""


def read_body(body: bytes, *, content_type: str) -> Payload:
    """The payload in the body of a request. Raises MalformedPayloadError."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == "application/json":
            return read_payload(json.loads(text))
        form = dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
        return read_payload(json.loads(form["payload"]) if "payload" in form else form)
    except (ValueError, RecursionError) as error:
        raise MalformedPayloadError from error


def read_payload(payload: object) -> Payload:
    """What of it may be read by anybody. Halves of surrogate pairs, which JSON can spell and nothing can keep, are
    replaced. Raises MalformedPayloadError."""
    match _mended(payload, DEEPEST):
        case {"command": _} as found:
            return _taken(found, _COMMAND)
        case {"type": "event_callback", "event": {"type": str(event_type)} as event} as found:
            event = _taken(event, _EVENTS.get(event_type, _ANY_EVENT))
            return _taken({**found, "event": event}, _EVENT)
        case {"type": str(kind)} as found if kind in _OTHERS:
            return _taken(found, _OTHERS[kind])
        case _:
            raise MalformedPayloadError


def _taken(found: Payload, shape: dict[str, Any]) -> Payload:
    """Without what the shape does not name. Raises MalformedPayloadError."""
    if not _fits(found, shape):
        raise MalformedPayloadError
    names = {name.rstrip("?") for name in shape}
    return {name: value for name, value in found.items() if name in names}


def _fits(value: object, shape: object) -> bool:
    match shape:
        case re.Pattern():
            return isinstance(value, str) and shape.fullmatch(value) is not None
        case [each]:
            return isinstance(value, list) and all(_fits(one, each) for one in value)
        case {"*": each}:
            return isinstance(value, dict) and all(_fits(one, each) for one in value.values())
        case dict():
            return isinstance(value, dict) and all(_has(value, name, part) for name, part in shape.items())
        case type():
            return isinstance(value, shape)
        case _:
            return False


def _has(found: Payload, name: str, shape: object) -> bool:
    value = found.get(name.rstrip("?"))
    return name.endswith("?") if value in (None, []) else _fits(value, shape)


def _mended(value: Any, depth: int) -> Any:
    if not depth:
        raise MalformedPayloadError
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_mended(one, depth - 1) for one in value]
        case dict():
            return {_mended(name, depth): _mended(one, depth - 1) for name, one in value.items()}
        case float() if not math.isfinite(value):
            raise MalformedPayloadError
        case _:
            return value
