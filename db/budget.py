"""The budgets of pacing on their table."""

from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from core.pacing.model import Rate, Slot
from core.pacing.ports import BudgetStore
from core.pacing.rules import Budget, spend
from db.engine import connected, known_errors
from db.models import Base, BudgetRow

_TABLE = Base.metadata.tables["budget"]
_ADD = insert(_TABLE)
_LOCK = _ADD.on_conflict_do_update(index_elements=[BudgetRow.name], set_={"name": _ADD.excluded.name}).returning(
    BudgetRow.full_at, BudgetRow.blocked_until
)
"""Makes the row if it is new, and locks it either way."""
_SPEND = update(_TABLE).where(BudgetRow.name == bindparam("budget"))

_BLOCK = _ADD.on_conflict_do_update(
    index_elements=[BudgetRow.name],
    set_={"blocked_until": func.greatest(BudgetRow.blocked_until, _ADD.excluded.blocked_until)},
)


class PostgresBudgets(BudgetStore):
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def reserve(self, name: str, rate: Rate, *, now: datetime) -> Slot:
        with known_errors():
            async with connected(self._engine) as connection, connection.begin():
                found = await connection.execute(_LOCK, {"name": name})
                slot, full_at = spend(Budget(*found.one()), rate, now=now)
                await connection.execute(_SPEND, {"budget": name, "full_at": full_at})
        return slot

    async def block(self, name: str, *, until: datetime) -> None:
        with known_errors():
            async with connected(self._engine) as connection, connection.begin():
                await connection.execute(_BLOCK, {"name": name, "blocked_until": until})

    async def blocked_until(self, name: str) -> datetime | None:
        with known_errors():
            async with connected(self._engine) as connection:
                found = await connection.execute(select(BudgetRow.blocked_until).where(BudgetRow.name == name))
                return found.scalar_one_or_none()
