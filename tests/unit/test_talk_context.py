"""What a model gets to see of a conversation."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.people.model import PersonId
from core.servers.errors import PromptRefusedError
from core.talk.context import Exchange, answer_limit, exchanges_before, fit, input_limit, messages_of
from core.talk.model import Speaker, Turn, TurnKind, TurnState
from core.talk.transcript import STOP, OwnWords, transcript_of
from tests.clock import ManualClock

START = ManualClock().now()

RITA = PersonId("T1", "URITA")


def turn(number: int, prompt: str, answer: str = "", **changes: object) -> Turn:
    made = Turn(
        id=number,
        conversation_id=1,
        kind=TurnKind.PROMPT,
        state=TurnState.DONE if answer else TurnState.WAITING,
        author=RITA,
        prompt_ts=f"{number:03}.0",
        created_at=START,
        prompt=prompt,
        answer=answer,
        is_redacted=True,
    )
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]: a test's own


def said(turns: Sequence[Turn], *, cleared_ts: str = "") -> list[tuple[str, str]]:
    exchanges = exchanges_before(turns[-1], turns, cleared_ts=cleared_ts)
    return [(message.speaker.value, message.text.text) for message in messages_of(exchanges, system=None)]


def test_earlier_turns_alternate_and_the_new_prompt_is_last() -> None:
    turns = [turn(1, "a", "b"), turn(2, "c", "d"), turn(3, "e")]
    assert said(turns) == [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")]


def test_notes_stand_before_the_next_prompt() -> None:
    note = turn(2, "Bea: I would use tea", state=TurnState.NOTED, kind=TurnKind.NOTE)
    assert said([turn(1, "a", "b"), note, turn(3, "e")])[-1] == ("user", "Bea: I would use tea\n\ne")


def test_turns_that_were_dropped_or_came_to_nothing_are_not_seen() -> None:
    turns = [turn(1, "dropped", "b", is_seen=False), turn(2, "failed", state=TurnState.FAILED), turn(3, "e")]
    assert said(turns) == [("user", "e")]


def test_a_cleared_conversation_starts_afresh() -> None:
    assert said([turn(1, "a", "b"), turn(2, "c", "d"), turn(3, "e")], cleared_ts="001.0")[0] == ("user", "c")


def test_a_new_answer_does_not_see_the_one_that_it_replaces() -> None:
    again = turn(3, "c", prompt_ts="002.0", replaces=2)
    assert said([turn(1, "a", "b"), turn(2, "c", "old"), again]) == [("user", "a"), ("assistant", "b"), ("user", "c")]


def test_going_on_continues_the_last_answer() -> None:
    more = turn(3, "", prompt_ts="001.0", kind=TurnKind.MORE)
    assert said([turn(1, "a", "one two"), more]) == [("user", "a"), ("assistant", "one two")]
    later = turn(4, "next")
    went_on = replace(more, answer=" three", state=TurnState.DONE)
    assert said([turn(1, "a", "one two"), went_on, later])[1] == ("assistant", "one two three")


def test_a_turn_that_came_late_stands_where_it_was_written() -> None:
    late = turn(9, "early", "x", prompt_ts="000.5")
    assert said([turn(1, "a", "b"), late, turn(3, "e", prompt_ts="010.0")])[0] == ("user", "early")


async def count(kept: Sequence[Exchange]) -> int:
    return sum(len(one.asked) + len(one.answer) for one in kept)


async def test_the_oldest_are_left_out_until_the_rest_fits() -> None:
    exchanges = [Exchange(asked="x" * 40, answer="y" * 60) for _ in range(9)] + [Exchange(asked="z" * 10)]
    fitted = await fit(exchanges, count, most=250)
    assert [len(one.asked) for one in fitted.exchanges] == [40, 40, 10]
    assert (fitted.tokens, fitted.left_out) == (210, 7)


async def test_what_fits_is_not_touched_and_no_limit_keeps_all() -> None:
    exchanges = [Exchange(asked="x", answer="y"), Exchange(asked="z")]
    for most in (3, None):
        assert (await fit(exchanges, count, most=most)).left_out == 0


async def test_a_prompt_that_is_too_long_by_itself_is_refused_with_the_numbers() -> None:
    with pytest.raises(PromptRefusedError, match="500 tokens, and the model reads at most 100"):
        await fit([Exchange(asked="old", answer="older"), Exchange(asked="x" * 500)], count, most=100)


async def test_without_the_engines_count_characters_are_taken_for_it() -> None:
    async def cannot(kept: Sequence[Exchange]) -> int | None:
        return None

    fitted = await fit([Exchange(asked="x" * 3000, answer="y"), Exchange(asked="z" * 300)], cannot, most=200)
    assert fitted.left_out == 1


@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=12),
    last=st.integers(0, 100),
    most=st.integers(100, 1500),
)
async def test_whatever_the_sizes_the_last_ones_that_fit_are_kept(sizes: list[int], last: int, most: int) -> None:
    exchanges = [Exchange(asked="x" * size, answer="y") for size in sizes] + [Exchange(asked="z" * last)]
    fitted = await fit(exchanges, count, most=most)
    assert await count(fitted.exchanges) <= most
    assert list(fitted.exchanges) == exchanges[len(exchanges) - len(fitted.exchanges) :]
    assert fitted.left_out == len(exchanges) - len(fitted.exchanges)


def test_a_quarter_of_the_window_is_kept_for_the_answer() -> None:
    assert input_limit(max_input=None, max_total=8000, answer=None) == 6000
    assert input_limit(max_input=4000, max_total=8000, answer=None) == 4000
    assert input_limit(max_input=None, max_total=8000, answer=100) == 7900
    assert input_limit(max_input=None, max_total=8000, answer=100_000) == 4000
    assert input_limit(max_input=None, max_total=None, answer=5) is None


def test_an_answer_never_asks_for_more_room_than_there_is() -> None:
    assert answer_limit(max_total=8000, prompt=100, answer=None) == 7900
    assert answer_limit(max_total=8000, prompt=100, answer=50) == 50
    assert answer_limit(max_total=8000, prompt=7990, answer=50) == 10
    assert answer_limit(max_total=None, prompt=1, answer=None) is None


def test_a_transcript_tells_who_speaks() -> None:
    exchanges = [Exchange(asked="What is a llama?", answer="An animal."), Exchange(asked="Where?")]
    expected = "User: What is a llama?\nAssistant: An animal.\nUser: Where?\nAssistant:"
    assert transcript_of(exchanges, system=None).text == expected


@given(text=st.text(alphabet="ab\nUser: ", max_size=60), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_own_words_end_where_the_model_would_speak_for_the_user(text: str, cuts: list[int]) -> None:
    whole = OwnWords(goes_on=True)
    expected = whole.feed(text) + whole.flush()
    assert expected == text.partition(STOP)[0]
    pieces = OwnWords(goes_on=True)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    said = "".join(pieces.feed(text[start:end]) for start, end in pairwise(places))
    assert said + pieces.flush() == expected


def test_the_space_in_front_of_a_transcripts_answer_is_not_part_of_it() -> None:
    words = OwnWords(goes_on=False)
    assert words.feed(" ") + words.feed(" An") + words.feed(" animal") + words.flush() == "An animal"


def test_the_system_prompt_comes_first() -> None:
    from core.redaction.stored import seen_by_model

    messages = messages_of([Exchange(asked="a")], system=seen_by_model("Be kind."))
    assert [message.speaker for message in messages] == [Speaker.SYSTEM, Speaker.USER]
