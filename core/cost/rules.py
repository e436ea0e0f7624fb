"""What is charged, and what counts against a budget. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from core.catalog.model import YesNo
from core.cost.model import (
    EVERYBODY,
    WORKSPACE,
    Ask,
    Budget,
    ChargeKind,
    Excess,
    Going,
    Limits,
    Spend,
    SpendRequest,
    SpendState,
)
from core.errors import AccessDeniedError, ConflictError, InvalidInputError
from core.people.model import PersonId
from core.servers.model import Hardware, Server, ServerSpec, ServerState
from core.servers.rules import MACHINE_IS_OFF, RUNNING

LEAST_HOURS_WITHOUT_LIMIT = 24.0
EXPIRES_AFTER = timedelta(days=7)
WARNINGS = (100, 80)
"""Percent of a limit at which people are told, once each in a month."""
DIGEST_HOUR = 8
"""UTC: the day before is over everywhere that clouds count in."""
HIGHEST_LIMIT = Decimal(10_000_000)
REASON_LENGTH = 1000

NOTHING = Spend(usd=Decimal(0), is_certain=True)


def month_of(now: datetime) -> datetime:
    """When its month began, in UTC, as clouds count."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def day_of(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def add(spends: Collection[Spend]) -> Spend:
    return Spend(
        usd=sum((spend.usd for spend in spends), Decimal(0)), is_certain=all(spend.is_certain for spend in spends)
    )


# --- charges --------------------------------------------------------------------------------------


def charges(server: Server) -> Mapping[ChargeKind, Decimal | None]:
    """What its cloud bills by the hour now, in USD; None where the price is not known.

    One that is being deleted is billed until that is done, which is when Prime knows of it: a deletion may wait for a
    cloud that is away, and a machine costs that long. Whether its machine runs is not seen of it alone, so that it is
    taken to; `db.costs` leaves what was charged before as it is."""
    if server.machine_id is None or server.state in (ServerState.GONE, ServerState.DELETED):
        return {}
    hardware, found = server.hardware, dict[ChargeKind, Decimal | None]()
    if is_on(server) or server.state is ServerState.DELETING:
        found[ChargeKind.MACHINE] = hardware.price_usd_per_hour
    elif hardware.billed_while_off is YesNo.YES:
        found[ChargeKind.MACHINE_OFF] = hardware.price_usd_per_hour
    found[ChargeKind.DISK] = hardware.disk_usd_per_hour
    if server.spec.static_address:
        found[ChargeKind.ADDRESS] = hardware.static_address_usd_per_hour
    return found


def charged_from(server: Server) -> datetime:
    """When its charges became what they are: one that is gone stopped costing when it was first missed."""
    if server.state is ServerState.GONE and server.missing_since is not None:
        return server.missing_since
    return server.state_since


def is_on(server: Server) -> bool:
    """Whether its machine, if there is one, runs for all that is known."""
    is_off = server.failure is not None and server.failure.kind in MACHINE_IS_OFF
    return server.state in RUNNING and not (server.state is ServerState.FAILED and is_off)


# --- budgets --------------------------------------------------------------------------------------


def least_hours(
    *, idle_stop_minutes: int | None, ends_at: datetime | None, keep_until: datetime | None, now: datetime
) -> float:
    """How long a server runs at the least from now on, if nobody stops it."""
    kept = 0.0 if keep_until is None else (keep_until - now).total_seconds() / 3600
    return max(_usual_hours(idle_stop_minutes=idle_stop_minutes, ends_at=ends_at, now=now), kept)


def _usual_hours(*, idle_stop_minutes: int | None, ends_at: datetime | None, now: datetime) -> float:
    if idle_stop_minutes is not None:
        return idle_stop_minutes / 60
    if ends_at is not None:
        return min(max((ends_at - now).total_seconds() / 3600, 0.0), LEAST_HOURS_WITHOUT_LIMIT)
    return LEAST_HOURS_WITHOUT_LIMIT


def ask_of(spec: ServerSpec, hardware: Hardware, now: datetime, *, keep_until: datetime | None = None) -> Ask:
    """What a create or start of it adds, or keeping it for so long."""
    prices = [hardware.price_usd_per_hour, hardware.disk_usd_per_hour]
    if spec.static_address:
        prices.append(hardware.static_address_usd_per_hour)
    hours = least_hours(idle_stop_minutes=spec.idle_stop_minutes, ends_at=spec.ends_at, keep_until=keep_until, now=now)
    return Ask(
        usd=sum((price for price in prices if price is not None), Decimal(0)) * Decimal(hours),
        is_certain=None not in prices,
    )


def budget_of(
    person: PersonId | None, limits: Limits, *, spent: Mapping[PersonId, Spend], going: Sequence[Going], now: datetime
) -> Budget:
    """Of a person, or (None) of the workspace; `spent` is by owner."""
    own = [spend for owner, spend in spent.items() if person in (None, owner)]
    their = [server for server in going if person in (None, server.owner)]
    promised = sum((_promised(server, now) for server in their), Decimal(0))
    return Budget(
        scope=WORKSPACE if person is None else str(person),
        limit_usd=limits.workspace if person is None else limits.people.get(person, limits.everybody),
        spent=add([*own, *(Spend(usd=Decimal(0), is_certain=server.is_certain) for server in their)]),
        promised_usd=promised,
    )


def _promised(server: Going, now: datetime) -> Decimal:
    hours = least_hours(
        idle_stop_minutes=server.idle_stop_minutes, ends_at=server.ends_at, keep_until=server.keep_until, now=now
    )
    return server.usd_per_hour * Decimal(hours)


def excess_of(budgets: Sequence[Budget], ask: Ask) -> Sequence[Excess]:
    """Those that it goes beyond."""
    return [
        Excess(
            scope=budget.scope,
            limit_usd=budget.limit_usd,
            spent_usd=budget.spent.usd,
            promised_usd=budget.promised_usd,
            asked_usd=ask.usd,
            is_certain=budget.spent.is_certain and ask.is_certain,
        )
        for budget in budgets
        if budget.limit_usd is not None and budget.committed_usd + ask.usd > budget.limit_usd
    ]


def percents_reached(budget: Budget) -> Sequence[int]:
    """Those of WARNINGS that what was spent has reached, highest first."""
    limit, usd = budget.limit_usd, budget.spent.usd
    return [percent for percent in WARNINGS if limit is not None and usd > 0 and usd * 100 >= limit * percent]


def check_limit(usd: Decimal) -> Decimal:
    """In whole cents. Raises InvalidInputError."""
    try:
        if not 0 <= usd <= HIGHEST_LIMIT or usd != usd.quantize(Decimal("0.01")):
            raise InvalidInputError("Give an amount in USD, such as 500 or 99.50.", field="usd")
    except InvalidOperation:  # no number at all
        raise InvalidInputError("Give an amount in USD, such as 500 or 99.50.", field="usd") from None
    return usd.quantize(Decimal("0.01"))


def check_scope(scope: str) -> str:
    """Raises InvalidInputError for what is neither the workspace, everybody, nor a person."""
    team, _, user = scope.partition("/")
    if scope not in (WORKSPACE, EVERYBODY) and not (team and user):
        raise InvalidInputError("Choose the workspace, everybody, or a person.", field="scope")
    return scope


# --- requests -------------------------------------------------------------------------------------


def is_expired(request: SpendRequest, now: datetime) -> bool:
    return request.state is SpendState.OPEN and now - request.created_at >= EXPIRES_AFTER


def check_settle(request: SpendRequest, *, decider: PersonId, now: datetime) -> None:
    """Raises AccessDeniedError for one's own request, ConflictError if it is not open any more."""
    if request.asker == decider:
        raise AccessDeniedError("Nobody decides their own request. Another ADMIN has to.")
    if is_expired(request, now):
        raise ConflictError("This request has expired. They can ask again.")
    if request.state is not SpendState.OPEN:
        who = f" by <@{request.settled_by.user}>" if request.settled_by else ""
        raise ConflictError(f"This request was already {request.state.value}{who}; nothing was changed.")


def check_reason(reason: str) -> str:
    """Of a denial. Raises InvalidInputError."""
    reason = reason.strip()
    if not reason:
        raise InvalidInputError("Please say why, so that they know what to do next.", field="reason")
    if len(reason) > REASON_LENGTH:
        raise InvalidInputError(f"Use at most {REASON_LENGTH} characters.", field="reason")
    return reason
