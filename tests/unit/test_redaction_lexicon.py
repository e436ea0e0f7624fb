"""What a workspace's people are called, and what its team put on its lists."""

import random
import time
from itertools import pairwise

import pytest

from core.redaction.folding import fold
from core.redaction.lexicon import Lexicon, digest, read_terms
from core.redaction.model import EntityType
from core.redaction.vault import Vault
from tests.redacting import redact
from tests.rulebooks import default_rules

KEY = b"k" * 32
PEOPLE = ("Alice Smith", "Bob Lee", "Mark Will", "Cher", "Dr. Zo\u00eb Van Dam", "\u738b\u5c0f\u660e", "")


def found_in(text: str, lexicon: Lexicon) -> list[tuple[str, EntityType]]:
    folded, _ = fold(text)
    return [(folded[one.start : one.end], one.type) for one in sorted(lexicon.find(folded), key=lambda one: one.start)]


def denying(*terms: str, longest: int = 8) -> Lexicon:
    return Lexicon(key=KEY, denied={digest(term, key=KEY): EntityType.TERM for term in terms}, longest=longest)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("alice smith and ALICE  SMITH, Alice Smith's", ["alice smith", "ALICE  SMITH", "Alice Smith"]),
        ("Alice and Smith are not here", []),
        ("Malice Smith, Alice Smithson", []),
        ("ask mark will and cher", ["mark will", "cher"]),
        ("dear zoe\u0308 van dam", ["zoe\u0308 van dam"]),
        ("\u6211\u662f\u738b\u5c0f\u660e\u3002", ["\u738b\u5c0f\u660e"]),
    ],
)
def test_full_names_are_names_wherever_they_stand(text: str, names: list[str]) -> None:
    assert found_in(text, Lexicon(people=PEOPLE)) == [(name, EntityType.PERSON) for name in names]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Alice, smith and ALICE", ["Alice", "smith", "ALICE"]),
        ("Mark will mark what Will will", ["Mark", "Will"]),
        ("bob met Bob and lee", ["Bob"]),
        ("a van of Van Dam", ["Van Dam"]),
    ],
)
def test_parts_of_the_names_of_those_present_are_names_too(text: str, names: list[str]) -> None:
    assert [name for name, _ in found_in(text, Lexicon(present=PEOPLE))] == names


def test_a_number_in_a_name_is_none() -> None:
    team = ["Bench 10", "On Call 24 7", "1984"]
    assert found_in("question 10 of 1984, 24 7", Lexicon(people=team, present=team)) == []
    assert [name for name, _ in found_in("ask bench 10", Lexicon(people=team))] == ["bench 10"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("bob lee: will be late", ["bob lee"]),
        ("bo: so what", ["bo"]),
        ("so bo: later", []),
        ("will: they?", []),
    ],
)
def test_who_said_something_is_a_name_however_it_is_written(text: str, names: list[str]) -> None:
    assert sorted({name for name, _ in found_in(text, Lexicon(present=["bo", "Bob Lee"]))}) == sorted(names)


def test_slacks_ids_hold_no_names() -> None:
    assert found_in("<@U0ALICE|Alice> and <@U0ALICE> SMITH", Lexicon(people=PEOPLE, present=PEOPLE)) == [
        ("Alice", EntityType.PERSON),
        ("SMITH", EntityType.PERSON),
    ]


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("Orion Nine", "the ORION  nine, orion\nnine.", ["ORION  nine", "orion\nnine"]),
        ("Orion", "Orionids and orion-based (Orion's)", ["orion", "Orion"]),
        ("C++", "we use c++, not c", ["c++"]),
        ("Acme, Inc.", "so ACME, Inc. it is", ["ACME, Inc"]),
        ("Smith & Sons", "for smith & sons!", ["smith & sons"]),
        ("caf\u00e9", "the Cafe\u0301", ["Cafe\u0301"]),
        (
            "\u6771\u4eac\u652f\u5e97",
            "\u5f0a\u793e\u306e\u6771\u4eac\u652f\u5e97\u3067\u3059",
            ["\u6771\u4eac\u652f\u5e97"],
        ),
        ("one two three", "one two", []),
    ],
)
def test_what_is_on_the_list_is_found_in_whatever_way_it_is_written(term: str, text: str, found: list[str]) -> None:
    assert found_in(text, denying(term)) == [(one, EntityType.TERM) for one in found]


def test_a_term_with_more_words_than_terms_have_is_not_looked_for() -> None:
    assert found_in("one two three", denying("one two three", longest=3)) == [("one two three", EntityType.TERM)]
    assert found_in("one two three", denying("one two three", longest=2)) == []


def test_another_key_makes_other_digests() -> None:
    assert digest("Orion", key=KEY) != digest("Orion", key=b"x" * 32)
    assert digest(" \uff2frion. ", key=KEY) == digest("ORION", key=KEY)


def test_what_is_allowed_is_so_in_any_case() -> None:
    lexicon = Lexicon(key=KEY, allowed=frozenset([digest("Mercury", key=KEY)]))
    assert lexicon.allows("MERCURY")
    assert not lexicon.allows("Mercury 7")


async def test_names_and_terms_are_replaced_as_what_they_are() -> None:
    lexicon = Lexicon(people=PEOPLE, present=PEOPLE[:1], key=KEY, denied=denying("Orion").denied)
    rules = default_rules()
    rules = type(rules)(policy=rules.policy, lexicon=lexicon)
    [redaction] = await redact(["Did alice smith tell Alice of orion?"], Vault(), rules=rules)
    assert redaction.text.text == "Did [PERSON_1] tell [PERSON_1_B] of [TERM_1]?"


def test_a_list_has_one_term_a_line() -> None:
    assert list(read_terms("Orion # ours\n\n  # none\nAcme Inc\nOrion\nC# #ours")) == ["Orion", "Acme Inc", "C#"]


def test_a_long_text_takes_no_time() -> None:
    """0.3 s are for a machine under load: it is some 40 ms."""
    chosen = random.Random(1)
    words = ["".join(chosen.choices("abcdefghij", k=chosen.randint(2, 9))) for _ in range(3000)]
    text = " ".join(chosen.choices(words, k=3500))
    names = [f"{one.capitalize()} {other.capitalize()}" for one, other in pairwise(words)]
    lexicon = Lexicon(people=names, present=names[:200], key=KEY, denied=denying("one two").denied)
    lexicon.find("made once")
    began = time.process_time()
    lexicon.find(text)
    assert time.process_time() - began < 0.3
