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


LEAST_ROLE: dict[Permission, Role] = {
    Permission.SEE_OWN_ACCESS: Role.NONE,
    Permission.SEE_HOME: Role.NONE,
    Permission.DECIDE_REQUESTS: Role.ADMIN,
    Permission.MANAGE_USERS: Role.ADMIN,
    Permission.MANAGE_MAPPINGS: Role.ADMIN,
    Permission.SEE_AUDIT: Role.ADMIN,
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
