"""Files: the three steps of an upload, and what a file is."""

from lab.slack.channels import Channel
from lab.slack.errors import SlackError, invalid_arguments
from lab.slack.limits import Tier
from lab.slack.people import APP_USER_ID
from lab.slack.web_api.registry import Answer, Call, method


@method("files.getUploadURLExternal", tier=Tier.T4, scopes=("files:write",))
def get_upload_url(call: Call) -> Answer:
    length = call.arguments.number("length")
    if length is None or length <= 0:
        raise invalid_arguments("length must be positive [json-pointer:/length]")
    file, url = call.platform.files.announce(call.arguments.required("filename"), length, owner=APP_USER_ID)
    file.alt_text = call.arguments.optional_text("alt_txt") or ""
    return {"upload_url": url, "file_id": file.id}


@method("files.completeUploadExternal", tier=Tier.T4, scopes=("files:write",))
def complete_upload(call: Call) -> Answer:
    """Shares the files in one message, if a channel is named."""
    platform = call.platform
    entries = call.arguments.structure("files")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise invalid_arguments("missing required field: files")
    channels = _channels(call)
    files = [platform.files.get(str(entry.get("id"))) for entry in entries]
    if any(file.complete or file.owner != APP_USER_ID for file in files):
        raise SlackError("file_not_found")
    for file, entry in zip(files, entries, strict=True):
        file.complete, file.title = True, entry.get("title") or file.name
    for channel in channels:
        for file in files:
            file.shared_in.append(channel)
        message = platform.app.authorship() | {
            "subtype": "file_share",
            "text": call.arguments.text("initial_comment"),
            "files": [platform.files.shape(file) for file in files],
            "upload": True,
        }
        if thread_ts := call.arguments.text("thread_ts"):
            message["thread_ts"] = platform.workspace.thread_parent(channel, thread_ts)["ts"]
        platform.workspace.post(channel, message)
    return {"files": [platform.files.shape(file) for file in files]}


@method("files.info", tier=Tier.T4, scopes=("files:read",))
def info(call: Call) -> Answer:
    file = call.platform.files.seen_by_app(call.arguments.required("file"))
    return {"file": call.platform.files.shape(file), "comments": [], "response_metadata": {"next_cursor": ""}}


def _channels(call: Call) -> list[Channel]:
    workspace = call.platform.workspace
    names = call.arguments.names("channels") or call.arguments.names("channel_id")
    channels = [workspace.channel(name, seen_by=APP_USER_ID) for name in names]
    if any(APP_USER_ID not in channel.members for channel in channels):
        raise SlackError("not_in_channel")
    return channels
