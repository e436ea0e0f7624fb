"""Submitted modals. What is wrong with an input is shown at the input."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Modal
from bot.listeners.modals.mappings import handle_add_mapping, handle_preview_mapping
from bot.listeners.modals.requests import handle_approve_as, handle_deny, handle_request_access
from bot.listeners.modals.users import handle_change_role

LISTENERS = {
    Modal.REQUEST_ACCESS: handle_request_access,
    Modal.APPROVE_AS: handle_approve_as,
    Modal.DENY: handle_deny,
    Modal.CHANGE_ROLE: handle_change_role,
    Modal.ADD_MAPPING: handle_add_mapping,
    Modal.PREVIEW_MAPPING: handle_preview_mapping,
}


def register(app: AsyncApp) -> None:
    for modal, listener in LISTENERS.items():
        app.view(modal)(listener)
