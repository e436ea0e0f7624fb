"""What a model saw of a prompt, values of a masked answer, and forgetting a thread: for one person alone."""

from collections.abc import Sequence
from typing import Any

from bot.ids import Action
from bot.markdown import neutralise
from bot.mrkdwn import code
from bot.views.kit import Block, button, confirm, context, divider, modal, section, sections, verbatim
from bot.views.menu import Message
from core.redaction.model import Seen

TEXT_SHOWN = 30_000
"""Characters of a prompt."""
VALUES_SHOWN = 200
_VALUE_LENGTH = 200


def build_seen_modal(seen: Seen) -> dict[str, Any]:
    blocks: list[Block] = [section("*What was sent of your message*"), *verbatim(seen.prompt[:TEXT_SHOWN])]
    if len(seen.prompt) > TEXT_SHOWN:
        blocks.append(context(f"and {len(seen.prompt) - TEXT_SHOWN:,} characters more."))
    blocks += [divider(), section(f"*Risk:* {seen.risk} of 100"), *_table(seen.values)]
    return modal("redaction.seen", "What the model saw", blocks, close="Close")


def build_revealed(parts: Sequence[str], *, is_cut: bool) -> list[Message]:
    """A message for each part of the answer, which is Markdown. `is_cut`: there are more."""
    if not any(map(str.strip, parts)):
        return [("Nothing is kept of this answer.", [context("Nothing is kept of this answer any more.")])]
    note = "Only you see this. That you looked is in the audit log."
    if is_cut:
        note += " The rest is too long to be shown so."
    return [
        ("The answer, with its values", [{"type": "markdown", "text": neutralise(part)}, context(note)])
        for part in parts
    ]


def build_forget_button(turn_id: str) -> dict[str, Any]:
    ask = confirm(
        "Forget this thread?",
        "Prime destroys what it keeps of this thread: questions, answers, and what placeholders stand for. Nobody can "
        "bring it back. The messages in Slack stay; the model does not know them any more.",
        verb="Forget",
        danger=True,
    )
    return button("Forget this thread", Action.THREAD_FORGET, value=turn_id, style="danger", confirm=ask)


def build_forgotten_modal() -> dict[str, Any]:
    text = "Prime has forgotten this thread. The messages in Slack stay: delete those there if they are to go, too."
    return modal("redaction.forgotten", "Forgotten", [section(text)], close="Close")


def _table(values: Sequence[tuple[str, str]]) -> list[Block]:
    if not values:
        return [context("Nothing in it was replaced.")]
    lines = [f"`{placeholder}` → {code(value, limit=_VALUE_LENGTH)}" for placeholder, value in values[:VALUES_SHOWN]]
    if len(values) > VALUES_SHOWN:
        lines.append(f"and {len(values) - VALUES_SHOWN:,} more")
    return [section("*What stood for what*"), *sections(lines)]
