"""Names by the engine that people get: what the small model guesses, and what is made of it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.settings import Settings
from core.errors import ConfigurationError
from core.redaction.code_spans import code_spans
from core.redaction.model import EntityType
from core.redaction.ner import OVERLAP, WINDOW, NerReader
from core.redaction.not_names import blanked
from tests.profiles import cases

pytestmark = pytest.mark.xdist_group("ner")  # so that one process loads the model


@pytest.fixture(scope="module")
def reader() -> NerReader:
    return NerReader(Settings().prime_redaction_model)


def found(reader: NerReader, text: str, kind: EntityType = EntityType.PERSON) -> set[str]:
    [findings] = reader.find([text])
    return {text[one.start : one.end] for one in findings if one.type is kind}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Did Alice Smith's boss write to John?", {"Alice Smith", "John"}),
        ("Summarise this: Mariusz Cegła argued with Valeria Blümel about it.", {"Mariusz Cegła", "Valeria Blümel"}),
        ("_Alice Smith_ and *Bob Jones* agreed", {"Alice Smith", "Bob Jones"}),
        ("Alice Smith\nBob Jones\nCarol King", {"Alice Smith", "Bob Jones", "Carol King"}),
        ("Will Smith and Grace Kelly met Mark", {"Will Smith", "Grace Kelly", "Mark"}),
        ("at lunch Bob Henderson said hi", {"Bob Henderson"}),
        ("Alice Smith alice@acme.example called", {"Alice Smith"}),
        ("Al\u200bice Smith was there, and so was Ｂob Jones", {"Al\u200bice Smith", "Ｂob Jones"}),
        ("I met margaret thornton yesterday", {"margaret thornton"}),
        ("[PERSON_1] met Bob Marley in the office", {"Bob Marley"}),
    ],
)
def test_names_are_found_whole_and_alone(reader: NerReader, text: str, names: set[str]) -> None:
    assert found(reader, text) == names


@pytest.mark.parametrize(
    "text",
    [
        "is Giovanni Offredi still on the team?",
        "I had lunch with Giovanni Offredi, who works on billing",
        "What did Giovanni Offredi mean by 'soon'?",
        "the ticket from Giovanni Offredi is still open",
    ],
)
def test_a_person_whom_the_model_takes_for_a_company_is_a_person(reader: NerReader, text: str) -> None:
    assert found(reader, text) == {"Giovanni Offredi"}


@pytest.mark.parametrize("text", ["The meeting with Acme Corp is at noon", "We moved to Deutsche Bank last year"])
def test_a_company_stays_one(reader: NerReader, text: str) -> None:
    assert found(reader, text, EntityType.ORGANIZATION)
    assert not found(reader, text)


def test_lines_without_any_capital_and_all_in_capitals_are_read_once_more(reader: NerReader) -> None:
    assert "john smith" in found(reader, "did margaret thornton arrive in lisbon with john smith today?")
    shouted = "PLEASE CONTACT MARGARET THORNTON OR BOB HENDERSON IN PARIS ABOUT THE INVOICE"
    assert found(reader, f"Hello.\n{shouted}\nBye.") == {"MARGARET THORNTON", "BOB HENDERSON"}


@pytest.mark.parametrize(
    "text",
    [
        "Why is my Kubernetes pod in CrashLoopBackOff after Jenkins and Helm ran?",
        "Explain Bayes' theorem, a Kalman filter and Gaussian processes.",
        "Our Grafana Loki dashboard shows no data; the Tempo traces are fine.",
        "Write unit tests with Jest for this React component that shows a Modal with a Submit button.",
        "How do I rotate the Root Token of Vault? Consul and Nomad are fine.",
        "Does Playwright support Safari on Windows?",
        "def run(self):\n    return Alice.Smith(JohnDoe)",
        "Traceback (most recent call last):\n  File \"/srv/Alice/Smith.py\", line 3, in Bob\nValueError: Carol",
        "see https://acme.example/Alice/Smith and ~/Bob/Jones/notes.md, MAX_ALICE and johnSmith",
        "```\nAlice = Bob(Carol)\n```",
        "<@U123ALICE> said `Bob.Jones()`",
    ],
)  # fmt: skip
def test_no_technical_word_is_a_name(reader: NerReader, text: str) -> None:
    assert not found(reader, text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("print('Margaret Thatcher was here')", "Margaret Thatcher"),
        ('owner = "Bernardo Campos"', "Bernardo Campos"),
        ("SELECT * FROM users WHERE name = 'Alice Smith';", "Alice Smith"),
        ("foo(bar);  // reviewed with Roan Kallen on friday", "Roan Kallen"),
        ("```\n# Alice Smith wrote this function\nrun()\n```", "Alice Smith"),
    ],
)
def test_quotes_and_comments_in_code_are_read(reader: NerReader, text: str, name: str) -> None:
    assert name in found(reader, text)


def test_what_has_a_form_is_no_name(reader: NerReader) -> None:
    [findings] = reader.find(["Write to Margaret.Thornton@acme.example or call +1 212 555 0123 now"])
    assert {one.type for one in findings} == {EntityType.EMAIL, EntityType.PHONE}


@pytest.mark.parametrize("before", range(WINDOW - OVERLAP - 30, WINDOW + 30, 17))
def test_a_name_where_one_window_ends_is_found_whole(reader: NerReader, before: int) -> None:
    text = (
        ("The order was sent and paid for. " * 200)[:before].rstrip() + " Then Alice Smith wrote to us. " + "So. " * 99
    )
    assert found(reader, text) == {"Alice Smith"}


def test_what_no_model_can_read_does_no_harm(reader: NerReader) -> None:
    assert found(reader, "\ud83d Alice Smith was here") == {"Alice Smith"}
    assert reader.find(["", " \n\t", "\x00"]) == [[], [], []]


def test_words_that_were_read_are_not_kept(reader: NerReader) -> None:
    before = len(reader.nlp.vocab.strings)
    reader.find(["Zyxwvu Tsrqponm met Qwertzuiop Asdfghjkl in Yxcvbnm."])
    assert len(reader.nlp.vocab.strings) == before


def test_a_model_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="PRIME_REDACTION_MODEL is 'no_such_model', but there is no such"):
        NerReader("no_such_model")


@settings(**cases(short=200, long=20_000))
@given(st.text(alphabet="aB1 \n._-/*#`'\"(){};=<@|>\ud800é[", max_size=200))
def test_code_and_identifiers_are_left_out_without_moving_anything(text: str) -> None:
    code = list(code_spans(text))
    assert all(0 <= start <= end <= len(text) for start, end in code)
    left = blanked(text, code)
    assert len(left) == len(text)
    assert all(one in (was, " ") for one, was in zip(left, text, strict=True))


@pytest.mark.parametrize("part", ["a", "a.", "a/", "A_", "=", "'a a", "`", "<@", "1", "# ", "Aa", "*", "};  ", "a:"])
def test_no_text_takes_for_ever(part: str) -> None:
    text = part * 20_000
    since = time.process_time()
    blanked(text, list(code_spans(text)))
    assert time.process_time() - since < 2
