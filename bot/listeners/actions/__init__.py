"""Buttons and selects."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Action
from bot.listeners.actions.audit import handle_audit_older
from bot.listeners.actions.catalog import (
    handle_catalog_add_model,
    handle_catalog_hide,
    handle_catalog_hide_template,
    handle_catalog_limit,
    handle_catalog_price,
    handle_catalog_remove_model,
    handle_catalog_show,
    handle_catalog_unhide,
    handle_catalog_unhide_template,
)
from bot.listeners.actions.cost import handle_cost_budgets, handle_cost_chart
from bot.listeners.actions.create import (
    handle_create_advanced,
    handle_create_choose,
    handle_create_use,
    handle_server_create,
    handle_try_offer,
)
from bot.listeners.actions.home import handle_home_page
from bot.listeners.actions.keys import handle_key_check, handle_key_enter, handle_key_remove
from bot.listeners.actions.logs import handle_logs_follow, handle_logs_show, handle_server_logs
from bot.listeners.actions.mappings import handle_mapping_add, handle_mapping_remove
from bot.listeners.actions.menu import handle_menu_help
from bot.listeners.actions.privacy import (
    handle_thread_forget,
    handle_turn_reveal,
    handle_turn_seen,
    handle_warning,
    handle_warning_not_personal,
    handle_warning_show,
)
from bot.listeners.actions.redaction import (
    handle_proposal,
    handle_redaction_channel,
    handle_redaction_lists,
    handle_redaction_try,
)
from bot.listeners.actions.requests import (
    handle_approve,
    handle_approve_as,
    handle_ask,
    handle_claim,
    handle_deny,
    handle_withdraw,
)
from bot.listeners.actions.servers import (
    handle_home_servers_page,
    handle_server_delete,
    handle_server_open,
    handle_server_refresh,
    handle_server_start,
    handle_server_stop,
    handle_servers_page,
)
from bot.listeners.actions.spend_requests import (
    handle_approve_spend,
    handle_ask_start,
    handle_deny_spend,
    handle_withdraw_spend,
)
from bot.listeners.actions.talk import (
    handle_talk_ask_edited,
    handle_talk_choose,
    handle_talk_clear,
    handle_talk_more,
    handle_talk_read_thread,
    handle_talk_retake,
    handle_talk_start,
    handle_talk_stop,
    handle_talk_undo,
    handle_talk_vote,
)
from bot.listeners.actions.talk_settings import (
    handle_server_talk,
    handle_talk_reset,
    handle_talk_scope,
    handle_talk_settings,
)
from bot.listeners.actions.usage import (
    handle_allow_direct,
    handle_forbid_direct,
    handle_reveal_key,
    handle_server_usage,
)
from bot.listeners.actions.users import handle_users_menu, handle_users_page
from bot.listeners.actions.watch import (
    handle_machine_adopt,
    handle_machine_ignore,
    handle_server_chart,
    handle_server_keep,
    handle_server_keep_until,
)

LISTENERS = {
    Action.MENU_HELP: handle_menu_help,
    Action.HOME_PAGE: handle_home_page,
    Action.HOME_FIRST: handle_home_page,
    Action.ACCESS_ASK: handle_ask,
    Action.ADMIN_CLAIM: handle_claim,
    Action.REQUEST_WITHDRAW: handle_withdraw,
    Action.REQUEST_APPROVE: handle_approve,
    Action.REQUEST_APPROVE_AS: handle_approve_as,
    Action.REQUEST_DENY: handle_deny,
    Action.USERS_PAGE: handle_users_page,
    Action.USERS_FIRST: handle_users_page,
    Action.USERS_MENU: handle_users_menu,
    Action.MAPPING_ADD: handle_mapping_add,
    Action.MAPPING_REMOVE: handle_mapping_remove,
    Action.AUDIT_OLDER: handle_audit_older,
    Action.HOME_SERVERS_PAGE: handle_home_servers_page,
    Action.HOME_SERVERS_FIRST: handle_home_servers_page,
    Action.SERVERS_PAGE: handle_servers_page,
    Action.SERVERS_FIRST: handle_servers_page,
    Action.SERVER_OPEN: handle_server_open,
    Action.SERVER_REFRESH: handle_server_refresh,
    Action.SERVER_START: handle_server_start,
    Action.SERVER_STOP: handle_server_stop,
    Action.SERVER_DELETE: handle_server_delete,
    Action.SERVER_USAGE: handle_server_usage,
    Action.SERVER_CHART: handle_server_chart,
    Action.SERVER_KEEP: handle_server_keep,
    Action.SERVER_KEEP_UNTIL: handle_server_keep_until,
    Action.MACHINE_ADOPT: handle_machine_adopt,
    Action.MACHINE_IGNORE: handle_machine_ignore,
    Action.SERVER_LOGS: handle_server_logs,
    Action.LOGS_ALL: handle_logs_show,
    Action.LOGS_WARNINGS: handle_logs_show,
    Action.LOGS_ERRORS: handle_logs_show,
    Action.LOGS_REFRESH: handle_logs_show,
    Action.LOGS_FOLLOW: handle_logs_follow,
    Action.SERVER_ALLOW_DIRECT: handle_allow_direct,
    Action.SERVER_FORBID_DIRECT: handle_forbid_direct,
    Action.SERVER_REVEAL_KEY: handle_reveal_key,
    Action.SERVER_CREATE: handle_server_create,
    Action.SERVER_TRY_OFFER: handle_try_offer,
    Action.CREATE_CHOOSE: handle_create_choose,
    Action.CREATE_MODEL: handle_create_choose,
    Action.CREATE_USE: handle_create_use,
    Action.CREATE_ADVANCED: handle_create_advanced,
    Action.COST_CHART: handle_cost_chart,
    Action.COST_BUDGETS: handle_cost_budgets,
    Action.SPEND_ASK_START: handle_ask_start,
    Action.SPEND_APPROVE: handle_approve_spend,
    Action.SPEND_DENY: handle_deny_spend,
    Action.SPEND_WITHDRAW: handle_withdraw_spend,
    Action.TALK_STOP: handle_talk_stop,
    Action.TALK_RETAKE: handle_talk_retake,
    Action.TALK_RETRY: handle_talk_retake,
    Action.TALK_MORE: handle_talk_more,
    Action.TALK_UNDO: handle_talk_undo,
    Action.TALK_CLEAR: handle_talk_clear,
    Action.TALK_UP: handle_talk_vote,
    Action.TALK_DOWN: handle_talk_vote,
    Action.TALK_READ_THREAD: handle_talk_read_thread,
    Action.TALK_ASK_EDITED: handle_talk_ask_edited,
    Action.TALK_START: handle_talk_start,
    Action.TALK_CHOOSE: handle_talk_choose,
    Action.TALK_SETTINGS: handle_talk_settings,
    Action.TALK_SCOPE: handle_talk_scope,
    Action.TALK_RESET: handle_talk_reset,
    Action.TALK_SERVER: handle_server_talk,
    Action.KEY_ENTER: handle_key_enter,
    Action.KEY_CHECK: handle_key_check,
    Action.KEY_REMOVE: handle_key_remove,
    Action.CATALOG_MODELS: handle_catalog_show,
    Action.CATALOG_MACHINES: handle_catalog_show,
    Action.CATALOG_TEMPLATES: handle_catalog_show,
    Action.CATALOG_LIMITS: handle_catalog_show,
    Action.CATALOG_CLOUD: handle_catalog_show,
    Action.CATALOG_PREVIOUS: handle_catalog_show,
    Action.CATALOG_NEXT: handle_catalog_show,
    Action.CATALOG_ADD_MODEL: handle_catalog_add_model,
    Action.CATALOG_REMOVE_MODEL: handle_catalog_remove_model,
    Action.CATALOG_PRICE: handle_catalog_price,
    Action.CATALOG_HIDE: handle_catalog_hide,
    Action.CATALOG_SHOW: handle_catalog_unhide,
    Action.CATALOG_HIDE_TEMPLATE: handle_catalog_hide_template,
    Action.CATALOG_SHOW_TEMPLATE: handle_catalog_unhide_template,
    Action.CATALOG_LIMIT: handle_catalog_limit,
    Action.WARNING_REDACTED: handle_warning,
    Action.WARNING_AS_IS: handle_warning,
    Action.WARNING_CANCEL: handle_warning,
    Action.WARNING_NOT_PERSONAL: handle_warning_not_personal,
    Action.WARNING_SHOW: handle_warning_show,
    Action.TURN_SEEN: handle_turn_seen,
    Action.TURN_REVEAL: handle_turn_reveal,
    Action.THREAD_FORGET: handle_thread_forget,
    Action.REDACTION_CHANNEL: handle_redaction_channel,
    Action.REDACTION_LISTS: handle_redaction_lists,
    Action.REDACTION_TRY: handle_redaction_try,
    Action.PROPOSAL_APPROVE: handle_proposal,
    Action.PROPOSAL_DENY: handle_proposal,
}


def register(app: AsyncApp) -> None:
    for action, listener in LISTENERS.items():
        app.action(action)(listener)
