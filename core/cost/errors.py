"""What budgets refuse."""

from collections.abc import Sequence

from core.cost.model import WORKSPACE, Excess
from core.errors import ConflictError


class OverBudgetError(ConflictError):
    """A create or start that an ADMIN has to approve. `excess` has the figures of each budget that it goes beyond."""

    def __init__(self, excess: Sequence[Excess]) -> None:
        super().__init__(" ".join(_sentence(one) for one in excess) + " An ADMIN can approve it.")
        self.excess = tuple(excess)


def _sentence(excess: Excess) -> str:
    whose = "the workspace's budget" if excess.scope == WORKSPACE else "the budget of the server's owner"
    unknown = "" if excess.is_certain else " Some prices are not known and count as nothing."
    return (
        f"This goes beyond {whose} of ${excess.limit_usd:,.2f} a month: ${excess.spent_usd:,.2f} are spent, servers "
        f"that run will take ${excess.promised_usd:,.2f} more, and this adds ${excess.asked_usd:,.2f}.{unknown}"
    )
