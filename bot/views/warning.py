"""A prompt that waits for its author's word: what everybody sees of it, what the author is asked, and the proposal that
something is not personal. What was found is shown to the author, and in a proposal to ADMINs, alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import code, escape
from bot.views.kit import Block, actions, button, checkboxes, context, labelled, modal, option, section
from bot.views.menu import Message
from core.redaction.model import LABELS, EntityType
from core.redaction.ports import Proposal
from core.talk.privacy import Choice

Found = Mapping[EntityType, Sequence[str]]

VALUES_SHOWN = 10
"""Of each type; checkboxes hold no more."""
TERM_LENGTH = 100
"""Of what can be proposed."""
_VALUE_SHOWN = 50

_DECIDED = {
    Choice.REDACTED: ":white_check_mark: Sent, with placeholders in place of what was found.",
    Choice.AS_IS: ":white_check_mark: Sent as it is. The same values are not asked about again in this thread.",
    Choice.CANCEL: "Cancelled: nothing was sent.",
}


def build_warned(turn_id: int, author: str) -> Message:
    """The message that becomes the answer, for everybody: no type, no value."""
    text = f"<@{author}> decides first what is sent to the model. Nothing of this was sent yet."
    value = str(turn_id)
    show = button("Show me", Action.WARNING_SHOW, value=value)
    return text, [context(text), actions(show, button("Stop", Action.TALK_STOP, value=value))]


def build_warning(turn_id: int, found: Found, risk: int) -> Message:
    """For the author alone."""
    text = "This may hold something personal. Nothing was sent yet."
    value = str(turn_id)
    return text, [
        section(f":warning: *{text}* The risk is {risk} of 100."),
        *(section(f"*{LABELS[kind]}:* {_values(values)}") for kind, values in found.items()),
        actions(
            button("Send redacted", Action.WARNING_REDACTED, value=value, style="primary"),
            button("Send as is", Action.WARNING_AS_IS, value=value),
            button("Not personal...", Action.WARNING_NOT_PERSONAL, value=value),
            button("Cancel", Action.WARNING_CANCEL, value=value),
        ),
        context(
            "Only you see this. Sent redacted, the model gets placeholders, and the answer shows the values again."
        ),
    ]


def build_decided(choice: Choice) -> Message:
    """In the place of the above."""
    return _DECIDED[choice], [context(_DECIDED[choice])]


# --- not personal


def build_looking_modal() -> dict[str, Any]:
    """Until it is known what was found."""
    return modal("redaction.looking", "Not personal", [section("Looking through your message ...")], close="Back")


def build_not_personal_modal(found: Found) -> dict[str, Any]:
    """The value of a box is what it proposes: see `proposed_in`."""
    inputs = [block for kind, values in found.items() if (block := _boxes(kind, values)) is not None]
    if not inputs:
        text = "What was found is too long for the team's list. Send your message redacted, or as it is."
        return modal("redaction.looking", "Not personal", [section(text)], close="Back")
    return modal(
        Modal.NOT_PERSONAL,
        "Not personal",
        [
            section("What of this is not personal? An ADMIN decides; then it is never replaced again, for anybody."),
            *inputs,
            context("Your message still waits: you can send it redacted, or as it is, meanwhile."),
        ],
        submit="Propose",
        close="Back",
    )


def build_proposed_modal(count: int) -> dict[str, Any]:
    what = "It was" if count == 1 else f"All {count} were"
    text = f"{what} proposed. An ADMIN decides, and I tell you in a direct message."
    return modal("redaction.proposed", "Not personal", [section(text)], close="Close")


def build_proposal(proposal: Proposal) -> Message:
    """What ADMINs see: the term and buttons while it is open, who decided what, and no term, afterwards."""
    who = f"<@{proposal.asker.user}>"
    text = f"Not personal? Found as: {LABELS[proposal.type].lower()}"
    if proposal.decided_by is not None:
        verb = ":white_check_mark: approved" if proposal.is_approved else ":no_entry: denied"
        what = f"{who} proposed that something is not personal, though it was found as: {_label(proposal)}."
        return text, [section(what), context(f"{verb} by <@{proposal.decided_by.user}>")]
    value = str(proposal.id)
    return text, [
        section(
            f"{who} says that this is not personal, though it was found as: {_label(proposal)}.\n{_term(proposal)}"
        ),
        context("Approved, it is never replaced again, for anybody. It stands here only until that is decided."),
        actions(
            button("Approve", Action.PROPOSAL_APPROVE, value=value, style="primary"),
            button("Deny", Action.PROPOSAL_DENY, value=value, style="danger"),
        ),
    ]


def describe_proposal_outcome(proposal: Proposal) -> str:
    """For whoever proposed it."""
    decider = f" by <@{proposal.decided_by.user}>" if proposal.decided_by else ""
    if proposal.is_approved:
        return (
            f":white_check_mark: What you proposed as not personal ({_label(proposal)}) was approved{decider}. It is "
            "sent as it is from now on."
        )
    return (
        f"What you proposed as not personal ({_label(proposal)}) was denied{decider}. You can still send single "
        "messages as they are when you are asked."
    )


def _values(values: Sequence[str]) -> str:
    shown = [code(value, limit=_VALUE_SHOWN) for value in values[:VALUES_SHOWN]]
    if len(values) > VALUES_SHOWN:
        shown.append(f"and {len(values) - VALUES_SHOWN} more")
    return ", ".join(shown)


def _boxes(kind: EntityType, values: Sequence[str]) -> Block | None:
    words = dict.fromkeys(" ".join(value.split()) for value in values)
    terms = [one for one in words if one.isprintable() and len(one) <= TERM_LENGTH][:VALUES_SHOWN]
    if not terms:
        return None
    boxes = checkboxes(Input.TERMS, [option(term, f"{kind}|{term}") for term in terms])
    return labelled(LABELS[kind], boxes, block_id=f"{Input.TERMS}:{kind}", optional=True)


def _label(proposal: Proposal) -> str:
    return LABELS[proposal.type].lower()


def _term(proposal: Proposal) -> str:
    return f">{escape(proposal.term)}"
