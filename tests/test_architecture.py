"""What no linter checks."""

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.listeners import actions, commands, events, modals

ROOT = Path(__file__).parents[1]
OURS = [path for folder in ("bot", "core", "db", "providers") for path in sorted((ROOT / folder).rglob("*.py"))]

DOORS = {
    "slack_sdk.webhook": set[str](),
    "slack_sdk.socket_mode": set[str](),
    "aiohttp.ClientSession": {"bot/sender.py", "bot/socket.py"},
    "apscheduler": {"bot/schedule.py"},
    "os.environ": {
        "db/embedded.py",
        "db/programs.py",
        "bot/charts.py",
        "bot/detectors.py",
    },  # PATH and the like, for programs that they start
}
"""What opens a way out, or in, and the files that may use it."""

FROM_MIDDLEWARE = {"actor", "services", "log_follows", "replies"}
"""What our middleware (bot/actor.py) puts into Bolt's context."""


def listeners() -> list[Callable[..., Any]]:
    return [listener for part in (commands, events, actions, modals) for listener in part.LISTENERS.values()]


@pytest.mark.parametrize("door", DOORS)
def test_nothing_but_its_owners_uses_a_way_out(door: str) -> None:
    users = {str(path.relative_to(ROOT)) for path in OURS if door in set(_uses(path))}
    assert users <= DOORS[door]


def test_only_the_sender_is_a_client_of_slack() -> None:
    """A subclass or an instance of slack_sdk's client outside the sender would not wait for its turn."""
    heirs = {
        str(path.relative_to(ROOT))
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ClassDef) and any("WebClient" in ast.unparse(base) for base in node.bases))
        or (isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("WebClient", "WebhookClient")))
    }
    assert heirs == {"bot/sender.py"}


@pytest.mark.parametrize("listener", listeners(), ids=lambda listener: listener.__name__)
def test_bolt_knows_every_parameter_of_a_listener(listener: Callable[..., Any]) -> None:
    """It turns one that it does not know into None."""
    known = set(inspect.signature(AsyncArgs.__init__).parameters) | FROM_MIDDLEWARE
    assert set(inspect.signature(listener).parameters) <= known


def _uses(path: Path) -> Iterator[str]:
    """The doors that a file names, by import or by attribute."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                named = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                named = [f"{module}.{alias.name}" for alias in names]
            case ast.Attribute():
                named = [ast.unparse(node)]
            case _:
                continue
        for name in named:
            yield from (door for door in DOORS if f"{name}.".startswith(f"{door}."))
