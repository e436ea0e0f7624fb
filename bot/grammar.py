"""What people type after a subcommand, read into values. Slack escapes mentions in commands."""

import re
from dataclasses import dataclass
from datetime import timedelta

from core.access.model import Role
from core.durations import parse_duration
from core.errors import InvalidInputError
from core.logs.rules import LINES, MOST_LINES

_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}", re.ASCII)
_MENTION = re.compile(rf"<@(?P<user>{_USER_ID.pattern})(?:\|[^<>]*)?>", re.ASCII)
_DAYS = re.compile(r"(?P<days>\d{1,4})\s*(d|days?)?", re.ASCII)
_USERS_USAGE = "Write `/prime users @person READ for 30 days`, or `/prime users @person remove`."
_KEEP_USAGE = "Write `/prime keep NAME 2h`, or `30m`, `1d`, `2 days`."
_LOGS_USAGE = f"Write `/prime logs NAME`, or `/prime logs NAME 100` for up to {MOST_LINES} lines."
_COST_USAGE = "Write `/prime cost`, or `/prime cost 7` for the last seven days."
_AUDIT_USAGE = "Write `/prime audit`, `/prime audit @person` or `/prime audit server NAME`."


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersCommand:
    """`user` None lists everybody; `role` None shows one person; Role.NONE removes their grants."""

    user: str | None = None
    role: Role | None = None
    duration: timedelta | None = None


def parse_users(text: str) -> UsersCommand:
    """`[@person [ROLE|remove] [for DURATION]]`. Raises InvalidInputError with the form to use."""
    words = text.split()
    if not words:
        return UsersCommand()
    user = parse_mention(words[0], usage=_USERS_USAGE)
    if len(words) == 1:
        return UsersCommand(user=user)
    role = Role.NONE if words[1].lower() == "remove" else parse_role(words[1])
    rest = words[2:]
    if not rest:
        return UsersCommand(user=user, role=role)
    if rest[0].lower() != "for" or len(rest) == 1:
        raise InvalidInputError(f"I do not understand what follows {role}. {_USERS_USAGE}")
    if role is Role.NONE:
        raise InvalidInputError("Taking a role away has no duration. " + _USERS_USAGE)
    return UsersCommand(user=user, role=role, duration=parse_duration(" ".join(rest[1:])))


def parse_audit(text: str, *, team: str) -> str | None:
    """`[@person|server NAME]` as the actor or target to look for; None for everything. Raises InvalidInputError."""
    words = text.split()
    match words:
        case []:
            return None
        case ["server", name] if name.isprintable():
            return f"server:{name.lower()}"
        case [mention]:
            return f"{team}/{parse_mention(mention, usage=_AUDIT_USAGE)}"
        case _:
            raise InvalidInputError(_AUDIT_USAGE)


def parse_keep(text: str) -> tuple[str, timedelta]:
    """`NAME DURATION`. Raises InvalidInputError with the form to use."""
    name, _, duration = text.strip().partition(" ")
    if not duration:
        raise InvalidInputError(_KEEP_USAGE)
    return parse_server(name), parse_duration(duration)


def parse_server(text: str) -> str:
    """The name of a server, or the beginning of one. Raises InvalidInputError while there is none."""
    if not text or not text.isprintable():
        raise InvalidInputError("Name a server, or the beginning of its name: `/prime servers` lists them.")
    return text


def parse_cost(text: str) -> int | None:
    """`[days]`, also `7d` and `7 days`; None if it was left out. Raises InvalidInputError with the form to use."""
    if not text.strip():
        return None
    match = _DAYS.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidInputError(_COST_USAGE)
    return int(match["days"])


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsCommand:
    name: str
    lines: int


def parse_logs(text: str) -> LogsCommand:
    """`NAME [lines]`; more lines than there may be are the most. Raises InvalidInputError with the form to use."""
    words = text.split()
    match words:
        case [name]:
            return LogsCommand(name=parse_server(name), lines=LINES)
        case [name, number] if number.isascii() and number.isdigit() and number.strip("0"):
            return LogsCommand(name=parse_server(name), lines=min(int(number.lstrip("0")[:4]), MOST_LINES))
        case _:
            raise InvalidInputError(_LOGS_USAGE)


def parse_mention(word: str, *, usage: str) -> str:
    """The user id in `<@U123>` or `<@U123|name>`. Raises InvalidInputError with the usage."""
    match = _MENTION.fullmatch(word)
    if match is None:
        raise InvalidInputError(f"I need a person there, as a mention that Slack completes. {usage}", field="person")
    return match["user"]


def is_user_id(word: str) -> bool:
    return _USER_ID.fullmatch(word) is not None


def parse_role(word: str) -> Role:
    """Any case, `-` or a blank for the underscore."""
    name = word.strip().upper().replace("-", "_").replace(" ", "_")
    if name not in Role.__members__:
        raise InvalidInputError(
            "That is not a role. Roles are READ, READ_WRITE and ADMIN (NONE removes).", field="role"
        )
    return Role[name]
