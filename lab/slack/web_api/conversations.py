"""Channels, their people and their messages, as far as the app sees them."""

from typing import Any

from lab.slack.channels import Channel, Kind, Message
from lab.slack.errors import SlackError, invalid_arguments
from lab.slack.limits import Tier
from lab.slack.people import APP_USER_ID, SLACKBOT_ID, TEAM_ID
from lab.slack.web_api.paging import page
from lab.slack.web_api.registry import Answer, Call, method

_TYPES = {"public_channel": Kind.CHANNEL, "private_channel": Kind.PRIVATE, "im": Kind.IM, "mpim": Kind.MPIM}


@method("conversations.info", tier=Tier.T3)
def info(call: Call) -> Answer:
    channel = _seen_channel(call, "read")
    shape = conversation_object(channel)
    if call.arguments.flag("include_num_members"):
        shape["num_members"] = len(channel.members)
    return {"channel": shape}


@method("conversations.list", tier=Tier.T2)
def list_conversations(call: Call) -> Answer:
    kinds = _kinds(call)
    seen = [channel for channel in call.platform.workspace.channels_seen_by(APP_USER_ID) if channel.kind in kinds]
    channels, metadata = page(seen, call.arguments, default=100)
    return {"channels": [conversation_object(channel) for channel in channels], "response_metadata": metadata}


@method("users.conversations", tier=Tier.T3)
def list_of_person(call: Call) -> Answer:
    """The conversations of a person that the app sees too; its own by default."""
    kinds = _kinds(call)
    user = call.arguments.text("user") or APP_USER_ID
    workspace = call.platform.workspace
    workspace.person(user)
    seen = [
        channel
        for channel in workspace.channels_seen_by(APP_USER_ID)
        if channel.kind in kinds and user in channel.members
    ]
    channels, metadata = page(seen, call.arguments, default=100)
    return {"channels": [conversation_object(channel) for channel in channels], "response_metadata": metadata}


@method("conversations.members", tier=Tier.T4)
def members(call: Call) -> Answer:
    channel = _seen_channel(call, "read")
    users, metadata = page(channel.members, call.arguments, default=100)
    return {"members": users, "response_metadata": metadata}


@method("conversations.history", tier=Tier.T3)
def history(call: Call) -> Answer:
    channel = _seen_channel(call, "history")
    _must_be_member(channel)
    found = [message for message in channel.top_level() if _in_range(call, message["ts"])]
    messages, metadata = page(found[::-1], call.arguments, default=100)
    return {
        "messages": [_as_read(call, channel, message) for message in messages],
        "has_more": bool(metadata["next_cursor"]),
        "pin_count": 0,
        "response_metadata": metadata,
    }


@method("conversations.replies", tier=Tier.T3)
def replies(call: Call) -> Answer:
    channel = _seen_channel(call, "history")
    _must_be_member(channel)
    ts = call.arguments.required("ts")
    thread_ts = channel.messages.get(ts, {}).get("thread_ts") or ts
    thread = channel.thread(thread_ts)
    if not thread:
        raise SlackError("thread_not_found")
    found = [thread[0], *(reply for reply in thread[1:] if _in_range(call, reply["ts"]))]
    messages, metadata = page(found, call.arguments, default=1000)
    return {
        "messages": [_as_read(call, channel, message) for message in messages],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


@method("conversations.open", tier=Tier.T3)
def open_conversation(call: Call) -> Answer:
    workspace = call.platform.workspace
    users = call.arguments.names("users")
    if bool(users) == ("channel" in call.arguments):
        raise invalid_arguments("exactly one of users and channel is needed")
    if not users:
        channel = call.channel()
        if not channel.is_direct:
            raise SlackError("method_not_supported_for_channel_type")
        return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
    call.need("im:write" if len(users) == 1 else "mpim:write")
    for user in users:
        person = workspace.person(user)
        if person.deleted:
            raise SlackError("user_disabled")
        if person.is_bot or user == SLACKBOT_ID:
            raise SlackError("cannot_dm_bot")
    known = set(workspace.channels)
    channel = workspace.direct_message([APP_USER_ID, *users])
    was_open = channel.id in known
    shape = conversation_object(channel) if call.arguments.flag("return_im") else {"id": channel.id}
    return {"no_op": was_open, "already_open": was_open, "channel": shape}


@method("conversations.join", tier=Tier.T3, scopes=("channels:join",))
def join(call: Call) -> Answer:
    channel = call.channel()
    if channel.kind is not Kind.CHANNEL:
        raise SlackError("method_not_supported_for_channel_type")
    call.platform.workspace.join(channel, APP_USER_ID)
    return {"channel": conversation_object(channel)}


def conversation_object(channel: Channel) -> dict[str, Any]:
    """The channel in the shape of Slack's conversation object, as the app sees it."""
    shape: dict[str, Any] = {
        "id": channel.id,
        "created": channel.created,
        "is_channel": channel.kind is Kind.CHANNEL,
        "is_group": channel.kind is Kind.PRIVATE,
        "is_im": channel.kind is Kind.IM,
        "is_mpim": channel.kind is Kind.MPIM,
        "is_private": channel.kind is not Kind.CHANNEL,
        "is_archived": False,
        "is_org_shared": False,
        "context_team_id": TEAM_ID,
    }
    if channel.kind is Kind.IM:
        return shape | {"user": channel.other_than(APP_USER_ID), "is_open": True}
    return shape | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_general": channel.name == "general",
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_pending_ext_shared": False,
        "is_member": APP_USER_ID in channel.members,
        "creator": channel.creator,
        "unlinked": 0,
        "topic": {"value": channel.topic, "creator": channel.creator, "last_set": channel.created},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


def _seen_channel(call: Call, right: str) -> Channel:
    """The channel, if the app sees it and holds the scope of its kind, such as `channels:history`."""
    channel = call.channel()
    call.need(f"{channel.kind.scope_family}:{right}")
    return channel


def _must_be_member(channel: Channel) -> None:
    if APP_USER_ID not in channel.members:
        raise SlackError("not_in_channel")


def _kinds(call: Call) -> set[Kind]:
    types = call.arguments.names("types") or ["public_channel"]
    if not set(types) <= _TYPES.keys():
        raise SlackError("invalid_types")
    kinds = {_TYPES[name] for name in types}
    for kind in sorted(kinds):
        call.need(f"{kind.scope_family}:read")
    return kinds


def _in_range(call: Call, ts: str) -> bool:
    oldest, latest = call.arguments.text("oldest"), call.arguments.text("latest")
    if call.arguments.flag("inclusive") and ts in (oldest, latest):
        return True
    return (not oldest or float(ts) > float(oldest)) and (not latest or float(ts) < float(latest))


def _as_read(call: Call, channel: Channel, message: Message) -> Message:
    message = channel.with_reply_facts(message)
    if call.arguments.flag("include_all_metadata"):
        return message
    return {key: value for key, value in message.items() if key != "metadata"}
