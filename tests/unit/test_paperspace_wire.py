"""Paperspace's answers, read tolerantly."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.servers.model import Machine, MachineState
from providers.paperspace.wire import (
    STATES,
    UnexpectedAnswerError,
    read_account,
    read_address,
    read_availability,
    read_machine,
    read_ordered,
    read_page,
    read_refusal,
    read_script,
    read_template,
    region_id,
)

MACHINE: dict[str, Any] = {
    "id": "psk3v7q2m0xd",
    "name": "worker-01",
    "state": "ready",
    "os": "Ubuntu 22.04",
    "machineType": "A4000",
    "cpus": 8,
    "ram": "48318382080",
    "storageTotal": "107374182400",
    "storageUsed": "31138512896",
    "accelerators": [{"name": "Ampere A4000", "memory": "17179869184", "count": 1}],
    "region": "East Coast (NY2)",
    "publicIp": "203.0.113.41",
    "publicIpType": "dynamic",
    "usageRate": 0.76,
    "dtCreated": "2026-03-04T10:20:30.123Z",
    "dtDeleted": None,
}
READ = Machine(
    id="psk3v7q2m0xd",
    name="worker-01",
    state=MachineState.RUNNING,
    type="A4000",
    region="NY2",
    address="203.0.113.41",
    vcpus=8,
    ram_bytes=48318382080,
    disk_bytes=107374182400,
    usd_per_hour=Decimal("0.76"),
    created_at=datetime(2026, 3, 4, 10, 20, 30, 123000, tzinfo=UTC),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
fields_of_a_machine = st.dictionaries(st.sampled_from(sorted(MACHINE)), json_values)


def test_a_machine_is_read_from_the_documented_example() -> None:
    assert read_machine(MACHINE) == READ


def test_numbers_may_be_numbers_or_strings() -> None:
    as_numbers = MACHINE | {"ram": 48318382080, "storageTotal": 107374182400.0, "cpus": "8", "usageRate": "0.76"}
    assert read_machine(as_numbers) == READ


@pytest.mark.parametrize("number", ["", "many", "NaN", "-1", True, None, [], float("inf"), "1e400"])
def test_what_is_no_number_is_not_known(number: object) -> None:
    machine = read_machine(MACHINE | {"ram": number, "usageRate": number})
    assert machine is not None
    assert (machine.ram_bytes, machine.usd_per_hour) == (None, None)


@pytest.mark.parametrize("word", ["restarting", "upgrading", "error", "", None, 7])
def test_a_state_in_between_or_unknown_is_other(word: object) -> None:
    machine = read_machine(MACHINE | {"state": word})
    assert machine is not None
    assert machine.state is MachineState.OTHER


@pytest.mark.parametrize("word", STATES)
def test_a_known_state_is_read(word: str) -> None:
    machine = read_machine(MACHINE | {"state": word})
    assert machine is not None
    assert machine.state is STATES[word]


@pytest.mark.parametrize("address", [None, "", "not an address", "203.0.113.4/path", "evil.example", 7])
def test_only_an_ip_address_is_an_address(address: object) -> None:
    machine = read_machine(MACHINE | {"publicIp": address})
    assert machine is not None
    assert machine.address is None


def test_a_machine_that_is_marked_as_deleted_is_none() -> None:
    assert read_machine(MACHINE | {"dtDeleted": "2026-03-05T10:20:30.123Z"}) is None


@pytest.mark.parametrize("label", ["East Coast (NY2)", "ny2", "NY2"])
def test_a_region_is_its_code_however_it_is_written(label: str) -> None:
    assert region_id(label) == "NY2"


def test_an_ordered_machine_is_read_wrapped_or_bare() -> None:
    assert read_ordered({"event": {"id": "ev1"}, "data": MACHINE}) == READ
    assert read_ordered(MACHINE) == READ


def test_the_account_is_the_teams_name_then_its_namespace() -> None:
    team = {"id": "te1", "namespace": "lab"}
    others = [{"team": {"id": "te2", "name": "Other"}}, {"team": {"id": "te1", "name": "Lab"}}]
    assert read_account({"user": {"teamMemberships": others}, "team": team}) == "Lab"
    assert read_account({"user": {"teamMemberships": others[:1]}, "team": team}) == "lab"
    assert read_account({"user": None, "team": None}) == "Paperspace"
    assert read_account(None) is None


@pytest.mark.parametrize("end", [{}, {"nextPage": None}, {"nextPage": ""}, {"hasMore": False, "nextPage": "abc"}])
def test_the_last_page_has_nothing_after_it(end: dict[str, Any]) -> None:
    assert read_page({"hasMore": False, "items": [], **end}).after is None


def test_a_page_names_the_next_one() -> None:
    assert read_page({"hasMore": True, "nextPage": "abc", "items": [{"id": "x"}]}).after == "abc"


@pytest.mark.parametrize(
    "page", [None, [], {}, {"items": None}, {"items": {}}, {"items": ["x"]}, {"items": [], "hasMore": True}]
)
def test_a_page_that_may_be_short_is_refused(page: object) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read_page(page)


def test_a_refusal_is_told_by_code_message_and_issues() -> None:
    content = {
        "code": "BAD_REQUEST",
        "message": "Input validation failed",
        "issues": [{"message": "diskSize: too small"}],
    }
    assert read_refusal(content) == "BAD_REQUEST Input validation failed diskSize: too small"


READERS = (
    read_page,
    read_machine,
    read_ordered,
    read_script,
    read_address,
    read_template,
    read_availability,
    read_account,
    read_refusal,
)


@given(json_values | fields_of_a_machine.map(lambda changed: MACHINE | changed))
def test_whatever_is_answered_is_read_or_unexpected(value: object) -> None:
    for read in READERS:
        with suppress(UnexpectedAnswerError):
            read(value)
