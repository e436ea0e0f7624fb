"""What is charged, and what counts against a budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.model import YesNo
from core.cost.model import WORKSPACE, Ask, Budget, ChargeKind, Going, Limits, Spend
from core.cost.rules import (
    ask_of,
    budget_of,
    charged_from,
    charges,
    check_limit,
    check_scope,
    excess_of,
    month_of,
    percents_reached,
)
from core.errors import InvalidInputError
from core.people.model import PersonId
from core.servers.model import Failure, FailureKind, ServerState
from core.servers.rules import RUNNING
from tests.servers import HARDWARE, NOW, SPEC, server

S, K = ServerState, ChargeKind
BEA, CAL = PersonId("T0", "UBEA"), PersonId("T0", "UCAL")
NO_LIMITS = Limits(workspace=None, everybody=None, people={}, digest_channel=None)


@pytest.mark.parametrize("state", sorted(RUNNING | {S.DELETING}))
def test_a_machine_costs_while_it_runs_and_until_it_is_deleted(state: ServerState) -> None:
    assert charges(server(machine_id="m", state=state)) == {
        K.MACHINE: HARDWARE.price_usd_per_hour,
        K.DISK: HARDWARE.disk_usd_per_hour,
    }


def test_without_a_machine_nothing_costs() -> None:
    for state in ServerState:
        assert charges(server(machine_id=None, state=state)) == {}
    for state in (S.GONE, S.DELETED):
        assert charges(server(machine_id="m", state=state)) == {}


@pytest.mark.parametrize(("billed", "kinds"), [(YesNo.YES, {K.MACHINE_OFF, K.DISK}), (YesNo.NO, {K.DISK})])
def test_what_is_off_costs_its_disk_and_what_the_cloud_bills(billed: YesNo, kinds: set[ChargeKind]) -> None:
    hardware = replace(HARDWARE, billed_while_off=billed)
    off = Failure(kind=FailureKind.NO_CAPACITY, message="")
    assert charges(server(machine_id="m", state=S.STOPPED, hardware=hardware)).keys() == kinds
    assert charges(server(machine_id="m", state=S.FAILED, failure=off, hardware=hardware)).keys() == kinds


def test_a_failed_engine_leaves_its_machine_on() -> None:
    failure = Failure(kind=FailureKind.ENGINE, message="")
    assert K.MACHINE in charges(server(machine_id="m", state=S.FAILED, failure=failure))


def test_a_static_address_costs_also_at_a_price_that_nobody_knows() -> None:
    one = server(machine_id="m", state=S.STOPPED, spec=replace(SPEC, static_address=True))
    assert charges(one)[K.ADDRESS] is None


def test_what_is_gone_costs_until_it_was_first_missed() -> None:
    missed = NOW - timedelta(minutes=6)
    assert charged_from(server(state=S.GONE, missing_since=missed)) == missed
    assert charged_from(server(state=S.STOPPED, missing_since=missed)) == NOW


@pytest.mark.parametrize(
    ("idle", "ends_in", "hours"),
    [(None, None, 24), (120, None, 2), (120, 5, 2), (None, 5, 5), (None, 100, 24), (None, -1, 0)],
)
def test_a_create_adds_what_it_costs_until_it_would_stop(idle: int | None, ends_in: int | None, hours: int) -> None:
    ends_at = None if ends_in is None else NOW + timedelta(hours=ends_in)
    ask = ask_of(replace(SPEC, idle_stop_minutes=idle, ends_at=ends_at), HARDWARE, NOW)
    assert ask == Ask(usd=Decimal("0.7704") * hours, is_certain=True)


def test_an_unknown_price_counts_as_nothing_and_is_told() -> None:
    ask = ask_of(SPEC, replace(HARDWARE, price_usd_per_hour=None), NOW)
    assert ask == Ask(usd=Decimal("0.0104") * 24, is_certain=False)


def test_the_workspace_has_all_and_a_person_their_own() -> None:
    spent = {BEA: Spend(usd=Decimal(3), is_certain=True), CAL: Spend(usd=Decimal(4), is_certain=False)}
    going = [
        Going(
            server_id=1,
            owner=BEA,
            usd_per_hour=Decimal(2),
            is_certain=True,
            idle_stop_minutes=30,
            ends_at=None,
            keep_until=None,
        )
    ]
    limits = replace(NO_LIMITS, workspace=Decimal(9), everybody=Decimal(5), people={CAL: Decimal(6)})
    workspace, bea, cal = (budget_of(one, limits, spent=spent, going=going, now=NOW) for one in (None, BEA, CAL))
    assert (workspace.scope, workspace.limit_usd, workspace.committed_usd) == (WORKSPACE, 9, 8)
    assert (bea.limit_usd, bea.committed_usd, bea.spent.is_certain) == (5, 4, True)
    assert (cal.limit_usd, cal.committed_usd, cal.spent.is_certain) == (6, 4, False)


def budget(limit: Decimal | None, spent: Decimal) -> Budget:
    spend = Spend(usd=spent, is_certain=True)
    return Budget(scope=WORKSPACE, limit_usd=limit, spent=spend, promised_usd=Decimal(0))


@given(limit=st.decimals(0, 1000, places=2), spent=st.decimals(0, 1000, places=2), usd=st.decimals(0, 1000, places=2))
def test_a_budget_is_gone_beyond_exactly_where_the_sum_is_above_it(
    limit: Decimal, spent: Decimal, usd: Decimal
) -> None:
    excess = excess_of([budget(limit, spent), budget(None, spent)], Ask(usd=usd, is_certain=True))
    assert bool(excess) is (spent + usd > limit)
    assert len(excess) <= 1


@pytest.mark.parametrize(
    ("limit", "spent", "percents"),
    [(100, 79, []), (100, 80, [80]), (100, 100, [100, 80]), (0, 0, []), (0, 1, [100, 80]), (None, 5, [])],
)
def test_warnings_are_due_at_80_and_100_percent(limit: int | None, spent: int, percents: list[int]) -> None:
    assert percents_reached(budget(None if limit is None else Decimal(limit), Decimal(spent))) == percents


def test_a_month_begins_in_utc() -> None:
    auckland = timezone(timedelta(hours=13))
    assert month_of(datetime(2026, 12, 1, 5, tzinfo=auckland)) == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("usd", ["-1", "0.001", "NaN", "Infinity", "10000001"])
def test_a_limit_is_an_amount_of_money(usd: str) -> None:
    with pytest.raises(InvalidInputError):
        check_limit(Decimal(usd))


def test_a_scope_is_the_workspace_everybody_or_a_person() -> None:
    assert [check_scope(scope) for scope in ("workspace", "person", "T0/UBEA")] == ["workspace", "person", "T0/UBEA"]
    for scope in ("", "UBEA", "/UBEA", "T0/"):
        with pytest.raises(InvalidInputError):
            check_scope(scope)
