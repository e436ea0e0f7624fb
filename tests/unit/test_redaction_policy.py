"""What is done with what is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redaction.model import LABELS, SCORES, Disposition, EntityType
from core.redaction.policy import ChannelPolicy, Policy, default_policy, effective, is_laxer, risk, stricter

DISPOSITIONS = st.sampled_from(Disposition)
POLICIES = st.fixed_dictionaries(dict.fromkeys(EntityType, DISPOSITIONS)).map(Policy)
CHANGES = st.dictionaries(st.sampled_from(EntityType), DISPOSITIONS)


class TestDefaultPolicy:
    @pytest.mark.parametrize(
        "kind",
        [
            EntityType.EMAIL,
            EntityType.PHONE,
            EntityType.CARD,
            EntityType.IBAN,
            EntityType.NATIONAL_ID,
            EntityType.PERSON,
            EntityType.ADDRESS,
        ],
    )
    def test_redacts_what_identifies_a_person(self, kind: EntityType) -> None:
        assert default_policy().of(kind) is Disposition.REDACT

    def test_blocks_secrets(self) -> None:
        assert default_policy().of(EntityType.SECRET) is Disposition.BLOCK

    def test_knows_every_type(self) -> None:
        assert set(default_policy().dispositions) == set(EntityType) == set(LABELS) == set(SCORES)


class TestRisk:
    def test_is_the_highest_score_that_does_not_pass_through(self) -> None:
        policy = default_policy().changed({EntityType.LOCATION: Disposition.PASSTHROUGH})
        assert risk({EntityType.PERSON, EntityType.EMAIL, EntityType.LOCATION}, policy) == 50

    def test_is_nothing_where_nothing_was_found(self) -> None:
        assert risk((), default_policy()) == 0

    def test_has_the_scores_of_the_ancestor(self) -> None:
        five = (
            EntityType.PERSON,
            EntityType.ORGANIZATION,
            EntityType.EMAIL,
            EntityType.PHONE,
            EntityType.LOCATION,
        )
        assert [SCORES[kind] for kind in five] == [25, 25, 50, 25, 75]


class TestAChannel:
    @given(POLICIES, CHANGES)
    def test_is_never_laxer_unless_that_is_signed(
        self, workspace: Policy, changes: dict[EntityType, Disposition]
    ) -> None:
        policy = effective(workspace, ChannelPolicy(changes=changes, is_signed=False))
        assert not any(is_laxer(policy.of(kind), workspace.of(kind)) for kind in EntityType)
        assert all(policy.of(kind) is stricter(one, workspace.of(kind)) for kind, one in changes.items())

    @given(POLICIES, CHANGES)
    def test_has_its_own_way_where_an_admin_signed(
        self, workspace: Policy, changes: dict[EntityType, Disposition]
    ) -> None:
        policy = effective(workspace, ChannelPolicy(changes=changes, is_signed=True))
        assert all(policy.of(kind) is changes.get(kind, workspace.of(kind)) for kind in EntityType)

    @given(POLICIES)
    def test_without_a_policy_of_its_own_has_the_workspace_s(self, workspace: Policy) -> None:
        assert effective(workspace, None) == workspace


@given(POLICIES, st.sampled_from([Disposition.REDACT, Disposition.PASSTHROUGH]))
def test_a_decision_takes_the_place_of_every_warning_and_of_nothing_else(policy: Policy, decided: Disposition) -> None:
    settled = policy.with_warned(decided)
    for kind in EntityType:
        was = policy.of(kind)
        assert settled.of(kind) is (decided if was is Disposition.WARN else was)
