"""What redaction finds in texts that Faker wrote, and what it leaves alone in those that hold nothing personal. Figures
beside other tools' come from `python -m tests.bench redaction`; here are floors, a little below them."""

import pytest

from core.redaction.model import Disposition, EntityType
from core.redaction.ner import NerReader
from core.redaction.policy import default_policy
from tests.corpus.generate import Labelled, Span, technical, templates, texts
from tests.corpus.peers import MODEL, Find, prime_by_rules
from tests.corpus.score import Scores

SEED = 11

BY_RULES = {
    EntityType.EMAIL: 0.99,
    EntityType.PHONE: 0.75,
    EntityType.ADDRESS: 0.8,
    EntityType.CARD: 0.95,
    EntityType.IBAN: 0.85,
    EntityType.NATIONAL_ID: 0.75,
    EntityType.BIRTH_DATE: 0.95,
    EntityType.IP_ADDRESS: 0.95,
    EntityType.MAC_ADDRESS: 0.95,
    EntityType.WALLET: 0.95,
    EntityType.SECRET: 0.95,
    EntityType.PERSON: 0.33,
    EntityType.ORGANIZATION: 0.6,
}
WITH_MODEL = {EntityType.PERSON: 0.76, EntityType.ORGANIZATION: 0.7, EntityType.LOCATION: 0.65}


@pytest.fixture(scope="module")
def prime() -> Find:
    reader = NerReader(MODEL)
    return lambda text: [Span(one.start, one.end, one.type) for one in reader.find([text])[0]]


def scored(find: Find) -> Scores:
    scores = Scores()
    for held_out in (False, True):
        for text in texts(SEED, held_out=held_out, per_template=3):
            scores.add(text, find(text.text))
    return scores


def test_the_corpus_is_the_same_each_time_and_says_where_its_values_stand() -> None:
    first, again = (list(texts(SEED, held_out=False)) for _ in range(2))
    assert first == again
    assert all(text.text[span.start : span.end].strip() for text in first for span in text.spans)
    assert all(one.end <= other.start for text in first for one, other in zip(text.spans, text.spans[1:], strict=False))


def test_no_template_is_both_to_tune_by_and_to_judge_by() -> None:
    tuned, judged = (
        {one for lines in templates(held_out=held_out).values() for one in lines} for held_out in (False, True)
    )
    assert not tuned & judged
    assert len(tuned | judged) >= 120


def test_rules_find_what_has_a_form() -> None:
    scores = scored(prime_by_rules())
    assert {
        one: scores.by_type[one].recall for one, least in BY_RULES.items() if scores.by_type[one].recall < least
    } == {}


def test_the_model_finds_names(prime: Find) -> None:
    scores = scored(prime)
    found = {one: scores.by_type[one].recall for one in WITH_MODEL}
    assert {one: recall for one, recall in found.items() if recall < WITH_MODEL[one]} == {}


def test_technical_prompts_are_left_alone(prime: Find) -> None:
    policy, prompts = default_policy(), technical()
    touched = [
        text for text in prompts if any(policy.of(one.type) is not Disposition.PASSTHROUGH for one in prime(text))
    ]
    assert len(prompts) == 200
    assert len(touched) <= 0.05 * len(prompts), touched


def test_a_half_covered_value_is_not_found_and_leaks() -> None:
    text = Labelled("ask Alice Smithson", [Span(4, 18, EntityType.PERSON)], "chat")
    scores = Scores()
    scores.add(text, [Span(4, 9, EntityType.PERSON)])
    score = scores.by_type[EntityType.PERSON]
    assert (score.there, score.found, score.leaked, score.wrong) == (1, 0, 1, 0)
