"""What comes back into an answer, and that it does so whatever the text and however it is cut."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from core.redaction.errors import PromptBlockedError
from core.redaction.folding import fold
from core.redaction.placeholders import LONGEST
from core.redaction.restore import Restorer, restore
from core.redaction.rules_engine import RulesRedactor
from core.redaction.stored import seen_by_model
from core.redaction.vault import Vault
from tests.profiles import cases

REDACTOR = RulesRedactor()
ANSWER_VAULT = Vault({"[EMAIL_1]": "al@acme.example", "[EMAIL_12]": "[EMAIL_1]", "[NATIONAL_ID_1]": "536-22-1234"})


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
        ("[EMAIL_2] [EMAIL_11] EMAIL_1 [PHONE_1] [EMAIL]", "[EMAIL_2] [EMAIL_11] EMAIL_1 [PHONE_1] [EMAIL]"),
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


@pytest.mark.parametrize("said", ["[important", "[see the", "[1", "[EMAIL_x", "[EMAIL_1] ", "[  ", "a]", "[" * 9 + "x"])
def test_what_cannot_become_a_placeholder_is_not_held_back(said: str) -> None:
    assert Restorer(ANSWER_VAULT).feed(said).endswith(said[-1])


def test_nothing_is_held_back_without_values() -> None:
    assert Restorer(Vault()).feed("[EMAIL_") == "[EMAIL_"


# --- properties

SAID = st.sampled_from(
    ["[EMAIL_1]", "[EMAIL_12]", "[email 1]", r"\[NATIONAL\_ID\_1\]", "[ National id_1 \\]", "[", "]", "\\", "[EMAIL",
     "_1", "EMAIL_1]", "[[", "https://a.b/", "](", ")", " ", "\n", "x", "é", "[ ", "\uff3b", "12]", "a.example/", "_",
     "NATIONAL"]
)  # fmt: skip
HIDDEN = "\u200b"
VALUES = [
    "al@acme.example", "bea@acme.example", "+49 30 901820", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00",
    "536-22-1234",
]  # fmt: skip
TYPED = st.one_of(
    st.text(max_size=12),
    st.sampled_from(VALUES),
    st.sampled_from(
        ["[EMAIL_1]", "[text 1]", "[LINK_1]", "[card_1", "]", "[", "\\", "(", ")", "](", "https://", "www.",
         "acme.example/", "/", "?", ".", ",", " ", "\n", "_", "-", "@", "phone ", "5551234", HIDDEN, "\ufb01",
         '"', "<", ">", "x"]
    ),
)  # fmt: skip
TEXTS = st.lists(TYPED, max_size=10).map("".join)


@settings(**cases(short=400, long=200_000))
@given(pieces=st.lists(SAID, max_size=14), cuts=st.lists(st.integers(0, 160), max_size=12))
def test_a_stream_is_restored_like_the_whole_however_it_is_cut(pieces: list[str], cuts: list[int]) -> None:
    said = "".join(pieces)
    whole = restore(said, ANSWER_VAULT)
    assert whole == streamed([*said], ANSWER_VAULT)
    places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]
    assert whole == streamed([said[start:end] for start, end in pairwise(places)], ANSWER_VAULT)


@settings(**cases(short=400, long=200_000))
@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
async def test_what_was_replaced_comes_back_byte_for_byte(texts: list[str]) -> None:
    """But for what hides a value that is written openly elsewhere: both are one value."""
    vault = Vault()
    sent = await redacted(texts, vault)
    shown = [streamed([*one], vault) for one in sent]
    assert shown == [restore(one, vault) for one in sent]
    assert shown == texts or (HIDDEN in "".join(texts) and list(map(plain, shown)) == list(map(plain, texts)))


@settings(**cases(short=150, long=100_000))
@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
async def test_no_value_is_left_and_none_shares_its_placeholder(texts: list[str]) -> None:
    vault = Vault()
    sent = await redacted(texts, vault)
    values = [value.lower() for one, value in vault.values.items() if not one.startswith(("[TEXT_", "[LINK_"))]
    for value in values:
        assert not re.search(rf"(?<![a-z0-9]){re.escape(value)}(?![a-z0-9])", "\n".join(map(plain, sent)))
    assert len(set(values)) == len(values)


@settings(**cases(short=150, long=100_000))
@given(text=TEXTS)
async def test_the_same_text_is_always_replaced_in_the_same_way(text: str) -> None:
    vault = Vault()
    [sent] = await redacted([text], vault)
    before = dict(vault.values)
    assert await redacted([text], vault) == [sent]
    assert vault.values == before


@settings(**cases(short=150, long=100_000))
@given(text=TEXTS)
async def test_a_redacted_text_that_is_redacted_again_comes_back_as_it_was(text: str) -> None:
    vault = Vault()
    [sent] = await redacted([text], vault)
    assert seen_by_model(sent).text == sent
    [again] = await redacted([sent], vault)
    assert restore(again, vault) == sent


def plain(text: str) -> str:
    return fold(text)[0].lower()


async def redacted(texts: list[str], vault: Vault) -> list[str]:
    """Nothing is sent of what is refused."""
    try:
        return [one.text.text for one in await REDACTOR.redact(texts, vault)]
    except PromptBlockedError:
        reject()


def streamed(pieces: list[str], vault: Vault) -> str:
    restorer, shown = Restorer(vault), ""
    for piece in pieces:
        shown += restorer.feed(piece)
        assert len(restorer._held) <= LONGEST
    return shown + restorer.flush()
