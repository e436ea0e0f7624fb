"""Clouds' keys on their table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.keys.model import ProviderKey
from core.keys.ports import KeyStore
from db.models import ProviderKeyRow
from db.secrets import Cell, SecretBox

_known = select(*(column for column in ProviderKeyRow.__table__.columns if column.name != "secret"))


class PostgresKeys(KeyStore):
    def __init__(self, connection: AsyncConnection, box: SecretBox) -> None:
        self._connection = connection
        self._box = box

    async def list(self) -> Sequence[ProviderKey]:
        rows = await self._connection.execute(_known.order_by(ProviderKeyRow.provider))
        return [_key(row) for row in rows]

    async def get_locked(self, provider: str) -> ProviderKey | None:
        row = (await self._connection.execute(_of(provider).with_for_update())).one_or_none()
        return None if row is None else _key(row)

    async def hold(self, provider: str) -> bool:
        return (await self._connection.execute(_of(provider).with_for_update(read=True))).one_or_none() is not None

    async def secret(self, provider: str) -> str | None:
        sealed = (
            await self._connection.execute(select(ProviderKeyRow.secret).where(ProviderKeyRow.provider == provider))
        ).scalar_one_or_none()
        return None if sealed is None else self._box.open(sealed, _secret_cell(provider)).decode()

    async def put(self, key: ProviderKey, *, secret: str) -> None:
        row = self._row(key, secret)
        changed = {name: value for name, value in row.excluded.items() if name != "provider"}
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[ProviderKeyRow.provider], set_=changed)
        )

    async def add(self, key: ProviderKey, *, secret: str) -> bool:
        added = self._row(key, secret).on_conflict_do_nothing().returning(ProviderKeyRow.provider)
        return (await self._connection.execute(added)).one_or_none() is not None

    async def note_check(self, provider: str, *, at: datetime) -> None:
        noted = update(ProviderKeyRow).where(ProviderKeyRow.provider == provider).values(checked_at=at)
        await self._connection.execute(noted)

    async def remove(self, provider: str) -> bool:
        removed = await self._connection.execute(delete(ProviderKeyRow).where(ProviderKeyRow.provider == provider))
        return removed.rowcount == 1

    def _row(self, key: ProviderKey, secret: str) -> Insert:
        return insert(ProviderKeyRow).values(
            provider=key.provider,
            secret=self._box.seal(secret.encode(), _secret_cell(key.provider)),
            last_four=key.last_four,
            account=key.account,
            added_by=key.added_by,
            added_at=key.added_at,
            checked_at=key.checked_at,
        )


def _of(provider: str) -> Select[Any]:
    return _known.where(ProviderKeyRow.provider == provider)


def _key(row: Row[Any]) -> ProviderKey:
    return ProviderKey(
        provider=row.provider,
        last_four=row.last_four,
        account=row.account,
        added_by=row.added_by,
        added_at=row.added_at,
        checked_at=row.checked_at,
    )


def _secret_cell(provider: str) -> Cell:
    return Cell("provider_key", "secret", (provider,))
