"""The manifest as the lab's workspace reads it."""

from pathlib import Path

import pytest

from lab.slack.manifest import Command, Manifest, Shortcut


def load(tmp_path: Path, text: str) -> Manifest:
    path = tmp_path / "app.yaml"
    path.write_text(text, encoding="utf-8")
    return Manifest.load(path)


class TestManifest:
    def test_what_is_declared_is_read(self, tmp_path: Path) -> None:
        manifest = load(
            tmp_path,
            """
            display_information: {name: Prime, description: Team agent}
            features:
              app_home: {home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false}
              slash_commands: [{command: /prime, description: Drive, usage_hint: help, should_escape: true, url: https://x}]
              shortcuts: [{name: Ask, type: message, callback_id: ask, description: Sends it}]
            oauth_config: {scopes: {bot: [commands, chat:write]}}
            settings:
              event_subscriptions: {request_url: https://e, bot_events: [app_mention]}
              interactivity: {is_enabled: true, request_url: https://i, message_menu_options_url: https://o}
              socket_mode_enabled: false
            """,
        )
        assert manifest == Manifest(
            name="Prime",
            description="Team agent",
            commands=(
                Command(command="/prime", description="Drive", usage_hint="help", should_escape=True, url="https://x"),
            ),
            shortcuts=(Shortcut(name="Ask", type="message", callback_id="ask", description="Sends it"),),
            bot_scopes=frozenset({"commands", "chat:write"}),
            bot_events=frozenset({"app_mention"}),
            home_tab_enabled=True,
            messages_tab_enabled=True,
            messages_tab_read_only=False,
            interactivity_enabled=True,
            socket_mode_enabled=False,
            events_url="https://e",
            interactivity_url="https://i",
            options_url="https://o",
        )

    def test_what_is_not_declared_is_not_permitted(self, tmp_path: Path) -> None:
        assert load(tmp_path, "display_information: {name: Prime}\n") == Manifest(name="Prime")

    def test_a_manifest_without_a_name_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(KeyError):
            load(tmp_path, "display_information: {description: nameless}\n")
