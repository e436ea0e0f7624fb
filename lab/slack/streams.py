"""Streamed answers: chat.startStream, appendStream, stopStream (slack-platform.md section 9)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.clock import LabClock
from lab.slack.arguments import Arguments
from lab.slack.channels import Channel, Message
from lab.slack.content import MARKDOWN_LIMIT, checked_blocks
from lab.slack.errors import SlackError
from lab.slack.workspace import Workspace

TITLE_LIMIT = 256


class CountsFrom(StrEnum):
    """Reports disagree on what the lifetime counts from, so either can be had."""

    START = "start"
    LAST_APPEND = "last append"


@dataclass(slots=True, kw_only=True)
class Stream:
    channel: Channel
    ts: str
    started: float
    touched: float
    display: str
    parts: list[dict[str, Any]] = field(default_factory=list)
    """The blocks of the message as they grow."""
    stopped_by_user: bool = False


class Streams:
    """A message that is being streamed is here; it leaves when it is stopped, and dies of age."""

    def __init__(self, clock: LabClock, workspace: Workspace) -> None:
        self._clock = clock
        self._workspace = workspace
        self._open: dict[tuple[str, str], Stream] = {}
        self.lifetime_seconds = 300.0
        self.counts_from = CountsFrom.START

    def start(
        self, channel: Channel, authorship: dict[str, Any], arguments: Arguments, thread_ts: str | None
    ) -> Message:
        now = self._clock.time()
        message: Message = {**authorship, "text": "", "streaming_state": "in_progress"}
        if thread_ts:
            message["thread_ts"] = thread_ts
        stream = Stream(
            channel=channel, ts="", started=now, touched=now, display=arguments.text("task_display_mode") or "timeline"
        )
        _add(stream, arguments)
        message = self._workspace.post(channel, message | _shown(stream))
        stream.ts = message["ts"]
        self._open[channel.id, stream.ts] = stream
        return message

    def append(self, channel: Channel, ts: str, arguments: Arguments) -> Message:
        stream = self._require(channel, ts)
        if "markdown_text" not in arguments and "chunks" not in arguments:
            raise SlackError("invalid_arguments")
        _add(stream, arguments)
        stream.touched = self._clock.time()
        return self._workspace.change(channel, channel.messages[ts] | _shown(stream), for_page_only=True)

    def stop(self, channel: Channel, ts: str, arguments: Arguments) -> Message:
        stream = self._require(channel, ts)
        _add(stream, arguments)
        stream.parts.extend(checked_blocks(arguments.structure("blocks") or []))
        del self._open[channel.id, ts]
        changed = channel.messages[ts] | _shown(stream) | {"streaming_state": "completed"}
        if metadata := arguments.structure("metadata"):
            changed["metadata"] = metadata
        return self._workspace.change(channel, changed)

    def is_open(self, channel: Channel, ts: str) -> bool:
        return self._alive(channel, ts) is not None

    def stop_by_user(self, channel: str, ts: str) -> None:
        """The person pressed Slack's own Stop: from now on the app gets `stopped_by_user`."""
        self._open[channel, ts].stopped_by_user = True

    def _require(self, channel: Channel, ts: str) -> Stream:
        if (stream := self._alive(channel, ts)) is None:
            raise SlackError("message_not_in_streaming_state")
        if stream.stopped_by_user:
            raise SlackError("stopped_by_user")
        return stream

    def _alive(self, channel: Channel, ts: str) -> Stream | None:
        stream = self._open.get((channel.id, ts))
        if stream is None:
            return None
        since = stream.started if self.counts_from is CountsFrom.START else stream.touched
        return stream if self._clock.time() - since <= self.lifetime_seconds else None


def _add(stream: Stream, arguments: Arguments) -> None:
    """Grows the message by what the call brings. Nothing is added if any of it is wrong."""
    chunks = arguments.structure("chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise SlackError("invalid_chunks")
    if markdown := arguments.optional_text("markdown_text"):
        chunks = [{"type": "markdown_text", "text": markdown}, *chunks]
    parts = list(stream.parts)
    for chunk in chunks:
        parts = _with_chunk(parts, chunk, display=stream.display)
    stream.parts = parts


def _with_chunk(parts: list[dict[str, Any]], chunk: dict[str, Any], *, display: str) -> list[dict[str, Any]]:
    match chunk:
        case {"type": "markdown_text", "text": str(text)}:
            return _with_markdown(parts, text)
        case {"type": "task_update", "id": str(task_id), "title": str(title)} if len(title) <= TITLE_LIMIT:
            given = {key: chunk[key] for key in ("status", "details", "output", "sources") if key in chunk}
            return _with_task(parts, {"task_id": task_id, "title": title, **given}, in_plan=display == "plan")
        case {"type": "plan_update", "title": str(title)} if len(title) <= TITLE_LIMIT:
            return [part | {"title": title} if part["type"] == "plan" else part for part in _with_plan(parts)]
        case {"type": "blocks", "blocks": list(blocks)}:
            return [*parts, *checked_blocks(blocks)]
        case _:
            raise SlackError("invalid_chunks")


def _with_markdown(parts: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    if len(text) > MARKDOWN_LIMIT:
        raise SlackError("msg_too_long")
    if parts and parts[-1]["type"] == "markdown":
        return [*parts[:-1], parts[-1] | {"text": parts[-1]["text"] + text}]
    return [*parts, {"type": "markdown", "text": text}]


def _with_plan(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if any(part["type"] == "plan" for part in parts):
        return parts
    return [{"type": "plan", "title": "", "tasks": []}, *parts]


def _with_task(parts: list[dict[str, Any]], task: dict[str, Any], *, in_plan: bool) -> list[dict[str, Any]]:
    """The task's card, updated where it stands, else added: to the plan or to the end."""
    if in_plan:
        return [
            part | {"tasks": _with_task(part["tasks"], task, in_plan=False)} if part["type"] == "plan" else part
            for part in _with_plan(parts)
        ]
    card = {"type": "task_card", **task}
    if any(part.get("task_id") == task["task_id"] for part in parts):
        return [part | card if part.get("task_id") == task["task_id"] else part for part in parts]
    return [*parts, {"status": "pending"} | card]


def _shown(stream: Stream) -> dict[str, Any]:
    text = "".join(part["text"] for part in stream.parts if part["type"] == "markdown")
    return {"text": text, "blocks": list(stream.parts)}
