"""News of a server: what happened, why, what it costs now, and what can be done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape
from bot.views.kit import Block, actions, button, confirm, context, datetime_picker, labelled, modal, section
from bot.views.menu import Message
from bot.views.moments import moment, span
from bot.views.money import per_hour
from bot.views.servers import buttons_for, describe_stop
from core.access.model import Role
from core.durations import format_duration
from core.servers.model import Server, ServerCard, ServerState, StopReason
from core.watch.model import End, EndKind, News

TOLD_LENGTH = 500
"""Of what clouds and machines tell."""

_ON_TIME = timedelta(seconds=1)


def is_still_true(card: ServerCard, news: News, end: End | None) -> bool:
    """Whether it can be told now: news may be late, after an outage of Slack or of Prime."""
    server, pulse = card.server, card.vitals.pulse
    is_silent = pulse is not None and pulse.unreachable_since is not None
    match news:
        case News.READY | News.FAILED | News.STOPPED | News.GONE:
            return server.state.value == news.value
        case News.IMPOSTOR:
            return server.state is ServerState.FAILED
        case News.DELETED:
            return server.state in (ServerState.DELETING, ServerState.DELETED)
        case News.STARTED:
            return server.state not in (ServerState.STOPPED, ServerState.DELETING, ServerState.DELETED)
        case News.UNREACHABLE:
            return server.state is ServerState.READY and is_silent
        case News.BACK:
            is_away = server.state in (ServerState.GONE, ServerState.DELETING, ServerState.DELETED)
            return not is_away and not (server.state is ServerState.READY and is_silent)
        case News.ENDS_SOON:
            now_ends = card.vitals.end
            return now_ends is not None and end is not None and now_ends.at <= end.at + _ON_TIME


def build_news(card: ServerCard, news: News, end: End | None, *, now: datetime) -> Message:
    """`end` is that of News.ENDS_SOON."""
    if news is News.ENDS_SOON and end is not None:
        return _build_warning(card, end, now)
    server = card.server
    text = f"*{server.spec.name}* {_what(card, news, now)}"
    costs = f"\n:moneybag: {escape(card.still_costs)}" if card.still_costs and news is not News.DELETED else ""
    blocks = [section(f"{_EMOJI[news]} {text}{costs}")]
    pressed = [one for one in buttons_for(server, Role.ADMIN, details=True) if one["action_id"] != Action.SERVER_USAGE]
    if pressed and news is not News.DELETED:
        blocks.append(actions(*pressed))
    return _plain(server, news), blocks


def build_settled(message: Sequence[Block], sentence: str) -> list[Block]:
    """A message of which nothing is to be pressed any more, with what became of it."""
    return [*(block for block in message if block["type"] == "section"), context(sentence)]


def build_keep_modal(server: Server, *, until: datetime) -> dict[str, Any]:
    """`until` is proposed."""
    picker = labelled(
        "Keep until",
        datetime_picker(Input.UNTIL, initial=int(until.timestamp())),
        block_id=Input.UNTIL,
        hint="Until then Prime neither stops nor deletes it by itself.",
    )
    return modal(
        Modal.KEEP_SERVER, "Keep a server", [_about(server), picker], submit="Keep", private_metadata=str(server.id)
    )


_EMOJI = {
    News.READY: ":large_green_circle:",
    News.FAILED: ":red_circle:",
    News.STOPPED: ":white_circle:",
    News.STARTED: ":hourglass_flowing_sand:",
    News.UNREACHABLE: ":warning:",
    News.BACK: ":large_green_circle:",
    News.GONE: ":ghost:",
    News.IMPOSTOR: ":rotating_light:",
    News.DELETED: ":wastebasket:",
}


def _plain(server: Server, news: News) -> str:
    """For notifications, which show no blocks."""
    return f"News of {server.spec.name}: {news}"


# --- what happened --------------------------------------------------------------------------------


def _what(card: ServerCard, news: News, now: datetime) -> str:
    server = card.server
    match news:
        case News.READY:
            took = "" if server.ready_at is None else f" It took {span(server.ready_at - server.asked_at)}."
            price = per_hour(server.hardware.price_usd_per_hour)
            return f"is ready.{took} It costs {price}. `/prime usage {server.spec.name}` shows how to call it."
        case News.FAILED:
            return f"failed{_failure(server)}"
        case News.STOPPED:
            return f"stopped: {_why_stopped(server)}.{_then(card)}"
        case News.STARTED:
            return (
                "was started outside Prime, and costs its hourly price again. Prime watches it come up; "
                "stop it here if nobody needs it."
            )
        case News.UNREACHABLE:
            return _unreachable(card, now)
        case News.BACK:
            return f"is back: it is {server.state} again. Nothing needs to be done."
        case News.GONE:
            return (
                "is gone: the cloud does not know its machine any more. Somebody may have deleted it in the cloud's "
                "console. Look there; if it is meant to be gone, delete the record here."
            )
        case News.IMPOSTOR:
            return (
                "is not itself any more: what answers at its address shows another certificate, does not take its key, "
                "or serves another model. *Nothing is sent there.* Its address may belong to somebody else now, or "
                "somebody changed the machine. Stop it, and look at it in the cloud's console."
            )
        case _:
            return f"is deleted with its machine and its disk: {_why_stopped(server)}, and nobody kept it."


def _failure(server: Server) -> str:
    failure = server.failure
    return "." if failure is None else f": {failure.kind}. {escape(failure.message[:TOLD_LENGTH])}"


def _why_stopped(server: Server) -> str:
    match server.stop_reason:
        case StopReason.IDLE:
            return f"nobody used it for {_limit(server)}"
        case StopReason.END_TIME:
            return "its end time had come"
        case StopReason.OUTSIDE:
            return "not by Prime, but in the cloud's console, say"
        case _:
            return "somebody asked for it"


def _then(card: ServerCard) -> str:
    end = card.vitals.end
    if end is None or end.kind is not EndKind.DELETION:
        return ""
    return f" *It will be deleted with its disk at {moment(end.at)}* if nobody starts or keeps it."


def _unreachable(card: ServerCard, now: datetime) -> str:
    pulse = card.vitals.pulse
    silent_since = None if pulse is None else pulse.unreachable_since
    since = "" if silent_since is None else f" since {moment(silent_since)} ({span(now - silent_since)})"
    return (
        f"does not answer{since}. The engine may be overloaded or have crashed, or "
        "the network between is broken. It is *not stopped* and costs its price; Prime keeps looking and tells when "
        "it is back. If it stays so, stop it and start it again."
    )


# --- that it ends soon ----------------------------------------------------------------------------


def _build_warning(card: ServerCard, end: End, now: datetime) -> Message:
    server, value = card.server, str(card.server.id)
    usual = "1d" if end.kind is EndKind.DELETION else "1h"
    keep = "Keep 1 day" if end.kind is EndKind.DELETION else "Keep 1 h"
    buttons = [
        button(keep, Action.SERVER_KEEP, value=f"{value}|{usual}", style="primary"),
        button("Keep until...", Action.SERVER_KEEP_UNTIL, value=value),
    ]
    if end.kind is EndKind.DELETION:
        buttons.append(button("Delete now", Action.SERVER_DELETE, value=value, style="danger"))
    else:
        dialog = confirm(f"Stop {server.spec.name}?", describe_stop(server), verb="Stop")
        buttons.append(button("Stop now", Action.SERVER_STOP, value=value, confirm=dialog))
    text = f":hourglass: *{server.spec.name}* {_ends(card, end, now)}"
    return f"{server.spec.name} ends soon", [section(text), actions(*buttons)]


def _ends(card: ServerCard, end: End, now: datetime) -> str:
    server, pulse = card.server, card.vitals.pulse
    match end.kind:
        case EndKind.IDLE if server.state is ServerState.FAILED:
            return f"has failed, may still cost money, and is stopped at {moment(end.at)}."
        case EndKind.IDLE:
            since = server.state_since if pulse is None else max(server.state_since, pulse.used_at)
            return f"has been idle for {span(now - since)} and stops at {moment(end.at)}."
        case EndKind.END_TIME:
            return f"comes to its end time and stops at {moment(end.at)}, whatever it does."
        case EndKind.DELETION:
            return f"is stopped, and is *deleted with its disk* at {moment(end.at)}."


def _about(server: Server) -> Block:
    return section(f"*{server.spec.name}* is {server.state}.")


def _limit(server: Server) -> str:
    return format_duration(timedelta(minutes=server.spec.idle_stop_minutes or 0))
