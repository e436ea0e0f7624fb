"""A machine that costs money and that no server of Prime has: what is asked about it, and what was decided."""

import re
from decimal import Decimal
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import code, escape
from bot.views.kit import Block, actions, button, confirm, context, labelled, modal, section, text_input
from bot.views.menu import Message
from bot.views.moments import moment
from bot.views.money import per_hour
from core.servers.drafts import NAME_LENGTH
from core.watch.model import MachineFate, UnknownMachine

_OF_ANOTHER_PRIME = re.compile(r"prime-[a-z0-9]{6}-[0-9]{6}-(?P<name>[a-z0-9-]+)")


def build_unknown_machine(machine: UnknownMachine, usd_per_hour: Decimal | None) -> Message:
    value = f"{machine.provider}|{machine.machine_id}"
    text = (
        f":question: *A machine that Prime does not know* runs at {escape(machine.provider)}: {_facts(machine)}, "
        f"{per_hour(usd_per_hour)}, seen since {moment(machine.first_seen_at)}.\n"
        "It costs money and no server of Prime has it."
    )
    blocks = [section(text)]
    if _OF_ANOTHER_PRIME.fullmatch(machine.name):
        blocks.append(
            context("Its name looks like that of another installation of Prime, which may be using this account too.")
        )
    ignore = confirm("Ignore this machine?", "Prime does not tell of it again; it goes on costing.", verb="Ignore")
    blocks.append(
        actions(
            button("Adopt", Action.MACHINE_ADOPT, value=value, style="primary"),
            button("Ignore", Action.MACHINE_IGNORE, value=value, confirm=ignore),
        )
    )
    return "A machine that Prime does not know costs money", blocks


def build_decided(machine: UnknownMachine, *, by: str, adopted_as: str | None) -> str:
    if machine.fate is MachineFate.IGNORED:
        return f"<@{by}> decided to ignore it. It goes on costing until somebody deletes it in the cloud's console."
    name = escape(adopted_as or "")
    return f"<@{by}> adopted it as *{name}*: Prime counts what it costs, and can stop and delete it."


def build_adopt_modal(machine: UnknownMachine) -> dict[str, Any]:
    name = labelled(
        "Name",
        text_input(Input.NAME, max_length=NAME_LENGTH, initial=proposed_name(machine)),
        block_id=Input.NAME,
        hint="Lower-case letters, digits and hyphens.",
    )
    blocks: list[Block] = [
        section(f"{_facts(machine)} at {escape(machine.provider)}."),
        name,
        context("Prime did not set it up, so it cannot talk to it. It can watch, start, stop and delete it."),
    ]
    return modal(
        Modal.ADOPT_MACHINE,
        "Adopt a machine",
        blocks,
        submit="Adopt",
        private_metadata=f"{machine.provider}|{machine.machine_id}",
    )


def proposed_name(machine: UnknownMachine) -> str:
    """The machine's own, as far as a server may be called so."""
    ours = _OF_ANOTHER_PRIME.fullmatch(machine.name)
    name = ours["name"] if ours else machine.name
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:NAME_LENGTH].strip("-")
    return words or "adopted"


def _facts(machine: UnknownMachine) -> str:
    return f"{code(machine.name)} ({code(machine.machine_id)}), {escape(machine.type)} in {escape(machine.region)}"
