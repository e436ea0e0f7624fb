"""What a log line holds of an error, and of what a library says."""

import json
import logging

import pytest
import structlog

from bot.log import log_unexpected
from bot.settings import LogFormat
from tests.prime import logging_as_in_prime

TYPED = "kumquat"


def failing() -> Exception:
    error = ValueError(TYPED)
    error.__cause__ = KeyError(TYPED)
    try:
        raise error
    except ValueError:
        return error


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_error_is_told_by_its_types_and_places_and_not_by_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as_in_prime():
        reference = log_unexpected("it_failed", failing(), delivery=7)
    [line] = lines(capsys)
    assert line["event"] == "it_failed"
    assert line["reference"] == reference
    assert line["error"] == "ValueError from KeyError"
    assert "failing" in str(line["frames"])
    assert line["delivery"] == 7
    assert TYPED not in str(line)


def test_a_library_is_heard_from_warning_on_and_by_the_place_of_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_as_in_prime():
        for name in ("slack_bolt.AsyncApp", "slack_sdk.web.async_client", "asyncio", "aiohttp.server"):
            logging.getLogger(name).debug("body: %s", TYPED)
            logging.getLogger(name).info("body: %s", TYPED)
            logging.getLogger(name).error("body: %s", TYPED, exc_info=failing())
    found = lines(capsys)
    assert [line["level"] for line in found] == ["error"] * 4
    assert all(line["event"] == "library_message" for line in found)
    assert found[0]["logger"] == "slack_bolt.AsyncApp"
    assert str(found[0]["place"]).startswith("test_log.test_a_library")
    assert TYPED not in str(found)


def test_our_own_lines_are_shown_from_the_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as_in_prime(level="WARNING"):
        structlog.get_logger().info("quiet")
        structlog.get_logger().warning("loud", count=2)
    [line] = lines(capsys)
    assert (line["event"], line["count"]) == ("loud", 2)


def test_text_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as_in_prime(form=LogFormat.TEXT):
        log_unexpected("it_failed", failing())
    [line] = capsys.readouterr().out.splitlines()
    assert "it_failed" in line
    assert TYPED not in line
