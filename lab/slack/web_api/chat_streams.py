"""chat.startStream, appendStream and stopStream (slack-platform.md section 9)."""

from lab.slack.channels import Channel
from lab.slack.errors import SlackError, invalid_arguments
from lab.slack.limits import Tier
from lab.slack.people import APP_USER_ID
from lab.slack.web_api.registry import Answer, Call, method


@method("chat.startStream", tier=Tier.T2, scopes=("chat:write",))
def start_stream(call: Call) -> Answer:
    channel = call.joined_channel()
    thread_ts = call.arguments.optional_text("thread_ts")
    if channel.is_direct:
        if not call.platform.app.manifest.messages_tab_enabled:
            raise SlackError("messages_tab_disabled")
        if thread_ts is None:
            raise invalid_arguments("missing required field: thread_ts")
    else:
        for name in ("recipient_user_id", "recipient_team_id"):
            if name not in call.arguments:
                raise SlackError(f"missing_{name}")
    if thread_ts is not None:
        call.platform.workspace.thread_parent(channel, thread_ts)
    message = call.platform.streams.start(channel, call.platform.app.authorship(), call.arguments, thread_ts)
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.appendStream", tier=Tier.T4, scopes=("chat:write",))
def append_stream(call: Call) -> Answer:
    channel, ts = _own_stream(call)
    call.platform.streams.append(channel, ts, call.arguments)
    return {"channel": channel.id, "ts": ts}


@method("chat.stopStream", tier=Tier.T2, scopes=("chat:write",))
def stop_stream(call: Call) -> Answer:
    channel, ts = _own_stream(call)
    message = call.platform.streams.stop(channel, ts, call.arguments)
    return {"channel": channel.id, "ts": ts, "message": message}


def _own_stream(call: Call) -> tuple[Channel, str]:
    channel = call.channel()
    ts = call.arguments.required("ts")
    message = channel.messages.get(ts)
    if message is None:
        raise SlackError("message_not_found")
    if message.get("user") != APP_USER_ID:
        raise SlackError("message_not_owned_by_app")
    return channel, ts
