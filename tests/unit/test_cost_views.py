"""How costs read."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.views.cost import SHOWN, build_cost, describe_spend_chart, spend_chart
from core.access.model import Role
from core.cost.model import Budget, ChargeKind, CostReport, DaySpend, HomeCosts, ServerSpend, Spend
from core.people.model import PersonId
from lab.slack.blocks import validate_message_blocks
from lab.slack.screen import words

BEA = PersonId("T1", "UBEA")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def spend(usd: str, *, is_certain: bool = True) -> Spend:
    return Spend(usd=Decimal(usd), is_certain=is_certain)


def budget(limit: str | None) -> Budget:
    usd = None if limit is None else Decimal(limit)
    return Budget(scope="workspace", limit_usd=usd, spent=spend("12.5"), promised_usd=Decimal(0))


def report(servers: int, *, is_certain: bool = True) -> CostReport:
    return CostReport(
        since=NOW - timedelta(days=2),
        until=NOW,
        total=spend("12.5", is_certain=is_certain),
        by_server=[
            ServerSpend(
                server_id=number,
                name=f"s{number}",
                owner=BEA,
                model="org/<model>",
                is_deleted=number == 0,
                spend=spend("1", is_certain=number != servers - 1),
            )
            for number in range(servers)
        ],
        by_owner=[(BEA, spend("12.5"))],
        by_model=[("org/<model>", spend("12.5"))],
        by_kind={ChargeKind.MACHINE: spend("12"), ChargeKind.DISK: spend("0.5")},
        days=[
            DaySpend(day=date(2026, 11, 21), machines_usd=Decimal(10), rest_usd=Decimal("0.25")),
            DaySpend(day=date(2026, 11, 22), machines_usd=Decimal(2), rest_usd=Decimal("0.25")),
        ],
    )


def shown(servers: int, *, role: Role = Role.READ, days: int = 2, is_certain: bool = True) -> str:
    month = HomeCosts(workspace=budget("500"), own=budget(None))
    _, blocks = build_cost(report(servers, is_certain=is_certain), month, days=days, role=role)
    assert validate_message_blocks(blocks) == []
    return words({"blocks": blocks})


def test_the_dearest_are_named_and_the_rest_is_added_up() -> None:
    text = shown(SHOWN + 3)
    assert "*s0* (deleted)" in text
    assert f"s{SHOWN}*" not in text
    assert "at least $3.00  3 others" in text


def test_the_month_stands_against_the_budgets() -> None:
    assert "*$12.50* of $500.00 in all, *$12.50* yours" in shown(1)


def test_what_costs_also_while_nothing_runs_is_told() -> None:
    assert "$0.50 of it went to what costs also while nothing runs: $0.50 disks" in shown(1)


def test_an_unknown_price_is_said() -> None:
    assert "at least $12.50" in shown(1, is_certain=False)
    assert "price that Prime does not know" in shown(1, is_certain=False)
    assert "price that Prime does not know" not in shown(1)


def test_only_an_admin_is_offered_budgets() -> None:
    assert "Budgets" in shown(1, role=Role.ADMIN)
    assert "Budgets" not in shown(1, role=Role.READ_WRITE)


def test_one_day_is_today_and_nothing_is_nothing() -> None:
    assert "Cost of today" in shown(1, days=1)
    assert "Nothing was spent" in shown(0)


def test_the_chart_is_told_in_words_too() -> None:
    chart = spend_chart(report(1), days=2)
    assert chart.title == "Cost of the last 2 days: $12.50"
    assert [list(values) for values in chart.parts.values()] == [[10.0, 2.0], [0.25, 0.25]]
    assert "most on Nov 21: $10.25" in describe_spend_chart(report(1))
