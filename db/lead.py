"""The lead on its row."""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.lead.ports import LeadStore
from core.lead.service import LeadLostError
from db.models import LeadRow


class PostgresLead(LeadStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(self, *, holder: str, now: datetime, until: datetime) -> int | None:
        row = LeadRow
        # The epoch is the row's key. Prolonging the lease leaves it, and so passes by the key-share locks of guarded
        # transactions; a new epoch waits for them.
        prolonged = update(row).where(row.holder == holder, row.until > now).values(until=until).returning(row.epoch)
        epoch = (await self._connection.execute(prolonged)).scalar_one_or_none()
        if epoch is not None:
            return epoch
        first = upsert(row).values(epoch=1, one=True, holder=holder, until=until).on_conflict_do_nothing()
        epoch = (await self._connection.execute(first.returning(row.epoch))).scalar_one_or_none()
        if epoch is not None:
            return epoch
        taken = (
            update(row)
            .where(or_(row.until <= now, row.until > until + (until - now)))
            .values(epoch=row.epoch + 1, holder=holder, until=until)
            .returning(row.epoch)
        )
        return (await self._connection.execute(taken)).scalar_one_or_none()

    async def release(self, *, holder: str, now: datetime) -> None:
        await self._connection.execute(update(LeadRow).where(LeadRow.holder == holder).values(until=now))

    async def check(self, epoch: int) -> None:
        held = select(LeadRow.epoch).where(LeadRow.epoch == epoch).with_for_update(read=True, key_share=True)
        if (await self._connection.execute(held)).scalar_one_or_none() is None:
            raise LeadLostError
