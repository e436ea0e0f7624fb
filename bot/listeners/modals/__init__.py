"""Submitted modals. What is wrong with an input is shown at the input."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Modal
from bot.listeners.modals.catalog import (
    handle_add_model,
    handle_catalog_search,
    handle_change_limit,
    handle_set_price,
)
from bot.listeners.modals.cost import handle_budgets
from bot.listeners.modals.create import (
    handle_ask_create,
    handle_create_advanced_submitted,
    handle_create_misfit,
    handle_create_server,
)
from bot.listeners.modals.keys import handle_enter_key
from bot.listeners.modals.mappings import handle_add_mapping, handle_preview_mapping
from bot.listeners.modals.redaction import (
    handle_not_personal,
    handle_redaction_channel_submitted,
    handle_redaction_lists_submitted,
    handle_redaction_submitted,
    handle_redaction_try_submitted,
)
from bot.listeners.modals.requests import handle_approve_as, handle_deny, handle_request_access
from bot.listeners.modals.servers import handle_delete_server, handle_start_server, handle_stop_server
from bot.listeners.modals.spend_requests import handle_ask_start, handle_deny_spend
from bot.listeners.modals.talk import (
    handle_ask_about,
    handle_server_talk_submitted,
    handle_talk_settings_submitted,
)
from bot.listeners.modals.users import handle_change_role
from bot.listeners.modals.watch import handle_adopt_machine, handle_keep_server

LISTENERS = {
    Modal.REQUEST_ACCESS: handle_request_access,
    Modal.APPROVE_AS: handle_approve_as,
    Modal.DENY: handle_deny,
    Modal.CHANGE_ROLE: handle_change_role,
    Modal.ADD_MAPPING: handle_add_mapping,
    Modal.PREVIEW_MAPPING: handle_preview_mapping,
    Modal.START_SERVER: handle_start_server,
    Modal.STOP_SERVER: handle_stop_server,
    Modal.DELETE_SERVER: handle_delete_server,
    Modal.KEEP_SERVER: handle_keep_server,
    Modal.ADOPT_MACHINE: handle_adopt_machine,
    Modal.CREATE_SERVER: handle_create_server,
    Modal.CREATE_ADVANCED: handle_create_advanced_submitted,
    Modal.CREATE_MISFIT: handle_create_misfit,
    Modal.BUDGETS: handle_budgets,
    Modal.ASK_CREATE: handle_ask_create,
    Modal.ASK_START: handle_ask_start,
    Modal.DENY_SPEND: handle_deny_spend,
    Modal.TALK_SETTINGS: handle_talk_settings_submitted,
    Modal.TALK_SERVER: handle_server_talk_submitted,
    Modal.ASK_ABOUT: handle_ask_about,
    Modal.ENTER_KEY: handle_enter_key,
    Modal.CATALOG: handle_catalog_search,
    Modal.ADD_MODEL: handle_add_model,
    Modal.SET_PRICE: handle_set_price,
    Modal.CHANGE_LIMIT: handle_change_limit,
    Modal.REDACTION: handle_redaction_submitted,
    Modal.REDACTION_CHANNEL: handle_redaction_channel_submitted,
    Modal.REDACTION_LISTS: handle_redaction_lists_submitted,
    Modal.REDACTION_TRY: handle_redaction_try_submitted,
    Modal.NOT_PERSONAL: handle_not_personal,
}


def register(app: AsyncApp) -> None:
    for modal, listener in LISTENERS.items():
        app.view(modal)(listener)
