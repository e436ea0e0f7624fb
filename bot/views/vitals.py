"""What is seen of a server beside its row, in words."""

from datetime import datetime, timedelta

from bot.views.moments import moment, span
from bot.views.money import usd
from core.durations import format_duration
from core.servers.model import Server, ServerState
from core.watch.model import End, EndKind, Vitals


def describe_spend(vitals: Vitals) -> str:
    return f"{'' if vitals.is_spent_certain else 'at least '}{usd(vitals.spent_usd)}"


def describe_activity(vitals: Vitals) -> str:
    """Of the last look; empty where there was none."""
    pulse = vitals.pulse
    if pulse is None or pulse.unreachable_since is not None:
        return ""
    requests, tokens = f"{pulse.requests_per_minute:,.0f} requests", f"{pulse.tokens_per_minute:,.0f} tokens"
    return f"{requests} and {tokens} a minute, {pulse.queued:,} waiting"


def describe_silence(server: Server, vitals: Vitals, now: datetime) -> str:
    """How long a ready server has not answered; empty if it does."""
    pulse = vitals.pulse
    if server.state is not ServerState.READY or pulse is None or pulse.unreachable_since is None:
        return ""
    return f"has not answered for {span(now - pulse.unreachable_since)}"


def describe_end(server: Server, end: End | None, now: datetime) -> str:
    """What Prime will do by itself; empty for nothing."""
    if end is None:
        return ""
    kept = "" if server.keep_until is None or server.keep_until <= now else f", kept until {moment(server.keep_until)}"
    match end.kind:
        case EndKind.IDLE:
            limit = format_duration(timedelta(minutes=server.spec.idle_stop_minutes or 0))
            return f"stops when idle for {limit}: in {span(end.at - now)} unless used{kept}"
        case EndKind.END_TIME:
            return f"stops at {moment(end.at)}{kept}"
        case EndKind.DELETION:
            return f"is deleted at {moment(end.at)}{kept}"


def describe_vitals(server: Server, vitals: Vitals, now: datetime) -> str:
    """In a line, for lists."""
    facts = [
        f"{describe_spend(vitals)} this month",
        describe_silence(server, vitals, now),
        describe_activity(vitals) if server.state is ServerState.READY else "",
        describe_end(server, vitals.end, now),
        "" if vitals.pulse is None else f"checked {moment(vitals.pulse.checked_at)}",
    ]
    return " · ".join(fact for fact in facts if fact)
