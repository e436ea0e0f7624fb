"""Buttons and selects."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Action
from bot.listeners.actions.audit import handle_audit_older
from bot.listeners.actions.home import handle_home_page
from bot.listeners.actions.mappings import handle_mapping_add, handle_mapping_remove
from bot.listeners.actions.menu import handle_menu_help
from bot.listeners.actions.requests import (
    handle_approve,
    handle_approve_as,
    handle_ask,
    handle_claim,
    handle_deny,
    handle_withdraw,
)
from bot.listeners.actions.users import handle_users_menu, handle_users_page

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
}


def register(app: AsyncApp) -> None:
    for action, listener in LISTENERS.items():
        app.action(action)(listener)
