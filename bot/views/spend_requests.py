"""Going beyond a budget: its figures, asking an ADMIN, the message that ADMINs decide on, and warnings before it."""

from collections.abc import Sequence
from typing import Any

from bot.create_form import CreateForm, metadata_of
from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape, one_line, quoted
from bot.views.cost import amount
from bot.views.kit import Block, actions, button, context, labelled, modal, section, text_input
from bot.views.menu import Message
from bot.views.moments import moment
from bot.views.money import usd
from core.cost.model import WORKSPACE, Budget, Excess, SpendRequest, SpendState
from core.cost.rules import EXPIRES_AFTER, REASON_LENGTH
from core.servers.model import Server

ASK = "Ask an admin"
TITLE = "Beyond the budget"

_WITHIN = f"{EXPIRES_AFTER.days} days"

# --- asking ---------------------------------------------------------------------------------------


def build_ask_create_modal(form: CreateForm, excess: Sequence[Excess]) -> dict[str, Any]:
    """In front of the create modal; what is asked for is in the form."""
    return modal(
        Modal.ASK_CREATE,
        TITLE,
        _asking(f"Creating *{escape(form.name)}* goes beyond the budget.", excess),
        submit=ASK,
        close="Back",
        private_metadata=metadata_of(form),
    )


def build_ask_start_modal(server: Server, excess: Sequence[Excess]) -> dict[str, Any]:
    blocks = _asking(_starting(server), excess)
    return modal(Modal.ASK_START, TITLE, blocks, submit=ASK, private_metadata=str(server.id))


def build_ask_start(server: Server, excess: Sequence[Excess]) -> Message:
    """The same as a message for whoever pressed Start."""
    ask = button(ASK, Action.SPEND_ASK_START, value=str(server.id), style="primary")
    return _starting(server), [*_asking(_starting(server), excess), actions(ask)]


# --- the request ----------------------------------------------------------------------------------


def build_request_message(request: SpendRequest) -> Message:
    """What ADMINs see: with buttons while it is open, with its outcome afterwards."""
    whose = "" if request.owner == request.asker else f", which belongs to <@{request.owner.user}>"
    what = f"<@{request.asker.user}> asks to {_what(request)}{whose}, beyond the budget."
    blocks = [section("\n".join([what, *_details(request)])), *_figures(request.excess)]
    if request.state is SpendState.OPEN:
        approve = button("Approve", Action.SPEND_APPROVE, value=str(request.id), style="primary")
        blocks.append(actions(approve, button("Deny", Action.SPEND_DENY, value=str(request.id), style="danger")))
    else:
        blocks.append(context(_outcome(request)))
    return f"Beyond the budget: {request.act} {request.name}", blocks


def build_own_request(request: SpendRequest) -> Message:
    """The same for whoever asked, who may take it back."""
    text = f"You asked to {_what(request)} beyond the budget."
    if request.state is not SpendState.OPEN:
        return text, [section(text), context(_outcome(request))]
    withdraw = button("Withdraw", Action.SPEND_WITHDRAW, value=str(request.id))
    return text, [section(f"{text} An admin decides within {_WITHIN}, and I tell you here."), actions(withdraw)]


def describe_outcome_to_asker(request: SpendRequest) -> str:
    """Of one that is settled, by somebody else."""
    decider = f" by <@{request.settled_by.user}>" if request.settled_by else ""
    match request.state:
        case SpendState.APPROVED:
            return (
                f":white_check_mark: Your request was approved{decider}: Prime {request.act}s *{request.name}* now. "
                f"`/prime server {request.name}` shows how far it is."
            )
        case SpendState.DENIED:
            return (
                f"Your request to {_what(request)} was denied{decider}.\n{quoted(request.denial_reason)}\n"
                "You can talk to them, or choose something that costs less."
            )
        case _:
            return (
                f"Your request to {_what(request)} expired: no admin decided within {_WITHIN}. "
                "Nothing was done; you can ask again."
            )


def build_deny_spend_modal(request: SpendRequest) -> dict[str, Any]:
    return modal(
        Modal.DENY_SPEND,
        "Deny request",
        [
            section(f"<@{request.asker.user}> asks to {_what(request)}, beyond the budget."),
            labelled(
                "Reason",
                text_input(Input.REASON, multiline=True, max_length=REASON_LENGTH),
                block_id=Input.REASON,
                hint="They will read it.",
            ),
        ],
        submit="Deny",
        private_metadata=str(request.id),
    )


# --- warnings -------------------------------------------------------------------------------------


def build_budget_reached(budget: Budget, percent: int) -> Message:
    """`budget` has a limit."""
    assert budget.limit_usd is not None
    text = f"{_whose(budget.scope)} of {usd(budget.limit_usd)} a month is used to {percent} percent."
    return text, [
        section(
            f":warning: *{text}*\nSpent this month (UTC): {amount(budget.spent)}. What runs already takes at least "
            f"{usd(budget.promised_usd)} more."
        ),
        context(
            "Nothing that runs is stopped; what would go beyond the budget needs an admin's approval. `/prime cost` "
            "shows what costs most, `/prime stop NAME` stops a server, and an admin changes budgets in `/prime cost`."
        ),
    ]


# --- parts ----------------------------------------------------------------------------------------


def _asking(sentence: str, excess: Sequence[Excess]) -> list[Block]:
    return [
        section(f":warning: {sentence}"),
        *_figures(excess),
        context("Nothing is ordered until an admin approves it. You hear of it in a direct message."),
    ]


def _starting(server: Server) -> str:
    return f"Starting *{server.spec.name}* goes beyond the budget."


def _figures(excess: Sequence[Excess]) -> list[Block]:
    return [section(_figures_of(one)) for one in excess]


def _figures_of(one: Excess) -> str:
    lines = [
        f"*{_whose(one.scope)}:* {usd(one.limit_usd)} a month",
        f"Spent this month: {usd(one.spent_usd)}",
        f"What runs already, at least until it would stop by itself: {usd(one.promised_usd)}",
        f"What this adds, at the least: {usd(one.asked_usd)}",
        f"Together: *{usd(one.total_usd)}*",
    ]
    if not one.is_certain:
        lines.append("Some prices are not known and count as nothing.")
    return "\n".join(lines)


def _whose(scope: str) -> str:
    return "The workspace's budget" if scope == WORKSPACE else f"The budget of <@{scope.partition('/')[2]}>"


def _what(request: SpendRequest) -> str:
    return f"{request.act} *{escape(request.name)}*"


def _details(request: SpendRequest) -> list[str]:
    spec = request.spec
    if spec is None:
        return []
    place = f"{escape(spec.model)} on {escape(spec.offer_type)} in {escape(spec.region)}"
    despite = ["The model does not fit this machine for all that is known."] if request.despite_misfit else []
    return [place, *despite, *([quoted(spec.description)] if spec.description else [])]


def _outcome(request: SpendRequest) -> str:
    when = f", {moment(request.settled_at)}" if request.settled_at else ""
    decider = f" by <@{request.settled_by.user}>" if request.settled_by else ""
    match request.state:
        case SpendState.APPROVED:
            return f":white_check_mark: approved{decider}{when}"
        case SpendState.DENIED:
            return f":no_entry: denied{decider}{when}: {one_line(request.denial_reason)}"
        case SpendState.WITHDRAWN:
            return f"withdrawn by the asker{when}"
        case SpendState.EXPIRED:
            return f"expired{when}: nobody decided within {_WITHIN}"
        case SpendState.OPEN:
            return "open"
