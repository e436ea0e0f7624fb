"""All recognizers together: secrets, Slack's forms, folding, and what holds for any text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redaction.folding import fold
from core.redaction.model import EntityType
from core.redaction.recognizers import find
from core.redaction.rules_detector import find_by_rules
from core.redaction.secret_forms import certain_secrets_in, secrets_in


def found(text: str) -> set[tuple[str, str]]:
    [findings] = find_by_rules([text])
    return {(one.type, text[one.start : one.end]) for one in findings}


@pytest.mark.parametrize(
    "secret",
    [
        "dop_v1_" + "a1b2" * 16,
        "whsec_" + "a1B2" * 8,
        "gsk_" + "a1B2" * 12,
        "GOCSPX-" + "a1B2" * 7,
        "dckr_pat_" + "a1B2" * 7,
        "hvs." + "a1B2" * 8,
        "shpat_" + "a1b2" * 8,
        "12345678:AA" + "a1B2" * 8 + "x",
        "glsa_" + "a1B2" * 8 + "_a1b2c3d4",
        "dapi" + "a1b2" * 8,
        "key-" + "a1b2" * 8,
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF and no end",
    ],
)
def test_a_key_tells_by_itself(secret: str) -> None:
    text = f"what is {secret}"
    assert [text[start:end] for start, end in certain_secrets_in(text)] == [secret]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("AccountKey=" + "a1B2" * 21 + "==;Endpoint", "a1B2" * 21 + "=="),
        ("DD_API_KEY=" + "a1b2" * 8, "a1b2" * 8),
        ("TWILIO_AUTH_TOKEN: " + "a1b2" * 8, "a1b2" * 8),
        ("curl -u admin:S3cr3t99x https://x.example", "S3cr3t99x"),
        ("the password is hunter2-and-more", "hunter2-and-more"),
        ("clé: client_key = q9X2mB7vLt4Z", "q9X2mB7vLt4Z"),
    ],
)
def test_a_key_is_told_by_the_name_before_it(text: str, secret: str) -> None:
    assert secret in {text[start:end] for start, end in secrets_in(text)}


@pytest.mark.parametrize(
    "text",
    [
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "postgres://user:password@localhost/db and redis://:${PW}@cache",
        "key = value; key: lambda x: x.name; primary_key=True",
        "curl -u $USER:$PASSWORD https://x.example",
        "Authorization: Bearer <your-token>",
        "password: ********, api_key=YOUR_API_KEY_HERE",
    ],
)
def test_hashes_ids_and_examples_are_no_secrets(text: str) -> None:
    assert not list(secrets_in(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<mailto:al@acme.example|al@acme.example>", {(EntityType.EMAIL, "al@acme.example")}),
        ("<mailto:al@acme.example|write>", {(EntityType.EMAIL, "al@acme.example")}),
        ("<tel:+4930901820|call me>", {(EntityType.PHONE, "+4930901820")}),
        ("<@U4155552671> in <#C4155552671|dev> with <!subteam^S4155552671|@ops> <!here>", set()),
        ("<!date^1392734382^Posted {date_num}|Feb 18>", set()),
        ("a &lt;al@acme.example&gt; b", {(EntityType.EMAIL, "al@acme.example")}),
        ("<https://acme.example/?q=al%40acme.example|see>", {(EntityType.EMAIL, "al%40acme.example")}),
    ],
)
def test_slacks_forms_are_read_for_what_they_mean(text: str, expected: set[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("b\u200bea@ac\u00adme.example", EntityType.EMAIL),
        ("\u0430l\u0435x@acme.example", EntityType.EMAIL),
        ("4111\u00a01111\u20111111\u20091111", EntityType.CARD),
        (
            "\u0664\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661",
            EntityType.CARD,
        ),
        ("AKI\u0410IOSFODNN7EX\u0410MPLA", EntityType.SECRET),
        ("+49\u202f30\u2011901820", EntityType.PHONE),
    ],
)
def test_what_hides_a_value_is_folded_away(text: str, kind: EntityType) -> None:
    assert (kind, text) in found(text)


def test_escapes_are_undone_once() -> None:
    assert fold("a &lt;b&gt; &amp;lt;") == ("a <b> &lt;", [0, 1, 2, 6, 7, 11, 12, 17, 18, 19, 20])


@pytest.mark.parametrize("text", ["\u041c\u043e\u0441\u043a\u0432\u0430", "\u03bc", "\u03b1\u03b2", "na\u00efve"])
def test_words_of_one_script_are_kept(text: str) -> None:
    assert fold(text)[0] == text.replace("\u00b5", "\u03bc")


@given(st.text(alphabet=st.sampled_from("ab&;ltgmp<> \u200b\u00ad\u0430\uff11\u2011\ufb01e\u0301\u00bd\u0130")))
def test_each_folded_character_has_a_place_in_the_original(text: str) -> None:
    folded, places = fold(text)
    assert len(places) == len(folded) + 1
    assert list(places) == sorted(places)
    assert places[-1] == len(text)
    assert all(0 <= place < len(text) for place in places[:-1])


_PIECES = st.sampled_from(
    ["al@acme.example", "+49 30 901820", "12 Oak Street", "Mr. Smith", "name,", "\n", "<@U1|", ">", "password: ",
     "&lt;", "4111 ", "1111", "DE89", "born ", "1980-03-12", "Acme Inc.", "10.0.0.1", "https://",
     "-----BEGIN PRIVATE KEY-----",
     "\u200b", "é", "0x", "passport ", "X1234567", ",", " ", "Hi ", "Bob", "\t", "|", "SW1A 2AA", "::1", "(", "\uff11"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=25).map("".join))
def test_findings_lie_inside_the_text(text: str) -> None:
    [findings] = find_by_rules([text])
    assert all(0 <= one.start < one.end <= len(text) for one in findings)


@pytest.mark.parametrize(
    "piece",
    ["12 Oak ", "1, ", "A ", "Aa ", "Aa, ", "a,name\n", "name,", "Mr. ", "born ", "Hi ", "Flat 1\n", "rue A ",
     "12345 Aa ", "1A ", "ab1 ", "0x", "1" * 30 + " ", "passport ", "Inc ", "A, ", "and ", "<@U1|a", "&lt;",
     "\u0430a", "Best\n",
     "::", "1.", "12-", "TX 12345, ", "name: a, ", "Aa-", "a@b.", "phone 1", "key=", "AB12 ", "(1) ", "12 a street "],
)  # fmt: skip
def test_no_text_takes_for_ever(piece: str) -> None:
    """Bounded by how the patterns are made; this finds the one that is not. 4 s are for a machine under load."""
    text = fold((piece * (100_000 // len(piece)))[:100_000])[0]
    began = time.process_time()
    find(text)
    assert time.process_time() - began < 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{ city: 'Lisbon', zip: 1 }", ["Lisbon"]),
        ('"country": "Sierra Leone"}', ["Sierra Leone"]),
        ("City: Buenos Aires\nname: x", ["Buenos Aires"]),
        ("const city = cities[0]", []),
        ("velocity: High", []),
        ("city: The one in which we met is a nice one", []),
    ],
)
def test_a_fields_name_tells_a_place(text: str, found: list[str]) -> None:
    assert [text[one.start : one.end] for one in find(text) if one.type is EntityType.LOCATION] == found
