"""How answers are generated, as a form: of one answer, of a thread, of a person, of a server."""

from collections.abc import Sequence
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape
from bot.views.kit import Block, actions, button, context, labelled, modal, option, radio, section, select, text_input
from bot.views.seen import build_forget_button
from core.servers.model import Server
from core.talk.model import Mode, ServerTalk, Settings
from core.talk.rules import STOP_LENGTH, STOP_SEQUENCES, SYSTEM_PROMPT_LENGTH
from core.talk.tuning import Scope

INHERITED = "inherited"
"""The value of the mode that stands for: not set here."""
_SCOPES = {
    Scope.NEXT: "The next answer in this thread",
    Scope.THREAD: "This thread",
    Scope.PERSON: "All my threads",
}
_MODES = {Mode.CHAT: "Chat: turns with roles", Mode.COMPLETION: "Completion: the prompt alone, carried on"}
_NUMBER_LENGTH = 30
_ENGINES_OWN = "the engine's own choice"


def build_settings_modal(
    scope: Scope,
    settings: Settings,
    inherited: Settings,
    *,
    scopes: Sequence[Scope],
    place: str = "",
    drawing: str = "",
    can_forget: bool = False,
) -> dict[str, Any]:
    """`inherited`: what holds where nothing is set here. `place`: see `private_metadata`. `drawing`: another at each
    drawing, since what was typed stays in an input that keeps its id."""
    blocks: list[Block] = []
    if len(scopes) > 1:
        options = {one: option(_SCOPES[one], one) for one in scopes}
        chosen = radio(Action.TALK_SCOPE, list(options.values()), initial=options[scope])
        blocks.append(labelled("These hold for", chosen, block_id=Input.SCOPE, dispatch=True))
    blocks += _inputs(settings, inherited, suffix=f":{scope}{drawing}")
    buttons = [] if settings.is_empty else [button("Reset", Action.TALK_RESET)]
    if can_forget:
        buttons.append(build_forget_button(place))
    if buttons:
        blocks.append(actions(*buttons))
    blocks.append(context("What is left empty is taken from the next wider place: the thread, you, the server."))
    return modal(Modal.TALK_SETTINGS, "Settings of answers", blocks, submit="Save", private_metadata=place)


def build_server_talk_modal(server: Server, talk: ServerTalk) -> dict[str, Any]:
    prompt = text_input(
        Input.SYSTEM_PROMPT,
        multiline=True,
        max_length=SYSTEM_PROMPT_LENGTH,
        placeholder="You are a helpful assistant of the Acme team.",
        initial=talk.system_prompt,
    )
    return modal(
        Modal.TALK_SERVER,
        "How it answers",
        [
            section(f"What holds for everybody who asks *{escape(server.spec.name)}*, and sets nothing else."),
            labelled("System prompt", prompt, block_id=Input.SYSTEM_PROMPT, optional=True),
            *_inputs(talk.settings, Settings(), suffix=""),
        ],
        submit="Save",
        private_metadata=str(server.id),
    )


def stop_as_typed(stop: Sequence[str]) -> str:
    r"""One a line; a line break in one is written `\n`."""
    return "\n".join(one.replace("\\", r"\\").replace("\n", r"\n") for one in stop)


def _inputs(settings: Settings, inherited: Settings, *, suffix: str) -> list[Block]:
    stop = text_input(
        Input.STOP,
        multiline=True,
        max_length=2 * STOP_SEQUENCES * (STOP_LENGTH + 1),
        placeholder=(" · ".join(inherited.stop) if inherited.stop else "none")[:150],
        initial=stop_as_typed(settings.stop or ()),
    )
    return [
        _number("Most tokens of an answer", Input.MAX_TOKENS, settings.max_tokens, inherited.max_tokens, suffix),
        _number("Temperature", Input.TEMPERATURE, settings.temperature, inherited.temperature, suffix, "0 to 2"),
        _number("Top p", Input.TOP_P, settings.top_p, inherited.top_p, suffix, "Above 0, at most 1"),
        _number(
            "Repetition penalty",
            Input.REPETITION_PENALTY,
            settings.repetition_penalty,
            inherited.repetition_penalty,
            suffix,
            "1 is none",
        ),
        _number("Seed", Input.SEED, settings.seed, inherited.seed, suffix, "The same seed gives the same answer"),
        labelled(
            "Stop sequences",
            stop,
            block_id=f"{Input.STOP}{suffix}",
            hint=rf"One a line, at most {STOP_SEQUENCES}. Write \n for a line break.",
            optional=True,
        ),
        _mode(settings.mode, inherited.mode, suffix),
    ]


def _number(
    label: str,
    name: Input,
    value: float | None,
    inherited: float | None,
    suffix: str,
    hint: str | None = None,
) -> Block:
    element = text_input(
        name,
        max_length=_NUMBER_LENGTH,
        placeholder=_ENGINES_OWN if inherited is None else str(inherited),
        initial=None if value is None else str(value),
    )
    return labelled(label, element, block_id=f"{name}{suffix}", hint=hint, optional=True)


def _mode(mode: Mode | None, inherited: Mode | None, suffix: str) -> Block:
    elsewhere = option(f"As elsewhere: {inherited or Mode.CHAT}", INHERITED)
    options = {one: option(text, one) for one, text in _MODES.items()}
    initial = elsewhere if mode is None else options[mode]
    chosen = select(Input.MODE, [elsewhere, *options.values()], initial=initial)
    return labelled("Mode", chosen, block_id=f"{Input.MODE}{suffix}", optional=True)
