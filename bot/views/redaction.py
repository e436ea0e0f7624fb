"""The redaction policy: of the workspace, of one channel, the team's own lists, and a text to try it on."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import code
from bot.views.kit import (
    Block,
    actions,
    button,
    checkbox,
    context,
    divider,
    file_input,
    labelled,
    modal,
    number_input,
    option,
    section,
    sections,
    select,
    text_input,
    verbatim,
)
from core.redaction.model import LABELS, Disposition, EntityType
from core.redaction.policy import ChannelPolicy, Policy, effective, is_laxer

WORDS = {
    Disposition.PASSTHROUGH: "Passthrough",
    Disposition.WARN: "Warn",
    Disposition.REDACT: "Redact",
    Disposition.BLOCK: "Block",
}
INHERITED = "inherited"
"""In a channel: as in the workspace."""
ALLOW, REMOVE = "allow", "remove"
"""Of terms that are typed or uploaded; the other choices are types."""
RETENTION_MOST_DAYS = 3650
TEXT_LENGTH = 3000

_MEANING = (
    "Passthrough: sent as it is. Warn: whoever asks decides. Redact: the model gets a placeholder, the answer shows "
    "the value. Block: nothing is sent."
)
_FOUND_SHOWN = 30


def build_policy_modal(policy: Policy, *, retention_days: int, can_edit: bool, channel: str) -> dict[str, Any]:
    """`channel`: where it was opened."""
    if can_edit:
        blocks = [_choice(kind, policy.of(kind)) for kind in LABELS]
        days = number_input(Input.RETENTION_DAYS, least=1, most=RETENTION_MOST_DAYS, initial=retention_days)
        hint = "So many days after the last question, what was said in a thread is forgotten for good."
        blocks.append(labelled("Forget threads after (days)", days, block_id=Input.RETENTION_DAYS, hint=hint))
    else:
        blocks = [*_lines(policy), context(f"Threads are forgotten {retention_days} days after their last question.")]
    return modal(
        Modal.REDACTION,
        "Redaction",
        [
            section("What Prime does with what it finds in a message, before anything goes to a model."),
            context(_MEANING),
            actions(
                button("This channel...", Action.REDACTION_CHANNEL),
                button("Your team's lists...", Action.REDACTION_LISTS),
                button("Try a text...", Action.REDACTION_TRY),
            ),
            *blocks,
        ],
        submit="Save" if can_edit else None,
        close="Cancel" if can_edit else "Close",
        private_metadata=channel,
    )


def describe_policy(policy: Policy) -> str:
    """In a line."""
    told = [
        f"{verb} {', '.join(LABELS[kind].lower() for kind in LABELS if kind in policy.types(disposition))}"
        for disposition, verb in (
            (Disposition.BLOCK, "blocks"),
            (Disposition.REDACT, "redacts"),
            (Disposition.WARN, "warns of"),
        )
        if policy.types(disposition)
    ]
    return f"*Redaction* {'; '.join(told)}." if told else "*Redaction* is off: everything is sent as it is."


# --- one channel


def build_channel_modal(
    workspace: Policy, own: ChannelPolicy | None, *, channel: str, can_tighten: bool, can_sign: bool
) -> dict[str, Any]:
    """`can_tighten`: may make it stricter; `can_sign`: laxer, too."""
    intro = "What differs in this channel from the rest of the workspace."
    if not can_tighten:
        text = "It can be made stricter by READ_WRITE, and laxer by an ADMIN."
        blocks: list[Block] = [section(intro), *_lines(effective(workspace, own)), context(text)]
        return modal("redaction.channel.shown", "This channel", blocks, close="Back")
    changes = {} if own is None else own.changes
    blocks = [section(intro if can_sign else f"{intro} You can make it stricter; an ADMIN can make it laxer.")]
    blocks += [_own_choice(kind, workspace.of(kind), changes.get(kind), can_sign=can_sign) for kind in LABELS]
    if can_sign:
        box = checkbox(Input.SIGNED, "I sign this", ticked=own is not None and own.is_signed)
        hint = "Needed where it is laxer than the workspace. Your name goes into the audit log."
        blocks.append(labelled("Laxer than elsewhere", box, block_id=Input.SIGNED, hint=hint, optional=True))
    return modal(Modal.REDACTION_CHANNEL, "This channel", blocks, submit="Save", close="Back", private_metadata=channel)


# --- the team's lists


def build_lists_modal(
    counts: Mapping[EntityType | None, int], *, can_edit: bool, drawing: str = "", note: str | None = None
) -> dict[str, Any]:
    """`counts`: terms by what they are replaced as; None: those that are allowed. `drawing`: another at each drawing,
    since what was typed stays in an input that keeps its id."""
    blocks: list[Block] = [section(note)] if note else []
    blocks += [
        section("What your team knows to be secret, or not to be: customers, projects, product names."),
        *_counts(counts),
        context("Terms are kept as fingerprints, so they cannot be listed. To remove one, write it again."),
    ]
    if not can_edit:
        return modal(
            "redaction.lists.shown", "Your team's lists", [*blocks, context("An ADMIN changes them.")], close="Back"
        )
    terms = text_input(Input.TERMS, multiline=True, max_length=TEXT_LENGTH, placeholder="Acme Rocket Company")
    files = file_input(Input.FILE, filetypes=["txt"])
    options = [
        *(option(f"Replace as: {LABELS[kind]}", kind) for kind in (EntityType.TERM, *_other_types())),
        option("Allow: never replace", ALLOW),
        option("Remove from the lists", REMOVE),
    ]
    listed_as = select(Input.LISTED_AS, options, initial=options[0])
    blocks += [
        labelled("Terms", terms, block_id=f"{Input.TERMS}:{drawing}", hint="One a line.", optional=True),
        labelled("Or a text file", files, block_id=f"{Input.FILE}:{drawing}", hint="One term a line.", optional=True),
        labelled("What to do with them", listed_as, block_id=Input.LISTED_AS),
    ]
    return modal(Modal.REDACTION_LISTS, "Your team's lists", blocks, submit="Save", close="Back")


# --- trying


def build_try_modal(*, channel: str, result: Sequence[Block] = ()) -> dict[str, Any]:
    text = text_input(Input.TEXT, multiline=True, max_length=TEXT_LENGTH, placeholder="Mail jane@example.org ...")
    return modal(
        Modal.REDACTION_TRY,
        "Try a text",
        [
            labelled("Text", text, block_id=Input.TEXT, hint="What would be found and sent. Nothing of it is kept."),
            *result,
        ],
        submit="Try",
        close="Back",
        private_metadata=channel,
    )


def build_trial(
    found: Sequence[tuple[EntityType, str, Disposition]], *, risk: int, sent: str, blocked: Sequence[EntityType]
) -> list[Block]:
    """`sent`: what the model would get, were nothing of `blocked` in it."""
    lines = [f"{LABELS[kind]}: {code(value)} → {WORDS[what]}" for kind, value, what in found[:_FOUND_SHOWN]]
    if len(found) > _FOUND_SHOWN:
        lines.append(f"and {len(found) - _FOUND_SHOWN} more")
    blocks: list[Block] = [divider(), section(f"*Found* (risk {risk} of 100)" if found else "*Nothing was found.*")]
    blocks += sections(lines)
    if blocked:
        names = ", ".join(LABELS[kind].lower() for kind in blocked)
        return [*blocks, section(f":no_entry: Nothing would be sent, because of: {names}.")]
    if any(what is Disposition.WARN for _, _, what in found):
        blocks.append(section(":warning: Whoever asks would be asked first. Sent redacted, the model would get:"))
    else:
        blocks.append(section("*The model would get*"))
    return [*blocks, *verbatim(sent)]


# --- parts


def _choice(kind: EntityType, now: Disposition) -> Block:
    options = {one: option(word, one) for one, word in WORDS.items()}
    chosen = select(Input.DISPOSITION, list(options.values()), initial=options[now])
    return labelled(LABELS[kind], chosen, block_id=f"{Input.DISPOSITION}:{kind}")


def _own_choice(kind: EntityType, workspace: Disposition, own: Disposition | None, *, can_sign: bool) -> Block:
    elsewhere = option(f"As elsewhere: {WORDS[workspace]}", INHERITED)
    options = {
        one: option(word, one)
        for one, word in WORDS.items()
        if can_sign or one is own or (one is not workspace and not is_laxer(one, workspace))
    }
    initial = elsewhere if own is None else options[own]
    chosen = select(Input.DISPOSITION, [elsewhere, *options.values()], initial=initial)
    return labelled(LABELS[kind], chosen, block_id=f"{Input.DISPOSITION}:{kind}")


def _lines(policy: Policy) -> list[Block]:
    return sections(f"*{LABELS[kind]}:* {WORDS[policy.of(kind)]}" for kind in LABELS)


def _counts(counts: Mapping[EntityType | None, int]) -> list[Block]:
    lines = [f"{LABELS[kind]}: {counts[kind]:,} replaced" for kind in LABELS if counts.get(kind)]
    if counts.get(None):
        lines.append(f"Allowed: {counts[None]:,}")
    return sections(lines) if lines else [section("There is nothing on the lists yet.")]


def _other_types() -> list[EntityType]:
    return [kind for kind in LABELS if kind is not EntityType.TERM]
