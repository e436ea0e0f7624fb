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
    """server_id; kept_by (user), where somebody kept it from its end"""
    SERVER_NEWS = "server.news"
    """server_id, news (core.watch.model.News); of one that ends soon, end (EndKind) and end_at (ISO)"""
    MACHINE_UNKNOWN = "server.machine.unknown"
    """provider, machine_id: a machine that no server of Prime has; once that is decided, by (user), and adopted_as (a
    name, or null)"""
    SPEND_REQUEST_OPENED = "cost.request.opened"
    """request_id"""
    SPEND_REQUEST_SETTLED = "cost.request.settled"
    """request_id"""
    BUDGET_REACHED = "cost.budget.reached"
    """scope, percent, month (ISO date)"""
    COST_DIGEST = "cost.digest"
    """day (ISO date)"""
    CREATE_FORM_WAITS = "servers.create.waits"
    """team, user, view_id, hash, form: a create modal that was drawn before all was known for it"""
    KEY_GIVEN = "keys.key.given"
    """team, user, provider, secret, at (ISO), view (external id), view_id, root (view id): a cloud's key to check"""
    CHAT_OPENED = "talk.chat.opened"
    """team, user, channel, thread_ts (or empty), server_id (or null), prompt, about: a thread to begin"""
    START_ASKED = "talk.start.asked"
    """server_id, user: somebody who may not start a server has a question for it"""
    TERM_PROPOSED = "redaction.term.proposed"
    """proposal_id: somebody says that something is not personal"""
    TERM_SETTLED = "redaction.term.settled"
    """proposal_id"""
    HOME_CHANGED = "home.changed"
    """users: whose App Home shows something that changed; `admins: true` for every admin's"""


def owe(notice: Notice, *, order_key: str | None = None, work_key: str | None = None, **fields: object) -> Delivery:
    """The delivery that carries a notice. `fields` are JSON values. Notices of one `order_key` are told in order, those
    of one `work_key` only once."""
    payload = {"notice": notice.value, **fields}
    return Delivery(kind=DeliveryKind.NOTICE, payload=payload, order_key=order_key, work_key=work_key)
