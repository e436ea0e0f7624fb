"""`/prime cost`: what servers cost, and how the budgets stand."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bot.charts import Bars
from bot.ids import Action
from bot.mrkdwn import escape
from bot.views.kit import Block, actions, button, context, divider, section
from bot.views.menu import Message
from bot.views.money import usd
from core.access.model import Role
from core.access.permissions import Permission, may
from core.cost.model import Budget, ChargeKind, CostReport, HomeCosts, Spend

SHOWN = 10
"""Of each list; the rest is added up."""

_OTHER_KINDS = {
    ChargeKind.DISK: "disks",
    ChargeKind.ADDRESS: "static addresses",
    ChargeKind.MACHINE_OFF: "machines that were off",
}


def build_cost(report: CostReport, month: HomeCosts, *, days: int, role: Role) -> Message:
    span = _span(days)
    blocks: list[Block] = [section(f"*Cost of {span}:* {amount(report.total)}"), context(describe_month(month))]
    if report.by_server:
        servers = [
            (f"*{server.name}*{' (deleted)' if server.is_deleted else ''} · {escape(server.model)}", server.spend)
            for server in report.by_server
        ]
        blocks.append(section(_list("By server", servers)))
        blocks.append(section(_list("By owner", [(f"<@{owner.user}>", spend) for owner, spend in report.by_owner])))
        blocks.append(section(_list("By model", [(escape(model), spend) for model, spend in report.by_model])))
        blocks.append(context(_rest(report)))
    else:
        blocks.append(context("Nothing was spent."))
    if not report.total.is_certain:
        blocks.append(context("“At least”: some of it has a price that Prime does not know, which counts as nothing."))
    buttons = [button("Chart", Action.COST_CHART, value=str(days))] if report.by_server else []
    if may(role, Permission.MANAGE_BUDGETS):
        buttons.append(button("Budgets", Action.COST_BUDGETS))
    if buttons:
        blocks += [divider(), actions(*buttons)]
    return f"Cost of {span}", blocks


def describe_month(costs: HomeCosts) -> str:
    """This month in a line, for App Home too."""
    return f"This month (UTC): {_stand(costs.workspace)} in all, {_stand(costs.own)} yours."


def amount(spend: Spend) -> str:
    return f"{'' if spend.is_certain else 'at least '}{usd(spend.usd)}"


def spend_chart(report: CostReport, *, days: int) -> Bars:
    return Bars(
        title=f"Cost of {_span(days)}: {usd(report.total.usd)}",
        unit="USD a day (UTC)",
        days=[datetime.combine(one.day, datetime.min.time()) for one in report.days],
        parts={
            "running machines": [float(one.machines_usd) for one in report.days],
            "disks, addresses, stopped machines": [float(one.rest_usd) for one in report.days],
        },
    )


def describe_spend_chart(report: CostReport) -> str:
    """For who cannot see it."""
    dearest = max(report.days, key=lambda one: one.machines_usd + one.rest_usd)
    return (
        f"{usd(report.total.usd)} in {len(report.days)} days (UTC), most on {dearest.day:%b %d}: "
        f"{usd(dearest.machines_usd + dearest.rest_usd)}."
    )


def _span(days: int) -> str:
    return "today" if days == 1 else f"the last {days} days"


def _stand(budget: Budget) -> str:
    limit = "" if budget.limit_usd is None else f" of {usd(budget.limit_usd)}"
    return f"*{amount(budget.spent)}*{limit}"


def _list(title: str, rows: Sequence[tuple[str, Spend]]) -> str:
    lines = [f"{amount(spend)}  {name}" for name, spend in rows[:SHOWN]]
    rest = rows[SHOWN:]
    if rest:
        total = sum((spend.usd for _, spend in rest), Decimal(0))
        certain = all(spend.is_certain for _, spend in rest)
        lines.append(f"{amount(Spend(usd=total, is_certain=certain))}  {len(rest):,} others")
    return "\n".join([f"*{title}*", *lines])


def _rest(report: CostReport) -> str:
    parts = [
        f"{usd(report.by_kind[kind].usd)} {words}" for kind, words in _OTHER_KINDS.items() if kind in report.by_kind
    ]
    return f"{usd(report.rest_usd)} of it went to what costs also while nothing runs: {', '.join(parts) or 'nothing'}."
