"""The modal in which an ADMIN sets budgets."""

from decimal import Decimal
from typing import Any

from bot.ids import Input, Modal
from bot.views.kit import Block, channel_select, context, divider, labelled, modal, section, text_input, users_select
from bot.views.money import usd
from core.cost.model import Limits

PEOPLE_SHOWN = 20


def build_budgets(limits: Limits) -> dict[str, Any]:
    blocks: list[Block] = [
        section(
            "USD a month (UTC). At 80 and 100 percent those concerned are told; above, a create or start needs an "
            "ADMIN's approval. An empty field means no limit."
        ),
        _amount("Workspace", Input.WORKSPACE_BUDGET, limits.workspace, "Of all servers together."),
        _amount("Each person", Input.PEOPLE_BUDGET, limits.everybody, "Of whoever has no budget of their own."),
        divider(),
        labelled(
            "One person",
            users_select(Input.PERSON, placeholder="Nobody"),
            block_id=Input.PERSON,
            hint="Whose own budget the next field sets.",
            optional=True,
        ),
        _amount("Their budget", Input.PERSON_BUDGET, None, "Empty gives them everybody's again."),
        context(_people(limits)),
        divider(),
        labelled(
            "Daily digest",
            channel_select(Input.DIGEST_CHANNEL, placeholder="Nowhere", initial=limits.digest_channel),
            block_id=Input.DIGEST_CHANNEL,
            hint="Where yesterday's cost is posted each morning. Prime has to be a member.",
            optional=True,
        ),
    ]
    return modal(Modal.BUDGETS, "Budgets", blocks, submit="Save")


def _amount(label: str, name: Input, value: Decimal | None, hint: str) -> Block:
    initial = None if value is None else f"{value:.2f}"
    element = text_input(name, max_length=20, placeholder="no limit", initial=initial)
    return labelled(label, element, block_id=name, hint=hint, optional=True)


def _people(limits: Limits) -> str:
    own = [f"<@{person.user}> {usd(limit)}" for person, limit in sorted(limits.people.items())]
    more = f" and {len(own) - PEOPLE_SHOWN} others" if len(own) > PEOPLE_SHOWN else ""
    return f"With a budget of their own: {', '.join(own[:PEOPLE_SHOWN]) or 'nobody'}{more}."
