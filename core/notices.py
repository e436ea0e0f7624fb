"""What Prime owes to people in Slack, written into the inbox in the transaction of the change that it tells of, so that
neither is there without the other. The bot's notifier turns each into messages."""

from enum import StrEnum

from core.inbox.model import Delivery, DeliveryKind


class Notice(StrEnum):
    """`notice` in the payload; the other fields are ids to look up again."""

    REQUEST_OPENED = "access.request.opened"
    """request_id"""
    REQUEST_SETTLED = "access.request.settled"
    """request_id"""
    ROLE_CHANGED = "access.role.changed"
    """user, role, by (user or empty), until (ISO or null)"""
    GRANT_ENDING = "access.grant.ending"
    """user, role, until (ISO)"""
    NO_ADMIN_LEFT = "access.admin.none_left"
    """cause (slack, group, configuration), users: who was ADMIN"""
    SERVER_CHANGED = "server.changed"
    """server_id"""
    CREATE_FORM_WAITS = "servers.create.waits"
    """team, user, view_id, hash, form: a create modal that was drawn before all was known for it"""
    KEY_GIVEN = "keys.key.given"
    """team, user, provider, secret, at (ISO), view (external id), view_id, root (view id): a cloud's key to check"""
    HOME_CHANGED = "home.changed"
    """users: whose App Home shows something that changed; `admins: true` for every admin's"""


def owe(notice: Notice, *, order_key: str | None = None, **fields: object) -> Delivery:
    """The delivery that carries a notice. `fields` are JSON values. Notices of one `order_key` are told in order."""
    return Delivery(kind=DeliveryKind.NOTICE, payload={"notice": notice.value, **fields}, order_key=order_key)
