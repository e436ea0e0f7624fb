"""The chain, without a database: whatever one thing is changed, the check finds it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audit.model import AuditCheckpoint, AuditEntry, AuditHead, AuditRecord
from core.audit.rules import (
    EMPTY_HEAD,
    AuditKeys,
    ChainCheck,
    canonical,
    is_genuine,
    next_record,
    sealed_checkpoint,
    sealed_head,
)
from tests.profiles import cases

AT = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
KEYS = AuditKeys("new", {"new": b"n" * 32, "old": b"o" * 32})
OLD = AuditKeys("old", KEYS.by_id)

words = st.text(max_size=10)
entries = st.builds(
    AuditEntry,
    at=st.datetimes(timezones=st.just(UTC)),
    actor=words,
    action=words,
    target=words,
    detail=st.dictionaries(
        words, st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
    ),
)


def chain(entries: list[AuditEntry]) -> tuple[AuditHead, list[AuditRecord]]:
    head, records = EMPTY_HEAD, list[AuditRecord]()
    for number, entry in enumerate(entries):
        keys = OLD if number < len(entries) // 2 else KEYS
        records.append(next_record(entry, head, keys))
        head = sealed_head(replace(head, seq=records[-1].seq, mac=records[-1].mac), keys)
    return head, records


def problems(
    head: AuditHead,
    records: list[AuditRecord],
    checkpoints: list[AuditCheckpoint] | None = None,
    keys: AuditKeys = KEYS,
) -> list[str]:
    check = ChainCheck(head, checkpoints or [], keys)
    for record in records:
        check.see(record)
    check.end()
    return check.problems


def entry(target: str = "server:a", at: datetime = AT) -> AuditEntry:
    return AuditEntry(at=at, actor="T1/U1", action="servers.server.start", target=target, detail={"b": 1, "a": None})


@given(st.lists(entries, max_size=6))
@settings(**cases(short=100, long=2000))
def test_a_chain_as_written_has_no_problems(entries: list[AuditEntry]) -> None:
    head, records = chain(entries)

    assert problems(head, records) == []


@given(st.lists(entries, min_size=1, max_size=5), entries, st.data())
@settings(**cases(short=300, long=5000))
def test_any_one_change_is_found(entries: list[AuditEntry], other: AuditEntry, data: st.DataObject) -> None:
    head, records = chain(entries)
    at = data.draw(st.integers(0, len(records) - 1))
    row = records[at]
    changed = list(records)
    match data.draw(st.sampled_from(["entry", "seq", "key", "mac", "delete", "repeat", "insert", "swap", "head"])):
        case "entry":
            changed[at] = replace(row, entry=other)
        case "seq":
            changed[at] = replace(row, seq=row.seq + data.draw(st.integers(1, 9)))
        case "key":
            changed[at] = replace(row, key_id="old" if row.key_id == "new" else "new")
        case "mac":
            place = data.draw(st.integers(0, 31))
            flipped = bytearray(row.mac)
            flipped[place] ^= 1 << data.draw(st.integers(0, 7))
            changed[at] = replace(row, mac=bytes(flipped))
        case "delete":
            del changed[at]
        case "repeat":
            changed.insert(at, row)
        case "insert":
            changed.insert(at, next_record(other, replace(head, seq=row.seq - 1, mac=b"x" * 32), KEYS))
        case "swap":
            changed[at], changed[at - 1] = changed[at - 1], changed[at]
        case _:
            head = data.draw(
                st.sampled_from([replace(head, seq=head.seq - 1), replace(head, mac=b"x" * 32), EMPTY_HEAD])
            )

    if changed != records or head.mac != records[-1].mac or head.seq != len(records):
        assert problems(head, changed)


@pytest.mark.parametrize("field", ["at", "actor", "action", "target", "detail"])
def test_every_field_of_an_entry_is_signed(field: str) -> None:
    head, (record,) = chain([entry()])
    values = {"at": AT + timedelta(microseconds=1), "detail": {"b": 1}}

    changed = replace(record, entry=replace(record.entry, **{field: values.get(field, "x")}))

    assert problems(head, [changed]) == ["Row 1 is not what Prime signed after row 0."]


def test_a_cut_tail_does_not_fit_the_head() -> None:
    head, records = chain([entry()] * 3)

    assert problems(head, records[:2])[0] == "The newest row is 2, but the chain ends at row 3."


def test_a_head_turned_back_without_the_key_is_found() -> None:
    head, records = chain([entry()] * 3)
    turned_back = replace(head, seq=2, mac=records[1].mac)

    assert problems(turned_back, records[:2]) == ["The end of the chain (row 2) is not signed by Prime."]
    assert not is_genuine(turned_back, KEYS)


def test_rows_signed_by_a_key_that_is_not_given_are_found() -> None:
    head, records = chain([entry()] * 2)

    found = problems(head, records, keys=AuditKeys("new", {"new": KEYS.by_id["new"]}))

    assert found == ["Row 1 is not what any given key (it names 'old'; see PRIME_SECRET_KEY) signed after row 0."]


def test_a_checkpoint_stands_for_the_rows_it_names() -> None:
    head, records = chain([entry()] * 4)
    kept = sealed_head(replace(head, first_seq=3), KEYS)
    first = checkpoint(1, 1, records[0].mac)
    second = checkpoint(2, 2, records[1].mac)

    assert problems(kept, records[2:], [first, second]) == []
    assert problems(kept, records[2:], [second])
    assert problems(kept, records[2:], [first])
    assert problems(kept, records[2:], [checkpoint(1, 2, records[0].mac)])
    assert problems(kept, records[2:], [replace(checkpoint(1, 2, records[1].mac), kept_from=AT + timedelta(1))])
    assert problems(kept, records[2:], [replace(checkpoint(1, 2, records[1].mac), seal=b"x" * 32)])
    assert problems(kept, records[3:], [checkpoint(1, 2, records[1].mac)])


def test_a_mac_of_one_thing_does_not_pass_for_another() -> None:
    head, (record,) = chain([entry()])

    assert not is_genuine(replace(head, seal=record.mac), KEYS)
    assert head.seal != checkpoint(head.seq, head.first_seq, head.mac).seal


def test_the_same_moment_in_another_zone_is_the_same_entry() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))

    assert next_record(entry(at=AT), EMPTY_HEAD, KEYS).mac == next_record(entry(at=elsewhere), EMPTY_HEAD, KEYS).mac


def test_canonical_is_one_text_for_one_value() -> None:
    assert canonical({"b": [1, 1.5, None, True], "a": "é\x00"}) == '{"a":"\\u00e9\\u0000","b":[1,1.5,null,true]}'
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))
    with pytest.raises(TypeError):
        canonical({"at": AT})


def test_so_many_problems_are_enough() -> None:
    head, records = chain([entry()] * 100)

    assert len(problems(head, [replace(record, mac=b"") for record in records])) == ChainCheck.LIMIT


def test_keys_do_not_show() -> None:
    assert "nnn" not in repr(KEYS)


def checkpoint(from_seq: int, through_seq: int, mac: bytes) -> AuditCheckpoint:
    bare = AuditCheckpoint(
        from_seq=from_seq, through_seq=through_seq, through_mac=mac, kept_from=AT, key_id="", seal=b""
    )
    return sealed_checkpoint(bare, KEYS)
