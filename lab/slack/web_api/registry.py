"""The table of Web API methods, and what a method is given."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lab.slack.arguments import Arguments
from lab.slack.channels import Channel
from lab.slack.errors import SlackError
from lab.slack.limits import Tier
from lab.slack.people import APP_USER_ID, Person
from lab.slack.platform import Platform

Answer = dict[str, Any]


class Token(StrEnum):
    BOT = "bot"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method by the app."""

    platform: Platform
    arguments: Arguments

    def channel(self, name: str = "channel") -> Channel:
        """The channel that an argument names by id; `channel_not_found` if the app cannot see it."""
        return self.platform.workspace.channel(self.arguments.required(name), seen_by=APP_USER_ID)

    def joined_channel(self) -> Channel:
        channel = self.channel()
        if APP_USER_ID not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def person(self, name: str = "user") -> Person:
        return self.platform.workspace.person(self.arguments.required(name))

    def need(self, scope: str) -> None:
        """Refuses the call if the app lacks a scope that depends on the arguments."""
        require_scope(self.platform, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    name: str
    tier: Tier
    scopes: tuple[str, ...]
    token: Token
    handler: Callable[[Call], Answer]


METHODS: dict[str, Method] = {}


def method(
    name: str, *, tier: Tier, scopes: tuple[str, ...] = (), token: Token = Token.BOT
) -> Callable[[Callable[[Call], Answer]], Callable[[Call], Answer]]:
    """Registers a method. Its handler gives what the answer has beside `ok`, or raises SlackError."""

    def register(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        METHODS[name] = Method(name=name, tier=tier, scopes=scopes, token=token, handler=handler)
        return handler

    return register


def require_scope(platform: Platform, scope: str) -> None:
    held = platform.app.installed_scopes
    if scope not in held:
        raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(held)))
