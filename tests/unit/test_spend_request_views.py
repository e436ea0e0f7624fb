"""What people read of going beyond a budget: whatever words are in it, Slack takes it, and none becomes a mention."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.create_form import CreateForm, form_in
from bot.views.digest import build_digest
from bot.views.spend_requests import (
    build_ask_create_modal,
    build_ask_start,
    build_ask_start_modal,
    build_budget_reached,
    build_deny_spend_modal,
    build_own_request,
    build_request_message,
    describe_outcome_to_asker,
)
from core.cost.model import (
    WORKSPACE,
    Budget,
    ChargeKind,
    CostReport,
    DaySpend,
    Excess,
    ServerSpend,
    Spend,
    SpendAct,
    SpendRequest,
    SpendState,
)
from core.people.model import PersonId
from lab.slack.blocks import validate_message_blocks, validate_view
from lab.slack.screen import words
from tests.scenario.access import interactive_elements
from tests.servers import NOW, SPEC, server

BEA, ADAM = PersonId("T0", "U0BEA"), PersonId("T0", "U0ADAM")
HOSTILE = "<!channel> & <@U0ADAM>\n`x` <https://evil.example|here>"
EXCESS = Excess(
    scope=WORKSPACE,
    limit_usd=Decimal(500),
    spent_usd=Decimal("480.50"),
    promised_usd=Decimal("1.54"),
    asked_usd=Decimal("20.25"),
    is_certain=True,
)
OWN = replace(EXCESS, scope=str(BEA), limit_usd=Decimal(50), is_certain=False)
REQUEST = SpendRequest(
    id=7,
    asker=BEA,
    act=SpendAct.CREATE,
    name="llama",
    spec=replace(SPEC, description=HOSTILE),
    despite_misfit=False,
    channel="C0GENERAL",
    server_id=None,
    owner=BEA,
    excess=(EXCESS, OWN),
    state=SpendState.OPEN,
    created_at=NOW,
)
SETTLED = {"settled_at": NOW, "settled_by": ADAM, "denial_reason": HOSTILE}


def shown(blocks: list[dict[str, Any]]) -> str:
    assert validate_message_blocks(blocks) == []
    return words({"blocks": blocks})


def test_each_figure_stands_in_front_of_asking_and_of_deciding() -> None:
    form = CreateForm(provider="paperspace", name="llama", despite_misfit=True)
    for text in (
        words(build_ask_create_modal(form, [EXCESS])),
        words(build_ask_start_modal(server(), [EXCESS])),
        shown(build_ask_start(server(), [EXCESS])[1]),
        shown(build_request_message(REQUEST)[1]),
    ):
        for figure in ("$500.00 a month", "$480.50", "$1.54", "$20.25", "$502.29"):
            assert figure in text


def test_a_price_that_is_not_known_is_said() -> None:
    assert "not known" not in shown(build_request_message(replace(REQUEST, excess=(EXCESS,)))[1])
    assert "not known" in shown(build_request_message(REQUEST)[1])


def test_the_form_comes_back_from_the_modal_that_asks() -> None:
    form = CreateForm(provider="paperspace", name="llama", despite_misfit=True)
    assert form_in(build_ask_create_modal(form, [EXCESS])["private_metadata"]) == form


def test_slack_takes_the_modals() -> None:
    form = CreateForm(provider="paperspace", name="x" * 30)
    for view in (
        build_ask_create_modal(form, [EXCESS, OWN]),
        build_ask_start_modal(server(), [EXCESS, OWN]),
        build_deny_spend_modal(REQUEST),
    ):
        assert validate_view(view) == []


@pytest.mark.parametrize("state", SpendState)
@pytest.mark.parametrize("act", SpendAct)
def test_there_are_buttons_only_while_it_is_open_and_no_words_become_a_mention(
    state: SpendState, act: SpendAct
) -> None:
    spec = REQUEST.spec if act is SpendAct.CREATE else None
    request = replace(REQUEST, act=act, spec=spec, state=state, **({} if state is SpendState.OPEN else SETTLED))
    _, blocks = build_request_message(request)
    _, own = build_own_request(request)
    is_open = state is SpendState.OPEN
    assert interactive_elements({"blocks": blocks}) == (["Approve", "Deny"] if is_open else [])
    assert interactive_elements({"blocks": own}) == (["Withdraw"] if is_open else [])
    texts = [shown(blocks), shown(own), describe_outcome_to_asker(request)]
    assert not any("<!channel>" in text or "<https:" in text for text in texts)


def test_a_start_of_another_ones_server_says_whose_budget_it_is() -> None:
    request = replace(REQUEST, act=SpendAct.START, spec=None, owner=ADAM)
    assert "<@U0BEA> asks to start *llama*, which belongs to <@U0ADAM>" in shown(build_request_message(request)[1])


@pytest.mark.parametrize(
    ("scope", "whose"), [(WORKSPACE, "The workspace's budget"), (str(BEA), "The budget of <@U0BEA>")]
)
def test_a_warning_says_whose_budget_and_what_to_do(scope: str, whose: str) -> None:
    spent = Spend(usd=Decimal("412.5"), is_certain=False)
    budget = Budget(scope=scope, limit_usd=Decimal(500), spent=spent, promised_usd=Decimal(3))
    text, blocks = build_budget_reached(budget, 80)
    assert text == f"{whose} of $500.00 a month is used to 80 percent."
    assert "at least $412.50" in shown(blocks)
    assert "`/prime stop NAME`" in shown(blocks)


class TestDigest:
    budget = Budget(
        scope=WORKSPACE,
        limit_usd=Decimal(500),
        spent=Spend(usd=Decimal(210), is_certain=True),
        promised_usd=Decimal(0),
    )

    def report(self, count: int) -> CostReport:
        since = datetime(2026, 11, 21, tzinfo=UTC)
        servers = [
            ServerSpend(
                server_id=number,
                name=f"server-{number}",
                owner=BEA,
                model="some/<!channel>",
                is_deleted=number == 2,
                spend=Spend(usd=Decimal(10 - number), is_certain=number != 1),
            )
            for number in range(count)
        ]
        total = Spend(usd=sum((one.spend.usd for one in servers), Decimal(0)), is_certain=count < 2)
        return CostReport(
            since=since,
            until=since + timedelta(days=1),
            total=total,
            by_server=servers,
            by_owner=[],
            by_model=[],
            by_kind={ChargeKind.DISK: Spend(usd=Decimal("1.25"), is_certain=True)},
            days=[DaySpend(day=date(2026, 11, 21), machines_usd=total.usd, rest_usd=Decimal(0))],
        )

    def test_it_has_the_day_the_month_and_the_five_dearest(self) -> None:
        text, blocks = build_digest(self.report(8), self.budget)
        told = shown(blocks)
        assert text == "Cost of November 21: at least $52.00"
        assert "This month so far: $210.00 of $500.00" in told
        assert "server-4" in told
        assert "server-5" not in told
        assert "and 3 more" in told
        assert "*server-2* (deleted)" in told
        assert "off: $1.25" in told
        assert "counts as nothing: server-1" in told
        assert "<!channel>" not in told

    def test_a_day_without_cost_is_short(self) -> None:
        _, blocks = build_digest(self.report(0), replace(self.budget, limit_usd=None))
        told = shown(blocks)
        assert "$0.00" in told
        assert "What cost most" not in told
        assert " of $" not in told
