"""Asking the budget, within the transaction of whoever spends."""

from collections.abc import Sequence
from datetime import datetime

from core.cost.errors import OverBudgetError
from core.cost.model import Ask, Budget, Excess, HomeCosts
from core.cost.rules import budget_of, excess_of, month_of
from core.people.model import PersonId
from core.storage import Stores


async def check_budget(
    stores: Stores, owner: PersonId, ask: Ask, *, now: datetime, server_id: int | None = None
) -> None:
    """After `stores.costs.lock()`, so that nobody else spends meanwhile. Raises OverBudgetError."""
    excess = await gather_excess(stores, owner, ask, now=now, server_id=server_id)
    if excess:
        raise OverBudgetError(excess)


async def gather_excess(
    stores: Stores, owner: PersonId, ask: Ask, *, now: datetime, server_id: int | None = None
) -> Sequence[Excess]:
    """The budgets that it goes beyond. `server_id` is the server that the ask is for, which does not count twice."""
    return excess_of(await gather_budgets(stores, [None, owner], now=now, without=server_id), ask)


async def gather_home(stores: Stores, person: PersonId, *, now: datetime) -> HomeCosts:
    """This month of the workspace and of the person."""
    workspace, own = await gather_budgets(stores, [None, person], now=now)
    return HomeCosts(workspace=workspace, own=own)


async def gather_budgets(
    stores: Stores, scopes: Sequence[PersonId | None], *, now: datetime, without: int | None = None
) -> Sequence[Budget]:
    """In the order of the scopes; None is the workspace."""
    limits = await stores.costs.limits()
    spent = await stores.costs.spent_by_owner(since=month_of(now), until=now)
    going = [server for server in await stores.costs.going() if server.server_id != without]
    return [budget_of(scope, limits, spent=spent, going=going, now=now) for scope in scopes]
