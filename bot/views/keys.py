"""Clouds' keys: the list, the form, and what becomes of a key that was typed. No view ever holds the key itself."""

from collections.abc import Sequence
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape, escape_cut
from bot.views.kit import Block, actions, button, confirm, context, divider, labelled, modal, section, text_input
from bot.views.moments import moment
from core.keys.model import ProviderEntry, ProviderKey

TITLE = "Clouds' keys"
KEY_LENGTH = 600


def build_keys_modal(entries: Sequence[ProviderEntry], *, note: str | None = None) -> dict[str, Any]:
    """Every cloud with what is known of its key. `note` (mrkdwn) tells what has just been done."""
    blocks: list[Block] = [section(note), divider()] if note else []
    for entry in entries:
        blocks += _cloud(entry)
    if not entries:
        blocks.append(context("No cloud is installed with Prime."))
    return modal(Modal.KEYS, TITLE, blocks, close="Close")


def build_key_form(entry: ProviderEntry, *, stamp: str = "", problem: str | None = None) -> dict[str, Any]:
    """`problem` says why the last one was not kept. `stamp` is new then, so that Slack forgets what was typed."""
    verb = "Add key" if entry.key is None else "Replace key"
    blocks: list[Block] = [section(f":warning: {escape_cut(problem)}")] if problem else []
    blocks.append(
        section(f"With this key Prime rents machines at *{escape(entry.label)}*, for the team it belongs to.")
    )
    if entry.key is not None:
        blocks.append(context("A key that does not see the machines of Prime's servers there is refused."))
    blocks.append(
        labelled(
            "Key",
            text_input(Input.SECRET, max_length=KEY_LENGTH),
            block_id=f"{Input.SECRET}:{stamp}" if stamp else Input.SECRET,
            hint="Only Prime's database keeps it, encrypted, and it is never shown again. Slack shows it while you "
            "type, so mind who looks at your screen.",
        )
    )
    return modal(Modal.ENTER_KEY, verb, blocks, submit=verb, close="Back", private_metadata=entry.provider)


def build_checking(label: str, *, external_id: str) -> dict[str, Any]:
    """In the form's place until the cloud has answered."""
    blocks = [
        section(f":hourglass_flowing_sand: Checking the key with {escape(label)}..."),
        context("This takes some seconds. If you close this, Prime tells you in a direct message."),
    ]
    return {**modal(Modal.KEYS, "Checking", blocks, close="Back"), "external_id": external_id}


def build_key_saved(label: str, key: ProviderKey) -> dict[str, Any]:
    return modal(Modal.KEYS, "Key saved", [section(describe_saved(label, key))], close="Back")


def describe_saved(label: str, key: ProviderKey) -> str:
    return f":white_check_mark: The key for {escape(label)} was saved: {_account(key)}."


def _cloud(entry: ProviderEntry) -> list[Block]:
    key, name = entry.key, f"*{escape(entry.label)}*"
    if key is None:
        enter = button("Add key", Action.KEY_ENTER, value=entry.provider, style="primary")
        return [section(f"{name}\nNo key yet."), actions(enter)]
    lines = [
        name,
        _account(key),
        f"Added by {_name(key.added_by)}, {moment(key.added_at)}. Checked {moment(key.checked_at)}.",
    ]
    question = confirm(
        "Remove this key?",
        f"Prime can then create no servers at {escape(entry.label)}, until there is a key again.",
        verb="Remove",
        danger=True,
    )
    return [
        section("\n".join(lines)),
        actions(
            button("Replace key", Action.KEY_ENTER, value=entry.provider),
            button("Check", Action.KEY_CHECK, value=entry.provider),
            button("Remove", Action.KEY_REMOVE, value=entry.provider, style="danger", confirm=question),
        ),
    ]


def _account(key: ProviderKey) -> str:
    return f"account {escape_cut(key.account, limit=200)}, key ending in `{escape(key.last_four)}`"


def _name(added_by: str) -> str:
    """A mention for a person: `<team>/<user>`."""
    _, _, user = added_by.partition("/")
    return f"<@{escape(user)}>" if user else "configuration"
