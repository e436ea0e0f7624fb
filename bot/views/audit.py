"""Who did what to what, newest first."""

from datetime import datetime

from bot.ids import Action
from bot.mrkdwn import escape
from bot.views.kit import Block, actions, button, context, section
from bot.views.moments import moment
from core.audit.model import AuditPage, AuditRecord


def build_audit_page(page: AuditPage) -> list[Block]:
    """The Older button carries where to go on and what was asked for: `<number>|<actor or target>`."""
    blocks = [section(f"*Audit log*{f' of {_name(page.about)}' if page.about else ''}, newest first")]
    if not page.records:
        blocks.append(context("Nothing yet."))
    blocks += [section(_line(record)) for record in page.records]
    if page.next_before is not None:
        blocks.append(actions(button("Older", Action.AUDIT_OLDER, value=f"{page.next_before}|{page.about or ''}")))
    return blocks


def _line(record: AuditRecord) -> str:
    entry = record.entry
    detail = ", ".join(
        f"{key} {_show(key, value)}" for key, value in entry.detail.items() if value not in (None, [], "")
    )
    did = f"{_name(entry.actor)} `{escape(entry.action)}` {_name(entry.target)}"
    return f"#{record.seq} {moment(entry.at)}\n{did}" + (f"\n{detail}" if detail else "")


def _name(actor_or_target: str) -> str:
    """A mention for a person (`<team>/<user>`), Slack's reference for a group, else the word itself."""
    team, _, user = actor_or_target.partition("/")
    if team.startswith(("T", "E")) and user.startswith(("U", "W")):
        return f"<@{escape(user)}>"
    if actor_or_target.startswith("group:"):
        return f"<!subteam^{escape(actor_or_target.removeprefix('group:'))}>"
    return escape(actor_or_target)


def _show(key: str, value: object) -> str:
    if key == "until":
        return moment(datetime.fromisoformat(str(value)))
    return escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))
