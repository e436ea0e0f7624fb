"""When a request may be asked, and what ends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.access.model import Role
from core.access.rules import REASON_LIMIT
from core.approvals.model import AccessRequest, RequestState
from core.approvals.rules import EXPIRES_AFTER, check_ask, check_settle, is_expired
from core.errors import AccessDeniedError, ConflictError, InvalidInputError
from core.people.model import PersonId

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NILS, ADA, OLE = (PersonId("T1", user) for user in ("UNILS", "UADA", "UOLE"))
OPEN = AccessRequest(
    id=7,
    asker=NILS,
    role=Role.READ,
    duration=timedelta(days=30),
    reason="to try it",
    state=RequestState.OPEN,
    created_at=NOW,
)


def ask(
    role: Role = Role.READ, reason: str = "to try it", lasting: Role = Role.NONE, denied_at: datetime | None = None
) -> None:
    check_ask(role=role, reason=reason, lasting=lasting, last_denied_at=denied_at, now=NOW)


class TestAsking:
    def test_is_open_to_somebody_with_a_reason(self) -> None:
        ask()

    @pytest.mark.parametrize(("role", "lasting"), [(Role.READ, Role.READ), (Role.READ, Role.ADMIN)])
    def test_for_what_one_has_says_so(self, role: Role, lasting: Role) -> None:
        with pytest.raises(InvalidInputError, match=f"You have {lasting} already"):
            ask(role=role, lasting=lasting)

    def test_for_nothing_is_refused(self) -> None:
        with pytest.raises(InvalidInputError):
            ask(role=Role.NONE)

    @pytest.mark.parametrize("reason", ["", "  \n", "x" * (REASON_LIMIT + 1)])
    def test_needs_a_reason_of_some_length(self, reason: str) -> None:
        with pytest.raises(InvalidInputError) as refused:
            ask(reason=reason)
        assert refused.value.field == "reason"

    def test_again_after_a_denial_waits_and_says_how_long(self) -> None:
        with pytest.raises(ConflictError, match="in 30 minutes"):
            ask(denied_at=NOW - timedelta(minutes=30))
        ask(denied_at=NOW - timedelta(hours=1))


class TestDeciding:
    def test_is_for_others(self) -> None:
        check_settle(OPEN, decider=ADA, now=NOW)
        with pytest.raises(AccessDeniedError, match="own request"):
            check_settle(OPEN, decider=NILS, now=NOW)

    def test_twice_names_who_was_faster(self) -> None:
        approved = replace(OPEN, state=RequestState.APPROVED, settled_by=OLE)
        with pytest.raises(ConflictError, match="already approved by <@UOLE>"):
            check_settle(approved, decider=ADA, now=NOW)

    def test_after_seven_days_is_too_late(self) -> None:
        late = NOW + EXPIRES_AFTER
        assert is_expired(OPEN, late)
        assert not is_expired(OPEN, late - timedelta(microseconds=1))
        with pytest.raises(ConflictError, match="expired"):
            check_settle(OPEN, decider=ADA, now=late)
