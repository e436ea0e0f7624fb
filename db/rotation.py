"""Bringing everything that is encrypted under the first key, after a new one was put in front."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, LargeBinary, Table, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import known_errors
from db.models import Base
from db.secrets import DATA_FORMAT, PREFIX_BYTES, Cell, SecretBox, SecretKeys, UnreadableSecretError
from db.types import SealedColumn

BATCH = 100


@dataclass(frozen=True, slots=True)
class Rotation:
    changed: int
    unreadable: int
    """Sealed with a key that is not given; left as they are."""


async def rotate(engine: AsyncEngine, keys: SecretKeys) -> Rotation:
    """Re-encrypts what another key than the first has sealed, in short transactions, while Prime runs: every Prime must
    know the new key already. Afterwards an old key opens nothing any more, but it still verifies old audit rows.

    Raises DatabaseUnavailableError."""
    results: list[bool] = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, SealedColumn):
                results += await _rotate_column(engine, keys, table, column)
    return Rotation(changed=results.count(True), unreadable=results.count(False))


async def sealed_with_unknown_keys(engine: AsyncEngine, keys: SecretKeys) -> int:
    """How many values cannot be opened since their key is not given. Raises DatabaseUnavailableError."""
    count = 0
    with known_errors():
        async with engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                for column in table.columns:
                    if isinstance(column.type, SealedColumn):
                        unknown = (
                            select(func.count())
                            .select_from(table)
                            .where(_prefix(column).not_in(list(keys.ciphers)), *_is_of_keys(column))
                        )
                        count += (await connection.execute(unknown)).scalar_one()
    return count


async def _rotate_column(engine: AsyncEngine, keys: SecretKeys, table: Table, column: Column[Any]) -> list[bool]:
    """For each row that another key sealed, whether this one could be put in its place."""
    box = SecretBox(keys)
    key = tuple_(*table.primary_key)
    outdated = _prefix(column) != keys.current_prefix
    rows_after = (
        select(*table.primary_key, column)
        .where(outdated, *_is_of_keys(column))
        .order_by(*table.primary_key)
        .limit(BATCH)
    )
    results: list[bool] = []
    batch = rows_after
    while True:
        with known_errors():
            async with engine.begin() as connection:
                rows = (await connection.execute(batch.with_for_update())).all()
                results += [await _rotate_row(connection, box, table, column, tuple(row)) for row in rows]
        if not rows:
            return results
        batch = rows_after.where(key > tuple_(*rows[-1][:-1]))


async def _rotate_row(
    connection: AsyncConnection, box: SecretBox, table: Table, column: Column[Any], row: tuple[Any, ...]
) -> bool:
    *key, sealed = row
    cell = Cell(table.name, column.name, tuple(map(str, key)))
    try:
        plain = box.open(sealed, cell)
    except UnreadableSecretError:
        return False
    this = [part == value for part, value in zip(table.primary_key, key, strict=True)]
    await connection.execute(update(table).where(*this).values({column: box.seal(plain, cell)}))
    return True


def _prefix(column: Column[Any]) -> ColumnElement[bytes]:
    return func.substring(column, 1, PREFIX_BYTES, type_=LargeBinary)


def _is_of_keys(column: Column[Any]) -> Sequence[ColumnElement[bool]]:
    """Not wiped, and not sealed by a data key, which a new key seals anew in its place."""
    return (func.length(column) > 0, func.substring(column, 1, 1, type_=LargeBinary) != DATA_FORMAT)
