"""Posting, changing and removing messages (slack-platform.md section 7)."""

from typing import Any

from lab.slack.channels import Channel, Kind, Message
from lab.slack.content import Content, read_content
from lab.slack.errors import SlackError
from lab.slack.limits import Tier
from lab.slack.people import APP_USER_ID
from lab.slack.web_api.registry import Answer, Call, method

UPDATE_TEXT_LIMIT = 4000
_REPLACED = ("text", "blocks", "attachments", "metadata", "streaming_state")


@method("chat.postMessage", tier=Tier.POSTING, scopes=("chat:write",))
def post_message(call: Call) -> Answer:
    channel = _destination(call)
    content = _required_content(call)
    message: Message = _author(call) | content.as_fields()
    if thread_ts := call.arguments.text("thread_ts"):
        message["thread_ts"] = call.platform.workspace.thread_parent(channel, thread_ts)["ts"]
        if call.arguments.flag("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    posted = call.platform.workspace.post(channel, message)
    return {"channel": channel.id, "ts": posted["ts"], "message": posted}


@method("chat.postEphemeral", tier=Tier.T4, scopes=("chat:write",))
def post_ephemeral(call: Call) -> Answer:
    channel = call.joined_channel()
    user = call.person()
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    message: Message = _author(call) | _required_content(call).as_fields()
    if thread_ts := call.arguments.text("thread_ts"):
        message["thread_ts"] = call.platform.workspace.thread_parent(channel, thread_ts)["ts"]
    shown = call.platform.workspace.show_ephemeral(channel, user.id, message)
    return {"message_ts": shown["ts"]}


@method("chat.update", tier=Tier.T3, scopes=("chat:write",))
def update(call: Call) -> Answer:
    channel = call.channel()
    message = _own_message(call, channel, refusal="cant_update_message")
    if call.platform.streams.is_open(channel, message["ts"]):
        raise SlackError("streaming_state_conflict")
    content = read_content(call.arguments)
    if content.text is not None and len(content.text) > UPDATE_TEXT_LIMIT:
        raise SlackError("msg_too_long")
    changed = _updated(message, content)
    if not (changed["text"] or changed.get("blocks") or changed.get("attachments")):
        raise SlackError("no_text")
    if changed["text"] != message["text"]:
        changed["edited"] = {"user": APP_USER_ID, "ts": call.platform.workspace.new_ts()}
    changed = call.platform.workspace.change(channel, changed)
    return {"channel": channel.id, "ts": changed["ts"], "text": changed["text"], "message": changed}


@method("chat.delete", tier=Tier.T3, scopes=("chat:write",))
def delete(call: Call) -> Answer:
    channel = call.channel()
    message = _own_message(call, channel, refusal="cant_delete_message")
    call.platform.workspace.delete(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.getPermalink", tier=Tier.HIGH)
def get_permalink(call: Call) -> Answer:
    channel = call.channel()
    ts = call.arguments.required("message_ts")
    if ts not in channel.messages:
        raise SlackError("message_not_found")
    link = f"{call.platform.response_urls.base}/archives/{channel.id}/p{ts.replace('.', '')}"
    thread_ts = channel.messages[ts].get("thread_ts")
    return {"channel": channel.id, "permalink": f"{link}?thread_ts={thread_ts}" if thread_ts else link}


def _destination(call: Call) -> Channel:
    """Where chat.postMessage goes: a conversation's id, a channel's name, or a person's id for their direct message."""
    workspace = call.platform.workspace
    target = call.arguments.required("channel")
    if target in workspace.people:
        return workspace.direct_message([APP_USER_ID, target])
    by_name = {channel.name: channel.id for channel in workspace.channels.values() if not channel.is_direct}
    channel = workspace.channel(by_name.get(target.removeprefix("#"), target), seen_by=APP_USER_ID)
    if APP_USER_ID not in channel.members and not (
        channel.kind is Kind.CHANNEL and "chat:write.public" in call.platform.app.installed_scopes
    ):
        raise SlackError("not_in_channel")
    return channel


def _required_content(call: Call) -> Content:
    content = read_content(call.arguments)
    if content.is_empty:
        raise SlackError("no_text")
    return content


def _author(call: Call) -> dict[str, Any]:
    overrides = {
        name: call.arguments.given[name] for name in ("username", "icon_emoji", "icon_url") if name in call.arguments
    }
    if overrides:
        call.need("chat:write.customize")
    return call.platform.app.authorship() | overrides


def _own_message(call: Call, channel: Channel, *, refusal: str) -> Message:
    """Ephemeral messages cannot be found: there is nothing to update or delete."""
    message = channel.messages.get(call.arguments.required("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.get("user") != APP_USER_ID:
        raise SlackError(refusal)
    return message


def _updated(message: Message, content: Content) -> Message:
    """What is not given stays, but for one: `text` without `blocks` removes the blocks."""
    changed = {key: value for key, value in message.items() if key not in _REPLACED}
    changed["text"] = message["text"] if content.text is None else content.text
    blocks = message.get("blocks") if content.blocks is None and content.text is None else content.blocks
    attachments = message.get("attachments") if content.attachments is None else content.attachments
    metadata = message.get("metadata") if content.metadata is None else content.metadata
    optional = {"blocks": blocks, "attachments": attachments, "metadata": metadata}
    return changed | {name: value for name, value in optional.items() if value}
