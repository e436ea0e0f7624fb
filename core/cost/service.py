"""What servers cost, what they may cost, and going beyond that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.access.model import Principal, Role
from core.access.permissions import Permission, require
from core.access.service import Access
from core.audit.model import AuditEntry
from core.clock import Clock
from core.cost.budget import gather_budgets, gather_excess, gather_home
from core.cost.model import (
    EVERYBODY,
    WORKSPACE,
    Budget,
    CostReport,
    Excess,
    HomeCosts,
    Limits,
    SpendAct,
    SpendRequest,
    SpendState,
)
from core.cost.rules import (
    DIGEST_HOUR,
    ask_of,
    check_limit,
    check_reason,
    check_scope,
    check_settle,
    day_of,
    is_expired,
    month_of,
    percents_reached,
)
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.lead.service import Leadership
from core.notices import Notice, owe
from core.people.model import PersonId
from core.posted import PostedAt
from core.servers.model import Server, ServerSpec
from core.servers.rules import check_start
from core.servers.service import Plan, Servers
from core.storage import Storage, Stores

LONGEST_REPORT_DAYS = 366


@dataclass(frozen=True, slots=True)
class Costs:
    storage: Storage
    clock: Clock
    access: Access
    servers: Servers

    # --- looking

    async def report(self, actor: Principal, days: int) -> CostReport:
        """The last so many UTC days, today with them. Raises InvalidInputError."""
        require(actor.role, Permission.SEE_COSTS)
        if not 1 <= days <= LONGEST_REPORT_DAYS:
            raise InvalidInputError(f"Choose 1 to {LONGEST_REPORT_DAYS} days.", field="days")
        now = self.clock.now()
        async with self.storage.transaction() as stores:
            return await stores.costs.report(since=day_of(now) - timedelta(days=days - 1), until=now)

    async def day(self, day: date) -> CostReport:
        """One UTC day, for the digest."""
        since = datetime.combine(day, time(), UTC)
        until = min(since + timedelta(days=1), self.clock.now())
        async with self.storage.transaction() as stores:
            return await stores.costs.report(since=since, until=max(since, until))

    async def home(self, person: PersonId) -> HomeCosts:
        """This month of the workspace and of the person."""
        async with self.storage.transaction() as stores:
            return await gather_home(stores, person, now=self.clock.now())

    async def workspace(self) -> Budget:
        """This month of the workspace, for the digest."""
        async with self.storage.transaction() as stores:
            [budget] = await gather_budgets(stores, [None], now=self.clock.now())
        return budget

    # --- limits

    async def limits(self, actor: Principal) -> Limits:
        require(actor.role, Permission.MANAGE_BUDGETS)
        async with self.storage.transaction() as stores:
            return await stores.costs.limits()

    async def digest_channel(self) -> str | None:
        async with self.storage.transaction() as stores:
            return (await stores.costs.limits()).digest_channel

    async def set_limit(self, actor: Principal, scope: str, usd: Decimal | None) -> None:
        """USD a month for WORKSPACE, EVERYBODY or `str(PersonId)`; None: no limit, of a person everybody's. Raises
        InvalidInputError (usd, scope)."""
        require(actor.role, Permission.MANAGE_BUDGETS)
        check_scope(scope)
        usd = None if usd is None else check_limit(usd)
        async with self.storage.transaction() as stores:
            await stores.access.lock()
            await stores.costs.lock()
            now = self.clock.now()
            await self.access.require_still(actor, Permission.MANAGE_BUDGETS, stores, now)
            if (await stores.costs.limits()).of(scope) == usd:
                return  # sent twice
            await stores.costs.set_limit(scope, usd)
            await stores.costs.forget_warnings(scope)
            users = [scope.partition("/")[2]] if scope not in (WORKSPACE, EVERYBODY) else []
            await stores.inbox.add(owe(Notice.HOME_CHANGED, users=users, admins=True), now=now)
            detail: dict[str, object] = {"usd_per_month": None if usd is None else str(usd)}
            await stores.audit.append(_audit("limit", actor=str(actor.person), target=scope, now=now, detail=detail))

    async def set_digest(self, actor: Principal, channel: str | None) -> None:
        """Where the daily digest goes; None: nowhere. That Prime can post there is for the caller to see."""
        require(actor.role, Permission.MANAGE_BUDGETS)
        async with self.storage.transaction() as stores:
            await stores.access.lock()
            await stores.costs.lock()
            now = self.clock.now()
            await self.access.require_still(actor, Permission.MANAGE_BUDGETS, stores, now)
            if (await stores.costs.limits()).digest_channel == channel:
                return
            await stores.costs.set_digest(channel)
            await stores.audit.append(
                _audit("digest", actor=str(actor.person), target=WORKSPACE, now=now, detail={"channel": channel})
            )

    # --- asking to go beyond

    async def request_create(
        self, actor: Principal, spec: ServerSpec, *, channel: str | None, despite_misfit: bool = False
    ) -> SpendRequest:
        """Asks ADMINs for what Servers.create refused by OverBudgetError, and raises whatever else it would.
        ConflictError too if the budget has room by now, or the same is asked for already."""
        require(actor.role, Permission.CREATE_SERVERS)
        plan = await self.servers.plan(spec, despite_misfit=despite_misfit)
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            now = self.clock.now()
            excess = await gather_excess(stores, actor.person, ask_of(plan.spec, plan.hardware, now), now=now)
            request = _request(
                actor,
                act=SpendAct.CREATE,
                name=plan.spec.name,
                spec=plan.spec,
                despite_misfit=despite_misfit,
                channel=channel,
                owner=actor.person,
                excess=excess,
                now=now,
            )
            return await self._open(stores, request, now)

    async def request_start(self, actor: Principal, server_id: int, *, channel: str | None = None) -> SpendRequest:
        """Likewise for Servers.start."""
        require(actor.role, Permission.RUN_SERVERS)
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            now = self.clock.now()
            server = await stores.servers.get(server_id)
            if server is None or not server.is_live:
                raise NotFoundError("This server does not exist any more. `/prime servers` lists those that do.")
            check_start(server)
            ask = ask_of(server.spec, server.hardware, now)
            excess = await gather_excess(stores, server.owner, ask, now=now, server_id=server_id)
            request = _request(
                actor,
                act=SpendAct.START,
                name=server.spec.name,
                server_id=server_id,
                channel=channel,
                owner=server.owner,
                excess=excess,
                now=now,
            )
            return await self._open(stores, request, now)

    async def withdraw(self, actor: Principal, request_id: int) -> SpendRequest:
        """The asker takes it back. Raises NotFoundError, ConflictError."""
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            request = _there(await stores.costs.request_locked(request_id))
            if request.asker != actor.person:
                raise NotFoundError("You have no such request.")
            if request.state is not SpendState.OPEN:
                raise ConflictError(f"Your request was already {request.state.value}.")
            return await self._settle(stores, replace(request, state=SpendState.WITHDRAWN), actor=str(actor.person))

    # --- deciding

    async def approve(self, actor: Principal, request_id: int) -> SpendRequest:
        """Creates or starts what was asked for, whatever the budget says. All else is checked again: what fails then is
        raised, and the request stays open. Raises AccessDeniedError, ConflictError, NotFoundError too."""
        require(actor.role, Permission.MANAGE_BUDGETS)
        peek = await self.to_decide(actor, request_id)
        plan = None
        if peek.spec is not None:
            plan = await self.servers.plan(peek.spec, despite_misfit=peek.despite_misfit)
        async with self.storage.transaction() as stores:
            await stores.access.lock()
            await stores.costs.lock()
            now = self.clock.now()
            request = await self._deciding(stores, actor, request_id, now)
            await self._check_asker(stores, request, now)
            server = await self._carry_out(stores, request, plan, now)
            approved = replace(request, state=SpendState.APPROVED, settled_by=actor.person, server_id=server.id)
            settled = await self._settle(stores, approved, actor=str(actor.person))
            await self.servers.note(stores, server, request.act.value, actor=actor, asked_by=str(request.asker))
        return settled

    async def deny(self, actor: Principal, request_id: int, *, reason: str) -> SpendRequest:
        """Raises AccessDeniedError, ConflictError, NotFoundError, InvalidInputError."""
        require(actor.role, Permission.MANAGE_BUDGETS)
        reason = check_reason(reason)
        async with self.storage.transaction() as stores:
            await stores.access.lock()
            await stores.costs.lock()
            request = await self._deciding(stores, actor, request_id, self.clock.now())
            denied = replace(request, state=SpendState.DENIED, settled_by=actor.person, denial_reason=reason)
            return await self._settle(stores, denied, actor=str(actor.person))

    async def to_decide(self, actor: Principal, request_id: int) -> SpendRequest:
        """For the form in front of a decision. Raises as the decision itself would."""
        require(actor.role, Permission.MANAGE_BUDGETS)
        request = await self.request(request_id)
        check_settle(request, decider=actor.person, now=self.clock.now())
        return request

    async def request(self, request_id: int) -> SpendRequest:
        """Raises NotFoundError."""
        async with self.storage.transaction() as stores:
            return _there(await stores.costs.request(request_id))

    async def shown_at(self, request_id: int, posted: PostedAt) -> None:
        """Remembers a message that shows the request, so that it is edited when the request is settled."""
        async with self.storage.transaction() as stores:
            await stores.costs.add_message(request_id, posted)

    async def messages(self, request_id: int) -> Sequence[PostedAt]:
        async with self.storage.transaction() as stores:
            return await stores.costs.messages(request_id)

    # --- jobs

    async def expire_overdue(self) -> int:
        """Ends requests that nobody decided in time; how many. Safe to run twice, on any replica."""
        async with self.storage.transaction() as stores:
            await stores.costs.lock()
            now = self.clock.now()
            overdue = [
                replace(request, state=SpendState.EXPIRED, settled_at=now)
                for request in await stores.costs.open_requests()
                if is_expired(request, now)
            ]
            for request in overdue:
                await self._record(stores, request, now)
            for request in overdue:
                await stores.audit.append(_audit_request(request, "expire", actor="prime:expiry", now=now))
        return len(overdue)

    async def warn(self, lead: Leadership) -> int:
        """Owes a notice of each limit that is reached to 80 or 100 percent, once in a month; how many. Raises
        LeadLostError."""
        async with lead.transaction() as stores:
            now = self.clock.now()
            month = month_of(now).date()
            owners = await stores.costs.spent_by_owner(since=month_of(now), until=now)
            owed = 0
            for budget in await gather_budgets(stores, [None, *owners], now=now):
                percents = percents_reached(budget)
                new = [one for one in percents if await stores.costs.warned(budget.scope, month=month, percent=one)]
                if new and new[0] == percents[0]:  # of two at once the higher is told
                    notice = owe(Notice.BUDGET_REACHED, scope=budget.scope, percent=new[0], month=month.isoformat())
                    await stores.inbox.add(notice, now=now)
                    owed += 1
        return owed

    async def owe_digest(self, lead: Leadership) -> None:
        """From 08:00 UTC on, once: yesterday's digest, if there is a channel for it. Raises LeadLostError."""
        async with lead.transaction() as stores:
            now = self.clock.now()
            channel = (await stores.costs.limits()).digest_channel
            if channel is None or now.astimezone(UTC).hour < DIGEST_HOUR:
                return
            day = (day_of(now) - timedelta(days=1)).date().isoformat()
            await stores.inbox.add(owe(Notice.COST_DIGEST, work_key=f"digest/{day}", day=day), now=now)

    # --- within a transaction

    async def _open(self, stores: Stores, request: SpendRequest, now: datetime) -> SpendRequest:
        if not request.excess:
            raise ConflictError("The budget has room for this by now: do it without asking.")
        target = (request.act, request.name, request.asker)
        for other in await stores.costs.open_requests():
            if (other.act, other.name, other.asker) == target and not is_expired(other, now):
                raise ConflictError("You have asked for this already; it waits for an ADMIN.")
        request = await stores.costs.add_request(request)
        notice = owe(Notice.SPEND_REQUEST_OPENED, request_id=request.id, order_key=_order_key(request))
        await stores.inbox.add(notice, now=now)
        await stores.audit.append(_audit_request(request, "open", actor=str(request.asker), now=now))
        return request

    async def _deciding(self, stores: Stores, actor: Principal, request_id: int, now: datetime) -> SpendRequest:
        await self.access.require_still(actor, Permission.MANAGE_BUDGETS, stores, now)
        request = _there(await stores.costs.request_locked(request_id))
        check_settle(request, decider=actor.person, now=now)
        return request

    async def _check_asker(self, stores: Stores, request: SpendRequest, now: datetime) -> None:
        asker = Principal(person=request.asker, role=Role.NONE)  # what it is now is looked up
        try:
            await self.access.require_still(asker, _PERMISSIONS[request.act], stores, now)
        except AccessDeniedError:
            raise ConflictError("Whoever asked may not do this any more. Deny the request.") from None

    async def _carry_out(self, stores: Stores, request: SpendRequest, plan: Plan | None, now: datetime) -> Server:
        if plan is not None:
            return await self.servers.order(stores, plan, owner=request.owner, channel=request.channel, now=now)
        assert request.server_id is not None
        return await self.servers.begin_start(stores, request.server_id, now=now)

    async def _settle(self, stores: Stores, request: SpendRequest, *, actor: str) -> SpendRequest:
        now = self.clock.now()
        settled = replace(request, settled_at=now)
        await self._record(stores, settled, now)
        await stores.audit.append(_audit_request(settled, _VERBS[settled.state], actor=actor, now=now))
        return settled

    async def _record(self, stores: Stores, settled: SpendRequest, now: datetime) -> None:
        await stores.costs.settle(settled)
        notice = owe(Notice.SPEND_REQUEST_SETTLED, request_id=settled.id, order_key=_order_key(settled))
        await stores.inbox.add(notice, now=now)


_PERMISSIONS = {SpendAct.CREATE: Permission.CREATE_SERVERS, SpendAct.START: Permission.RUN_SERVERS}
_VERBS = {SpendState.APPROVED: "approve", SpendState.DENIED: "deny", SpendState.WITHDRAWN: "withdraw"}


def _there(request: SpendRequest | None) -> SpendRequest:
    if request is None:
        raise NotFoundError("This request does not exist any more; nothing was changed.")
    return request


def _request(
    actor: Principal,
    *,
    act: SpendAct,
    name: str,
    channel: str | None,
    owner: PersonId,
    excess: Sequence[Excess],
    now: datetime,
    spec: ServerSpec | None = None,
    despite_misfit: bool = False,
    server_id: int | None = None,
) -> SpendRequest:
    return SpendRequest(
        id=0,
        asker=actor.person,
        act=act,
        name=name,
        spec=spec,
        despite_misfit=despite_misfit,
        channel=channel,
        server_id=server_id,
        owner=owner,
        excess=tuple(excess),
        state=SpendState.OPEN,
        created_at=now,
    )


def _order_key(request: SpendRequest) -> str:
    return f"spend/{request.id}"


def _audit_request(request: SpendRequest, verb: str, *, actor: str, now: datetime) -> AuditEntry:
    detail: dict[str, object] = {
        "request": request.id,
        "act": request.act.value,
        "asker": str(request.asker),
        "server": request.server_id,
        "beyond": {one.scope: str(one.total_usd.quantize(Decimal("0.01"))) for one in request.excess},
    }
    return _audit(f"request.{verb}", actor=actor, target=f"server:{request.name}", now=now, detail=detail)


def _audit(verb: str, *, actor: str, target: str, now: datetime, detail: dict[str, object]) -> AuditEntry:
    return AuditEntry(at=now, actor=actor, action=f"cost.{verb}", target=target, detail=detail)
