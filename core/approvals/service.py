"""Asking for access, and deciding it once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.access.model import Principal, Role
from core.access.permissions import Permission, require
from core.access.rules import check_duration, check_reason, end_of, lasting_role
from core.access.service import Access, refuse_unless_member
from core.approvals.model import AccessRequest, RequestState
from core.approvals.rules import (
    EXPIRES_AFTER,
    REQUESTABLE_ROLES,
    check_ask,
    check_not_denied_lately,
    check_settle,
    is_expired,
)
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.notices import Notice, owe
from core.people.model import PersonId
from core.people.service import People
from core.posted import PostedAt
from core.storage import Storage, Stores

_AT_ONCE = 100
"""How many requests one run of expiry, or one list, takes."""


class Approvals:
    """Requests from the moment they are asked to the one outcome that each has."""

    def __init__(self, storage: Storage, clock: Clock, people: People, access: Access) -> None:
        self._storage = storage
        self._clock = clock
        self._people = people
        self._access = access

    # --- asking

    async def ask(self, person: PersonId, *, role: Role, duration: timedelta | None, reason: str) -> AccessRequest:
        """Opens a request, frozen from then on. Raises InvalidInputError (with the field), ConflictError (one is
        open, or denied a short while ago)."""
        refuse_unless_member(await self._people.profile(person))
        check_duration(duration)
        holder = await self._access.standing_of(person)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            standing = await stores.requests.open_of(person)
            if standing is not None and not is_expired(standing, now):
                raise ConflictError("Your request is open already and waits for an admin. `/prime access` shows it.")
            overdue = [standing] if standing is not None else []
            check_ask(
                role=role,
                reason=reason,
                lasting=lasting_role(holder),
                last_denied_at=await stores.requests.last_denied_at(person),
                now=now,
            )
            await self._expire(stores, overdue, now)
            request = await stores.requests.add(
                asker=person, role=role, duration=duration, reason=reason.strip(), created_at=now
            )
            await stores.inbox.add(
                owe(Notice.REQUEST_OPENED, request_id=request.id, order_key=_order_key(request)), now=now
            )
            await stores.inbox.add(owe(Notice.HOME_CHANGED, users=[person.user], admins=True), now=now)
            await self._audit_expiry(stores, overdue, now)
            await stores.audit.append(_audit(request, "open", actor=str(person), now=now))
        return request

    async def check_may_ask(self, person: PersonId) -> None:
        """Before the form is shown. Raises InvalidInputError for who cannot hold a role at all, ConflictError for who
        was denied a short while ago."""
        refuse_unless_member(await self._people.profile(person))
        async with self._storage.transaction() as stores:
            check_not_denied_lately(await stores.requests.last_denied_at(person), self._clock.now())

    async def withdraw(self, person: PersonId, request_id: int) -> AccessRequest:
        """The asker takes it back. Raises NotFoundError, ConflictError."""
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            request = await self._locked(stores, request_id)
            if request.asker != person:
                raise NotFoundError("You have no such request.")
            if request.state is not RequestState.OPEN:
                raise ConflictError(f"Your request was already {request.state.value}.")
            return await self._settle(
                stores, replace(request, state=RequestState.WITHDRAWN), actor=str(person), now=now
            )

    async def open_of(self, person: PersonId) -> AccessRequest | None:
        async with self._storage.transaction() as stores:
            request = await stores.requests.open_of(person)
        return None if request is None or is_expired(request, self._clock.now()) else request

    # --- deciding

    async def approve(
        self,
        actor: Principal,
        request_id: int,
        *,
        role: Role | None = None,
        duration: timedelta | None = None,
        as_asked: bool = True,
    ) -> AccessRequest:
        """Grants what was asked, or with `as_asked=False` the given role and duration (None: without end). The grant's
        clock starts now. Raises AccessDeniedError, ConflictError, NotFoundError, InvalidInputError."""
        require(actor.role, Permission.DECIDE_REQUESTS)
        async with self._storage.transaction() as stores:
            peek = await stores.requests.get(request_id)
        if peek is None:
            raise NotFoundError(_GONE)
        profile = await self._people.profile(peek.asker)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            request = await self._deciding(stores, actor, request_id, now)
            refuse_unless_member(profile)
            given_role = request.role if as_asked or role is None else role
            given_for = request.duration if as_asked else duration
            if given_role not in REQUESTABLE_ROLES:
                raise InvalidInputError("Choose READ, READ_WRITE or ADMIN.", field="role")
            until = end_of(given_for, now)
            await stores.access.add_grant(
                person=request.asker,
                role=given_role,
                granted_by=str(actor.person),
                reason=request.reason,
                since=now,
                until=until,
            )
            approved = replace(
                request,
                state=RequestState.APPROVED,
                settled_by=actor.person,
                given_role=given_role,
                given_until=until,
            )
            return await self._settle(stores, approved, actor=str(actor.person), now=now)

    async def deny(self, actor: Principal, request_id: int, *, reason: str) -> AccessRequest:
        """Raises AccessDeniedError, ConflictError, NotFoundError, InvalidInputError."""
        require(actor.role, Permission.DECIDE_REQUESTS)
        if not reason.strip():
            raise InvalidInputError("Please say why, so that they know what to do next.", field="reason")
        check_reason(reason)
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            request = await self._deciding(stores, actor, request_id, now)
            denied = replace(request, state=RequestState.DENIED, settled_by=actor.person, denial_reason=reason.strip())
            return await self._settle(stores, denied, actor=str(actor.person), now=now)

    async def list_open(
        self, actor: Principal, *, after: int | None = None, limit: int = _AT_ONCE
    ) -> Sequence[AccessRequest]:
        """What waits for a decision, oldest first, from behind the request `after`."""
        require(actor.role, Permission.DECIDE_REQUESTS)
        since = self._clock.now() - EXPIRES_AFTER
        async with self._storage.transaction() as stores:
            return await stores.requests.list_open(created_after=since, after=after, limit=limit)

    async def to_decide(self, actor: Principal, request_id: int) -> AccessRequest:
        """For the form in front of a decision. Raises as the decision itself would."""
        require(actor.role, Permission.DECIDE_REQUESTS)
        request = await self.request(request_id)
        check_settle(request, decider=actor.person, now=self._clock.now())
        return request

    # --- by themselves

    async def expire_overdue(self) -> int:
        """Ends requests that nobody decided in time; how many. Safe to run twice."""
        async with self._storage.transaction() as stores:
            await stores.access.lock()
            now = self._clock.now()
            overdue = await stores.requests.list_overdue(created_before=now - EXPIRES_AFTER, limit=_AT_ONCE)
            await self._expire(stores, overdue, now)
            await self._audit_expiry(stores, overdue, now)
        return len(overdue)

    async def request(self, request_id: int) -> AccessRequest:
        """Raises NotFoundError."""
        async with self._storage.transaction() as stores:
            request = await stores.requests.get(request_id)
        if request is None:
            raise NotFoundError(_GONE)
        return request

    async def shown_at(self, request_id: int, posted: PostedAt) -> None:
        """Remembers a message that shows the request, so that it is edited when the request is settled."""
        async with self._storage.transaction() as stores:
            await stores.requests.add_message(request_id, posted)

    async def messages(self, request_id: int) -> Sequence[PostedAt]:
        async with self._storage.transaction() as stores:
            return await stores.requests.messages(request_id)

    # --- within a transaction

    async def _deciding(self, stores: Stores, actor: Principal, request_id: int, now: datetime) -> AccessRequest:
        await self._access.require_still(actor, Permission.DECIDE_REQUESTS, stores, now)
        request = await self._locked(stores, request_id)
        check_settle(request, decider=actor.person, now=now)
        return request

    async def _locked(self, stores: Stores, request_id: int) -> AccessRequest:
        request = await stores.requests.get_locked(request_id)
        if request is None:
            raise NotFoundError(_GONE)
        return request

    async def _expire(self, stores: Stores, overdue: Sequence[AccessRequest], now: datetime) -> None:
        for request in overdue:
            await self._record(stores, replace(request, state=RequestState.EXPIRED), now=now)

    async def _audit_expiry(self, stores: Stores, overdue: Sequence[AccessRequest], now: datetime) -> None:
        """Apart from _expire, since audit rows come last in a transaction."""
        for request in overdue:
            await stores.audit.append(_audit(request, "expire", actor="prime:expiry", now=now))

    async def _settle(self, stores: Stores, request: AccessRequest, *, actor: str, now: datetime) -> AccessRequest:
        settled = await self._record(stores, request, now=now)
        await stores.audit.append(_audit(settled, _VERBS[settled.state], actor=actor, now=now))
        return settled

    async def _record(self, stores: Stores, request: AccessRequest, *, now: datetime) -> AccessRequest:
        settled = replace(request, settled_at=now)
        await stores.requests.settle(settled)
        await stores.inbox.add(
            owe(Notice.REQUEST_SETTLED, request_id=request.id, order_key=_order_key(request)), now=now
        )
        await stores.inbox.add(owe(Notice.HOME_CHANGED, users=[request.asker.user], admins=True), now=now)
        return settled


_GONE = "This request does not exist any more; nothing was changed."

_VERBS = {
    RequestState.APPROVED: "approve",
    RequestState.DENIED: "deny",
    RequestState.WITHDRAWN: "withdraw",
    RequestState.EXPIRED: "expire",
}


def _order_key(request: AccessRequest) -> str:
    return f"request/{request.id}"


def _audit(request: AccessRequest, verb: str, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=actor,
        action=f"access.request.{verb}",
        target=str(request.asker),
        detail={
            "request": request.id,
            "asked": str(request.role),
            "given": str(request.given_role) if request.given_role is not None else None,
            "until": request.given_until.isoformat() if request.given_until else None,
        },
    )
