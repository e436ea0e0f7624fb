"""The daily digest of costs."""

from bot.mrkdwn import escape
from bot.views.cost import amount
from bot.views.kit import Block, context, section
from bot.views.menu import Message
from bot.views.money import usd
from core.cost.model import Budget, CostReport

TOP = 5


def build_digest(report: CostReport, budget: Budget) -> Message:
    """`report` is of one day, `budget` the workspace's."""
    text = f"Cost of {report.since:%B} {report.since.day}: {amount(report.total)}"
    limit = "" if budget.limit_usd is None else f" of {usd(budget.limit_usd)}"
    blocks: list[Block] = [section(f"*{text}* (UTC)\nThis month so far: {amount(budget.spent)}{limit}")]
    if report.by_server:
        blocks.append(section("\n".join(["*What cost most*", *_top(report)])))
    facts = [f"Disks, addresses, and machines that were off: {usd(report.rest_usd)}."]
    unpriced = [one.name for one in report.by_server if not one.spend.is_certain]
    if unpriced:
        more = f" and {len(unpriced) - TOP} more" if len(unpriced) > TOP else ""
        facts.append(f"Without a known price, so that it counts as nothing: {', '.join(unpriced[:TOP])}{more}.")
    return text, [*blocks, context(*facts)]


def _top(report: CostReport) -> list[str]:
    lines = [
        f"{amount(one.spend)}  *{one.name}*{' (deleted)' if one.is_deleted else ''} · {escape(one.model)}"
        for one in report.by_server[:TOP]
    ]
    rest = len(report.by_server) - TOP
    return [*lines, f"and {rest} more"] if rest > 0 else lines
