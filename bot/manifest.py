"""The Slack app's manifest: `app.yaml`, and its variant for deliveries by HTTP."""

from pathlib import Path
from typing import Any

import yaml

from bot.http import SLACK_PATH


def manifest_text() -> str:
    """As it is written, with its comments. It lies beside `bot/` in a checkout, and in it in an installed package."""
    here = Path(__file__).parent
    found = next(path for path in (here / "app.yaml", here.parent / "app.yaml") if path.exists())
    return found.read_text(encoding="utf-8")


def manifest() -> dict[str, Any]:
    return yaml.safe_load(manifest_text())


def http_manifest_text(url: str) -> str:
    """For a Prime that Slack reaches at `url`, without its path."""
    request_url = url.rstrip("/") + SLACK_PATH
    content = manifest()
    for command in content["features"]["slash_commands"]:
        command["url"] = request_url
    settings = content["settings"]
    settings["event_subscriptions"]["request_url"] = request_url
    settings["interactivity"] |= {"request_url": request_url, "message_menu_options_url": request_url}
    settings["socket_mode_enabled"] = False
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def declared_scopes() -> frozenset[str]:
    return frozenset(manifest()["oauth_config"]["scopes"]["bot"])
