"""One server's card: how far it is, or what became of it, all that is known of it, and what can be done."""

from dataclasses import fields
from datetime import datetime, timedelta

from bot.ids import Action
from bot.mrkdwn import code, escape
from bot.views.kit import Block, actions, button, context, mrkdwn, section
from bot.views.menu import Message
from bot.views.moments import moment, span
from bot.views.money import per_hour, usd
from bot.views.servers import buttons_for, gpu_of, state_of
from bot.views.vitals import describe_activity, describe_end, describe_silence, describe_spend
from core.access.model import Role
from core.access.permissions import Permission, may
from core.catalog.model import Choice, EngineOptions, Quantization
from core.durations import format_duration
from core.servers.model import Server, ServerCard, ServerState
from core.servers.rules import WAY_UP
from core.talk.model import Votes

EVERYBODY = Role.ADMIN
"""For a card that many see: each may press what their own role allows, which is decided at the click."""

BUTTON_LENGTH = 75
TOLD_LENGTH = 500
"""Of what clouds and machines tell."""

_BAR_LENGTH = 12
_STEPS = {
    ServerState.ORDERED: 1,
    ServerState.BOOTING: 2,
    ServerState.STARTING: 2,
    ServerState.PULLING: 3,
    ServerState.LOADING: 4,
}
_LAST_STEP = 5
_AT_REST = frozenset({ServerState.STOPPING, ServerState.STOPPED, ServerState.FAILED})


def build_card(
    card: ServerCard, *, role: Role, now: datetime, private: bool = False, votes: Votes | None = None
) -> Message:
    """`votes`: on its answers. `private`: it is shown to one person with all that is known, and not edited as the
    server changes, so it has a button for that. The one in a channel is short, since many scroll past it."""
    server = card.server
    blocks = [section(f"*{server.spec.name}*  {state_of(server)}{_told(card, now)}")]
    blocks += _problem(card, role)
    if server.is_live and private:
        blocks += [_fields(_about(card)), _fields(_now(card, now)), _fields(_history(server))]
        blocks.append(context(_options(server.spec.options), *_votes(votes)))
    elif server.is_live:
        blocks.append(context(_in_a_line(server), _in_another_line(card, now)))
    buttons = buttons_for(server, role, details=not private)
    if buttons:
        blocks.append(actions(*buttons))
    if private:
        blocks.append(context(f"Only you see this, as of {moment(now)}."))
    return f"{server.spec.name}: {server.state}", blocks


# --- how far it is --------------------------------------------------------------------------------


def _told(card: ServerCard, now: datetime) -> str:
    """What follows the state: the way up, or what it came to."""
    server = card.server
    lines: list[str] = []
    if server.state in WAY_UP:
        lines += [_bar(server.state), _time(card, now)]
    elif server.state is ServerState.READY:
        lines.append(f"It answers at `{card.url}`. `/prime usage {server.spec.name}` shows how to call it.")
    elif server.state is ServerState.GONE:
        lines.append("The cloud does not know its machine any more. Deleting it clears the record away.")
    elif server.state is ServerState.DELETED:
        lines.append("Its machine and its disk are deleted.")
    if server.progress and server.state is not ServerState.READY:
        lines.append(escape(server.progress[:TOLD_LENGTH]))
    return "".join(f"\n{line}" for line in lines)


def _bar(state: ServerState) -> str:
    full = round(_BAR_LENGTH * (_STEPS[state] - 0.5) / _LAST_STEP)
    return f"{'▰' * full}{'▱' * (_BAR_LENGTH - full)}  step {_STEPS[state]} of {_LAST_STEP}"


def _time(card: ServerCard, now: datetime) -> str:
    passed = f"{span(now - card.server.asked_at)} so far"
    if card.expected_seconds is None:
        return passed
    lower, upper = (span(timedelta(seconds=round(seconds))) for seconds in card.expected_seconds)
    return f"{passed}; similar servers took {lower} to {upper} lately"


# --- what went wrong ------------------------------------------------------------------------------


def _problem(card: ServerCard, role: Role) -> list[Block]:
    server, blocks = card.server, list[Block]()
    if server.state is ServerState.FAILED and server.failure is not None:
        blocks.append(
            section(f":warning: *What failed: {server.failure.kind}.* {escape(server.failure.message[:TOLD_LENGTH])}")
        )
    if server.state in _AT_REST:
        costs = card.still_costs
        if costs or server.state is ServerState.FAILED:
            blocks.append(section(f":moneybag: {escape(costs) or 'Nothing of it costs money now.'}"))
    if server.state is ServerState.FAILED and card.alternatives and may(role, Permission.CREATE_SERVERS):
        blocks.append(section("The model also fits these:"))
        # A block of its own for each, since an action_id stands only once in a block.
        blocks += [_alternative(server, choice) for choice in card.alternatives]
    return blocks


def _alternative(server: Server, choice: Choice) -> Block:
    value = f"{server.id}|{choice.offer.type}|{choice.region}"
    take = button(f"Try {_offer(choice)}"[:BUTTON_LENGTH], Action.SERVER_TRY_OFFER, value=value)
    return section(f"*{escape(_offer(choice))}*: {_price(choice)}", accessory=take)


def _offer(choice: Choice) -> str:
    return f"{choice.offer.type} in {choice.region}"


def _price(choice: Choice) -> str:
    memory = choice.offer.gpu_memory_gib
    gpu = "" if memory is None else f", {memory} GB of GPU memory"
    return f"{per_hour(choice.offer.price_usd_per_hour)}{gpu}"


# --- all that is known ----------------------------------------------------------------------------


def _about(card: ServerCard) -> list[tuple[str, str]]:
    server = card.server
    spec, hardware = server.spec, server.hardware
    ram = "" if hardware.ram_gib is None else f", {hardware.ram_gib} GB of RAM"
    disk = f"{spec.disk_gb} GB"
    if hardware.disk_usd_per_month is not None:
        disk += f" · {usd(hardware.disk_usd_per_month)} a month"
    return [
        ("Model", escape(spec.model)),
        ("Engine", spec.engine.label),
        ("GPU", gpu_of(server)),
        ("Machine", f"{escape(spec.offer_type)}: {hardware.vcpus or '?'} vCPU{ram}"),
        ("Price", per_hour(hardware.price_usd_per_hour)),
        ("Disk", disk),
        ("Region", f"{escape(spec.region)} ({escape(spec.provider)})"),
        ("Template", escape(hardware.template)),
        (
            "Address",
            f"`{server.address}`{' (static)' if spec.static_address else ''}" if server.address else "none yet",
        ),
        ("Id", code(server.machine_id) if server.machine_id else "none yet"),
    ]


def _now(card: ServerCard, now: datetime) -> list[tuple[str, str]]:
    server, vitals = card.server, card.vitals
    pulse = vitals.pulse
    checked = server.checked_at if pulse is None else pulse.checked_at
    end = describe_end(server, vitals.end, now)
    facts = [
        (f"{server.state.capitalize()} since", f"{moment(server.state_since)} ({span(now - server.state_since)})"),
        ("Spent this month", describe_spend(vitals)),
        ("Last checked", moment(checked) if checked else "not yet"),
        ("Use", describe_activity(vitals) if server.state is ServerState.READY else ""),
        ("Answers", "no: it " + silence if (silence := describe_silence(server, vitals, now)) else ""),
        ("What comes", f"It {end}." if end else ""),
    ]
    return [(label, value) for label, value in facts if value]


def _history(server: Server) -> list[tuple[str, str]]:
    spec = server.spec
    idle = "never" if spec.idle_stop_minutes is None else f"after {_minutes(spec.idle_stop_minutes)}"
    return [
        ("Created by", f"<@{server.owner.user}>"),
        ("Created", moment(server.created_at)),
        ("Stops when idle", idle),
        ("Ends", moment(spec.ends_at) if spec.ends_at else "never"),
        ("After an idle stop", _after_stop(spec.delete_after_minutes)),
        ("Direct access", "allowed" if server.allows_direct_access else "off"),
        *([("Description", escape(spec.description))] if spec.description else []),
    ]


def _in_a_line(server: Server) -> str:
    facts = [
        escape(server.spec.model),
        gpu_of(server),
        per_hour(server.hardware.price_usd_per_hour),
        escape(server.spec.region),
        f"created by <@{server.owner.user}>",
    ]
    return " · ".join(facts)


def _in_another_line(card: ServerCard, now: datetime) -> str:
    """As of when it was drawn: it is drawn again when the state changes, and no more often."""
    server, vitals = card.server, card.vitals
    facts = [
        server.spec.engine.label,
        f"{server.state} since {moment(server.state_since)}",
        f"{describe_spend(vitals)} this month, as of {moment(now)}",
    ]
    if server.spec.idle_stop_minutes is not None:
        facts.append(f"stops when idle for {_minutes(server.spec.idle_stop_minutes)}")
    return " · ".join(facts)


def _after_stop(minutes: int | None) -> str:
    return "kept" if minutes is None else f"deleted with its disk after {_minutes(minutes)}"


def _fields(facts: list[tuple[str, str]]) -> Block:
    """At most ten."""
    return {"type": "section", "fields": [mrkdwn(f"*{label}*\n{value}") for label, value in facts]}


def _votes(votes: Votes | None) -> list[str]:
    if votes is None or votes == Votes(up=0, down=0):
        return []
    return [f"Its answers: :thumbsup: {votes.up} :thumbsdown: {votes.down}"]


def _options(options: EngineOptions) -> str:
    """The names that the engine knows them by."""
    chosen = [
        f"{one.name} {getattr(options, one.name)}"
        for one in fields(options)
        if getattr(options, one.name) not in (None, False, Quantization.NONE)
    ]
    return escape("Options: " + (", ".join(chosen) or "the engine's own"))


def _minutes(minutes: int) -> str:
    return format_duration(timedelta(minutes=minutes))
