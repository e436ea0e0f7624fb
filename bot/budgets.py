"""The budgets of calls to Slack: shared by all replicas while the database answers, else this process's own."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from core.errors import DatabaseUnavailableError
from core.pacing.model import Rate, Slot
from core.pacing.ports import BudgetStore
from core.pacing.rules import Budget, spend

ANSWER_SECONDS = 0.5
"""A call to Slack does not wait longer than this for the shared budget."""
LOOK_AGAIN_AFTER = timedelta(seconds=5)
ALONE_FACTOR = 4
"""How much slower a process goes that does not see what the others spend."""

_log = structlog.get_logger(__name__)


class LocalBudgets(BudgetStore):
    """In memory, for one process."""

    def __init__(self) -> None:
        self._budgets = defaultdict[str, Budget](lambda: Budget(full_at=None, blocked_until=None))

    async def reserve(self, name: str, rate: Rate, *, now: datetime) -> Slot:
        slot, full_at = spend(self._budgets[name], rate, now=now)
        self._budgets[name] = self._budgets[name]._replace(full_at=full_at)
        return slot

    async def block(self, name: str, *, until: datetime) -> None:
        budget = self._budgets[name]
        self._budgets[name] = budget._replace(blocked_until=max(until, budget.blocked_until or until))

    async def blocked_until(self, name: str) -> datetime | None:
        return self._budgets[name].blocked_until


class SharedBudgets(BudgetStore):
    """The store's budgets. While it does not answer: stricter local ones, which also know every block that this process
    was told of. Raises nothing."""

    def __init__(self, store: BudgetStore) -> None:
        self._store = store
        self._own = LocalBudgets()
        self._ask_again_at: datetime | None = None

    async def reserve(self, name: str, rate: Rate, *, now: datetime) -> Slot:
        if self._ask_again_at is None or now >= self._ask_again_at:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    slot = await self._store.reserve(name, rate, now=now)
            except (DatabaseUnavailableError, TimeoutError):
                self._ask_again_at = now + LOOK_AGAIN_AFTER
                _log.warning("budgets_are_local")
            else:
                self._ask_again_at = None
                own = await self._own.blocked_until(name)
                return replace(slot, at=max(slot.at, own or slot.at))
        alone = Rate(seconds_between=rate.seconds_between * ALONE_FACTOR)
        return await self._own.reserve(name, alone, now=now)

    async def block(self, name: str, *, until: datetime) -> None:
        await self._own.block(name, until=until)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._store.block(name, until=until)
        except (DatabaseUnavailableError, TimeoutError):
            _log.warning("block_is_local", budget=name)

    async def blocked_until(self, name: str) -> datetime | None:
        own = await self._own.blocked_until(name)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                shared = await self._store.blocked_until(name)
        except (DatabaseUnavailableError, TimeoutError):
            return own
        return max((end for end in (own, shared) if end), default=None)
