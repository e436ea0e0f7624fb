"""Modals, in stacks of three a person, and App Home tabs."""

import secrets
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lab.clock import LabClock
from lab.slack import block_state
from lab.slack import happenings as happened
from lab.slack.app import APP_ID
from lab.slack.blocks import validate_view
from lab.slack.content import fresh_ids, refusal
from lab.slack.errors import SlackError, invalid_arguments
from lab.slack.happenings import Announcer, View
from lab.slack.people import APP_BOT_ID, TEAM_ID

STACK_LIMIT = 3


@dataclass(slots=True, kw_only=True)
class OpenView:
    """A modal that somebody looks at."""

    user: str
    view: View
    channel: str | None
    """Where it was opened from, for selects that default to the current conversation."""
    settled: dict[str, Any] = field(default_factory=dict)
    """`state.values` as of the last open or update: all that a block_suggestion shows (slack-platform.md 5.3)."""

    @property
    def id(self) -> str:
        return self.view["id"]

    def take_state(self, given: dict[str, Any] | None) -> None:
        """What the person has typed and chosen by now."""
        values = block_state.read(self.view["blocks"], given or self.view["state"]["values"], channel=self.channel)
        self.view = {**self.view, "state": {"values": values}}


class Views:
    def __init__(self, clock: LabClock, announcer: Announcer) -> None:
        self._clock = clock
        self._announcer = announcer
        self._stacks: dict[str, list[OpenView]] = {}
        self._homes: dict[str, View] = {}
        self._home_blocks: dict[str, Any] = {}
        """As the app gave them."""

    def top(self, user: str) -> OpenView | None:
        stack = self._stacks.get(user)
        return stack[-1] if stack else None

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def get(self, user: str, view_id: str) -> OpenView:
        """The open modal of this person; `not_found` if it is closed."""
        for modal in self._stacks.get(user, ()):
            if modal.id == view_id:
                return modal
        raise SlackError("not_found", "That view is not open any more.")

    def open(self, user: str, definition: Any, *, channel: str | None, within_modal: bool) -> View:
        """Opens a new stack, or goes on top of the one that the trigger came from."""
        if within_modal and self._stacks.get(user):
            return self.push(user, definition)
        view = self._new_view(definition, kind="modal")
        if open_stack := self._stacks.pop(user, None):
            self._announcer.announce(happened.ViewClosed(user, open_stack[0].id, whole_stack=True))
        return self._put(user, {**view, "root_view_id": view["id"]}, channel=channel, pushed=False)

    def push(self, user: str, definition: Any) -> View:
        view = self._new_view(definition, kind="modal")
        stack = self._stacks.get(user)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK_LIMIT:
            raise SlackError("push_limit_reached")
        below = stack[-1]
        view |= {"root_view_id": below.view["root_view_id"], "previous_view_id": below.id}
        return self._put(user, view, channel=below.channel, pushed=True)

    def update(self, modal: OpenView, definition: Any, *, known_hash: str | None = None) -> View:
        """What was typed stays only where block_id and action_id both stay."""
        old = modal.view
        if known_hash is not None and known_hash != old["hash"]:
            raise SlackError("hash_conflict")
        view = self._new_view(definition, kind="modal", replaces=old)
        view |= {key: old[key] for key in ("id", "root_view_id", "previous_view_id")}
        modal.view = view
        modal.take_state(old["state"]["values"])
        modal.settled = modal.view["state"]["values"]
        self._announcer.announce(happened.ViewUpdated(modal.user, modal.view))
        return modal.view

    def find(self, *, view_id: str, external_id: str) -> OpenView:
        for stack in self._stacks.values():
            for modal in stack:
                if view_id == modal.id or (external_id and external_id == modal.view["external_id"]):
                    return modal
        raise SlackError("not_found")

    def find_home(self, view_id: str) -> tuple[str, View] | None:
        return next(((user, view) for user, view in self._homes.items() if view["id"] == view_id), None)

    def publish(self, user: str, definition: Any, *, known_hash: str | None = None) -> View:
        """Replaces the whole Home tab of one person."""
        view = self._new_view(definition, kind="home")
        old = self._homes.get(user)
        if old is not None and self._home_blocks[user] == definition["blocks"]:
            view["blocks"] = old["blocks"]  # what looks the same is the same, for who is about to press it
        self._home_blocks[user] = deepcopy(definition["blocks"])
        if known_hash is not None and old is not None and known_hash != old["hash"]:
            raise SlackError("hash_conflict")
        view |= {"id": old["id"] if old else view["id"], "state": {"values": block_state.read(view["blocks"])}}
        view["root_view_id"] = view["id"]
        self._homes[user] = view
        self._announcer.announce(happened.HomePublished(user, view))
        return view

    def close(self, modal: OpenView) -> None:
        """Closes this view and what lies above it, and shows the one below."""
        stack = self._stacks[modal.user]
        del stack[stack.index(modal) :]
        self._announcer.announce(happened.ViewClosed(modal.user, modal.id, whole_stack=False))

    def clear(self, user: str) -> None:
        if stack := self._stacks.pop(user, None):
            self._announcer.announce(happened.ViewClosed(user, stack[0].id, whole_stack=True))

    def root(self, modal: OpenView) -> OpenView:
        return self._stacks[modal.user][0]

    def _put(self, user: str, view: View, *, channel: str | None, pushed: bool) -> View:
        modal = OpenView(user=user, view=view, channel=channel)
        modal.take_state(None)
        modal.settled = modal.view["state"]["values"]
        self._stacks.setdefault(user, []).append(modal)
        self._announcer.announce(happened.ViewOpened(user, modal.view, pushed=pushed))
        return modal.view

    def _new_view(self, definition: Any, *, kind: str, replaces: View | None = None) -> View:
        """The view object that Slack makes of an app's definition."""
        if not isinstance(definition, dict) or definition.get("type") != kind:
            raise invalid_arguments(f"must be a view of type {kind} [json-pointer:/view]")
        if errors := validate_view(definition):
            raise refusal(errors)
        external_id = definition.get("external_id", "")
        if external_id and external_id != (replaces or {}).get("external_id") and self._has_external_id(external_id):
            raise SlackError("duplicate_external_id")
        return {
            "id": f"V0{secrets.token_hex(5).upper()}",
            "team_id": TEAM_ID,
            "type": kind,
            "title": definition.get("title"),
            "submit": definition.get("submit"),
            "close": definition.get("close"),
            "blocks": block_state.with_ids(definition["blocks"], fresh_ids()),
            "private_metadata": definition.get("private_metadata", ""),
            "callback_id": definition.get("callback_id", ""),
            "external_id": external_id,
            "state": {"values": {}},
            "hash": f"{int(self._clock.time())}.{secrets.token_hex(4)}",
            "clear_on_close": bool(definition.get("clear_on_close")),
            "notify_on_close": bool(definition.get("notify_on_close")),
            "root_view_id": None,
            "previous_view_id": None,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": APP_BOT_ID,
        }

    def _has_external_id(self, external_id: str) -> bool:
        return any(modal.view["external_id"] == external_id for stack in self._stacks.values() for modal in stack)
