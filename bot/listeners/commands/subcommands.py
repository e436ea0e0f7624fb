"""What may follow `/prime`, in one table: the menu, the help and suggestions are made from it."""

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.listeners.call import Call, answer
from bot.listeners.commands.access import handle_access
from bot.listeners.commands.audit import handle_audit
from bot.listeners.commands.catalog import handle_catalog
from bot.listeners.commands.cost import handle_cost
from bot.listeners.commands.create import handle_create
from bot.listeners.commands.keys import handle_keys
from bot.listeners.commands.logs import handle_logs
from bot.listeners.commands.redaction import handle_redaction
from bot.listeners.commands.roles import handle_roles
from bot.listeners.commands.servers import (
    handle_delete,
    handle_server,
    handle_servers,
    handle_start,
    handle_stop,
    handle_usage,
)
from bot.listeners.commands.talk import handle_chat, handle_default, handle_settings
from bot.listeners.commands.users import handle_users
from bot.listeners.commands.watch import handle_keep
from bot.views.menu import CommandHelp, build_command_help, build_help, build_unknown
from core.access.model import Role
from core.access.permissions import Permission, may, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand(CommandHelp):
    handler: Callable[[Call], Awaitable[None]]
    """Answers by `call.ack`, within milliseconds."""
    permission: Permission | None = None
    """What the caller needs; None where everybody may."""


def subcommands_for(role: Role) -> list[Subcommand]:
    return [one for one in SUBCOMMANDS.values() if one.permission is None or may(role, one.permission)]


def closest_to(word: str, role: Role) -> str:
    """Among those that this role may use."""
    names = [subcommand.name for subcommand in subcommands_for(role)]
    return difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.0)[0]


async def handle_help(call: Call) -> None:
    role = (await call.actor.principal()).role
    word = call.arguments.split(maxsplit=1)[0].lower() if call.arguments else ""
    if not word:
        await answer(call.ack, build_help(subcommands_for(role)))
    elif word in SUBCOMMANDS:
        await answer(call.ack, build_command_help(SUBCOMMANDS[word]))
    else:
        await answer(call.ack, build_unknown(word, closest_to(word, role)))


async def run_subcommand(subcommand: Subcommand, call: Call) -> None:
    """Raises AccessDeniedError before anything is opened."""
    if subcommand.permission is not None:
        require((await call.actor.principal()).role, subcommand.permission)
    await subcommand.handler(call)


SUBCOMMANDS = {
    subcommand.name: subcommand
    for subcommand in [
        Subcommand(
            name="help",
            usage="[command]",
            summary="shows what you can do here, or more about one command",
            examples=("/prime help", "/prime help access"),
            handler=handle_help,
        ),
        Subcommand(
            name="access",
            usage="",
            summary="shows your role and when it ends, or asks for one",
            examples=("/prime access",),
            handler=handle_access,
        ),
        Subcommand(
            name="servers",
            usage="[text]",
            summary="lists servers, or those whose name, description, model, GPU or cloud match",
            examples=("/prime servers", "/prime servers llama"),
            handler=handle_servers,
            permission=Permission.SEE_SERVERS,
        ),
        Subcommand(
            name="server",
            usage="NAME",
            summary="shows one server, with what you can do with it",
            examples=("/prime server llama",),
            handler=handle_server,
            permission=Permission.SEE_SERVERS,
        ),
        Subcommand(
            name="usage",
            usage="NAME",
            summary="shows how a program calls a server: curl, Python, Node, parameters",
            examples=("/prime usage llama",),
            handler=handle_usage,
            permission=Permission.SEE_SERVERS,
        ),
        Subcommand(
            name="logs",
            usage="NAME [lines]",
            summary="shows the last lines of a server's engine log",
            examples=("/prime logs llama", "/prime logs llama 100"),
            handler=handle_logs,
            permission=Permission.SEE_SERVERS,
        ),
        Subcommand(
            name="chat",
            usage="[NAME] [prompt]",
            summary="starts a thread with a model in this channel",
            examples=("/prime chat", "/prime chat llama What is a llama?"),
            handler=handle_chat,
            permission=Permission.TALK,
        ),
        Subcommand(
            name="settings",
            usage="",
            summary="sets how the answers to you are generated",
            examples=("/prime settings",),
            handler=handle_settings,
            permission=Permission.TALK,
        ),
        Subcommand(
            name="default",
            usage="NAME|none",
            summary="sets which server answers when Prime is mentioned in this channel",
            examples=("/prime default llama", "/prime default none"),
            handler=handle_default,
            permission=Permission.CHOOSE_CHANNEL_SERVER,
        ),
        Subcommand(
            name="create",
            usage="",
            summary="creates a server for a model, after showing what it costs",
            examples=("/prime create",),
            handler=handle_create,
            permission=Permission.CREATE_SERVERS,
        ),
        Subcommand(
            name="start",
            usage="NAME",
            summary="starts a stopped server, after saying what it costs",
            examples=("/prime start llama",),
            handler=handle_start,
            permission=Permission.RUN_SERVERS,
        ),
        Subcommand(
            name="stop",
            usage="NAME",
            summary="stops a server, after saying what still costs money",
            examples=("/prime stop llama",),
            handler=handle_stop,
            permission=Permission.RUN_SERVERS,
        ),
        Subcommand(
            name="delete",
            usage="NAME",
            summary="deletes a server with its machine and disk, once you have typed its name",
            examples=("/prime delete llama",),
            handler=handle_delete,
            permission=Permission.RUN_SERVERS,
        ),
        Subcommand(
            name="keep",
            usage="NAME DURATION",
            summary="keeps Prime from stopping or deleting a server by itself for so long",
            examples=("/prime keep llama 2h", "/prime keep llama 3 days"),
            handler=handle_keep,
            permission=Permission.RUN_SERVERS,
        ),
        Subcommand(
            name="cost",
            usage="[days]",
            summary="shows what servers cost, by server, owner and model, and how the budgets stand",
            examples=("/prime cost", "/prime cost 7"),
            handler=handle_cost,
            permission=Permission.SEE_COSTS,
        ),
        Subcommand(
            name="catalog",
            usage="",
            summary="shows which models and machines there are, what they cost, and how engines may be set",
            examples=("/prime catalog",),
            handler=handle_catalog,
            permission=Permission.SEE_CATALOG,
        ),
        Subcommand(
            name="redaction",
            usage="",
            summary="shows what is replaced before a message goes to a model, and lets you try a text",
            examples=("/prime redaction",),
            handler=handle_redaction,
            permission=Permission.SEE_REDACTION,
        ),
        Subcommand(
            name="keys",
            usage="",
            summary="adds, checks, replaces and removes the clouds' keys",
            examples=("/prime keys",),
            handler=handle_keys,
            permission=Permission.MANAGE_KEYS,
        ),
        Subcommand(
            name="users",
            usage="[@person [ROLE|remove] [for DURATION]]",
            summary="lists who has which role; gives, changes or removes one",
            examples=("/prime users", "/prime users @nils READ for 30 days", "/prime users @nils remove"),
            handler=handle_users,
            permission=Permission.MANAGE_USERS,
        ),
        Subcommand(
            name="roles",
            usage="",
            summary="maps user groups and workspace admins to roles",
            examples=("/prime roles",),
            handler=handle_roles,
            permission=Permission.MANAGE_MAPPINGS,
        ),
        Subcommand(
            name="audit",
            usage="[@person|server NAME]",
            summary="shows who did what",
            examples=("/prime audit", "/prime audit @nils"),
            handler=handle_audit,
            permission=Permission.SEE_AUDIT,
        ),
    ]
}
