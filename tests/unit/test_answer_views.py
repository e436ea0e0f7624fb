"""How an answer looks, from its placeholder to its end."""

from dataclasses import replace
from typing import Any

import pytest

from bot.answer_parts import PART_LIMIT
from bot.ids import Action
from bot.views.answer import (
    build_answered,
    build_choice,
    build_continued,
    build_edit_offer,
    build_marked,
    build_placeholder,
    build_plain,
    build_queue,
    build_refusal,
    build_surplus,
    build_thinking,
    build_waking,
    build_writing,
    excerpt,
)
from bot.views.kit import Block
from core.people.model import PersonId
from core.servers.model import ServerState
from core.talk.model import (
    Answered,
    Asked,
    Choice,
    Conversation,
    EndReason,
    Fate,
    Thread,
    Turn,
    TurnKind,
    TurnState,
)
from lab.slack.blocks import validate_message_blocks
from tests.servers import NOW, server

READY = server(state=ServerState.READY)
ADA = PersonId("T0", "U0ADA")
TURN = Turn(
    id=7,
    conversation_id=1,
    kind=TurnKind.PROMPT,
    state=TurnState.DONE,
    author=ADA,
    prompt_ts="1.1",
    created_at=NOW,
)
THREAD = Thread(team="T0", channel="C1", ts="1.1")
ASKED = Asked(
    fate=Fate.ACCEPTED,
    conversation=Conversation(id=1, thread=THREAD, server_id=1, starter=ADA, created_at=NOW),
    turn=TURN,
    server=READY,
)
DONE = Answered(
    state=TurnState.DONE,
    server="llama",
    model="meta-llama/Llama-3.1-8B-Instruct",
    generated_tokens=412,
    seconds=13.2,
    redactions=2,
    left_out=0,
    end=EndReason.STOP,
    failure="",
)


def told(blocks: list[Block]) -> str:
    """Prime's own words."""
    return "\n".join(
        element["text"] for block in checked(blocks) for element in block.get("elements", []) if is_text(element)
    )


def buttons(blocks: list[Block]) -> dict[str, str]:
    """What is pressed, with its value."""
    pressed = [element for block in checked(blocks) if block["type"] == "actions" for element in block["elements"]]
    return {one["action_id"]: one.get("value", "") for one in pressed}


def said(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "markdown")


def is_text(element: dict[str, Any]) -> bool:
    return element["type"] == "mrkdwn"


def checked(blocks: list[Block]) -> list[Block]:
    assert validate_message_blocks([{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]) == []
    assert {block["type"] for block in blocks} <= {"markdown", "context", "actions"}
    return blocks


def answered(text: str = "Hello.", *, turn: Turn = TURN, has_tail: bool = False, **changes: Any) -> list[Block]:
    return build_answered(turn, replace(DONE, **changes), text, is_empty=not text, has_tail=has_tail)


def test_a_placeholder_tells_who_thinks_and_can_be_stopped() -> None:
    text, blocks = build_placeholder(ASKED)
    assert text == told(blocks) == "llama is thinking …"
    assert buttons(blocks) == {Action.TALK_STOP: "7"}


def test_a_question_behind_another_one_says_so() -> None:
    assert "as soon as the answers before it" in told(build_placeholder(replace(ASKED, is_behind=True))[1])


def test_a_stopped_server_is_offered_with_what_it_costs() -> None:
    asleep = replace(ASKED, fate=Fate.ASLEEP, server=server(state=ServerState.STOPPED))
    _, blocks = build_placeholder(asleep, expected=(240, 420))
    assert told(blocks) == (
        "llama is stopped. Running, it costs $0.76 per hour. It is usually ready in 4 min to 7 min. "
        "Your question waits."
    )
    assert buttons(blocks) == {Action.TALK_START: "7", Action.TALK_STOP: "7"}


def test_a_server_on_its_way_is_only_waited_for() -> None:
    _, blocks = build_waking(7, server(state=ServerState.LOADING))
    assert told(blocks) == "llama is loading. Your question waits until it is ready."
    assert buttons(blocks) == {Action.TALK_STOP: "7"}


def test_a_server_is_chosen_by_its_name_and_model() -> None:
    choices = [
        Choice(server_id=3, name="llama", model="meta-llama/Llama-3.1-8B", is_ready=True),
        Choice(server_id=4, name="x" * 30, model="y" * 90, is_ready=False),
    ]
    _, blocks = build_placeholder(replace(ASKED, fate=Fate.CHOOSE, server=None, choices=choices))
    [select] = [one for one in checked(blocks)[1]["elements"] if one["action_id"] == Action.TALK_CHOOSE]
    first, second = select["options"]
    assert (first["text"]["text"], first["value"]) == ("llama · Llama-3.1-8B", "7|3")
    assert second["text"]["text"].endswith(" · not running")
    assert build_choice(7, choices)[1] == blocks


def test_the_place_in_line_is_told() -> None:
    assert told(build_queue(7, "llama", 2)[1]) == "llama is busy: you are number 2 in line."


def test_an_answer_under_way_can_be_stopped() -> None:
    blocks = build_writing(7, "llama", "Hello")
    assert said(blocks) == "Hello"
    assert told(blocks) == "llama is writing …"
    assert buttons(blocks) == {Action.TALK_STOP: "7"}
    assert "as a file" in told(build_writing(7, "llama", "Hello", has_tail=True))


def test_a_part_with_another_behind_it_has_nothing_to_press() -> None:
    blocks = build_continued("Hello")
    assert (said(blocks), told(blocks), buttons(blocks)) == ("Hello", "continued below", {})
    assert buttons(build_surplus()) == {}


def test_an_answer_that_came_whole() -> None:
    blocks = answered()
    assert said(blocks) == "Hello."
    assert told(blocks) == "llama · Llama-3.1-8B-Instruct · 412 tokens · 13.2 s · 31 tokens/s · 2 values redacted"
    assert list(buttons(blocks)) == [
        Action.TALK_RETAKE,
        Action.TALK_UNDO,
        Action.TALK_CLEAR,
        Action.TALK_SETTINGS,
        Action.TALK_UP,
        Action.TALK_DOWN,
    ]
    assert set(buttons(blocks).values()) == {"7"}


def test_an_answer_without_room_can_go_on() -> None:
    blocks = answered(end=EndReason.LENGTH)
    assert "Cut off" in told(blocks)
    assert Action.TALK_MORE in buttons(blocks)


@pytest.mark.parametrize("state", [TurnState.FAILED, TurnState.INTERRUPTED])
def test_an_answer_that_broke_off_says_why_and_can_be_tried_again(state: TurnState) -> None:
    blocks = answered(state=state, failure="It went <silent>.", end=None)
    assert "It went &lt;silent&gt;." in told(blocks)
    assert list(buttons(blocks)) == [Action.TALK_RETRY, Action.TALK_SETTINGS]
    assert said(blocks) == "Hello."


def test_an_interrupted_answer_always_says_so() -> None:
    assert "interrupted" in told(answered(state=TurnState.INTERRUPTED))


def test_a_stopped_answer_tells_who_stopped_it() -> None:
    blocks = answered(turn=replace(TURN, stopped_by=ADA), state=TurnState.STOPPED, end=None)
    assert "stopped by <@U0ADA>." in told(blocks)
    assert Action.TALK_RETAKE in buttons(blocks)
    assert Action.TALK_MORE not in buttons(blocks)


def test_an_empty_answer_says_so_and_has_no_words_to_judge() -> None:
    blocks = answered("")
    assert "without a word" in told(blocks)
    assert not {Action.TALK_UP, Action.TALK_DOWN} & set(buttons(blocks))


def test_what_was_left_out_and_what_is_a_file_is_told() -> None:
    blocks = answered(left_out=3, has_tail=True)
    assert "The oldest 3 turns of this thread did not fit and were left out." in told(blocks)
    assert "in the file" in told(blocks)
    assert "The oldest turn of this thread did not fit and was left out." in told(answered(left_out=1))


def test_a_thread_above_is_read_when_somebody_asks_for_it() -> None:
    assert Action.TALK_READ_THREAD in buttons(answered(may_read_thread=True))


def test_an_answer_without_a_server_or_tokens_has_no_footer() -> None:
    blocks = answered(state=TurnState.FAILED, server="", model="", generated_tokens=None, redactions=0, failure="Gone.")
    assert told(blocks) == ":warning: Gone."


def test_the_largest_part_with_the_longest_footer_fits_into_a_message() -> None:
    failure = "A sentence that tells what went wrong. " * 8
    for state in TurnState:
        answered("x" * PART_LIMIT, state=state, failure=failure, left_out=9, has_tail=True, end=EndReason.LENGTH)


def test_markdown_that_slack_refuses_is_shown_as_it_is() -> None:
    blocks = build_plain(answered("*" * PART_LIMIT))
    assert validate_message_blocks([{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]) == []
    assert "".join(block["text"]["text"] for block in blocks if block["type"] == "section") == "*" * PART_LIMIT
    assert blocks[-1]["type"] == "actions"


def test_an_answer_that_was_replaced_keeps_its_words_and_loses_its_buttons() -> None:
    posted = [{**block, "block_id": f"x{number}"} for number, block in enumerate(answered())]
    blocks = build_marked(posted, "Replaced.")
    assert said(blocks) == "Hello."
    assert told(blocks).endswith("Replaced.")
    assert buttons(blocks) == {}
    assert not any("block_id" in block for block in blocks)


def test_an_excerpt_is_one_short_line_that_mentions_nobody() -> None:
    assert excerpt("One\n\n<@U1>  two") == "One &lt;@U1&gt; two"
    assert len(excerpt("<" * 1000)) <= 200
    assert excerpt("") == ""


def test_who_may_not_talk_can_ask_for_it() -> None:
    _, blocks = build_refusal("Talking needs READ.")
    assert Action.ACCESS_ASK in buttons(blocks)
    assert told(blocks) == "Talking needs READ."


def test_an_edited_question_can_be_answered_again() -> None:
    assert buttons(build_edit_offer(7)[1]) == {Action.TALK_ASK_EDITED: "7"}


def test_names_mention_nobody() -> None:
    assert "<!channel>" not in told(build_thinking(7, "<!channel>")[1])
