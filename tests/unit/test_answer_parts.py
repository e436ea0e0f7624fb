"""Long answers, cut into messages."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.answer_parts import PART_LIMIT, SHOWN_LIMIT, Cut, cuts, file_text, part_text, shown_cut
from bot.markdown import neutralise, restore_escapes
from tests.profiles import cases

LIMIT = 400

words = st.text(st.sampled_from("abcdefgh   .,!é語👩\u200d🚀\u0301🇩🇪&<>@#`*_|~\r"), max_size=60)
references = st.sampled_from(
    ["<!channel>", "<@U123> ", "<#C1>", "&lt;", "&amp;gt;", "<!subteam^S1>", "<" * 150, "&" * 90]
)
marks = st.sampled_from(["```", "```python", "~~~", "~~~~ js", "````", "``` a long info string of several words"])
lines = st.one_of(
    words,
    references,
    marks,
    words.map(lambda text: f"- {text}"),
    words.map(lambda text: f"   1. {text}"),
    words.map(lambda text: f"      - {text}"),
    words.map(lambda text: f"## {text}"),
    words.map(lambda text: f"| {text} | b |"),
    words.map(lambda text: f"> {text}"),
    words.map(lambda text: f"    {text}"),
    marks.map(lambda mark: f"  {mark}"),
    marks.map(lambda mark: f"> {mark}"),
    marks.map(lambda mark: f"- {mark}"),
    marks.map(lambda mark: f"  - {mark}"),
    st.sampled_from(["", "", "", "|---|---|", "---", "<div>", "- > - > ```"]),
    st.integers(50, 900).map(lambda size: "x" * size),
)
markdown = st.lists(lines, max_size=40).map("\n".join)


def parts(text: str, limit: int = LIMIT) -> list[str]:
    found = cuts(text, limit=limit)
    return [part_text(text, found, number) for number in range(len(found))]


@settings(**cases(short=200, long=100_000))
@given(text=markdown)
def test_parts_are_within_the_limit_and_come_to_the_same_text(text: str) -> None:
    found = cuts(text, limit=LIMIT)
    assert [cut.start for cut in found] == sorted({cut.start for cut in found})
    joined = ""
    for number, cut in enumerate(found):
        part = part_text(text, found, number)
        assert len(neutralise(part)) <= LIMIT
        body = part.removeprefix("" if cut.fence is None else cut.fence.opening)
        following = found[number + 1] if number + 1 < len(found) else None
        if following is not None and following.fence is not None:
            body = body.removesuffix(following.fence.closing)
            if not text[: following.start].endswith("\n"):
                body = body.removesuffix("\n")
        joined += neutralise(body)
    assert restore_escapes(joined) == text


@settings(**cases(short=200, long=100_000))
@given(text=markdown, size=st.floats(0, 1))
def test_a_cut_stays_while_more_text_comes(text: str, size: float) -> None:
    early = cuts(text[: int(len(text) * size)], limit=LIMIT)
    assert cuts(text, limit=LIMIT)[: len(early)] == early
    assert cuts(text, early, limit=LIMIT) == cuts(text, limit=LIMIT)


@settings(**cases(short=200, long=100_000))
@given(text=markdown)
def test_no_part_leaves_code_open_behind_it(text: str) -> None:
    for part in parts(text)[:-1]:
        assert not is_code_open(part), part


@settings(**cases(short=200, long=100_000))
@given(text=markdown)
def test_no_part_but_the_last_is_blank(text: str) -> None:
    has_gap = re.search(rf"\s{{{LIMIT // 3}}}", text) is not None
    assert has_gap or all(part.strip() for part in parts(text)[:-1])


@settings(**cases(short=200, long=100_000))
@given(text=markdown)
def test_no_part_mentions_anybody(text: str) -> None:
    for part in parts(text):
        assert not re.search(r"<[@#][A-Z0-9]|<!(?:channel|subteam)", neutralise(part))


def test_code_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"print({number})" for number in range(60))
    first, *_, last = parts(f"Here:\n\n```python\n{code}\n```\nDone.")
    assert first.endswith("\n```")
    assert last.startswith("```python\n")
    assert last.endswith("```\nDone.")


@pytest.mark.parametrize(
    "block",
    [
        "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | row |" for n in range(12)),
        "\n".join(f"- item {n} of a list" for n in range(12)),
        "```python\n" + "\n".join(f"x = {n}" for n in range(26)) + "\n```",
    ],
)
def test_what_fits_into_a_message_is_not_cut(block: str) -> None:
    first, second = parts(f"{'Words. ' * 35}\n\n{block}")
    assert first.strip().endswith("Words.")
    assert second == block


@pytest.mark.parametrize("above", ["# Numbers", "Numbers\n===", "These are the\nnumbers:"])
def test_what_introduces_a_table_stays_with_it(above: str) -> None:
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | row |" for n in range(12))
    first, second = parts(f"{'Words. ' * 35}\n\n{above}\n\n{table}")
    assert first.strip().endswith("Words.")
    assert second == f"{above}\n\n{table}"


def test_a_list_that_fits_nowhere_is_cut_between_its_items() -> None:
    items = [f"- item {number}\n  goes on\n" for number in range(60)]
    assert all(part.startswith("- item") and part.endswith("goes on\n") for part in parts("".join(items)))


def test_a_part_does_not_begin_so_deep_in_a_list_that_it_looks_like_code() -> None:
    items = [f"- item {number}\n    - deep\n    - deeper\n" for number in range(60)]
    assert all(part.startswith("- item") for part in parts("".join(items)))


def test_a_table_that_fits_nowhere_is_cut_between_its_rows() -> None:
    rows = "".join(f"| {number} | row |\n" for number in range(80))
    first, *others = parts(f"| a | b |\n|---|---|\n{rows}")
    assert first.endswith("row |\n")
    assert all(part.startswith("| ") and part.endswith("row |\n") for part in others)


@pytest.mark.parametrize(("indent", "opened"), [("", "```python\n"), ("> ", "> ```python\n"), ("  ", "  ```python\n")])
def test_code_in_quotes_and_lists_is_opened_again_where_it_stands(indent: str, opened: str) -> None:
    code = "\n".join(f"{indent}print({number})" for number in range(60))
    above = "- a\n" if indent == "  " else ""
    first, *_, last = parts(f"{above}{indent}```python\n{code}\n{indent}```\n\nDone.")
    assert first.endswith(f"\n{indent}```")
    assert last.startswith(opened)
    assert "Done." in last


def test_code_is_not_cut_in_front_of_its_end() -> None:
    for size in range(280, 340):
        for part in parts(f"```\n{'x ' * 60}\n{'y' * (size - 125)}\n```\n{'z ' * 200}"):
            assert not part.startswith("```\n```")


@pytest.mark.parametrize("indent", ["", " ", "> "])
def test_code_is_not_cut_inside_its_end(indent: str) -> None:
    above = "> " if indent == "> " else ""
    for size in range(280, 330):
        text = f"{above}```\n{above}{'y' * size}\n{indent}```\n{'z' * 300}\n{'z' * 300}"
        assert not any(is_code_open(part) for part in parts(text))


def test_long_lines_are_cut_after_a_sentence_or_a_word() -> None:
    assert parts("One two three. " * 60)[0].endswith("three. ")
    assert parts("word " * 200)[0].endswith("word ")
    assert "".join(parts("x" * 1000)) == "x" * 1000


def test_escapes_and_their_like_are_not_cut_apart() -> None:
    for size in range(300, 320):
        text = f"{'x' * size}&amp;&lt;<@U1><!here>{'y' * 400}"
        assert restore_escapes("".join(map(neutralise, parts(text)))) == text


def test_what_is_full_of_escapes_fits_too() -> None:
    assert all(len(neutralise(part)) <= PART_LIMIT for part in parts("<@U1>&lt;" * 5000, PART_LIMIT))


@pytest.mark.parametrize("text", ["\n\n" + "&" * 90, "\n" * 45 + "<" * 150])
def test_what_is_hard_to_cut_leaves_no_blank_part(text: str) -> None:
    assert all(part.strip() for part in parts(text))


def test_a_family_is_not_cut_apart() -> None:
    family = "👩\u200d👩\u200d👧"
    for part in parts(family * 200):
        assert part.startswith("👩")
        assert not part.endswith("\u200d")


def test_beyond_what_is_shown_the_rest_comes_as_a_file() -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "Words. " * 20 for number in range(400))
    found = cuts(text)
    cut = shown_cut(text, found)
    assert cut is not None
    shown = [one for one in found if one.start < cut.start]
    in_messages = "".join(part_text(text, [*shown, cut], number) for number in range(len(shown)))
    assert in_messages + file_text(text, cut) == text
    assert SHOWN_LIMIT - PART_LIMIT < len(in_messages) <= SHOWN_LIMIT
    assert shown_cut("short", [Cut(0)]) is None


def is_code_open(part: str) -> bool:
    """Whether a paragraph behind it would be code, for CommonMark."""
    tokens = MarkdownIt("commonmark").enable("table").parse(f"{part}\n\nbehind")
    return tokens[-1].type in ("fence", "code_block")
