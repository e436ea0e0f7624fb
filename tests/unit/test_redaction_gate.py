"""What the gate lets out, and what it does not."""

import base64
import json
import random
import time
from urllib.parse import quote

import pytest

from core.redaction.errors import GateError
from core.redaction.gate import Gate
from core.redaction.hint import KEEP
from core.redaction.model import EntityType
from core.redaction.vault import Vault


def vault_of(values: dict[str, EntityType]) -> Vault:
    vault = Vault()
    for value, kind in values.items():
        vault.add(kind, value)
    return vault


VAULT = vault_of(
    {
        "Alice Smith": EntityType.PERSON,
        "Dr. Jones": EntityType.PERSON,
        "Will": EntityType.PERSON,
        "mark": EntityType.PERSON,
        "Bob": EntityType.PERSON,
        "al@acme.example": EntityType.EMAIL,
        "+49 30 901820": EntityType.PHONE,
        "4111-1111-1111-1111": EntityType.CARD,
        "DE89 3704 0044 0532 0130 00": EntityType.IBAN,
        "\u738b\u5c0f\u660e\u5148": EntityType.PERSON,
        "Stand": EntityType.TERM,
        "AT&amp;T Labs": EntityType.ORGANIZATION,
    }
)


def payload(text: str, *, ascii_only: bool = False) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": True}
    return json.dumps(body, ensure_ascii=ascii_only).encode()


@pytest.mark.parametrize(
    "text",
    [
        "so alice smith came",
        "ALICE\n  SMITH",
        "Ａlice Smi\u200bth",
        "mr jones",
        "where is Will?",
        "to AL@acme.example.",
        "to al@\u0430cme.example",
        "\u0391lice Smith",
        "+49 30 901820",
        "4930901820",
        "49.30.90.18.20",
        "\u0664\u0669 30 901820",
        "4111111111111111 it is",
        "4111 1111 1111 1111",
        "de89370400440532013000",
        "\u6211\u662f\u738b\u5c0f\u660e\u5148\u751f",
        "stand up",
        "at&t labs",
        "AT&amp;T  Labs",
        "ghp_" + "a1B2" * 9,
        "postgres://prime:hunter2pass@db.example/prime",
    ],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_value_or_a_secret_does_not_leave_however_it_is_written(text: str, ascii_only: bool) -> None:
    with pytest.raises(GateError) as refused:
        Gate(VAULT).check(payload(text, ascii_only=ascii_only))
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "[PERSON_1] and [PERSON_1_B] of [TERM_1], [card_1] and TERM_1",
        "will you mark it, bob? malice and smithy, Jonestown",
        "14930901820 and 49309018201 and 49 apples, 30 pears",
        "411111111111111 and de8937040044053201300",
        "this takes understanding",
        f"Be brief.\n\n{KEEP}",
        "postgres://prime:[SECRET_1]@db.example/prime",
        "the password is: Required",
        "",
    ],
)
def test_what_was_replaced_leaves(text: str) -> None:
    Gate(VAULT).check(payload(text))


def test_every_string_is_looked_at_and_no_other_thing() -> None:
    gate = Gate(vault_of({"assistant": EntityType.TERM, "acme/llama": EntityType.TERM}), may_hold=["acme/llama"])
    gate.check(json.dumps({"model": "acme/llama", "assistant": 1, "messages": [{"role": "assistant"}]}).encode())
    gate.check(json.dumps({"prompt": "User: x\nAssistant: y", "stop": ["\nUser:"]}).encode())
    for body in ({"stop": ["x", "the assistant"]}, ["acme/llama."], {"a": {"b": {"prompt": "ask acme/llama"}}}):
        with pytest.raises(GateError):
            gate.check(json.dumps(body).encode())


def test_a_secret_passes_where_the_policy_lets_it() -> None:
    Gate(Vault(), looks_for_secrets=False).check(payload("ghp_" + "a1B2" * 9))


def test_a_value_with_letters_that_only_look_latin_does_not_leave_in_plain_ones() -> None:
    gate = Gate(vault_of({"\u0395al@acme.example": EntityType.EMAIL}))
    for text in ("to \u0395al@acme.example", "to Eal@acme.example"):
        with pytest.raises(GateError):
            gate.check(payload(text))


def test_what_the_vault_learns_later_is_refused_too() -> None:
    vault = Vault()
    gate = Gate(vault)
    gate.check(payload("Alice Smith"))
    vault.add(EntityType.PERSON, "Alice Smith")
    with pytest.raises(GateError):
        gate.check(payload("Alice Smith"))


CANARY = "Canary \u00fc 7f3a?/9"


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        CANARY.upper(),
        quote(CANARY, safe=""),
        "x=" + quote(CANARY).lower(),
        *(base64.b64encode(b"x" * before + CANARY.encode() + b"yy").decode() for before in range(4)),
        base64.urlsafe_b64encode(CANARY.encode()).decode().rstrip("="),
        "Canary \u00fc 7f3a\u200b?/9",
    ],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_canary_does_not_leave_in_any_disguise(written: str, ascii_only: bool) -> None:
    gate = Gate(Vault(), canaries=[CANARY])
    with pytest.raises(GateError):
        gate.check(payload(f"so {written} there", ascii_only=ascii_only))
    with pytest.raises(GateError):
        gate.check(json.dumps({written: 1}).encode())
    gate.check(payload("a canary in a mine"))


def test_a_large_payload_takes_no_time() -> None:
    """50 ms are for a machine under load: it is some 7."""
    vault = vault_of({f"Name{number} Family{number}": EntityType.PERSON for number in range(100)})
    for number in range(100):
        vault.add(EntityType.PHONE, f"030 9018{number:03}")
    words = ["some", "words", "and", "names", "with", "12", "numbers", "family"]
    chosen = random.Random(1)
    large = payload(" ".join(chosen.choice(words) for _ in range(20_000)))
    gate = Gate(vault)
    began = time.process_time()
    gate.check(large)
    assert time.process_time() - began < 0.05
