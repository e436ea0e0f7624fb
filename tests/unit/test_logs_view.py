"""What people read of an engine's log: Slack takes whatever stands in it, and no word of it becomes more than text."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.grammar import LogsCommand, parse_logs
from bot.ids import Action
from bot.views.logs import CHARACTERS, Choice, build_logs, build_logs_modal
from core.errors import InvalidInputError, NotFoundError
from core.logs.model import Level, LogLine, LogTail
from core.logs.rules import LONGEST, MOST_LINES
from core.servers.model import Failure, FailureKind, ServerState
from lab.slack.blocks import validate_message_blocks, validate_view
from tests.profiles import cases
from tests.servers import NOW, server

CHOICE = Choice(server_id=1)


def tail(*texts: str) -> LogTail:
    at = NOW - timedelta(minutes=5)
    return LogTail(
        lines=[
            LogLine(at=at + timedelta(seconds=number), level=Level.INFO, text=text) for number, text in enumerate(texts)
        ],
        problem="",
    )


def written(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(block["elements"][0]["elements"][0]["text"] for block in blocks if block["type"] == "rich_text")


@settings(**cases(short=30, long=2000))
@given(st.lists(st.text(min_size=1, max_size=LONGEST), max_size=12), st.integers(1, 16))
def test_slack_takes_any_log(texts: list[str], times: int) -> None:
    shown = tail(*(texts * times))
    _, blocks = build_logs(server(), shown, CHOICE, now=NOW)
    assert validate_message_blocks(blocks) == []
    assert validate_view(build_logs_modal(server(), shown, CHOICE, now=NOW)) == []
    assert len(written(blocks)) <= CHARACTERS


def test_shows_the_newest_last_and_says_what_does_not_fit() -> None:
    shown = tail(*(f"line {number} " + "x" * 90 for number in range(MOST_LINES)))
    _, blocks = build_logs(server(), shown, CHOICE, now=NOW)
    assert f"line {MOST_LINES - 1} " in written(blocks).splitlines()[-1]
    assert "more do not fit" in str(blocks)


def test_a_mention_and_a_fence_are_text_in_it() -> None:
    hostile = "<!channel> ``` <@U0ADAM>"
    _, blocks = build_logs(server(), tail(hostile), CHOICE, now=NOW)
    assert hostile in written(blocks)
    assert hostile not in str([block for block in blocks if block["type"] != "rich_text"])


def test_without_a_log_it_tells_how_far_the_server_is_and_why() -> None:
    failure = Failure(kind=FailureKind.ENGINE, message="The <engine> does not start.")
    failed = server(state=ServerState.FAILED, failure=failure)
    _, blocks = build_logs(failed, LogTail(lines=(), problem="Engine logs are off."), CHOICE, now=NOW)
    text = str(blocks)
    assert "The &lt;engine&gt; does not start." in text
    assert "Engine logs are off." in text


def test_offers_to_follow_until_it_does() -> None:
    def labels(**given: Any) -> list[str]:
        _, blocks = build_logs(server(), tail("x"), CHOICE, now=NOW, **given)
        return [element["text"]["text"] for element in blocks[-1]["elements"]]

    assert labels() == ["All", "Warnings", "Errors", "Refresh", "Follow"]
    assert "Follow" not in labels(follows_until=NOW + timedelta(minutes=1))
    assert "Follow" in labels(follows_until=NOW)


def test_its_buttons_carry_what_is_shown() -> None:
    choice = Choice(server_id=7, at_least=Level.ERROR, lines=50)
    _, blocks = build_logs(server(), tail("x"), choice, now=NOW)
    values = {element["action_id"]: Choice.parse(element["value"]) for element in blocks[-1]["elements"]}
    assert values[Action.LOGS_REFRESH] == values[Action.LOGS_FOLLOW] == values[Action.LOGS_ERRORS] == choice
    assert values[Action.LOGS_ALL] == Choice(server_id=7, at_least=Level.TRACE, lines=50)


@pytest.mark.parametrize("value", ["", "1", "1|INFO", "1|INFO|30", "1|ERROR|0", "1|ERROR|201", "x|ERROR|30", None])
def test_refuses_a_button_that_is_not_of_its_own(value: object) -> None:
    with pytest.raises(NotFoundError):
        Choice.parse(value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [("llama", 30), ("llama 7", 7), ("llama 200", 200), ("llama 999999999999", 200), ("llama 0050", 50)],
)
def test_reads_how_many_lines_are_wanted(text: str, lines: int) -> None:
    assert parse_logs(text) == LogsCommand(name="llama", lines=lines)


@pytest.mark.parametrize("text", ["", "llama 0", "llama -1", "llama ten", "llama 1 2", "llama ٣"])
def test_says_how_to_ask(text: str) -> None:
    with pytest.raises(InvalidInputError, match="/prime logs NAME"):
        parse_logs(text)
