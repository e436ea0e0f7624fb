"""What may follow what in a server's life."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalog.model import YesNo
from core.errors import ConflictError, InvalidInputError
from core.servers.model import Desired, Failure, FailureKind, ServerState
from core.servers.rules import (
    IN_MOTION,
    MOVES,
    check_end,
    check_move,
    check_name,
    check_start,
    check_stop,
    expected_range,
    has_settled,
    is_gone,
    is_overdue,
    machine_name,
    may_delete,
    may_start,
    may_stop,
    still_costs,
    wait_seconds,
)
from tests.profiles import cases
from tests.servers import HARDWARE, NOW, SPEC, server

S = ServerState


@pytest.mark.parametrize("name", ["a", "llama-3", "0x", "a" * 30])
def test_a_dns_label_is_a_name(name: str) -> None:
    assert check_name(f" {name.upper()} ") == name


@pytest.mark.parametrize("name", ["", " ", "-a", "a-", "a_b", "a.b", "ä", "a b", "a" * 31, "a\n", "a;b", "$(x)"])
def test_anything_else_is_refused_on_its_field(name: str) -> None:
    if name == "a\n":  # white space around is no harm
        assert check_name(name) == "a"
        return
    with pytest.raises(InvalidInputError) as refused:
        check_name(name)
    assert refused.value.field == "name"


@settings(**cases(short=100, long=5000))
@given(st.text())
def test_a_name_that_passes_needs_no_quoting_anywhere(name: str) -> None:
    try:
        kept = check_name(name)
    except InvalidInputError:
        return
    assert set(kept) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 1 <= len(kept) <= 30


def test_every_state_leads_to_deletion_and_deletion_leads_nowhere() -> None:
    for state in S:
        reached, ways = {state}, {state}
        while ways:
            ways = {after for way in ways for after in MOVES[way]} - reached
            reached |= ways
        assert S.DELETED in reached
    assert not MOVES[S.DELETED]
    assert MOVES[S.DELETING] == {S.DELETED}


def test_what_is_in_motion_can_come_to_rest() -> None:
    for state in IN_MOTION:
        reached, ways = {state}, {state}
        while ways:
            ways = {after for way in ways for after in MOVES[way]} - reached
            reached |= ways
        assert reached - IN_MOTION


def test_a_way_that_is_not_on_the_map_is_refused() -> None:
    with pytest.raises(ConflictError):
        check_move(S.DELETED, S.READY)
    with pytest.raises(ConflictError):
        check_move(S.ORDERED, S.READY)
    check_move(S.LOADING, S.READY)


MACHINE = {"machine_id": "ps1"}


@pytest.mark.parametrize(
    ("state", "machine", "start", "stop", "delete"),
    [
        (S.ORDERED, False, False, False, True),
        (S.BOOTING, True, False, True, True),
        (S.STARTING, True, False, True, True),
        (S.PULLING, True, False, True, True),
        (S.LOADING, True, False, True, True),
        (S.READY, True, False, True, True),
        (S.STOPPING, True, True, False, True),
        (S.STOPPED, True, True, False, True),
        (S.FAILED, True, True, True, True),
        (S.FAILED, False, False, False, True),
        (S.GONE, True, False, False, True),
        (S.DELETING, True, False, False, False),
        (S.DELETED, True, False, False, False),
    ],
)
def test_what_can_be_asked_of_it_follows_from_its_state(
    state: ServerState, machine: bool, start: bool, stop: bool, delete: bool
) -> None:
    one = server(state=state, desired=Desired.STOPPED, **(MACHINE if machine else {}))
    assert (may_start(one), may_stop(one), may_delete(one)) == (start, stop, delete)


def test_whatever_may_be_asked_is_a_way_on_the_map() -> None:
    for state in S:
        one = server(state=state, **({} if state is S.ORDERED else MACHINE))
        if may_start(one):
            check_move(state, S.STARTING)
        if may_stop(one):
            check_move(state, S.STOPPING)
        if may_delete(one):
            check_move(state, S.DELETING)


def test_a_refusal_says_why() -> None:
    with pytest.raises(ConflictError, match="ready already"):
        check_start(server(state=S.READY, **MACHINE))
    with pytest.raises(ConflictError, match="delete it instead"):
        check_stop(server())


@pytest.mark.parametrize(
    ("state", "minutes"), [(S.ORDERED, 10), (S.BOOTING, 30), (S.STARTING, 30), (S.PULLING, 120), (S.LOADING, 120)]
)
def test_nothing_is_waited_for_for_ever(state: ServerState, minutes: int) -> None:
    assert not is_overdue(server(state=state), NOW + timedelta(minutes=minutes, seconds=-1))
    assert is_overdue(server(state=state), NOW + timedelta(minutes=minutes))


def test_a_server_at_rest_is_never_overdue() -> None:
    assert not is_overdue(server(state=S.READY), NOW + timedelta(days=1000))


def test_an_order_has_settled_some_time_after_the_cloud_was_asked() -> None:
    assert has_settled(server(), NOW)
    asked = server(cloud_asked_at=NOW)
    assert not has_settled(asked, NOW + timedelta(seconds=14))
    assert has_settled(asked, NOW + timedelta(seconds=15))


def test_a_machine_is_gone_after_three_looks_over_five_minutes() -> None:
    missing = server(missing_since=NOW, missing_count=3)
    assert is_gone(missing, NOW + timedelta(minutes=5))
    assert not is_gone(missing, NOW + timedelta(minutes=4))
    assert not is_gone(replace(missing, missing_count=2), NOW + timedelta(hours=1))
    assert not is_gone(server(), NOW + timedelta(days=1))


def test_waits_grow_to_a_quarter_of_a_minute_and_respect_what_the_cloud_asks() -> None:
    waits = [wait_seconds(attempts, pace=2.0) for attempts in range(8)]
    assert waits == sorted(waits)
    assert waits[0] == 2.0
    assert waits[-1] == 15.0
    assert wait_seconds(0, pace=2.0, asked=33.0) == 33.0
    assert wait_seconds(0, pace=2.0, asked=99_999.0) == 60.0


def test_the_expected_range_needs_a_history() -> None:
    assert expected_range([10.0, 20.0]) is None
    assert expected_range([10.0, 20.0, 30.0, 40.0, 50.0]) == (20.0, 40.0)


def test_an_end_lies_ahead() -> None:
    check_end(None, NOW)
    check_end(NOW + timedelta(seconds=1), NOW)
    with pytest.raises(InvalidInputError) as refused:
        check_end(NOW, NOW)
    assert refused.value.field == "ends_at"


def test_the_cloud_sees_whose_server_it_is() -> None:
    assert machine_name("ab12cd", 7, "llama") == "prime-ab12cd-000007-llama"


def test_what_still_costs_is_said_as_certain_as_it_is() -> None:
    stopped = server(state=S.STOPPED, **MACHINE)
    assert "100 GB ($7.00 a month) costs money" in still_costs(stopped)
    assert "not certain" in still_costs(stopped)
    billed = replace(stopped, hardware=replace(HARDWARE, billed_while_off=YesNo.YES))
    assert "hourly price also while it is off" in still_costs(billed)
    free = replace(stopped, hardware=replace(HARDWARE, billed_while_off=YesNo.NO))
    assert "hour" not in still_costs(free)
    static = replace(stopped, spec=replace(SPEC, static_address=True))
    assert "static address cost money" in still_costs(static)


def test_a_machine_that_failed_while_it_ran_is_not_said_to_be_off() -> None:
    for kind, words in ((FailureKind.ENGINE, "full price, $0.76 an hour"), (FailureKind.NO_CAPACITY, "disk of 100 GB")):
        failed = server(state=S.FAILED, failure=Failure(kind=kind, message="It failed."), **MACHINE)
        assert words in still_costs(failed)


def test_a_stop_for_a_new_key_can_be_made_a_stop_for_good() -> None:
    restarting = server(state=S.STOPPING, desired=Desired.RUNNING, **MACHINE)
    check_stop(restarting)
    with pytest.raises(ConflictError):
        check_stop(replace(restarting, desired=Desired.STOPPED))


def test_without_a_machine_nothing_costs_once_that_is_known() -> None:
    assert still_costs(server(state=S.FAILED)) == ""
    assert still_costs(server(state=S.DELETED, **MACHINE)) == ""
    assert "not known yet" in still_costs(server(state=S.FAILED, cloud_asked_at=NOW))
