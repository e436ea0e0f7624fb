"""An answer, from its placeholder to its end. What a model says stands in markdown blocks alone, what Prime says of it
in context and actions blocks alone, so that each is known from the other."""

from collections.abc import Sequence
from datetime import timedelta

from bot.ids import Action
from bot.mrkdwn import escape, escape_cut
from bot.views.kit import Block, actions, button, context, option, select
from bot.views.menu import Message
from bot.views.moments import span
from bot.views.money import per_hour
from core.redaction.placeholders import FORMS
from core.servers.model import Server, ServerState
from core.servers.rules import WAY_UP
from core.talk.model import Answered, Asked, Choice, EndReason, Fate, Turn, TurnState

EXCERPT_LIMIT = 200
"""Of the text for notifications and screen readers."""

Range = tuple[float, float]
"""From so many seconds to so many."""


# --- before the first word


def build_placeholder(asked: Asked, *, expected: Range | None = None) -> Message:
    """The message that becomes the answer; not for NOTED and STOPPED, which have none. `expected`: how long the server
    usually takes to be ready."""
    assert asked.turn is not None, "what is only noted is not shown"
    if asked.fate is Fate.CHOOSE:
        return build_choice(asked.turn.id, asked.choices)
    if asked.fate is not Fate.ACCEPTED and asked.server is not None:
        return build_waking(asked.turn.id, asked.server, expected=expected)
    name = "The model" if asked.server is None else asked.server.spec.name
    return build_behind(asked.turn.id, name) if asked.is_behind else build_thinking(asked.turn.id, name)


def build_thinking(turn_id: int, name: str) -> Message:
    return _waiting(turn_id, f"{escape(name)} is thinking …")


def build_behind(turn_id: int, name: str) -> Message:
    return _waiting(
        turn_id, f"{escape(name)} answers this as soon as the answers before it, and your others, are done."
    )


def build_queue(turn_id: int, name: str, position: int) -> Message:
    return _waiting(turn_id, f"{escape(name)} is busy: you are number {position} in line.")


def build_choice(turn_id: int, choices: Sequence[Choice]) -> Message:
    """Which server is to answer."""
    text = "Which server should answer this? The thread stays with it."
    offered = [option(_choice_text(one), f"{turn_id}|{one.server_id}") for one in choices]
    chosen = select(Action.TALK_CHOOSE, offered, placeholder="Choose a server")
    return text, [context(text), actions(chosen, _stop(turn_id))]


def build_waking(turn_id: int, server: Server, *, expected: Range | None = None) -> Message:
    """Waits for the server: on its way, or to be started by a press."""
    name = escape(server.spec.name)
    usually = "" if expected is None else f" It is usually ready in {_range(expected)}."
    if server.state is ServerState.READY:
        return build_thinking(turn_id, server.spec.name)
    if server.state in WAY_UP:
        return _waiting(turn_id, f"{name} is {server.state}. Your question waits until it is ready.{usually}")
    text = (
        f"{name} is {server.state}. Running, it costs {per_hour(server.hardware.price_usd_per_hour)}.{usually} "
        "Your question waits."
    )
    start = button("Start", Action.TALK_START, value=str(turn_id), style="primary")
    return text, [context(text), actions(start, _stop(turn_id))]


# --- the answer


def build_writing(turn_id: int, name: str, text: str, *, has_tail: bool = False) -> list[Block]:
    """As far as it came. `text` is neutralised Markdown; `has_tail`: what comes now will be a file."""
    says = f"{escape(name)} is writing …"
    if has_tail:
        says += " What follows is longer than messages hold: it comes as a file."
    return [*_said(text), context(says), actions(_stop(turn_id))]


def build_continued(text: str) -> list[Block]:
    """A part of an answer behind which another one stands."""
    return [*_said(text), context("continued below")]


def build_answered(turn: Turn, answered: Answered, text: str, *, is_empty: bool, has_tail: bool = False) -> list[Block]:
    """The last part of an answer that has ended. `is_empty`: there is no word in all of its parts; `has_tail`: the rest
    is a file."""
    notes = _notes(turn, answered, is_empty=is_empty)
    if has_tail:
        notes.insert(0, "The rest of this answer is in the file.")
    footer = _footer(answered)
    blocks = [*_said(text), *map(context, notes)]
    if footer:
        blocks.append(context(footer))
    return [*blocks, actions(*_buttons(turn, answered, is_empty=is_empty))]


def build_surplus() -> list[Block]:
    """A message for a part of an answer that turned out shorter."""
    return [context("Nothing more came here.")]


def build_plain(blocks: Sequence[Block]) -> list[Block]:
    """The same with the model's words as they are, in sections: for Markdown that Slack does not take."""
    plain: list[Block] = []
    for block in blocks:
        if block["type"] != "markdown":
            plain.append(block)
            continue
        words: str = block["text"]
        plain += [
            {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
            for piece in (words[at : at + 2900] for at in range(0, len(words), 2900))
            if piece.strip()
        ]
    return plain


def build_marked(posted: Sequence[Block], sentence: str) -> list[Block]:
    """An answer as it stands in Slack, with what became of it and without anything to press."""
    kept = [
        {key: value for key, value in block.items() if key != "block_id"}
        for block in posted
        if block["type"] != "actions"
    ]
    return [*kept, context(sentence)]


def excerpt(text: str) -> str:
    """The beginning of an answer, for notifications and screen readers."""
    return escape_cut(" ".join(text[: 2 * EXCERPT_LIMIT].split()), limit=EXCERPT_LIMIT)


# --- for one person


def build_refusal(sentence: str) -> Message:
    """To somebody who may not talk to models."""
    return sentence, [context(escape(sentence)), actions(button("Ask for access", Action.ACCESS_ASK))]


def build_edit_offer(turn_id: int) -> Message:
    """To somebody who edited what they had asked."""
    text = "You edited your question. Its answer is to the old one."
    again = button("Answer again", Action.TALK_ASK_EDITED, value=str(turn_id))
    return text, [context(text), actions(again)]


# --- parts of the above


def _waiting(turn_id: int, text: str) -> Message:
    return text, [context(text), actions(_stop(turn_id))]


def _said(text: str) -> list[Block]:
    return [{"type": "markdown", "text": text}] if text.strip() else []


def _stop(turn_id: int) -> Block:
    return button("Stop", Action.TALK_STOP, value=str(turn_id))


def _choice_text(choice: Choice) -> str:
    away = "" if choice.is_ready else " · not running"
    return f"{choice.name} · {_short(choice.model)}"[: 75 - len(away)] + away


def _short(model: str) -> str:
    return model.rsplit("/", 1)[-1]


def _range(expected: Range) -> str:
    least, most = (span(timedelta(seconds=seconds)) for seconds in expected)
    return least if least == most else f"{least} to {most}"


def _notes(turn: Turn, answered: Answered, *, is_empty: bool) -> list[str]:
    notes: list[str] = []
    match answered.state:
        case TurnState.STOPPED:
            by = "" if turn.stopped_by is None else f" by <@{turn.stopped_by.user}>"
            notes.append(f"This answer was stopped{by}.")
        case TurnState.INTERRUPTED:
            notes.append(f":warning: {escape(answered.failure) or 'Prime was interrupted while this was answered.'}")
        case TurnState.FAILED:
            notes.append(f":warning: {escape(answered.failure)}")
        case _ if is_empty:
            notes.append("The model ended its answer without a word.")
        case _ if answered.end is EndReason.LENGTH:
            notes.append("Cut off: there was no room for more. Press Continue to go on.")
    if _hides_values(turn, answered):
        notes.append("Guests or people of other workspaces read here, so this answer keeps its placeholders.")
    if answered.left_out:
        turns = "The oldest turn" if answered.left_out == 1 else f"The oldest {answered.left_out} turns"
        notes.append(f"{turns} of this thread did not fit and {'was' if answered.left_out == 1 else 'were'} left out.")
    return notes


def _footer(answered: Answered) -> str:
    facts = [escape(answered.server), escape(_short(answered.model))] if answered.server else []
    if answered.generated_tokens is not None:
        facts.append(_count(answered.generated_tokens, "token"))
        if answered.seconds is not None:
            facts.append(f"{answered.seconds:.1f} s")
            if answered.seconds > 0:
                facts.append(f"{answered.generated_tokens / answered.seconds:.0f} tokens/s")
    if answered.redactions:
        facts.append(f"{_count(answered.redactions, 'value')} redacted")
    return " · ".join(facts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _buttons(turn: Turn, answered: Answered, *, is_empty: bool) -> list[Block]:
    value = str(turn.id)
    settings = button("Settings", Action.TALK_SETTINGS, value=value)
    if answered.state in (TurnState.FAILED, TurnState.INTERRUPTED):
        buttons = [button("Retry", Action.TALK_RETRY, value=value), settings]
    else:
        buttons = [button("Regenerate", Action.TALK_RETAKE, value=value)]
        if answered.state is TurnState.DONE and answered.end is EndReason.LENGTH:
            buttons.append(button("Continue", Action.TALK_MORE, value=value))
        buttons += [
            button("Undo", Action.TALK_UNDO, value=value),
            button("Clear", Action.TALK_CLEAR, value=value),
            settings,
        ]
        if not is_empty:
            buttons.append(button(":thumbsup:", Action.TALK_UP, value=value))
            buttons.append(button(":thumbsdown:", Action.TALK_DOWN, value=value))
    if turn.is_redacted and turn.prompt:
        buttons.append(button("What the model saw", Action.TURN_SEEN, value=value))
    if _hides_values(turn, answered):
        buttons.append(button("Reveal to me", Action.TURN_REVEAL, value=value))
    if answered.may_read_thread:
        buttons.append(button("Read the thread above", Action.TALK_READ_THREAD, value=value))
    return buttons


def _hides_values(turn: Turn, answered: Answered) -> bool:
    return answered.is_masked and FORMS.search(turn.answer) is not None
