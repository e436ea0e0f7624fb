"""The one table of what each role may do. The code, the help text and the README's table all come from it."""

from enum import StrEnum

from core.access.model import Role
from core.errors import AccessDeniedError


class Permission(StrEnum):
    """One thing that somebody may do, in words that fit after "may"."""

    SEE_OWN_ACCESS = "see and request their own access"
    SEE_HOME = "see the dashboard in App Home"
    DECIDE_REQUESTS = "approve and deny access requests"
    MANAGE_USERS = "list people, grant, change and remove roles"
    MANAGE_MAPPINGS = "map user groups and workspace admins to roles"
    SEE_AUDIT = "read the audit log"
    MANAGE_KEYS = "add, rotate and remove clouds' keys"
    SEE_SERVERS = "see servers and how to call them"
    CREATE_SERVERS = "create servers"
    RUN_SERVERS = "start, stop, delete and keep servers"
    REVEAL_KEYS = "reveal a server's key where direct access is allowed"
    ALLOW_DIRECT_ACCESS = "allow direct access to a server, past redaction"
    SEE_CATALOG = "see which machines and models there are, and what they cost"
    EDIT_CATALOG = "change models, prices and limits in the catalogue"
    SEE_COSTS = "see what servers cost"
    MANAGE_BUDGETS = "set budgets and approve what goes beyond them"
    TALK = "talk to models"
    CHOOSE_CHANNEL_SERVER = "choose which server answers in a channel"
    SET_SERVER_TALK = "set a server's system prompt and how it answers"
    SEE_REDACTION = "see the redaction policy and try it on a text"
    TIGHTEN_REDACTION = "make redaction stricter in a channel"
    EDIT_REDACTION = "change the redaction policy and the team's lists"


LEAST_ROLE: dict[Permission, Role] = {
    Permission.SEE_OWN_ACCESS: Role.NONE,
    Permission.SEE_HOME: Role.NONE,
    Permission.DECIDE_REQUESTS: Role.ADMIN,
    Permission.MANAGE_USERS: Role.ADMIN,
    Permission.MANAGE_MAPPINGS: Role.ADMIN,
    Permission.SEE_AUDIT: Role.ADMIN,
    Permission.MANAGE_KEYS: Role.ADMIN,
    Permission.SEE_SERVERS: Role.READ,
    Permission.CREATE_SERVERS: Role.READ_WRITE,
    Permission.RUN_SERVERS: Role.READ_WRITE,
    Permission.REVEAL_KEYS: Role.READ_WRITE,
    Permission.ALLOW_DIRECT_ACCESS: Role.ADMIN,
    Permission.SEE_CATALOG: Role.READ,
    Permission.EDIT_CATALOG: Role.ADMIN,
    Permission.SEE_COSTS: Role.READ,
    Permission.MANAGE_BUDGETS: Role.ADMIN,
    Permission.TALK: Role.READ,
    Permission.CHOOSE_CHANNEL_SERVER: Role.READ_WRITE,
    Permission.SET_SERVER_TALK: Role.ADMIN,
    Permission.SEE_REDACTION: Role.READ,
    Permission.TIGHTEN_REDACTION: Role.READ_WRITE,
    Permission.EDIT_REDACTION: Role.ADMIN,
}

ROLE_SUMMARIES: dict[Role, str] = {
    Role.NONE: "may ask for access",
    Role.READ: "may see servers and talk to models",
    Role.READ_WRITE: "may also create, start, stop and delete servers",
    Role.ADMIN: "may also decide who has access, and change policy and credentials",
}


def may(role: Role, permission: Permission) -> bool:
    return role >= LEAST_ROLE[permission]


def require(role: Role, permission: Permission) -> None:
    """Raises AccessDeniedError with a sentence that names the role it needs."""
    if not may(role, permission):
        raise AccessDeniedError(
            f"That needs the role {LEAST_ROLE[permission]}; yours is {role}. "
            "`/prime access` shows your role and lets you ask for another."
        )
