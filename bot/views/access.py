"""What one sees of access: the request form, one's own role, and the message that admins decide on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape, one_line, quoted
from bot.views.kit import Block, Option, actions, button, context, labelled, modal, option, section, select, text_input
from bot.views.moments import moment, until
from core.access.model import Holder, Holding, Role, Source
from core.access.permissions import ROLE_SUMMARIES
from core.access.rules import REASON_LIMIT, lasting_role
from core.approvals.model import AccessRequest, RequestState
from core.approvals.rules import DEFAULT_DURATION, DURATIONS, REQUESTABLE_ROLES
from core.durations import format_duration

NO_END = "none"
"""The value of the duration option that stands for no end date."""


def build_request_modal(lasting: Role) -> dict[str, Any]:
    """Asks for a role above the one that the person has without an end date."""
    roles = [role_option(role) for role in REQUESTABLE_ROLES if role > lasting]
    return modal(
        Modal.REQUEST_ACCESS,
        "Ask for access",
        [
            section("Say what you need Prime for. An admin decides, and you hear of it in a direct message."),
            labelled(
                "Reason",
                text_input(Input.REASON, multiline=True, max_length=REASON_LIMIT, placeholder="What is it for?"),
                block_id=Input.REASON,
            ),
            labelled("Role", select(Input.ROLE, roles, initial=roles[0]), block_id=Input.ROLE),
            labelled(
                "Duration",
                select(Input.DURATION, duration_options(), initial=duration_option(DEFAULT_DURATION)),
                block_id=Input.DURATION,
                hint="It starts when the request is approved.",
            ),
        ],
        submit="Send request",
    )


def describe_sent(request: AccessRequest) -> str:
    """For the asker, when the request is on its way."""
    return (
        f"You asked for *{request.role}* {_for(request.duration)}. An admin decides, and I tell you here. "
        "`/prime access` shows your request and lets you take it back."
    )


def build_own_access(holder: Holder, request: AccessRequest | None) -> list[Block]:
    """`/prime access`: the role, each reason for it with its end, and what one can do about it."""
    blocks = [section(f"Your role is *{holder.role}*: you {ROLE_SUMMARIES[holder.role]}.")]
    if holder.holdings:
        blocks.append(context(*[describe_holding(holding) for holding in holder.holdings[:10]]))
    if request is not None:
        blocks += build_open_request(request)
    elif lasting_role(holder) < Role.ADMIN:
        text = "Ask for another role" if holder.role < Role.ADMIN else "Ask to keep it"
        blocks.append(actions(button(text, Action.ACCESS_ASK)))
    return blocks


def build_open_request(request: AccessRequest) -> list[Block]:
    """The asker's own, with the button that takes it back."""
    return [
        section(
            f"You asked for *{request.role}* {_for(request.duration)}, {moment(request.created_at)}. "
            "It waits for an admin."
        ),
        actions(button("Withdraw request", Action.REQUEST_WITHDRAW, value=str(request.id))),
    ]


def describe_holding(holding: Holding) -> str:
    match holding.source:
        case Source.CONFIGURATION:
            return f"{holding.role} by configuration"
        case Source.GRANT:
            return f"{holding.role} by a grant, {until(holding.until)}"
        case Source.MAPPING:
            return f"{holding.role} by {describe_subject(holding.subject or '')}"


def describe_subject(subject: str) -> str:
    """A mapping's subject in words; a group becomes Slack's own reference to it."""
    kind, _, name = subject.partition(":")
    return f"<!subteam^{escape(name)}>" if kind == "group" else f"being one of the workspace's {name}"


def build_request_message(request: AccessRequest) -> tuple[str, list[Block]]:
    """The one message that shows a request: with buttons while it is open, with its outcome afterwards."""
    asks = f"<@{request.asker.user}> asks for *{request.role}* {_for(request.duration)}"
    blocks = [section(f"{asks}\n{quoted(request.reason)}")]
    if request.state is RequestState.OPEN:
        blocks += [
            context(f"With {request.role} they {ROLE_SUMMARIES[request.role]}."),
            actions(
                button("Approve", Action.REQUEST_APPROVE, value=str(request.id), style="primary"),
                button("Approve as...", Action.REQUEST_APPROVE_AS, value=str(request.id)),
                button("Deny", Action.REQUEST_DENY, value=str(request.id), style="danger"),
            ),
        ]
    else:
        blocks.append(context(describe_outcome(request)))
    return f"Access request: {request.role} {_for(request.duration)}", blocks


def describe_outcome(request: AccessRequest) -> str:
    """Who decided what and when, for the admins' message."""
    when = f", {moment(request.settled_at)}" if request.settled_at else ""
    decider = f" by <@{request.settled_by.user}>" if request.settled_by else ""
    match request.state:
        case RequestState.APPROVED:
            return f":white_check_mark: approved{decider}{when}: {request.given_role} {until(request.given_until)}"
        case RequestState.DENIED:
            return f":no_entry: denied{decider}{when}: {one_line(request.denial_reason)}"
        case RequestState.WITHDRAWN:
            return f"withdrawn by the asker{when}"
        case RequestState.EXPIRED:
            return f"expired{when}: nobody decided within seven days"
        case RequestState.OPEN:
            return "open"


def describe_outcome_to_asker(request: AccessRequest) -> str:
    decider = f" by <@{request.settled_by.user}>" if request.settled_by else ""
    match request.state:
        case RequestState.APPROVED:
            return (
                f":white_check_mark: Your request was approved{decider}: you have *{request.given_role}* "
                f"{until(request.given_until)}. `/prime help` shows what you can do."
            )
        case RequestState.DENIED:
            return (
                f"Your request for *{request.role}* was denied{decider}.\n{quoted(request.denial_reason)}\n"
                "You can talk to them, or ask again in an hour."
            )
        case RequestState.EXPIRED:
            return f"Your request for *{request.role}* expired: no admin decided within seven days. You can ask again."
        case RequestState.WITHDRAWN | RequestState.OPEN:
            return f"You took back your request for *{request.role}*."


def build_approve_as_modal(request: AccessRequest) -> dict[str, Any]:
    roles = [role_option(role) for role in REQUESTABLE_ROLES]
    return modal(
        Modal.APPROVE_AS,
        "Approve as",
        [
            section(f"<@{request.asker.user}> asks for *{request.role}* {_for(request.duration)}."),
            labelled("Role", select(Input.ROLE, roles, initial=role_option(request.role)), block_id=Input.ROLE),
            labelled(
                "Duration",
                select(Input.DURATION, duration_options(), initial=_nearest(request.duration)),
                block_id=Input.DURATION,
            ),
        ],
        submit="Approve",
        private_metadata=str(request.id),
    )


def build_deny_modal(request: AccessRequest) -> dict[str, Any]:
    return modal(
        Modal.DENY,
        "Deny request",
        [
            section(f"<@{request.asker.user}> asks for *{request.role}* {_for(request.duration)}."),
            labelled(
                "Reason",
                text_input(Input.REASON, multiline=True, max_length=REASON_LIMIT),
                block_id=Input.REASON,
                hint="They will read it.",
            ),
        ],
        submit="Deny",
        private_metadata=str(request.id),
    )


def role_option(role: Role) -> Option:
    return option(str(role), str(role), description=ROLE_SUMMARIES[role])


def duration_options() -> Sequence[Option]:
    return [duration_option(duration) for duration in DURATIONS]


def duration_option(duration: timedelta | None) -> Option:
    if duration is None:
        return option("No end date", NO_END)
    return option(format_duration(duration), f"{int(duration.total_seconds())}s")


def _nearest(duration: timedelta | None) -> Option:
    """A request's own duration is one of those offered; what is not falls back to the default."""
    return duration_option(duration if duration in DURATIONS else DEFAULT_DURATION)


def _for(duration: timedelta | None) -> str:
    return "without an end date" if duration is None else f"for {format_duration(duration)}"
