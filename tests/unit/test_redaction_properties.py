"""What holds of every text: by rules, and with a detector that finds whatever a test planted."""

import json
import re
from collections.abc import Sequence

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from core.redaction.errors import GateError, PromptBlockedError
from core.redaction.folding import fold, is_one_word
from core.redaction.gate import Gate
from core.redaction.model import EntityType
from core.redaction.phrases import caseless
from core.redaction.placeholders import FORMS, LONGEST, meant
from core.redaction.redactor import Redactor, again
from core.redaction.restore import Restorer, restore
from core.redaction.stored import seen_by_model
from core.redaction.vault import Vault
from tests.profiles import cases
from tests.redacting import BY_RULES, Planted, redact

HIDDEN = "\u200b"
NAMES = ["Alice Smith", "alice smith", "Bob Jones", "Alice Jones", "Dr. Zo\u00eb Li", "\u738b\u5c0f\u660e", "Will May"]
PLANTED: dict[str, EntityType] = {
    **dict.fromkeys(NAMES, EntityType.PERSON),
    "Orion Nine": EntityType.TERM,
    "Person": EntityType.TERM,
    "https": EntityType.TERM,
    "+49 30 901820": EntityType.PHONE,
    "4930901820": EntityType.PHONE,
    "bea@acme.example": EntityType.EMAIL,
    "\u05e9\u05dc\u05d5\u05dd": EntityType.TERM,
    "\U0001f469\u200d\U0001f52c": EntityType.TERM,
}
REDACTORS = st.sampled_from([BY_RULES, Redactor(Planted(PLANTED))])
VALUES = [
    "al@acme.example", "AL@acme.example", "bea@acme.example", "+49 30 901820", "4111 1111 1111 1111",
    "4111111111111111", "DE89 3704 0044 0532 0130 00", "536-22-1234", "536221234",
]  # fmt: skip
TYPED = st.one_of(
    st.text(max_size=12),
    st.sampled_from([*VALUES, *PLANTED]),
    st.sampled_from(
        ["[EMAIL_1]", "[text 1]", "[LINK_1]", "[card_1", "]", "[", "\\", "(", ")", "](", "https://", "www.",
         "acme.example/", "/", "?", ".", ",", " ", "\n", "_", "-", "@", "phone ", "5551234", HIDDEN, "\ufb01",
         '"', "<", ">", "x", "PERSON_1", "EMAIL_1", "TEXT_1_B", "_B", "s", "'s", "Alice", "alice", "smith", "ALICE",
         "Will", "will", "Ms ", "  ", "1", "&amp;", "\u0301", "\u202e", "Person", "PERSON", "49 30", "901820", "\u5c0f"]
    ),
)  # fmt: skip
TEXTS = st.lists(TYPED, max_size=10).map("".join)


@settings(**cases(short=400, long=200_000))
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), redactor=REDACTORS)
async def test_what_was_replaced_comes_back_byte_for_byte(texts: list[str], redactor: Redactor) -> None:
    vault = Vault()
    sent = await redacted(texts, vault, redactor)
    assert [restore(one, vault) for one in sent] == texts
    assert [streamed(one, vault) for one in sent] == texts


@settings(**cases(short=300, long=100_000))
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), redactor=REDACTORS)
async def test_no_value_of_four_characters_is_left(texts: list[str], redactor: Redactor) -> None:
    vault = Vault()
    sent = await redacted(texts, vault, redactor)
    for text in sent:
        left = " ".join(plain(FORMS.sub("\0", text)).split())
        assert not [kind for kind, value in looked_for(vault) if stands_in(left, value)]


@settings(**cases(short=300, long=100_000))
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), redactor=REDACTORS)
async def test_the_gate_lets_through_what_was_redacted_and_nothing_that_was_not(
    texts: list[str], redactor: Redactor
) -> None:
    vault = Vault()
    sent = await redacted(texts, vault, redactor)
    gate = Gate(vault)
    once_more = [again(one, vault).text for one in sent]
    gate.check(payload_of(*once_more))
    for kind, value in looked_for(vault):
        assert is_refused(gate, payload_of(f"so: {value}.")), kind


@settings(**cases(short=200, long=100_000))
@given(text=TEXTS, redactor=REDACTORS)
async def test_the_same_text_is_always_replaced_in_the_same_way(text: str, redactor: Redactor) -> None:
    vault = Vault()
    [sent] = await redacted([text], vault, redactor)
    before = dict(vault.values)
    assert await redacted([text], vault, redactor) == [sent]
    assert vault.values == before


@settings(**cases(short=200, long=100_000))
@given(text=TEXTS, redactor=REDACTORS)
async def test_a_redacted_text_stays_as_it_is_once_more(text: str, redactor: Redactor) -> None:
    vault = Vault()
    [sent] = await redacted([text], vault, redactor)
    before = dict(vault.values)
    assert again(sent, vault).text == sent
    assert vault.values == before


@settings(**cases(short=150, long=100_000))
@given(text=TEXTS, redactor=REDACTORS)
async def test_a_redacted_text_that_somebody_types_comes_back_as_it_was(text: str, redactor: Redactor) -> None:
    vault = Vault()
    [sent] = await redacted([text], vault, redactor)
    assert seen_by_model(sent).text == sent
    [typed] = await redacted([sent], vault, redactor)
    assert restore(typed, vault) == sent


@settings(**cases(short=300, long=100_000))
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), redactor=REDACTORS)
async def test_a_vault_that_was_kept_is_the_same_vault(texts: list[str], redactor: Redactor) -> None:
    vault = Vault()
    for text in texts:
        kept = json.loads(json.dumps({"values": dict(vault.values), "released": sorted(vault.released)}))
        other = Vault(kept["values"], kept["released"])
        assert await redacted([text], other, redactor) == await redacted([text], vault, redactor)
        assert other.values == vault.values
        assert set(other.entities()) == set(vault.entities())


@settings(**cases(short=300, long=100_000))
@given(values=st.lists(st.tuples(st.sampled_from(["PERSON", "PHONE", "EMAIL"]), TYPED), max_size=12))
def test_a_placeholder_never_stands_for_another_text(values: list[tuple[str, str]]) -> None:
    vault = Vault()
    for kind, value in values:
        before = dict(vault.values)
        one = vault.add(kind, value)
        assert vault.values[one] == value
        assert before.items() <= vault.values.items()
        assert vault.knows(kind, value)
        found = FORMS.fullmatch(one)
        assert found is not None
        assert meant(found) == one


def looked_for(vault: Vault) -> list[tuple[str, str]]:
    """All but words of every day that are a name with a capital."""
    return [(kind, value) for kind, value in vault.entities() if len(value) >= 4 and value not in ("will", "may")]


def stands_in(text: str, value: str) -> bool:
    places = (found.span() for found in re.finditer(re.escape(value), text))
    return any(
        not is_one_word(text[max(0, start - 1) : start + 1]) and not is_one_word(text[end - 1 : end + 1])
        for start, end in places
    )


def plain(text: str) -> str:
    return caseless(fold(text)[0])[0]


def payload_of(*texts: str) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def is_refused(gate: Gate, payload: bytes) -> bool:
    try:
        gate.check(payload)
    except GateError:
        return True
    return False


async def redacted(texts: Sequence[str], vault: Vault, redactor: Redactor) -> list[str]:
    """Nothing is sent of what is refused."""
    try:
        return [one.text.text for one in await redact(texts, vault, redactor=redactor)]
    except PromptBlockedError:
        reject()


def streamed(text: str, vault: Vault) -> str:
    restorer, shown = Restorer(vault), ""
    for character in text:
        shown += restorer.feed(character)
        assert len(restorer._held) <= LONGEST
    return shown + restorer.flush()
