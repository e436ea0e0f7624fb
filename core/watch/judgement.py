"""What a look at a server comes to: at most one change or one piece of news at a time. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.servers.model import Desired, Failure, FailureKind, Server, ServerState, StopReason
from core.servers.wishes import wish
from core.watch.model import End, EndKind, EngineLook, News, NoLook, Pulse
from core.watch.rules import comes_up, is_impostor, is_over, is_to_be_warned, next_end, reachability_news

IMPOSTOR = Failure(
    kind=FailureKind.IDENTITY,
    message="What answers at its address is not this server any more, so nothing is sent there.",
)

_STOP_REASONS = {EndKind.IDLE: StopReason.IDLE, EndKind.END_TIME: StopReason.END_TIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    pulse: Pulse
    after: Server
    """The row as it should be; the very same object if nothing is to be changed."""
    news: News | None = None
    about: str = ""
    """Tells this occasion of the news from others."""
    end: End | None = None
    """The one that is told of or carried out."""


def judge(server: Server, pulse: Pulse, look: EngineLook | NoLook | None, now: datetime) -> Judgement:
    """`pulse` has taken the look in already; None: the engine was not asked."""
    if server.state is ServerState.READY and is_impostor(pulse):
        failed = replace(server, state=ServerState.FAILED, state_since=now, checked_at=now, failure=IMPOSTOR)
        return Judgement(pulse=pulse, after=failed, news=News.IMPOSTOR, about=str(server.version))
    if server.state is ServerState.FAILED and isinstance(look, EngineLook):
        return Judgement(pulse=pulse, after=comes_up(server, now, address=server.address))
    # A machine that the cloud does not know either is no matter of its engine.
    if server.state is ServerState.READY and server.missing_since is None:
        pulse, news = reachability_news(pulse, now)
        if news is not None:
            assert pulse.told_unreachable_at is not None
            return Judgement(pulse=pulse, after=server, news=news, about=pulse.told_unreachable_at.isoformat())
    return _judge_end(server, pulse, now)


def _judge_end(server: Server, pulse: Pulse, now: datetime) -> Judgement:
    end = next_end(server, pulse)
    if end is None:
        return Judgement(pulse=pulse, after=server)
    if is_over(server, end, pulse, now):
        if end.kind is EndKind.DELETION:
            deleted = wish(server, Desired.DELETED, now=now, reason=server.stop_reason or StopReason.IDLE)
            return Judgement(pulse=pulse, after=deleted, news=News.DELETED, about=end.at.isoformat(), end=end)
        stopped = wish(server, Desired.STOPPED, now=now, reason=_STOP_REASONS[end.kind])
        return Judgement(pulse=pulse, after=stopped, end=end)  # that it is stopped is told when it is
    if is_to_be_warned(server, end, pulse, now):
        warned = replace(pulse, warned_for=end.at, warned_at=now)
        return Judgement(pulse=warned, after=server, news=News.ENDS_SOON, about=end.at.isoformat(), end=end)
    return Judgement(pulse=pulse, after=server)
