"""`app.yaml` against Slack's rules (reference/slack-platform.md section 17) and against the code."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import grimp
import jsonschema
import pytest
import yaml

from bot import ids
from bot.listeners import actions, commands, events, options, shortcuts
from bot.manifest import http_manifest_text, manifest
from bot.slack_methods import METHODS

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "data" / "slack-manifest.schema.2.0.0.json"

SCOPES_OF_EVENTS = {
    "app_mention": {"app_mentions:read"},
    "message.im": {"im:history"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "app_home_opened": set[str](),
    "app_uninstalled": set[str](),
    "tokens_revoked": set[str](),
    "team_join": {"users:read"},
    "user_change": {"users:read"},
    "subteam_created": {"usergroups:read"},
    "subteam_updated": {"usergroups:read"},
    "subteam_members_changed": {"usergroups:read"},
}


def called_methods() -> set[str]:
    """The Web API methods called in the modules that Prime is made of."""
    graph = grimp.build_graph("bot")
    modules = {"bot.main", *graph.find_upstream_modules("bot.main"), *graph.find_descendants("bot.cli")}
    names = {method.replace(".", "_"): method for method in METHODS}
    called: set[str] = set()
    for module in modules:
        path = ROOT / (module.replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in names:
                called.add(names[node.attr])
    return called


@pytest.fixture
def features() -> dict[str, Any]:
    return manifest()["features"]


def test_keeps_to_the_lengths_that_slack_allows(features: dict[str, Any]) -> None:
    shown = manifest()["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert re.fullmatch("#[0-9a-f]{6}", shown["background_color"])
    assert re.fullmatch(r"[\w .-]{1,80}", features["bot_user"]["display_name"])
    for command in features["slash_commands"]:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
        assert "url" not in command
    assert len(features.get("shortcuts", [])) <= 10


def test_people_can_write_to_prime(features: dict[str, Any]) -> None:
    assert features["app_home"]["messages_tab_enabled"]
    assert not features["app_home"]["messages_tab_read_only_enabled"]


@pytest.mark.parametrize("url", [None, "https://prime.example.com/"])
def test_passes_slacks_own_schema(url: str | None) -> None:
    if not SCHEMA.exists():
        pytest.skip(f"Slack's schema is not at {SCHEMA}")
    content = manifest() if url is None else yaml.safe_load(http_manifest_text(url))
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(content)


def test_declares_the_commands_that_have_a_listener(features: dict[str, Any]) -> None:
    declared = {command["command"] for command in features["slash_commands"]}
    assert declared == set(commands.LISTENERS) == set(ids.Command)


def test_declares_the_events_that_have_a_listener() -> None:
    declared = manifest()["settings"]["event_subscriptions"]["bot_events"]
    assert len(declared) <= 100
    assert {event.partition(".")[0] for event in declared} == set(events.LISTENERS)


def test_declares_the_shortcuts_that_have_a_listener(features: dict[str, Any]) -> None:
    declared = {shortcut["callback_id"] for shortcut in features["shortcuts"]}
    assert declared == set(shortcuts.LISTENERS) == set(ids.Shortcut)
    for shortcut in features["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def test_loads_options_for_selects_that_tell_what_is_chosen() -> None:
    assert set(options.LISTENERS) <= set(actions.LISTENERS)


def test_has_interactivity_for_the_actions_that_have_a_listener() -> None:
    assert set(actions.LISTENERS) == set(ids.Action)
    assert manifest()["settings"]["interactivity"]["is_enabled"] == bool(actions.LISTENERS)


def test_asks_for_the_scopes_that_the_code_needs_and_for_no_more() -> None:
    declared = set(manifest()["oauth_config"]["scopes"]["bot"])
    needed = {"commands"}
    for event in manifest()["settings"]["event_subscriptions"]["bot_events"]:
        needed |= SCOPES_OF_EVENTS[event]
    for method in called_methods():
        needed |= set(METHODS[method].scopes)
    assert declared == needed


def test_gives_each_scope_its_reason() -> None:
    scopes = manifest()["oauth_config"]["scopes"]["bot"]
    text = (ROOT / "app.yaml").read_text()
    for scope in scopes:
        assert re.search(rf"^\s*- {re.escape(scope)} # \S.*$", text, re.MULTILINE), scope


def test_the_http_variant_differs_in_its_addresses_alone() -> None:
    content = yaml.safe_load(http_manifest_text("https://prime.example.com/"))
    url = "https://prime.example.com/slack/events"
    settings = content["settings"]
    assert not settings.pop("socket_mode_enabled")
    assert settings["event_subscriptions"].pop("request_url") == url
    assert settings["interactivity"].pop("request_url") == url
    assert settings["interactivity"].pop("message_menu_options_url") == url
    assert [command.pop("url") for command in content["features"]["slash_commands"]] == [url]
    expected = manifest()
    del expected["settings"]["socket_mode_enabled"]
    assert content == expected
