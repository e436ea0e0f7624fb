"""Which value has which placeholder, and where values that are known stand."""

import time

import pytest

from core.redaction.folding import fold
from core.redaction.known import Span, known_in
from core.redaction.model import EntityType
from core.redaction.placeholders import MOST_WAYS
from core.redaction.vault import Vault

PERSON, EMAIL, PHONE, TERM = EntityType.PERSON, EntityType.EMAIL, EntityType.PHONE, EntityType.TERM


def vault_of(*people: str) -> Vault:
    vault = Vault()
    for person in people:
        vault.add(PERSON, person)
    return vault


def found_in(text: str, vault: Vault, found: list[Span] | None = None) -> list[str]:
    folded, _ = fold(text)
    return [folded[one.start : one.end] for one in known_in(folded, found or [], vault)]


@pytest.mark.parametrize(
    "written",
    ["ALICE SMITH", "Dr. Alice Smith", "Prof Dr Alice Smith", "Alice Smith's", "Alice\u2019s", "Alice", "smith",
     "Ms Smith", "Frau Smith", "Ａlice  Smith", "Ali\u200bce\nSmith"],
)  # fmt: skip
def test_whatever_is_written_for_one_person_has_the_number_of_that_person(written: str) -> None:
    vault = vault_of("Alice Smith")
    assert vault.add(PERSON, written) == "[PERSON_1_B]"
    assert vault.values["[PERSON_1_B]"] == written
    assert vault.add(PERSON, written) == "[PERSON_1_B]"
    assert vault.add(PERSON, "Alice Smith") == "[PERSON_1]"


def test_another_person_has_another_number() -> None:
    vault = vault_of("Alice Smith")
    assert [vault.add(PERSON, one) for one in ("Alicia", "Bob Smithson", "Alice Jones")] == [
        "[PERSON_2]",
        "[PERSON_3]",
        "[PERSON_4]",
    ]


def test_a_part_that_two_share_has_a_number_of_its_own() -> None:
    vault = vault_of("Alice Smith", "Bob Jones")
    assert vault.add(PERSON, "Alice") == "[PERSON_1_B]"
    vault.add(PERSON, "Alice Jones")
    assert vault.add(PERSON, "Alice") == "[PERSON_4]"
    assert vault.add(PERSON, "Jones") == "[PERSON_5]"
    assert vault.add(PERSON, "Smith") == "[PERSON_1_C]"
    assert vault.values["[PERSON_1_B]"] == "Alice"


def test_several_words_of_a_name_are_a_part_of_it_but_no_particle_is() -> None:
    vault = vault_of("Ana Maria van den Berg")
    assert vault.add(PERSON, "van den Berg") == "[PERSON_1_B]"
    assert vault.add(PERSON, "Ana Maria") == "[PERSON_1_C]"
    assert vault.add(PERSON, "van den") == "[PERSON_2]"


def test_accents_are_the_same_composed_or_not() -> None:
    vault = vault_of("Jos\u00e9 Garc\u00eda")
    assert vault.add(PERSON, "Jose\u0301 Garci\u0301a") == "[PERSON_1_B]"
    assert found_in("ask Jose\u0301, please", vault) == ["Jose\u0301"]


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (PHONE, "+49 30 901820", "+49 (30) 90-18-20"),
        (EntityType.CARD, "4111 1111 1111 1111", "4111111111111111"),
        (EntityType.IBAN, "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        (EntityType.NATIONAL_ID, "536-22-1234", "536 22 1234"),
        (EMAIL, "Bea@Acme.example", "bea@acme.EXAMPLE"),
        (TERM, "Stra\u00dfe 7", "STRASSE 7"),
    ],
)
def test_one_value_written_otherwise_has_one_number(kind: EntityType, one: str, other: str) -> None:
    vault = Vault()
    assert vault.add(kind, one) == f"[{kind}_1]"
    assert vault.add(kind, other) == f"[{kind}_1_B]"
    assert found_in(f"see {other}!", vault) == [other]


def test_letters_go_on_after_z_and_numbers_after_the_last_letters() -> None:
    vault = Vault()
    ways = [vault.add(TERM, "orion" + " " * number + "x") for number in range(1, MOST_WAYS + 3)]
    assert ways[:2] == ["[TERM_1]", "[TERM_1_B]"]
    assert ways[25:28] == ["[TERM_1_Z]", "[TERM_1_AA]", "[TERM_1_AB]"]
    assert ways[-3:] == ["[TERM_1_ZZ]", "[TERM_2]", "[TERM_2_B]"]
    assert len(set(ways)) == len(ways)
    assert Vault(vault.values).add(TERM, "orion X") == "[TERM_2_C]"


def test_what_was_sent_as_it_is_is_known_in_all_ways_to_write_it() -> None:
    vault = Vault()
    vault.release(TERM, "Orion")
    kept = Vault(vault.values, [(kind, value) for kind, value in vault.released])
    assert kept.is_released(TERM, "ORION")
    assert not kept.is_released(EntityType.ORGANIZATION, "Orion")
    assert not kept.knows(TERM, "Orion")


def test_a_copy_has_a_life_of_its_own() -> None:
    vault = vault_of("Alice Smith")
    trial = vault.copy()
    trial.add(PERSON, "Bob")
    trial.release(TERM, "Orion")
    assert list(vault.values.values()) == ["Alice Smith"]
    assert not vault.released


# --- what is known


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("alice smith, ALICE  SMITH and Alice\nSmith", ["alice smith", "ALICE  SMITH", "Alice\nSmith"]),
        ("so alice's and Smith: smith_x", ["alice", "Smith", "smith"]),
        ("malice, Smithson and blacksmith", []),
        ("Bo knows bo and Will will", ["Bo", "Will"]),
        ("WILL MAY; will may; May and may", ["WILL MAY", "will may", "May"]),
        ("the van is mine, den too", []),
        ("at orion nine or Orion\u00a0Nine, not orion or nine", ["orion nine", "Orion Nine"]),
        ("030 901820, 030901820, 030-90-18-20", ["030 901820", "030901820", "030-90-18-20"]),
        ("1030901820 and 0309018201", []),
    ],
)
def test_what_is_known_is_found_wherever_it_stands(text: str, found: list[str]) -> None:
    vault = vault_of("Alice Smith", "Bo Lind", "Will May", "Jan van den Berg")
    vault.add(TERM, "Orion Nine")
    vault.add(PHONE, "030 901820")
    assert found_in(text, vault) == found


def test_a_letter_or_a_word_such_as_in_is_nobodys_name_elsewhere() -> None:
    vault = vault_of("A", "In", "So Min", "Li")
    assert found_in("A dog In So, or Min and Li", vault) == ["Min", "Li"]


def test_what_something_else_found_is_left_to_that() -> None:
    vault = vault_of("Alice Smith")
    assert found_in("alice@acme.example and alice", vault, [Span(0, 18, EMAIL)]) == ["alice"]


def test_what_is_learned_later_is_known_too() -> None:
    vault = vault_of("Alice Smith")
    assert found_in("bob jones", vault) == []
    vault.add(PERSON, "Bob Jones")
    assert found_in("bob jones", vault) == ["bob jones"]


def test_many_values_in_a_long_text_take_no_time() -> None:
    vault = vault_of(*(f"Name{number} Family{number}" for number in range(100)))
    for number in range(100):
        vault.add(EMAIL, f"a{number}@acme.example")
        vault.add(PHONE, f"030 9018{number:03}")
    text = "some words, and 12 of name5 more " * 600
    known_in(text, [], vault)
    began = time.process_time()
    assert len(known_in(text, [], vault)) == 600
    assert time.process_time() - began < 0.1
