"""The end of an engine's log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from bot.forms import number_in
from bot.ids import Action, Modal
from bot.mrkdwn import escape
from bot.views.kit import Block, actions, button, context, modal, section
from bot.views.menu import Message
from bot.views.moments import moment
from bot.views.servers import state_of
from core.errors import NotFoundError
from core.logs.model import Level, LogLine, LogTail
from core.logs.rules import LINES, MOST_LINES
from core.servers.model import Server, ServerState

CHARACTERS = 9000
"""In all. Slack refuses messages of some 13,000 (reference section 6)."""
OF_A_BLOCK = 2900
TOLD_LENGTH = 500

_CHOICES = {
    Level.TRACE: (Action.LOGS_ALL, "All"),
    Level.WARN: (Action.LOGS_WARNINGS, "Warnings"),
    Level.ERROR: (Action.LOGS_ERRORS, "Errors"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is shown, as the buttons carry it: `<server id>|<level>|<lines>`."""

    server_id: int
    at_least: Level = Level.TRACE
    lines: int = LINES

    @classmethod
    def parse(cls, value: object) -> Self:
        """Raises NotFoundError for what no button of Prime's holds."""
        number, _, rest = str(value).partition("|")
        level, _, lines = rest.partition("|")
        if level not in _CHOICES or not 1 <= number_in(lines) <= MOST_LINES:
            raise NotFoundError("This log is out of date. `/prime logs NAME` shows it anew.")
        return cls(server_id=number_in(number), at_least=Level(level), lines=number_in(lines))

    def __str__(self) -> str:
        return f"{self.server_id}|{self.at_least}|{self.lines}"


def build_logs(
    server: Server, tail: LogTail, choice: Choice, *, now: datetime, follows_until: datetime | None = None
) -> Message:
    blocks = [section(f"*{server.spec.name}*: engine log\n{_state(server)}")]
    shown, left_out = _fitting(tail.lines)
    if tail.problem:
        blocks.append(section(escape(tail.problem)))
    elif not shown:
        blocks.append(section("Nothing yet."))
    blocks += [_as_written(part) for part in _parts(shown)]
    blocks.append(context(" · ".join(_about(shown, choice, now, follows_until, left_out=left_out))))
    blocks.append(actions(*_buttons(choice, follows=follows_until is not None and now < follows_until)))
    return f"The engine log of {server.spec.name}", blocks


def build_logs_modal(
    server: Server, tail: LogTail, choice: Choice, *, now: datetime, follows_until: datetime | None = None
) -> dict[str, Any]:
    """The same where no message can be shown, such as App Home, and where it moves."""
    _, blocks = build_logs(server, tail, choice, now=now, follows_until=follows_until)
    return modal(Modal.LOGS, "Engine log", blocks, close="Close", private_metadata=str(choice))


def _state(server: Server) -> str:
    """How far it is: all there is to read where no log arrives."""
    told = server.progress
    if server.state is ServerState.FAILED and server.failure is not None:
        told = f"{server.failure.kind}: {server.failure.message}"
    return state_of(server) + (f" · {escape(told[:TOLD_LENGTH])}" if told else "")


def _fitting(lines: Sequence[LogLine]) -> tuple[list[str], int]:
    """The newest that fit, and how many do not."""
    room, shown = CHARACTERS, list[str]()
    for line in reversed(lines):
        text = f"{line.at:%H:%M:%S} {line.level:<5} {line.text}"[:OF_A_BLOCK]
        room -= len(text) + 1
        if room < 0:
            break
        shown.append(text)
    return shown[::-1], len(lines) - len(shown)


def _parts(lines: Sequence[str]) -> list[str]:
    parts = list[str]()
    for line in lines:
        if parts and len(parts[-1]) + 1 + len(line) <= OF_A_BLOCK:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts


def _as_written(text: str) -> Block:
    """In a block that knows no mentions, links or fences: whatever a log holds is text there."""
    written = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [written]}


def _about(
    shown: Sequence[str], choice: Choice, now: datetime, follows_until: datetime | None, *, left_out: int
) -> list[str]:
    what = {Level.WARN: "warnings and errors", Level.ERROR: "errors"}.get(choice.at_least, "lines")
    facts = [f"The last {len(shown)} {what}, times in UTC"] if shown else []
    if left_out:
        facts.append(f"{left_out} more do not fit")
    if follows_until is None:
        facts.append(f"as of {moment(now)}")
    elif now < follows_until:
        facts.append(f"follows the log until {moment(follows_until)}, or until you close this")
    else:
        facts.append(f"followed the log until {moment(follows_until)}")
    return facts


def _buttons(choice: Choice, *, follows: bool) -> list[dict[str, Any]]:
    def pressing(label: str, action: Action, at_least: Level = choice.at_least, style: str | None = None) -> Any:
        value = Choice(server_id=choice.server_id, at_least=at_least, lines=choice.lines)
        return button(label, action, value=str(value), style=style)

    levels = [
        pressing(label, action, level, "primary" if level is choice.at_least else None)
        for level, (action, label) in _CHOICES.items()
    ]
    refresh = pressing("Refresh", Action.LOGS_REFRESH)
    return [*levels, refresh, *([] if follows else [pressing("Follow", Action.LOGS_FOLLOW)])]
