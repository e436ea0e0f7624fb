"""What the app answers to an interaction, in its acknowledgement or through a response URL."""

from dataclasses import dataclass
from typing import Any

from lab.slack.app import InstalledApp
from lab.slack.arguments import Arguments
from lab.slack.channels import Channel, Message
from lab.slack.content import Content, read_content
from lab.slack.errors import SlackError
from lab.slack.people import APP_USER_ID
from lab.slack.tickets import ResponseUrl
from lab.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Replies:
    app: InstalledApp
    workspace: Workspace

    def to_command(self, body: dict[str, Any], *, channel: Channel, user: str, typed: str) -> str | None:
        """Shows the body of a command's acknowledgement; its ts, None if it was empty.

        With `in_channel` everybody also sees what was typed."""
        arguments = Arguments(body)
        content = read_content(arguments)
        if content.is_empty:
            return None
        if arguments.text("response_type") == "in_channel":
            self.workspace.post(channel, {"subtype": "slash_command", "user": user, "text": typed})
        return self._show(content, arguments, channel=channel, user=user, thread_ts=None)

    def to_response_url(self, response_url: ResponseUrl, body: dict[str, Any]) -> None:
        arguments = Arguments(body)
        channel, original = response_url.channel, response_url.original
        if arguments.flag("delete_original"):
            self._delete(channel, original)
            return
        content = read_content(arguments)
        if content.is_empty:
            raise SlackError("no_text")
        if arguments.flag("replace_original") and original is not None:
            self._replace(channel, original, content)
            return
        ts = self._show(
            content,
            arguments,
            channel=channel,
            user=response_url.user,
            thread_ts=arguments.optional_text("thread_ts") or response_url.thread_ts,
        )
        # After a command there is no original yet: the first answer becomes it.
        response_url.original = original or ts

    def _show(
        self, content: Content, arguments: Arguments, *, channel: Channel, user: str, thread_ts: str | None
    ) -> str:
        message: Message = self.app.authorship() | content.as_fields()
        if thread_ts:
            message["thread_ts"] = self.workspace.thread_parent(channel, thread_ts)["ts"]
        if arguments.text("response_type") == "in_channel":
            return self.workspace.post(channel, message)["ts"]
        return self.workspace.show_ephemeral(channel, user, message)["ts"]

    def _replace(self, channel: Channel, original: str, content: Content) -> None:
        if original in channel.ephemerals:
            user, message = channel.ephemerals[original]
            thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
            self.workspace.show_ephemeral(
                channel, user, self.app.authorship() | content.as_fields() | thread, ts=original
            )
            return
        message = self._own(channel, original)
        kept = {key: value for key, value in message.items() if key not in ("blocks", "attachments")}
        self.workspace.change(channel, kept | content.as_fields())

    def _delete(self, channel: Channel, original: str | None) -> None:
        if original in channel.ephemerals:
            self.workspace.delete_ephemeral(channel, original)
        else:
            self.workspace.delete(channel, self._own(channel, original)["ts"])

    def _own(self, channel: Channel, ts: str | None) -> Message:
        message = channel.messages.get(ts or "")
        if message is None:
            raise SlackError("message_not_found")
        if message.get("user") != APP_USER_ID:
            raise SlackError("cant_update_message")
        return message
