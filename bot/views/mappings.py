"""Which groups carry which role: the list, the form, and the preview before anything changes."""

from collections.abc import Sequence
from typing import Any

from bot.ids import Action, Input, Modal
from bot.views.access import describe_subject, role_option
from bot.views.kit import (
    Block,
    Option,
    actions,
    button,
    context,
    divider,
    labelled,
    modal,
    option,
    section,
    select,
)
from core.approvals.rules import REQUESTABLE_ROLES
from core.mappings.model import WORKSPACE_ADMINS, WORKSPACE_OWNERS, Group, Mapping, Preview, RoleChange, group_subject
from core.mappings.rules import ASK_AGAIN_ABOVE

_SHOWN = 20
"""Names in a preview's list; the rest are counted."""


def build_mappings_modal(mappings: Sequence[Mapping], *, said: str | None = None) -> dict[str, Any]:
    """All mappings, each with a button to remove it. `said` reports what was just done."""
    blocks: list[Block] = [section(f":white_check_mark: {said}"), divider()] if said else []
    blocks.append(section("Everybody in a mapped group holds its role for as long as they are in it."))
    blocks += [
        section(
            f"{describe_subject(mapping.subject)} → *{mapping.role}*",
            accessory=button("Remove", Action.MAPPING_REMOVE, value=mapping.subject),
        )
        for mapping in mappings
    ]
    if not mappings:
        blocks.append(context("No mappings yet."))
    blocks.append(actions(button("Add mapping", Action.MAPPING_ADD, style="primary")))
    return modal(Modal.MAPPINGS, "Role mappings", blocks, close="Close")


def build_add_mapping_modal(groups: Sequence[Group], *, note: str | None = None) -> dict[str, Any]:
    """`note` says why no user groups are offered."""
    options = [_group_option(group) for group in groups[:98]]
    options += [option("Workspace admins and owners", WORKSPACE_ADMINS), option("Workspace owners", WORKSPACE_OWNERS)]
    blocks = [
        labelled("Group", select(Input.GROUP, options), block_id=Input.GROUP),
        labelled("Role", select(Input.ROLE, [role_option(role) for role in REQUESTABLE_ROLES]), block_id=Input.ROLE),
        context(note or "Next you see who gains and who loses what. Nothing changes before you apply it."),
    ]
    return modal(Modal.ADD_MAPPING, "Add mapping", blocks, submit="Preview", close="Back")


def build_preview_modal(preview: Preview, *, private_metadata: str) -> dict[str, Any]:
    """Who would gain and lose what; above ASK_AGAIN_ABOVE people with a box to tick."""
    verb = f"mapped to *{preview.role}*" if preview.role is not None else "*no longer mapped*"
    blocks = [section(f"After this, {describe_subject(preview.subject)} is {verb}.")]
    blocks += _changes("Gain", preview.gains) + _changes("Lose", preview.losses)
    if not preview.changes:
        blocks.append(context("Nobody's role changes today. People who join later will follow it."))
    if len(preview.changes) > ASK_AGAIN_ABOVE:
        blocks.append(_ask_again(len(preview.changes)))
    return modal(
        Modal.PREVIEW_MAPPING, "Preview", blocks, submit="Apply", close="Back", private_metadata=private_metadata
    )


def _changes(title: str, changes: Sequence[RoleChange]) -> list[Block]:
    if not changes:
        return []
    lines = [f"<@{change.person.user}> {change.before} → {change.after}" for change in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"and {len(changes) - _SHOWN} more")
    return [section(f"*{title}* ({len(changes)})\n" + "\n".join(lines))]


def _ask_again(count: int) -> Block:
    boxes = {
        "type": "checkboxes",
        "action_id": Input.MANY_CONFIRMED,
        "options": [option(f"Yes, change the role of {count} people", "yes")],
    }
    return labelled("This is a large change", boxes, block_id=Input.MANY_CONFIRMED, optional=True)


def _group_option(group: Group) -> Option:
    return option(f"@{group.handle}", group_subject(group.id), description=group.name or None)
