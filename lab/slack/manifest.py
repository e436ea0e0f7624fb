"""What the app's manifest (`app.yaml`) declares, as the workspace that installs it reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    command: str
    """With its slash."""
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    name: str
    type: str
    """`global` or `message`."""
    callback_id: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The URLs are given only in the variant for signed HTTP."""

    name: str
    description: str = ""
    commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    bot_scopes: frozenset[str] = frozenset()
    bot_events: frozenset[str] = frozenset()
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only: bool = True
    """People cannot write to the app unless the manifest switches this off."""
    interactivity_enabled: bool = False
    socket_mode_enabled: bool = False
    events_url: str | None = None
    interactivity_url: str | None = None
    options_url: str | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError, yaml.YAMLError, and KeyError for a part that Slack demands and that is missing."""
        return cls.parse(yaml.safe_load(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, manifest: Mapping[str, Any]) -> Self:
        shown = manifest["display_information"]
        features = manifest.get("features") or {}
        home = features.get("app_home") or {}
        settings = manifest.get("settings") or {}
        events = settings.get("event_subscriptions") or {}
        interactivity = settings.get("interactivity") or {}
        scopes = (manifest.get("oauth_config") or {}).get("scopes") or {}
        return cls(
            name=shown["name"],
            description=shown.get("description", ""),
            commands=tuple(_command(declared) for declared in features.get("slash_commands") or ()),
            shortcuts=tuple(_shortcut(declared) for declared in features.get("shortcuts") or ()),
            bot_scopes=frozenset(scopes.get("bot") or ()),
            bot_events=frozenset(events.get("bot_events") or ()),
            home_tab_enabled=bool(home.get("home_tab_enabled")),
            messages_tab_enabled=bool(home.get("messages_tab_enabled")),
            messages_tab_read_only=bool(home.get("messages_tab_read_only_enabled", True)),
            interactivity_enabled=bool(interactivity.get("is_enabled")),
            socket_mode_enabled=bool(settings.get("socket_mode_enabled")),
            events_url=events.get("request_url"),
            interactivity_url=interactivity.get("request_url"),
            options_url=interactivity.get("message_menu_options_url"),
        )


def _command(declared: Mapping[str, Any]) -> Command:
    return Command(
        command=declared["command"],
        description=declared.get("description", ""),
        usage_hint=declared.get("usage_hint", ""),
        should_escape=bool(declared.get("should_escape")),
        url=declared.get("url"),
    )


def _shortcut(declared: Mapping[str, Any]) -> Shortcut:
    return Shortcut(
        name=declared["name"],
        type=declared["type"],
        callback_id=declared["callback_id"],
        description=declared.get("description", ""),
    )
