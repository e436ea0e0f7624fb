"""Who holds which role."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.model import Facts, Grant, MappedRole, Role, Source
from core.access.permissions import LEAST_ROLE, ROLE_SUMMARIES, Permission, may, require
from core.access.rules import effective_role, holdings, is_permanent_admin
from core.errors import AccessDeniedError
from core.people.model import PersonId, Profile, Standing

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BEA = PersonId("T1", "UBEA")


def profile(standing: Standing = Standing.MEMBER) -> Profile:
    return Profile(
        id=BEA,
        standing=standing,
        name="Bea",
        is_workspace_admin=False,
        is_workspace_owner=False,
        checked_at=NOW,
    )


def grant(role: Role, *, since: datetime = NOW - timedelta(days=1), until: datetime | None = None) -> Grant:
    return Grant(id=1, person=BEA, role=role, granted_by="T1/UADA", reason="", since=since, until=until)


def facts(
    *grants: Grant, mapped: tuple[MappedRole, ...] = (), standing: Standing = Standing.MEMBER, configured: bool = False
) -> Facts:
    return Facts(person=BEA, profile=profile(standing), grants=grants, mapped=mapped, is_configured_admin=configured)


class TestEffectiveRole:
    def test_is_none_without_any_reason(self) -> None:
        assert effective_role(facts(), NOW) is Role.NONE

    def test_is_the_highest_of_grants_mappings_and_configuration(self) -> None:
        mapped = (MappedRole(subject="group:S1", role=Role.READ_WRITE),)
        assert effective_role(facts(grant(Role.READ), mapped=mapped), NOW) is Role.READ_WRITE
        assert effective_role(facts(grant(Role.READ), mapped=mapped, configured=True), NOW) is Role.ADMIN

    @pytest.mark.parametrize("standing", [one for one in Standing if one is not Standing.MEMBER])
    def test_is_none_for_all_who_are_not_members_whatever_they_hold(self, standing: Standing) -> None:
        assert effective_role(facts(grant(Role.ADMIN), standing=standing, configured=True), NOW) is Role.NONE

    def test_is_none_for_somebody_slack_never_told_of(self) -> None:
        unknown = Facts(person=BEA, profile=None, grants=(grant(Role.ADMIN),), is_configured_admin=True)
        assert effective_role(unknown, NOW) is Role.NONE

    def test_a_grant_ends_at_the_very_instant(self) -> None:
        timed = facts(grant(Role.READ, until=NOW))
        assert effective_role(timed, NOW - timedelta(microseconds=1)) is Role.READ
        assert effective_role(timed, NOW) is Role.NONE

    @given(
        st.lists(st.tuples(st.sampled_from(Role), st.integers(-5, 5), st.integers(-5, 5) | st.none()), max_size=6),
    )
    def test_never_exceeds_the_live_grants(self, grants: list[tuple[Role, int, int | None]]) -> None:
        held = [
            grant(
                role,
                since=NOW + timedelta(hours=since),
                until=None if until is None else NOW + timedelta(hours=until),
            )
            for role, since, until in grants
        ]
        live = [role for role, since, until in grants if since <= 0 and (until is None or until > 0)]
        assert effective_role(facts(*held), NOW) is max(live, default=Role.NONE)


class TestHoldings:
    def test_name_the_strongest_and_longest_first(self) -> None:
        soon, later = NOW + timedelta(hours=1), NOW + timedelta(days=1)
        held = holdings(
            facts(grant(Role.READ_WRITE, until=soon), grant(Role.READ_WRITE), grant(Role.READ, until=later)), NOW
        )
        assert [(one.role, one.until) for one in held] == [
            (Role.READ_WRITE, None),
            (Role.READ_WRITE, soon),
            (Role.READ, later),
        ]
        assert {one.source for one in held} == {Source.GRANT}


class TestPermanentAdmin:
    def test_needs_a_reason_without_end(self) -> None:
        assert is_permanent_admin(facts(grant(Role.ADMIN)), NOW)
        assert is_permanent_admin(facts(configured=True), NOW)
        assert not is_permanent_admin(facts(grant(Role.ADMIN, until=NOW + timedelta(days=999))), NOW)
        assert not is_permanent_admin(facts(grant(Role.READ_WRITE)), NOW)

    def test_a_deactivated_admin_does_not_count(self) -> None:
        assert not is_permanent_admin(facts(grant(Role.ADMIN), standing=Standing.DEACTIVATED), NOW)


class TestPermissions:
    def test_each_has_its_least_role_and_each_role_its_summary(self) -> None:
        assert set(LEAST_ROLE) == set(Permission)
        assert set(ROLE_SUMMARIES) == set(Role)

    @pytest.mark.parametrize("permission", Permission)
    @pytest.mark.parametrize("role", Role)
    def test_hold_from_the_least_role_up(self, permission: Permission, role: Role) -> None:
        allowed = role >= LEAST_ROLE[permission]
        assert may(role, permission) is allowed
        if not allowed:
            with pytest.raises(AccessDeniedError, match=f"needs the role {LEAST_ROLE[permission]}; yours is {role}"):
                require(role, permission)
