"""Slack's flags, and the people for whom Slack leaves them out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.people.model import PersonId, Standing
from core.people.rules import is_fresh, matters_for_access, profile_from_slack

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TEAM = "T1"


def slack_user(**overrides: Any) -> dict[str, Any]:
    user: dict[str, Any] = {
        "id": "U1",
        "team_id": TEAM,
        "name": "bea",
        "deleted": False,
        "is_bot": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_admin": False,
        "is_owner": False,
        "profile": {"display_name": "Bea", "real_name": "Beatrice Long"},
    }
    return {key: value for key, value in {**user, **overrides}.items() if value is not ...}


class TestStanding:
    def test_a_member_has_every_flag_present_and_clear(self) -> None:
        assert profile_from_slack(slack_user(), team=TEAM, now=NOW).standing is Standing.MEMBER

    @pytest.mark.parametrize(
        ("overrides", "standing"),
        [
            ({"deleted": True}, Standing.DEACTIVATED),
            ({"deleted": True, "is_bot": ..., "is_restricted": ...}, Standing.DEACTIVATED),
            ({"is_bot": True}, Standing.BOT),
            ({"is_app_user": True}, Standing.BOT),
            ({"id": "USLACKBOT"}, Standing.BOT),
            ({"is_restricted": True}, Standing.GUEST),
            ({"is_restricted": True, "is_ultra_restricted": True}, Standing.GUEST),
            ({"is_stranger": True}, Standing.STRANGER),
            ({"team_id": "T2"}, Standing.STRANGER),
            ({"team_id": ...}, Standing.STRANGER),
            ({"is_invited_user": True}, Standing.UNKNOWN),
        ],
    )
    def test_nobody_else_is_one(self, overrides: dict[str, Any], standing: Standing) -> None:
        assert profile_from_slack(slack_user(**overrides), team=TEAM, now=NOW).standing is standing

    @pytest.mark.parametrize("flag", ["deleted", "is_bot", "is_restricted", "is_ultra_restricted"])
    @pytest.mark.parametrize("value", [..., None, "false", 0])
    def test_a_flag_that_is_absent_or_odd_is_unknown_not_false(self, flag: str, value: object) -> None:
        user = slack_user(**{flag: value})
        assert profile_from_slack(user, team=TEAM, now=NOW).standing is Standing.UNKNOWN

    def test_on_enterprise_the_list_of_workspaces_decides(self) -> None:
        user = slack_user(team_id="E1", enterprise_user={"teams": [TEAM]})
        assert profile_from_slack(user, team=TEAM, now=NOW).standing is Standing.MEMBER


class TestProfile:
    def test_authority_needs_the_flag_to_be_true(self) -> None:
        profile = profile_from_slack(slack_user(is_admin="true", is_owner=1), team=TEAM, now=NOW)
        assert not profile.is_workspace_admin
        assert not profile.is_workspace_owner

    def test_an_empty_display_name_falls_back_to_the_real_one(self) -> None:
        user = slack_user(profile={"display_name": "", "real_name": "Beatrice Long"})
        assert profile_from_slack(user, team=TEAM, now=NOW).name == "Beatrice Long"

    def test_is_of_our_workspace_whatever_slack_says(self) -> None:
        assert profile_from_slack(slack_user(team_id="T2"), team=TEAM, now=NOW).id == PersonId(TEAM, "U1")

    def test_holds_for_five_minutes(self) -> None:
        profile = profile_from_slack(slack_user(), team=TEAM, now=NOW)
        assert is_fresh(profile, NOW + timedelta(seconds=299))
        assert not is_fresh(profile, NOW + timedelta(seconds=300))

    def test_a_new_name_matters_to_no_role(self) -> None:
        old = profile_from_slack(slack_user(), team=TEAM, now=NOW)
        renamed = profile_from_slack(slack_user(profile={"display_name": "B"}), team=TEAM, now=NOW)
        promoted = profile_from_slack(slack_user(is_admin=True), team=TEAM, now=NOW)
        assert not matters_for_access(old, renamed)
        assert matters_for_access(old, promoted)
