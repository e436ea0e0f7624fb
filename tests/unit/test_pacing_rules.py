"""Budgets keep their rate, whoever asks and whenever."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from core.pacing.model import Rate
from core.pacing.rules import Budget, spend
from tests.profiles import cases

START = datetime(2026, 11, 22, tzinfo=UTC)
NEW = Budget(None, None)

rates = st.builds(Rate, seconds_between=st.floats(0.001, 60), burst=st.integers(1, 20))
pauses = st.lists(st.floats(0, 100), min_size=1, max_size=60)


def slots(rate: Rate, times: list[datetime], budget: Budget = NEW) -> list[datetime]:
    given: list[datetime] = []
    for now in times:
        slot, full_at = spend(budget, rate, now=now)
        budget = Budget(full_at, budget.blocked_until)
        given.append(slot.at)
    return given


def times_of(pauses: list[float]) -> list[datetime]:
    return [START + timedelta(seconds=seconds) for seconds in accumulate(pauses)]


def test_gives_the_burst_at_once_and_then_one_at_a_time() -> None:
    given = slots(Rate(2.0, burst=3), [START] * 5)

    assert [(at - START).total_seconds() for at in given] == [0, 0, 0, 2, 4]


def test_a_pause_fills_the_burst_up_again_and_no_further() -> None:
    given = slots(Rate(1.0, burst=2), [START] * 2 + [START + timedelta(hours=1)] * 3)

    assert [(at - START).total_seconds() for at in given] == [0, 0, 3600, 3600, 3601]


def test_a_block_holds_back_what_comes_before_its_end() -> None:
    until = START + timedelta(seconds=30)

    slot, _ = spend(Budget(None, until), Rate(1.0), now=START)

    assert slot.at == until
    assert slot.blocked_until == until
    assert spend(Budget(None, until), Rate(1.0), now=until + timedelta(seconds=1))[0].at > until


@given(rates, pauses)
@settings(**cases(short=200, long=5000))
def test_no_span_of_time_holds_more_than_the_rate_allows(rate: Rate, pauses: list[float]) -> None:
    given = slots(rate, times_of(pauses))
    between = timedelta(seconds=rate.seconds_between)

    for first in range(len(given)):
        for last in range(first + rate.burst, len(given)):
            assert given[last] - given[first] >= (last - first - rate.burst + 1) * between


@given(rates, pauses)
@settings(**cases(short=200, long=5000))
def test_slots_come_in_order_and_never_before_they_are_asked_for(rate: Rate, pauses: list[float]) -> None:
    asked = times_of(pauses)
    given = slots(rate, asked)

    assert given == sorted(given)
    assert all(at >= now for at, now in zip(given, asked, strict=True))


@given(rates, pauses)
@settings(**cases(short=100, long=2000))
def test_nobody_waits_who_keeps_to_the_rate(rate: Rate, pauses: list[float]) -> None:
    kept = times_of([max(pause, rate.seconds_between + 0.001) for pause in pauses])

    assert slots(rate, kept) == kept
