"""The menu and the help, made from the table of subcommands."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ids import Action, Command
from bot.mrkdwn import code, unescape
from bot.views.kit import Block, actions, button, context, section

Message = tuple[str, list[Block]]
"""The text for notifications and screen readers, and the blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHelp:
    """What people read of one subcommand."""

    name: str
    usage: str
    """What follows the name: `[command]`, `NAME [lines]`."""
    summary: str
    """One line, without a full stop."""
    examples: tuple[str, ...] = ()
    """Whole lines to type."""


def build_menu(commands: Sequence[CommandHelp]) -> Message:
    """`/prime` alone."""
    text = "Prime runs your team's own language models."
    return text, [section(f"*Prime* runs your team's own language models.\n{_lines(commands)}"), _buttons()]


def build_greeting(commands: Sequence[CommandHelp]) -> Message:
    """The answer to who talks to Prime."""
    text = "Hello! I am Prime, and I run your team's own language models."
    return text, [section(f"{text} Today this is what I can do:\n{_lines(commands)}"), _buttons()]


def build_help(commands: Sequence[CommandHelp]) -> Message:
    text = "What you can do with Prime"
    examples = [example for command in commands for example in command.examples]
    return text, [
        section(f"*{text}*\n{_lines(commands)}"),
        context("For example " + ", ".join(f"`{example}`" for example in examples) + "."),
    ]


def build_command_help(command: CommandHelp) -> Message:
    examples = "\n".join(f"`{example}`" for example in command.examples)
    return command.summary, [section(f"{_line(command)}\n{examples}")]


def build_unknown(word: str, closest: str) -> Message:
    text = f"Prime does not know {code(unescape(word))}. Did you mean `{Command.PRIME} {closest}`?"
    return text, [section(text), context(f"`{Command.PRIME} help` shows all that there is.")]


def _lines(commands: Sequence[CommandHelp]) -> str:
    return "\n".join(map(_line, commands))


def _line(command: CommandHelp) -> str:
    return f"`{f'{Command.PRIME} {command.name} {command.usage}'.strip()}` {command.summary}"


def _buttons() -> Block:
    return actions(button("Help", Action.MENU_HELP))
