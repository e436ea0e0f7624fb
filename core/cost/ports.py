"""What costs need from outside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from core.cost.model import CostReport, Going, Limits, Spend, SpendRequest
from core.people.model import PersonId
from core.posted import PostedAt
from core.servers.model import Server


class CostStore(Protocol):
    """Charges, budgets and what was asked beyond them, inside the caller's transaction. Charges are written with
    the servers: see `ServerStore.add` and `save`."""

    async def lock(self) -> None:
        """Until the transaction ends nobody else spends or changes a limit."""
        ...

    async def spent(self, server_ids: Collection[int], *, since: datetime, until: datetime) -> Mapping[int, Spend]:
        """By server id; those without a charge are missing."""
        ...

    async def spent_by_owner(self, *, since: datetime, until: datetime) -> Mapping[PersonId, Spend]: ...

    async def charge(self, server: Server, *, since: datetime, until: datetime) -> None:
        """What a second machine of its order cost, which was deleted."""
        ...

    async def report(self, *, since: datetime, until: datetime) -> CostReport: ...

    async def going(self) -> Sequence[Going]:
        """Servers that run or are on their way up."""
        ...

    # --- limits

    async def limits(self) -> Limits: ...

    async def set_limit(self, scope: str, usd: Decimal | None) -> None: ...

    async def set_digest(self, channel: str | None) -> None: ...

    async def forget_warnings(self, scope: str) -> None:
        """Of every month: its limit is another now."""
        ...

    async def warned(self, scope: str, *, month: date, percent: int) -> bool:
        """Notes a warning; False if it was noted before."""
        ...

    # --- requests

    async def add_request(self, request: SpendRequest) -> SpendRequest:
        """With the id that it gets; the one given is not looked at."""
        ...

    async def request(self, request_id: int) -> SpendRequest | None: ...

    async def request_locked(self, request_id: int) -> SpendRequest | None: ...

    async def open_requests(self) -> Sequence[SpendRequest]:
        """Oldest first, with those that are overdue."""
        ...

    async def settle(self, request: SpendRequest) -> None:
        """Writes the outcome that the request now carries."""
        ...

    async def add_message(self, request_id: int, posted: PostedAt) -> None:
        """Repeatable."""
        ...

    async def messages(self, request_id: int) -> Sequence[PostedAt]: ...
