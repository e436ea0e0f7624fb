"""What approvals need from outside."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from core.access.model import Role
from core.approvals.model import AccessRequest
from core.people.model import PersonId
from core.posted import PostedAt


class RequestStore(Protocol):
    """Requests, inside the caller's transaction."""

    async def add(
        self, *, asker: PersonId, role: Role, duration: timedelta | None, reason: str, created_at: datetime
    ) -> AccessRequest: ...

    async def get(self, request_id: int) -> AccessRequest | None: ...

    async def get_locked(self, request_id: int) -> AccessRequest | None:
        """Like get, holding the row until the transaction ends."""
        ...

    async def open_of(self, asker: PersonId) -> AccessRequest | None: ...

    async def last_denied_at(self, asker: PersonId) -> datetime | None: ...

    async def list_open(self, *, created_after: datetime, after: int | None, limit: int) -> Sequence[AccessRequest]:
        """Open ones asked after then, oldest first, from behind the request `after`."""
        ...

    async def list_overdue(self, *, created_before: datetime, limit: int) -> Sequence[AccessRequest]:
        """Open ones asked at or before then, locked, skipping what others hold."""
        ...

    async def settle(self, request: AccessRequest) -> None:
        """Writes the outcome that the request now carries."""
        ...

    async def add_message(self, request_id: int, posted: PostedAt) -> None:
        """Repeatable."""
        ...

    async def messages(self, request_id: int) -> Sequence[PostedAt]: ...
