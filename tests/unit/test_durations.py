from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.durations import LONGEST, format_duration, parse_duration
from core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
        ("30 days", timedelta(days=30)),
        ("1 hour", timedelta(hours=1)),
        (" 90 Minutes ", timedelta(minutes=90)),
    ],
)
def test_reads_what_people_type(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "5", "d", "-1d", "0d", "1.5h", "3651d", "99999999999d", "1 fortnight", "1d 2h", "٣d", "1d\n;"]
)
def test_refuses_the_rest_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_duration(text)
    assert refused.value.field == "duration"
    assert "such as" in str(refused.value) or "at least" in str(refused.value)


@given(st.text())
def test_never_fails_in_another_way(text: str) -> None:
    try:
        duration = parse_duration(text)
    except InvalidInputError:
        return
    assert timedelta(0) < duration <= LONGEST


@given(st.integers(min_value=1, max_value=int(LONGEST.total_seconds())))
def test_what_is_shown_can_be_typed_again(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(("days", "words"), [(1, "1 day"), (7, "1 week"), (30, "30 days"), (14, "2 weeks")])
def test_shows_the_largest_unit_that_divides(days: int, words: str) -> None:
    assert format_duration(timedelta(days=days)) == words
