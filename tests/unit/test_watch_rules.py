"""What follows from a look at a server, and when one ends by itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.servers.model import Desired, Failure, FailureKind, Machine, MachineState, Server, ServerState, StopReason
from core.servers.rules import check_move
from core.watch.judgement import judge
from core.watch.model import EndKind, EngineLook, News, NoLook, Pulse
from core.watch.rules import (
    FLAPPING,
    HARD_CAP,
    UNREACHABLE_AFTER,
    WARNING,
    advance,
    compare,
    is_asked,
    next_end,
    pulse_of,
    stretch_of,
)
from tests.profiles import cases
from tests.servers import NOW, SPEC, server

TICK = timedelta(seconds=30)
LIMIT = timedelta(hours=2)
IDLE_SPEC = replace(SPEC, idle_stop_minutes=120)


def ready(**changes: Any) -> Server:
    given = {"state": ServerState.READY, "machine_id": "ps1", "address": "203.0.113.4", "ready_at": NOW}
    return server(**(given | changes))


def look(*, requests: int = 0, tokens: int = 0, queued: int = 0, running: int = 0, model: str = "") -> EngineLook:
    return EngineLook(
        model=model,
        queued=queued,
        running=running,
        prompt_tokens=0,
        generated_tokens=tokens,
        requests_done=requests,
    )


def machine(state: MachineState, **changes: Any) -> Machine:
    given = {"id": "ps1", "name": "n", "state": state, "type": "A4000", "region": "NY2", "address": "203.0.113.4"}
    return Machine(**(given | changes))


def watched(
    one: Server, looks: list[EngineLook | NoLook], *, pulse: Pulse | None = None, start: datetime = NOW
) -> tuple[Pulse, list[News]]:
    """A look each tick; what was told."""
    pulse, told = pulse_of(one, pulse), list[News]()
    for number, each in enumerate(looks, 1):
        now = start + number * TICK
        pulse, _ = advance(pulse, each, now)
        judgement = judge(one, pulse, each, now)
        pulse = judgement.pulse
        told += [] if judgement.news is None else [judgement.news]
    return pulse, told


# --- looks


def test_rates_are_what_the_counters_grew_by_in_a_minute() -> None:
    pulse, load = advance(pulse_of(ready(), None), look(requests=3, tokens=600, queued=2), NOW + TICK)

    assert (pulse.requests_per_minute, pulse.tokens_per_minute, pulse.queued) == (6, 1200, 2)
    assert load is not None
    assert (load.requests, load.generated_tokens, load.queued) == (3, 600, 2)


def test_an_engine_that_restarted_counts_from_zero() -> None:
    before, _ = advance(pulse_of(ready(), None), look(requests=100, tokens=9000), NOW + TICK)

    _, load = advance(before, look(requests=2, tokens=50), NOW + 2 * TICK)

    assert load is not None
    assert (load.requests, load.generated_tokens) == (2, 50)


@pytest.mark.parametrize("used", [look(requests=1), look(tokens=1), look(queued=1), look(running=1)])
def test_any_sign_of_work_is_use(used: EngineLook) -> None:
    pulse, _ = advance(pulse_of(ready(), None), used, NOW + TICK)

    assert pulse.used_at == pulse.active_at == NOW + TICK


def test_a_look_that_failed_counts_as_active_but_not_as_use() -> None:
    pulse, load = advance(pulse_of(ready(), None), NoLook.UNREACHABLE, NOW + TICK)

    assert (pulse.active_at, pulse.used_at, load) == (NOW + TICK, NOW, None)


def test_a_pulse_from_before_a_restart_says_nothing() -> None:
    old, _ = watched(ready(), [NoLook.UNREACHABLE] * 20)
    assert old.is_told_unreachable

    again = pulse_of(ready(state_since=NOW + timedelta(hours=1)), old)

    assert (again.unreachable_since, again.is_told_unreachable) == (None, False)


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001 made aware below
@settings(**cases(short=50, long=5000))
def test_a_stretch_holds_its_moment(moment: datetime) -> None:
    now = moment.replace(tzinfo=NOW.tzinfo)

    assert stretch_of(now) <= now < stretch_of(now) + timedelta(minutes=5)


# --- told once

OUTAGE = UNREACHABLE_AFTER // TICK + 2


def test_an_outage_is_told_after_five_minutes_and_its_end_once() -> None:
    short: list[EngineLook | NoLook] = [NoLook.UNREACHABLE] * (UNREACHABLE_AFTER // TICK - 1)
    assert watched(ready(), [*short, look()])[1] == []

    _, told = watched(ready(), [*[NoLook.UNREACHABLE] * OUTAGE * 2, look(), look()])

    assert told == [News.UNREACHABLE, News.BACK]


def test_a_server_that_flaps_is_told_of_once_an_hour() -> None:
    hour = FLAPPING // TICK
    flapping: list[EngineLook | NoLook] = [*[NoLook.UNREACHABLE] * OUTAGE, look()] * (2 * hour // (OUTAGE + 1))

    _, told = watched(ready(), flapping)

    assert told.count(News.UNREACHABLE) <= 3
    assert told == [News.UNREACHABLE, News.BACK] * (len(told) // 2)


@given(st.lists(st.sampled_from([look(), NoLook.UNREACHABLE]), max_size=300))
@settings(**cases(short=50, long=5000))
def test_news_of_an_outage_alternate(looks: list[EngineLook | NoLook]) -> None:
    _, told = watched(ready(), looks)

    assert told == ([News.UNREACHABLE, News.BACK] * len(told))[: len(told)]


def test_an_impostor_fails_the_server_at_the_second_look() -> None:
    pulse, told = watched(ready(), [NoLook.IMPOSTOR])
    assert told == []
    pulse, _ = advance(pulse, NoLook.IMPOSTOR, NOW + 2 * TICK)

    judgement = judge(ready(), pulse, NoLook.IMPOSTOR, NOW + 2 * TICK)

    assert judgement.news is News.IMPOSTOR
    assert judgement.after.failure is not None
    assert judgement.after.failure.kind is FailureKind.IDENTITY


def test_a_failed_server_whose_engine_answers_comes_up() -> None:
    failed = ready(state=ServerState.FAILED, failure=Failure(kind=FailureKind.TIMEOUT, message="too long"))

    judgement = judge(failed, pulse_of(failed, None), look(), NOW + TICK)

    assert (judgement.after.state, judgement.after.desired) == (ServerState.LOADING, Desired.RUNNING)


def test_an_engine_with_a_key_that_was_replaced_is_not_asked() -> None:
    assert is_asked(ready())
    assert not is_asked(ready(stale_key=True))


def test_a_failed_stop_is_tried_again_and_its_reason_kept() -> None:
    failed = ready(
        state=ServerState.FAILED,
        desired=Desired.STOPPED,
        stop_reason=StopReason.IDLE,
        failure=Failure(kind=FailureKind.TIMEOUT, message="too long"),
    )
    assert not is_asked(failed)

    still_on, _ = compare(failed, machine(MachineState.RUNNING), NOW + TICK)
    off, _ = compare(failed, machine(MachineState.OFF), NOW + TICK)

    assert (still_on.state, still_on.desired, still_on.stop_reason) == (
        ServerState.STOPPING,
        Desired.STOPPED,
        StopReason.IDLE,
    )
    assert (off.state, off.stop_reason) == (ServerState.STOPPED, StopReason.IDLE)


def test_an_engine_that_ran_on_is_not_counted_anew() -> None:
    one = ready()
    before, _ = advance(pulse_of(one, None), look(requests=900, tokens=5_000_000), NOW + TICK)
    back = replace(one, state_since=NOW + timedelta(hours=1))

    _, load = advance(pulse_of(back, before), look(requests=901, tokens=5_000_100), NOW + timedelta(hours=1) + TICK)

    assert load is not None
    assert (load.requests, load.generated_tokens) == (1, 100)


# --- the end


def test_an_idle_server_is_warned_of_and_then_stopped() -> None:
    one, pulse = ready(spec=IDLE_SPEC), pulse_of(ready(), None)
    told: list[tuple[timedelta, News]] = []
    for number in range(1, LIMIT // TICK):
        now = NOW + number * TICK
        pulse, _ = advance(pulse, look(), now)
        judgement = judge(one, pulse, look(), now)
        assert judgement.after is one
        pulse = judgement.pulse
        told += [] if judgement.news is None else [(now - NOW, judgement.news)]
    assert told == [(LIMIT - WARNING, News.ENDS_SOON)]

    stopped = judge(one, pulse, look(), NOW + LIMIT).after

    assert (stopped.state, stopped.stop_reason) == (ServerState.STOPPING, StopReason.IDLE)


def test_a_late_warning_leaves_five_minutes() -> None:
    one = ready(spec=IDLE_SPEC)
    late = NOW + LIMIT + timedelta(hours=1)
    pulse, _ = advance(pulse_of(one, None), look(), late)
    warned = judge(one, pulse, look(), late)
    assert warned.news is News.ENDS_SOON

    assert judge(one, warned.pulse, look(), late + timedelta(minutes=4, seconds=59)).after is one
    assert judge(one, warned.pulse, look(), late + timedelta(minutes=5)).after is not one


def test_use_after_the_warning_takes_it_back() -> None:
    one = ready(spec=IDLE_SPEC)
    pulse = replace(pulse_of(one, None), warned_for=NOW + LIMIT, warned_at=NOW + LIMIT - WARNING)
    pulse, _ = advance(pulse, look(requests=1), NOW + LIMIT - TICK)

    judgement = judge(one, pulse, look(), NOW + LIMIT)

    assert judgement.after is one
    assert judgement.news is None


def test_a_server_that_cannot_be_asked_is_kept_twelve_hours_longer_and_no_more() -> None:
    one, pulse = ready(spec=IDLE_SPEC), pulse_of(ready(), None)
    for number in range(1, (LIMIT + HARD_CAP) // TICK):
        pulse, _ = advance(pulse, NoLook.UNREACHABLE, NOW + number * TICK)

    end = next_end(one, pulse)

    assert end is not None
    assert end.at == NOW + LIMIT + HARD_CAP


@pytest.mark.parametrize("keep", [timedelta(hours=1), timedelta(hours=5)])
def test_a_kept_server_is_not_ended_before(keep: timedelta) -> None:
    one = ready(spec=replace(IDLE_SPEC, ends_at=NOW + timedelta(hours=3)), keep_until=NOW + keep)

    end = next_end(one, pulse_of(one, None))

    assert end is not None
    assert end.at == max(NOW + LIMIT, NOW + keep)


def test_the_end_time_stops_a_server_that_is_used() -> None:
    one = ready(spec=replace(SPEC, ends_at=NOW + timedelta(hours=1)))
    pulse, told = watched(one, [look(running=1)] * 100)
    assert told == [News.ENDS_SOON]

    judgement = judge(one, pulse, look(running=1), NOW + timedelta(hours=1))

    assert judgement.after.stop_reason is StopReason.END_TIME


def test_a_failed_server_whose_machine_may_run_is_idle_from_then_on() -> None:
    failure = Failure(kind=FailureKind.ENGINE, message="it ended")
    failed = ready(spec=IDLE_SPEC, state=ServerState.FAILED, failure=failure)
    end = next_end(failed, pulse_of(failed, None))
    assert end is not None
    assert (end.at, end.kind) == (NOW + LIMIT, EndKind.IDLE)

    off = replace(failed, failure=replace(failure, kind=FailureKind.NO_CAPACITY))
    assert next_end(off, None) is None


@pytest.mark.parametrize("reason", list(StopReason))
def test_only_what_prime_stopped_is_deleted_later_and_only_if_asked_for(reason: StopReason) -> None:
    stopped = ready(state=ServerState.STOPPED, stop_reason=reason)
    assert next_end(stopped, None) is None

    end = next_end(replace(stopped, spec=replace(SPEC, delete_after_minutes=60)), None)

    by_prime = reason in (StopReason.IDLE, StopReason.END_TIME)
    assert (end is not None) is by_prime


def test_a_deletion_is_warned_of_and_told() -> None:
    one = ready(state=ServerState.STOPPED, stop_reason=StopReason.IDLE, spec=replace(SPEC, delete_after_minutes=60))
    warned = judge(one, pulse_of(one, None), None, NOW + timedelta(minutes=45))
    assert warned.news is News.ENDS_SOON

    judgement = judge(one, warned.pulse, None, NOW + timedelta(minutes=60))

    assert (judgement.after.state, judgement.news) == (ServerState.DELETING, News.DELETED)


def test_without_a_limit_nothing_ends_by_itself() -> None:
    assert next_end(ready(), None) is None


# --- clouds


def test_a_machine_is_gone_after_three_sightings_over_five_minutes() -> None:
    one, told = ready(), list[News | None]()
    for minutes in (0, 1, 4, 5):
        one, news = compare(one, None, NOW + timedelta(minutes=minutes))
        told.append(news)

    assert told == [None, None, None, News.GONE]
    assert one.state is ServerState.GONE
    assert compare(one, None, NOW + timedelta(minutes=6)) == (one, None)


def test_a_sighting_forgets_that_it_was_missing() -> None:
    missing, _ = compare(ready(), None, NOW)

    found, news = compare(missing, machine(MachineState.RUNNING), NOW + TICK)

    assert (found.missing_count, found.missing_since, news) == (0, None, None)


@pytest.mark.parametrize(
    ("state", "seen", "reached", "news"),
    [
        (ServerState.READY, MachineState.OFF, ServerState.STOPPED, News.STOPPED),
        (ServerState.READY, MachineState.STOPPING, ServerState.READY, None),
        (ServerState.STOPPED, MachineState.RUNNING, ServerState.LOADING, News.STARTED),
        (ServerState.STOPPED, MachineState.STARTING, ServerState.STOPPED, None),
        (ServerState.GONE, MachineState.OFF, ServerState.STOPPED, News.BACK),
        (ServerState.GONE, MachineState.RUNNING, ServerState.LOADING, News.BACK),
    ],
)
def test_the_record_follows_the_cloud(
    state: ServerState, seen: MachineState, reached: ServerState, news: News | None
) -> None:
    after, told = compare(ready(state=state), machine(seen), NOW + TICK)

    assert (after.state, told) == (reached, news)


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("seen", [MachineState.OFF, MachineState.RUNNING])
def test_a_failed_server_follows_the_cloud_where_that_tells_something_new(
    kind: FailureKind, seen: MachineState
) -> None:
    failed = ready(state=ServerState.FAILED, failure=Failure(kind=kind, message=""))

    after, _ = compare(failed, machine(seen), NOW + TICK)

    was_off = kind in (FailureKind.NO_CAPACITY, FailureKind.QUOTA, FailureKind.REFUSED, FailureKind.MACHINE)
    expected = {
        (True, MachineState.RUNNING): ServerState.LOADING,
        (False, MachineState.OFF): ServerState.STOPPED,
    }.get((was_off, seen), ServerState.FAILED)
    assert after.state is expected


@given(
    st.sampled_from([ServerState.READY, ServerState.STOPPED, ServerState.FAILED, ServerState.GONE]),
    st.sampled_from([None, *MachineState]),
    st.sampled_from(list(FailureKind)),
)
@settings(**cases(short=100, long=10000))
def test_every_correction_is_a_move_on_the_map(
    state: ServerState, seen: MachineState | None, kind: FailureKind
) -> None:
    failure = Failure(kind=kind, message="") if state is ServerState.FAILED else None
    one = ready(state=state, failure=failure, missing_since=NOW - timedelta(hours=1), missing_count=5)

    after, _ = compare(one, None if seen is None else machine(seen), NOW)

    check_move(one.state, after.state)
