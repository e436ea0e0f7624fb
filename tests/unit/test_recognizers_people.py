"""People by what stands beside their names, and organisations by their legal form."""

import pytest

from core.redaction.organizations import organizations
from core.redaction.people_by_cue import people


def names(text: str) -> set[str]:
    return {text[start:end] for start, end in people(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith said", {"Smith"}),
        ("please ask Dr. Anna-Lena van der Berg about it", {"Anna-Lena van der Berg"}),
        ("Frau Müller und Herr O'Brien", {"Müller", "O'Brien"}),
        ("mr smith called", {"smith"}),
        ("MR SMITH IS HERE", {"SMITH"}),
        ("my name is alice smith and I need help", {"alice smith"}),
        ("je m'appelle Marie Dupont", {"Marie Dupont"}),
        ("hi, I'm Bob Jones from Acme", {"Bob Jones"}),
        ("This is Alice from accounting", {"Alice"}),
        ("could you ask Bob about it", {"Bob"}),
        ("ping @Alice please", {"Alice"}),
        ("met with Jürgen Groß today", {"Jürgen Groß"}),
        ("my colleague Priya Patel says", {"Priya Patel"}),
        ("Hi Bob,\nhow are you", {"Bob"}),
        ("hi bob,\ncan you", {"bob"}),
        ("Hi Maria can you", {"Maria"}),
        ("Sehr geehrte Frau Dr. Schmidt,", {"Schmidt"}),
        ("see you\nThanks,\nAlice", {"Alice"}),
        ("Best regards,\nDr. Alice Smith\nCEO", {"Alice Smith"}),
        ("that is all, thanks, Bob", {"Bob"}),
        ("From: Alice Smith <alice@acme.example>\nTo: Bob\nSubject: Kubernetes", {"Alice Smith", "Bob"}),
        ("Patient: John Q. Public, male", {"John Q. Public"}),
        ("Signed-off-by: Linus Torvalds <t@acme.example>", {"Linus Torvalds"}),
        ('{"name": "Alice Smith", "first_name": "bob", "last_name":"JONES"}', {"Alice Smith", "bob", "JONES"}),
        ("first_name=alice&last_name=smith", {"alice", "smith"}),
        ("<name>Alice</name>", {"Alice"}),
        ("id,name,city\n1,Alice Smith,Paris\n2,bob jones,Rome\n", {"Alice Smith", "bob jones"}),
        ("| id | name |\n|----|------|\n| 1 | Alice |", {"Alice"}),
        ("<mailto:al@acme.example|Alice Smith>", {"Alice Smith"}),
        ("<@U123ABC|alice> and <@U9XYZ|Bob Jones>", {"alice", "Bob Jones"}),
    ],
)
def test_a_name_is_told_by_what_stands_beside_it(text: str, expected: set[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Hello World! Hi there! Hey team, Dear Hiring Manager, Hi All,",
        "This is Docker from scratch. This is Python code.",
        "tell Kubernetes to restart, ask Claude, email Support, call Python from C",
        "I am Happy To see this, I'm Using Python",
        "class Name(object): user_name = get_name()",
        'const userName: string = "x"; fname = fname + ext; name: str = None, first_name: str',
        "Owner: Platform Team\nContact: Support\nName: Docker Compose",
        "thanks to Google, thanks a lot, best practices, Cheers!",
        "the latency is 200 ms Word for word",
        "name, value = line.split()\nkey, other = pair",
        "SELECT id, name, email\nFROM users, orders, items",
        "Ask Me Anything",
        "<@U123ABC> and <@W123ABC>",
    ],
)
def test_what_is_no_name_is_left_alone(text: str) -> None:
    assert not names(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We work for Acme Inc. now", ["Acme Inc."]),
        ("at Smith, Jones and Brown Ltd, London", ["Smith, Jones and Brown Ltd"]),
        ("Schmidt GmbH & Co. KG", ["Schmidt GmbH & Co. KG"]),
        ("acme llc", ["acme llc"]),
        ("the Müller AG", ["Müller AG"]),
        ("Dupont S.A.R.L. est", ["Dupont S.A.R.L."]),
        ("Rossetti-Antonetti s.r.l. di", ["Rossetti-Antonetti s.r.l."]),
        ("J.P. Morgan Chase & Co", ["J.P. Morgan Chase & Co"]),
        ("Contact Globex Corporation today", ["Globex Corporation"]),
        ("Copyright 2015 Initech Inc", ["Initech Inc"]),
        ("the Security Group, a Consumer Group, an inc() call, def inc, AWS SE", []),
    ],
)
def test_an_organization_is_told_by_its_legal_form(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in organizations(text)] == expected
