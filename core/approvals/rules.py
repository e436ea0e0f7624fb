"""When a request may be asked, and what ends it."""

from datetime import datetime, timedelta

from core.access.model import Role
from core.access.rules import check_reason
from core.approvals.model import AccessRequest, RequestState
from core.errors import AccessDeniedError, ConflictError, InvalidInputError
from core.people.model import PersonId

EXPIRES_AFTER = timedelta(days=7)
ASK_AGAIN_AFTER_DENIAL = timedelta(hours=1)
REASON_LIMIT = 1000
"""Characters; the approval message quotes it within one section block."""

DURATIONS: tuple[timedelta | None, ...] = (
    timedelta(hours=8),
    timedelta(days=1),
    timedelta(days=7),
    timedelta(days=30),
    timedelta(days=90),
    None,
)
"""What the forms offer; None is without end."""

DEFAULT_DURATION = timedelta(days=30)
REQUESTABLE_ROLES = (Role.READ, Role.READ_WRITE, Role.ADMIN)


def is_expired(request: AccessRequest, now: datetime) -> bool:
    return request.state is RequestState.OPEN and now - request.created_at >= EXPIRES_AFTER


def check_ask(*, role: Role, reason: str, lasting: Role, last_denied_at: datetime | None, now: datetime) -> None:
    """`lasting` is the role that the asker has without an end date; what ends may be asked for again before it does.

    Raises InvalidInputError or ConflictError with what to do instead."""
    if role not in REQUESTABLE_ROLES:
        raise InvalidInputError("Choose READ, READ_WRITE or ADMIN.", field="role")
    if role <= lasting:
        raise InvalidInputError(f"You have {lasting} already, which includes {role}.", field="role")
    if not reason.strip():
        raise InvalidInputError("Please say why, in a sentence: an admin decides by it.", field="reason")
    check_reason(reason)
    check_not_denied_lately(last_denied_at, now)


def check_not_denied_lately(last_denied_at: datetime | None, now: datetime) -> None:
    """Raises ConflictError."""
    if last_denied_at is not None and now - last_denied_at < ASK_AGAIN_AFTER_DENIAL:
        minutes = -(-int((ASK_AGAIN_AFTER_DENIAL - (now - last_denied_at)).total_seconds()) // 60)
        raise ConflictError(
            f"Your last request was denied. You can ask again in {minutes} minutes, or talk to an admin."
        )


def check_settle(request: AccessRequest, *, decider: PersonId, now: datetime) -> None:
    """Raises AccessDeniedError for one's own request, ConflictError if it is not open any more."""
    if request.asker == decider:
        raise AccessDeniedError("Nobody decides their own request. Another ADMIN has to.")
    if is_expired(request, now):
        raise ConflictError("This request has expired. They can ask again with `/prime access`.")
    if request.state is not RequestState.OPEN:
        who = f" by <@{request.settled_by.user}>" if request.settled_by else ""
        raise ConflictError(f"This request was already {request.state.value}{who}; nothing was changed.")
