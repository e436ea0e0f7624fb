"""What is encrypted opens where it was put, with a key that is given, and nowhere else."""

import base64
from datetime import datetime

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncEngine

from core.errors import ConfigurationError
from core.inbox.model import Delivery, DeliveryKind
from db.models import InboxRow
from db.rotation import Rotation, rotate, sealed_with_unknown_keys
from db.secrets import Cell, SecretBox, SecretKeys, UnreadableSecretError
from db.storage import PostgresStorage
from db.types import Sealed
from tests.clock import ManualClock

OLD, NEW = b"o" * 32, b"n" * 32
CELL = Cell("inbox", "payload", ("7",))


def text_of(*keys: bytes) -> str:
    return ",".join(base64.urlsafe_b64encode(key).decode() for key in keys)


@given(st.binary())
def test_what_was_sealed_opens_in_its_cell(plain: bytes) -> None:
    box = SecretBox(SecretKeys([NEW]))

    sealed = box.seal(plain, CELL)

    assert box.open(sealed, CELL) == plain
    assert len(plain) < 4 or plain not in sealed.data
    assert sealed != box.seal(plain, CELL)


@pytest.mark.parametrize(
    "elsewhere", [CELL._replace(row=("8",)), CELL._replace(column="other"), CELL._replace(table="other")]
)
def test_a_copy_in_another_place_does_not_open(elsewhere: Cell) -> None:
    box = SecretBox(SecretKeys([NEW]))

    with pytest.raises(UnreadableSecretError):
        box.open(box.seal(b"x", CELL), elsewhere)


@given(st.integers(0, 300), st.integers(1, 255))
def test_a_changed_or_shortened_value_does_not_open(place: int, difference: int) -> None:
    box = SecretBox(SecretKeys([NEW]))
    data = bytearray(box.seal(b"some text", CELL).data)
    data[place % len(data)] ^= difference

    for bad in (bytes(data), bytes(data[: place % len(data)])):
        with pytest.raises(UnreadableSecretError):
            box.open(Sealed(bad), CELL)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, both, new = SecretBox(SecretKeys([OLD])), SecretBox(SecretKeys([NEW, OLD])), SecretBox(SecretKeys([NEW]))

    assert both.open(old.seal(b"x", CELL), CELL) == b"x"
    assert new.open(both.seal(b"x", CELL), CELL) == b"x"
    with pytest.raises(UnreadableSecretError, match="PRIME_SECRET_KEY"):
        new.open(old.seal(b"x", CELL), CELL)


def test_keys_are_read_from_their_text_with_or_without_padding() -> None:
    sealed = SecretBox(SecretKeys([NEW])).seal(b"x", CELL)

    for text in (text_of(NEW), text_of(NEW).rstrip("="), f" {text_of(OLD)} , {text_of(NEW)} "):
        assert SecretBox(SecretKeys.parse(text)).open(sealed, CELL) == b"x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (text_of(NEW) + ",", r"key 2 of 2\) is empty"),
        ("SECRET not base64", "base64"),
        ("SECRET" + "é" * 10, "base64"),
        (text_of(b"SECRET"), "6 bytes long and must be 32"),
        (text_of(NEW, NEW), "twice"),
    ],
)
def test_a_malformed_key_gives_a_sentence_that_does_not_show_it(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as raised:
        SecretKeys.parse(text)
    assert "PRIME_SECRET_KEY" in str(raised.value)
    assert raised.value.__cause__ is None
    assert "SECRET " not in str(raised.value)


async def test_the_column_takes_nothing_in_clear(engine: AsyncEngine) -> None:
    for value in (b"clear", "clear", {"clear": 1}):
        async with engine.connect() as connection:
            with pytest.raises(StatementError, match="not sealed"):
                await connection.execute(update(InboxRow).values(payload=value))


async def test_a_time_without_a_zone_is_refused(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(StatementError, match="zone"):
            await connection.execute(update(InboxRow).values(received_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_a_dump_of_the_database_shows_no_payload(
    storage: PostgresStorage, database_url: str, clock: ManualClock
) -> None:
    async with storage.transaction() as stores:
        await stores.inbox.add(delivery("my secret"), now=clock.now())

    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute("SELECT inbox::text, encode(payload, 'escape') FROM inbox").fetchall()
    assert "my secret" not in "".join(row)


async def test_rotation_puts_everything_under_the_first_key(
    database_url: str, engine: AsyncEngine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.rotation.BATCH", 2)
    old, both, new = SecretKeys([OLD]), SecretKeys([NEW, OLD]), SecretKeys([NEW])
    async with PostgresStorage(engine, old).transaction() as stores:
        for number in range(5):
            await stores.inbox.add(delivery(number), now=clock.now())
    async with PostgresStorage(engine, both).transaction() as stores:
        await stores.inbox.add(delivery(5), now=clock.now())

    assert await rotate(engine, new) == Rotation(changed=0, unreadable=5)
    assert await sealed_with_unknown_keys(engine, new) == 5
    assert await sealed_with_unknown_keys(engine, both) == 0
    assert await rotate(engine, both) == Rotation(changed=5, unreadable=0)
    assert await rotate(engine, both) == Rotation(changed=0, unreadable=0)

    async with PostgresStorage(engine, new).transaction() as stores:
        claims = await stores.inbox.claim(holder="a", now=clock.now(), lease_until=clock.now(), limit=10)
    assert [claim.payload["text"] for claim in claims] == [0, 1, 2, 3, 4, 5]


async def test_a_payload_copied_to_another_row_is_not_given_out(
    storage: PostgresStorage, database_url: str, clock: ManualClock
) -> None:
    async with storage.transaction() as stores:
        await stores.inbox.add(delivery("one"), now=clock.now())
        await stores.inbox.add(delivery("two"), now=clock.now())
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE inbox SET payload = (SELECT payload FROM inbox ORDER BY id LIMIT 1)")

    async with storage.transaction() as stores:
        claims = await stores.inbox.claim(holder="a", now=clock.now(), lease_until=clock.now(), limit=10)
    assert [claim.payload for claim in claims] == [{"text": "one"}]


def delivery(text: object) -> Delivery:
    return Delivery(kind=DeliveryKind.EVENT, payload={"text": text})
