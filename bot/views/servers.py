"""Servers in a list and in App Home, and what is asked before one is started, stopped or deleted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape
from bot.views.kit import (
    Block,
    actions,
    button,
    confirm,
    context,
    divider,
    header,
    labelled,
    modal,
    section,
    text_input,
)
from bot.views.moments import moment, span
from bot.views.money import per_hour, usd
from bot.views.vitals import describe_vitals
from core.access.model import Role
from core.access.permissions import Permission, may
from core.servers.model import RunningCost, Server, ServerPage, ServerState
from core.servers.rules import WAY_UP, may_delete, may_start, may_stop, still_costs
from core.watch.model import Vitals

SEARCH_LENGTH = 100
"""Of what is searched, what is used: it is carried from page to page in a button."""

_EMOJI = {
    ServerState.READY: ":large_green_circle:",
    ServerState.STOPPED: ":white_circle:",
    ServerState.FAILED: ":red_circle:",
    ServerState.GONE: ":ghost:",
    ServerState.DELETED: ":wastebasket:",
}
_MOVING = ":hourglass_flowing_sand:"


def state_of(server: Server) -> str:
    """An emoji and the word."""
    return f"{_EMOJI.get(server.state, _MOVING)} {server.state}"


def gpu_of(server: Server) -> str:
    hardware = server.hardware
    count = f"{hardware.gpu_count} × " if hardware.gpu_count > 1 else ""
    memory = "" if hardware.gpu_memory_gib is None else f", {hardware.gpu_memory_gib} GB"
    return f"{count}{escape(hardware.gpu)}{memory}{' each' if count and memory else ''}"


# --- the list -------------------------------------------------------------------------------------


def build_servers(
    page: ServerPage, vitals: Mapping[int, Vitals], *, text: str, is_first: bool, now: datetime
) -> list[Block]:
    """A page of `/prime servers`; `text` is what was searched. Ten at most, so that it stays under 50 blocks. `vitals`
    by the server's id."""
    what = f"*Servers* that match “{escape(text)}”" if text else "*Servers*"
    blocks = [section(f"{what}: {page.total}")]
    if not page.servers:
        blocks.append(context("None." if text else "None yet. `/prime create` makes one."))
    for server in page.servers:
        details = button("Details", Action.SERVER_OPEN, value=str(server.id))
        blocks.append(section(_line(server, vitals.get(server.id), now), accessory=details))
    pages = [] if is_first else [button("First page", Action.SERVERS_FIRST, value=f"|{text}")]
    if page.next_after is not None:
        pages.append(button("Next page", Action.SERVERS_PAGE, value=f"{page.next_after}|{text}"))
    return [*blocks, divider(), actions(*pages)] if pages else blocks


def build_home_servers(
    page: ServerPage,
    cost: RunningCost,
    vitals: Mapping[int, Vitals],
    *,
    role: Role,
    is_first: bool,
    now: datetime,
) -> list[Block]:
    """The servers' part of App Home."""
    blocks = [divider(), header("Servers")]
    blocks += [block for server in page.servers for block in _with_buttons(server, vitals.get(server.id), role, now)]
    if not page.servers:
        blocks.append(context("There is none yet."))
    pages = [] if is_first else [button("First page", Action.HOME_SERVERS_FIRST)]
    if page.next_after is not None:
        pages.append(button("Next page", Action.HOME_SERVERS_PAGE, value=str(page.next_after)))
    if may(role, Permission.CREATE_SERVERS):
        pages.insert(0, button("Create a server", Action.SERVER_CREATE, style="primary"))
    if pages:
        blocks.append(actions(*pages))
    return [*blocks, context(f"{_running(cost)} As of {moment(now)}.")]


def buttons_for(server: Server, role: Role, *, details: bool | None = None) -> Sequence[dict[str, Any]]:
    """What makes sense in this state and may be pressed with this role; it is decided anew at the click. `details`:
    with a button that shows all that is known; False: all is shown, and a button shows it anew."""
    value = str(server.id)
    found: list[dict[str, Any]] = []
    if may(role, Permission.RUN_SERVERS):
        if may_start(server):
            dialog = confirm(f"Start {server.spec.name}?", describe_start(server), verb="Start")
            found.append(button("Start", Action.SERVER_START, value=value, style="primary", confirm=dialog))
        if may_stop(server):
            dialog = confirm(f"Stop {server.spec.name}?", describe_stop(server), verb="Stop")
            found.append(button("Stop", Action.SERVER_STOP, value=value, confirm=dialog))
        if may_delete(server):
            found.append(button("Delete", Action.SERVER_DELETE, value=value, style="danger"))
    if server.is_live and server.state is not ServerState.DELETING:
        found.append(button("Logs", Action.SERVER_LOGS, value=value))
        found.append(button("Usage", Action.SERVER_USAGE, value=value))
    if details is True and server.is_live:
        found.append(button("Details", Action.SERVER_OPEN, value=value))
    if details is False and server.is_live:
        if may(role, Permission.SET_SERVER_TALK):
            found.append(button("Answers", Action.TALK_SERVER, value=value))
        found.append(button("Chart", Action.SERVER_CHART, value=value))
        found.append(button("Refresh", Action.SERVER_REFRESH, value=value))
    return found


def _line(server: Server, vitals: Vitals | None, now: datetime) -> str:
    facts = [
        escape(server.spec.model),
        server.spec.engine.label,
        gpu_of(server),
        per_hour(server.hardware.price_usd_per_hour),
    ]
    lines = [f"*{server.spec.name}*  {state_of(server)} {_since(server, now)}", " · ".join(facts)]
    if vitals is not None:
        lines.append(describe_vitals(server, vitals, now))
    return "\n".join(lines)


def _since(server: Server, now: datetime) -> str:
    if server.state is ServerState.READY:
        return f"· up {span(now - (server.ready_at or server.state_since))}"
    return f"· for {span(now - (server.asked_at if server.state in WAY_UP else server.state_since))}"


def _with_buttons(server: Server, vitals: Vitals | None, role: Role, now: datetime) -> list[Block]:
    buttons = buttons_for(server, role)
    return [section(_line(server, vitals, now)), *([actions(*buttons)] if buttons else [])]


def _running(cost: RunningCost) -> str:
    unpriced = f", and {cost.unpriced} at a price that Prime does not know" if cost.unpriced else ""
    return f"What runs now costs *{usd(cost.usd_per_hour)} per hour*{unpriced}; disks come on top."


# --- asking before it is done ---------------------------------------------------------------------


def describe_start(server: Server) -> str:
    price = server.hardware.price_usd_per_hour
    costs = "at a price that Prime does not know" if price is None else f"for {per_hour(price)}"
    return f"The {escape(server.spec.offer_type)} runs {costs} from now until it is stopped."


def describe_stop(server: Server) -> str:
    return f"Nobody can use it until it is started again. {still_costs(server)}".strip()


def describe_delete(server: Server) -> str:
    if server.machine_id is None:
        return "What was ordered for it goes too."
    address = ", its static address" if server.spec.static_address else ""
    return (
        f"Its machine{address} and its disk of {server.spec.disk_gb} GB, with everything on it, are destroyed. "
        "This cannot be undone."
    )


def build_start_modal(server: Server) -> dict[str, Any]:
    return _asking(Modal.START_SERVER, "Start", server, [section(describe_start(server)), context(_where(server))])


def build_stop_modal(server: Server) -> dict[str, Any]:
    """Offers to delete it instead, after which nothing costs."""
    delete = button("Delete", Action.SERVER_DELETE, value=str(server.id), style="danger")
    return _asking(Modal.STOP_SERVER, "Stop", server, [section(describe_stop(server), accessory=delete)])


def build_delete_modal(server: Server) -> dict[str, Any]:
    typed = labelled(
        "Name",
        text_input(Input.NAME, placeholder=server.spec.name),
        block_id=Input.NAME,
        hint="Type the server's name.",
    )
    return _asking(Modal.DELETE_SERVER, "Delete", server, [section(describe_delete(server)), typed])


def _asking(callback: Modal, verb: str, server: Server, blocks: Sequence[Block]) -> dict[str, Any]:
    about = section(f"*{server.spec.name}*  {state_of(server)}\n{escape(server.spec.model)} · {gpu_of(server)}")
    return modal(callback, f"{verb} a server", [about, *blocks], submit=verb, private_metadata=str(server.id))


def _where(server: Server) -> str:
    place = f"in <#{server.channel}>" if server.channel else f"between Prime and <@{server.owner.user}>"
    return f"Its card {place} tells how far it is; `/prime server {server.spec.name}` does too."
