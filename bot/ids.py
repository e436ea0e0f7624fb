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
    HOME_SERVERS_PAGE = "home.servers.page"
    HOME_SERVERS_FIRST = "home.servers.first"
    SERVERS_PAGE = "servers.list.page"
    """`<last server's id>|<what was searched>`."""
    SERVERS_FIRST = "servers.list.first"
    """`|<what was searched>`."""
    SERVER_OPEN = "servers.server.open"
    SERVER_REFRESH = "servers.server.refresh"
    SERVER_START = "servers.server.start"
    SERVER_STOP = "servers.server.stop"
    SERVER_DELETE = "servers.server.delete"
    SERVER_USAGE = "servers.server.usage"
    SERVER_ALLOW_DIRECT = "servers.direct_access.allow"
    SERVER_FORBID_DIRECT = "servers.direct_access.forbid"
    SERVER_REVEAL_KEY = "servers.key.reveal"
    SERVER_CREATE = "servers.server.create"
    """Opens the create modal."""
    SERVER_TRY_OFFER = "servers.offer.try"
    """The same, filled in like a server that failed but for the offer: `<server id>|<type>|<region>`."""
    CREATE_CHOOSE = "servers.create.choose"
    """Something that the rest of the create modal depends on was chosen; the block tells what."""
    CREATE_MODEL = "servers.create.model"
    CREATE_USE = "servers.create.use"
    """Takes the offer in the value: `<type>|<region>`."""
    CREATE_ADVANCED = "servers.create.advanced"

    KEY_ENTER = "keys.key.enter"
    KEY_CHECK = "keys.key.check"
    KEY_REMOVE = "keys.key.remove"

    CATALOG_MODELS = "catalog.models.show"
    CATALOG_MACHINES = "catalog.machines.show"
    CATALOG_TEMPLATES = "catalog.templates.show"
    CATALOG_LIMITS = "catalog.limits.show"
    CATALOG_CLOUD = "catalog.cloud.show"
    CATALOG_PREVIOUS = "catalog.list.previous"
    CATALOG_NEXT = "catalog.list.next"
    """These show another part of the catalogue: `<tab>|<cloud>|<page>|<what was searched>`."""
    CATALOG_ADD_MODEL = "catalog.model.add"
    """As above; those below have in front what they are about and another `|`."""
    CATALOG_REMOVE_MODEL = "catalog.model.remove"
    CATALOG_PRICE = "catalog.offer.price"
    CATALOG_HIDE = "catalog.offer.hide"
    CATALOG_SHOW = "catalog.offer.show"
    CATALOG_HIDE_TEMPLATE = "catalog.template.hide"
    CATALOG_SHOW_TEMPLATE = "catalog.template.show"
    CATALOG_LIMIT = "catalog.limit.change"


class Modal(StrEnum):
    """`callback_id` of modals."""

    REQUEST_ACCESS = "access.request"
    APPROVE_AS = "access.request.approve_as"
    DENY = "access.request.deny"
    CHANGE_ROLE = "access.user.change"
    MAPPINGS = "access.mappings"
    ADD_MAPPING = "access.mapping.add"
    PREVIEW_MAPPING = "access.mapping.preview"
    START_SERVER = "servers.start"
    STOP_SERVER = "servers.stop"
    DELETE_SERVER = "servers.delete"
    CREATE_SERVER = "servers.create"
    CREATE_ADVANCED = "servers.create.advanced"
    CREATE_MISFIT = "servers.create.misfit"
    KEYS = "keys.list"
    ENTER_KEY = "keys.key.enter"
    CATALOG = "catalog.list"
    ADD_MODEL = "catalog.model.add"
    SET_PRICE = "catalog.offer.price"
    CHANGE_LIMIT = "catalog.limit.change"


class Shortcut(StrEnum):
    """`callback_id` of shortcuts."""

    CREATE_SERVER = "servers.create"


class Input(StrEnum):
    """What an input is called: its `block_id`, or that in front of a colon. Errors of core name their field by it."""

    REASON = "reason"
    ROLE = "role"
    DURATION = "duration"
    GROUP = "group"
    MANY_CONFIRMED = "many_confirmed"

    NAME = "name"
    DESCRIPTION = "description"
    MODEL = "model"
    PROVIDER = "provider"
    OFFER = "offer"
    DISK = "disk"
    REGION = "region"
    TEMPLATE = "template"
    QUANTIZATION = "quantization"
    IDLE_STOP = "idle_stop"
    ENDS_AT = "ends_at"
    ENGINE = "engine"
    DTYPE = "dtype"
    KV_CACHE_DTYPE = "kv_cache_dtype"
    WEIGHTS_CACHE_OVERRIDE = "weights_cache_override"
    TRUST_REMOTE_CODE = "trust_remote_code"
    STATIC_ADDRESS = "static_address"

    SECRET = "secret"  # noqa: S105 a name
    SEARCH = "search"
    PRICE = "price"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    DEFAULT = "default"
