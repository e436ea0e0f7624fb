"""The ids that Prime and Slack call things by, `<area>.<thing>.<verb>`. A stored message may hold one for years, so
none is ever given another meaning."""

from enum import StrEnum


class Command(StrEnum):
    PRIME = "/prime"


class Action(StrEnum):
    """`action_id` of elements that are pressed or chosen."""

    MENU_HELP = "menu.help.show"

    HOME_PAGE = "home.requests.page"
    HOME_FIRST = "home.requests.first"

    ACCESS_ASK = "access.request.ask"
    ADMIN_CLAIM = "access.admin.claim"
    REQUEST_WITHDRAW = "access.request.withdraw"
    REQUEST_APPROVE = "access.request.approve"
    REQUEST_APPROVE_AS = "access.request.approve_as"
    REQUEST_DENY = "access.request.deny"
    USERS_PAGE = "access.users.page"
    USERS_FIRST = "access.users.first"
    USERS_MENU = "access.users.menu"
    MAPPING_ADD = "access.mapping.add"
    MAPPING_REMOVE = "access.mapping.remove"
    AUDIT_OLDER = "audit.log.older"


class Modal(StrEnum):
    """`callback_id` of modals."""

    REQUEST_ACCESS = "access.request"
    APPROVE_AS = "access.request.approve_as"
    DENY = "access.request.deny"
    CHANGE_ROLE = "access.user.change"
    MAPPINGS = "access.mappings"
    ADD_MAPPING = "access.mapping.add"
    PREVIEW_MAPPING = "access.mapping.preview"


class Input(StrEnum):
    """`block_id` and `action_id` of an input; errors of core name their field by it."""

    REASON = "reason"
    ROLE = "role"
    DURATION = "duration"
    GROUP = "group"
    MANY_CONFIRMED = "many_confirmed"
