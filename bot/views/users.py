"""The list of people who hold a role, and the modal that changes one."""

from typing import Any

from bot.ids import Action, Input, Modal
from bot.views.access import NO_END, describe_holding, duration_options, role_option
from bot.views.kit import (
    Block,
    actions,
    button,
    context,
    divider,
    labelled,
    modal,
    option,
    overflow,
    section,
    select,
    text_input,
)
from bot.views.moments import moment
from core.access.model import Holder, Role, Source, UserPage
from core.access.rules import REASON_LIMIT
from core.approvals.rules import REQUESTABLE_ROLES

CHANGE = "change"
REMOVE = "remove"
"""What the overflow menu of a line offers; its value is `<verb>:<user id>`."""


def build_users(page: UserPage, *, is_first: bool) -> list[Block]:
    """A page of people with what each holds and why; at most twenty, so that the message stays under 50 blocks."""
    blocks = [section(f"*People with a role*: {page.total}")]
    if not page.holders:
        blocks.append(context("Nobody yet. `/prime users @person READ for 30 days` gives a role."))
    for holder in page.holders:
        blocks += [section(_line(holder), accessory=_menu(holder))]
    buttons = [] if is_first else [button("First page", Action.USERS_FIRST)]
    if page.next_after is not None:
        buttons.append(button("Next page", Action.USERS_PAGE, value=page.next_after.user))
    if buttons:
        blocks += [divider(), actions(*buttons)]
    return blocks


def build_one_user(holder: Holder) -> list[Block]:
    """`/prime users @person`."""
    return [section(_line(holder), accessory=_menu(holder))]


def build_change_role_modal(holder: Holder) -> dict[str, Any]:
    roles = [role_option(role) for role in REQUESTABLE_ROLES]
    current = role_option(holder.role) if holder.role is not Role.NONE else roles[0]
    durations = duration_options()
    return modal(
        Modal.CHANGE_ROLE,
        "Change role",
        [
            section(f"<@{holder.person.user}> is *{holder.role}* now. What you choose replaces their grants."),
            labelled("Role", select(Input.ROLE, roles, initial=current), block_id=Input.ROLE),
            labelled(
                "Duration",
                select(Input.DURATION, durations, initial=next(one for one in durations if one["value"] == NO_END)),
                block_id=Input.DURATION,
            ),
            labelled(
                "Reason",
                text_input(Input.REASON, max_length=REASON_LIMIT),
                block_id=Input.REASON,
                optional=True,
            ),
        ],
        submit="Change role",
        private_metadata=holder.person.user,
    )


def _line(holder: Holder) -> str:
    why = "; ".join(describe_holding(holding) for holding in holder.holdings) or "no grant or mapping"
    # Somebody may hold a grant and still be NONE: a guest, a stranger, a deactivated person.
    note = "" if holder.role is not Role.NONE or not holder.holdings else " Slack does not count them as a member."
    active = f"last active {moment(holder.last_active_at)}" if holder.last_active_at else "not active yet"
    return f"<@{holder.person.user}> *{holder.role}*\n{why}.{note} {active[0].upper()}{active[1:]}."


def _menu(holder: Holder) -> dict[str, Any]:
    choices = [option("Change role...", f"{CHANGE}:{holder.person.user}")]
    if any(holding.source is Source.GRANT for holding in holder.holdings):
        choices.append(option("Remove grants", f"{REMOVE}:{holder.person.user}"))
    return overflow(Action.USERS_MENU, choices)
