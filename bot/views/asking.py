"""Asking a model from outside a thread: about a message, by a command; and what is told where it begins."""

from collections.abc import Sequence
from typing import Any

from bot.ids import Action, Input, Modal
from bot.mrkdwn import escape, quoted
from bot.views.kit import (
    Block,
    actions,
    button,
    confirm,
    context,
    labelled,
    modal,
    option,
    section,
    select,
    text_input,
)
from bot.views.menu import Message
from bot.views.servers import describe_start
from core.servers.model import Server

ABOUT = "about"
"""What the ids of the blocks begin with that show the message."""
ABOUT_LENGTH = 12_000
"""Of a message, what a model is asked about."""
PROMPT_LENGTH = 3000
_BLOCK_LENGTH = 3000
_ANY = "The one that answers here"


def build_ask_about(text: str, servers: Sequence[Server], *, place: str) -> dict[str, Any]:
    """`text`: the message, as it was typed. `place`: see `bot.asking_about`."""
    shown = text[:ABOUT_LENGTH]
    blocks = [
        _as_typed(shown[at : at + _BLOCK_LENGTH], number=at // _BLOCK_LENGTH)
        for at in range(0, len(shown), _BLOCK_LENGTH)
    ]
    if len(text) > ABOUT_LENGTH:
        blocks.append(context(f"The model is asked about these first {ABOUT_LENGTH:,} characters."))
    question = text_input(
        Input.PROMPT, multiline=True, max_length=PROMPT_LENGTH, placeholder="Explain this in plain words."
    )
    blocks.append(labelled("Question", question, block_id=Input.PROMPT, optional=bool(shown.strip())))
    if servers:
        offered = [option(one.spec.name, str(one.id), description=f"{one.state}, {one.spec.model}") for one in servers]
        chosen = select(Input.SERVER, offered, placeholder=_ANY)
        blocks.append(labelled("Server", chosen, block_id=Input.SERVER, optional=True))
    blocks.append(context("The answer comes into the thread of the message, for all who read it."))
    return modal(Modal.ASK_ABOUT, "Ask Prime about this", blocks, submit="Ask", private_metadata=place)


def build_chat_begun(user: str, server: str, prompt: str, *, is_about: bool, hint: str = "") -> Message:
    """The message that a thread, or a question in one, begins with. Empty: `server` while none is chosen, `prompt` if
    nothing is asked yet. `hint`: why it stands here and not where it was asked."""
    whom = f"*{escape(server)}*" if server else "a model"
    if prompt:
        what = f"<@{user}> asks {whom}{' about this message' if is_about else ''}:"
        text = f"{what}\n{quoted(prompt)}"
    elif is_about:
        text = f"<@{user}> asks {whom} about this message."
    else:
        text = f"<@{user}> talks to {whom} in this thread: reply here, no mention needed."
    blocks: list[Block] = [section(text)]
    return f"A thread with {server or 'a model'}", [*blocks, context(hint)] if hint else blocks


def build_start_asked(user: str, server: Server) -> Message:
    """To whoever may start the server."""
    text = f"<@{user}> has a question for *{escape(server.spec.name)}*, which is {server.state}, and may not start it."
    dialog = confirm(f"Start {server.spec.name}?", describe_start(server), verb="Start")
    start = button("Start", Action.SERVER_START, value=str(server.id), style="primary", confirm=dialog)
    return f"Somebody waits for {server.spec.name}", [section(text), actions(start)]


def _as_typed(text: str, *, number: int) -> Block:
    shown = {"type": "plain_text", "text": text, "emoji": False}
    return {"type": "section", "block_id": f"{ABOUT}:{number}", "text": shown}
