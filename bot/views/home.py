"""App Home: the dashboard, fit to the role of whoever looks at it."""

from typing import Any

from bot.ids import Action
from bot.views.access import build_open_request, build_own_access, build_request_message
from bot.views.cost import describe_month
from bot.views.kit import Block, actions, button, confirm, context, divider, header, section
from bot.views.redaction import describe_policy
from bot.views.servers import build_home_servers
from core.access.model import Role
from core.home.model import Dashboard


def build_home(dashboard: Dashboard) -> dict[str, Any]:
    blocks = _welcome(dashboard) if dashboard.holder.role is Role.NONE else _own_role(dashboard)
    if dashboard.can_claim:
        blocks += _claim()
    servers = dashboard.servers
    if servers is not None:
        blocks += build_home_servers(
            servers.page,
            servers.cost,
            servers.vitals,
            role=dashboard.holder.role,
            is_first=servers.after is None,
            now=dashboard.as_of,
        )
    if dashboard.costs is not None:
        blocks.append(context(describe_month(dashboard.costs)))
    if dashboard.policy is not None:
        blocks.append(context(f"{describe_policy(dashboard.policy)} `/prime redaction` shows more."))
    blocks += _approvals(dashboard)
    return {"type": "home", "blocks": blocks}


def _welcome(dashboard: Dashboard) -> list[Block]:
    """Prime in three lines, and the way in."""
    blocks = [
        header("Welcome to Prime"),
        section(
            "Prime runs your team's own language models on GPU servers that you control.\n"
            "You talk to them in Slack threads; personal data and secrets are replaced before a prompt leaves.\n"
            "Builders start and stop the servers, and everybody sees what they cost."
        ),
    ]
    if dashboard.own_request is not None:
        return blocks + build_open_request(dashboard.own_request)
    return [*blocks, actions(button("Ask for access", Action.ACCESS_ASK, style="primary"))]


def _own_role(dashboard: Dashboard) -> list[Block]:
    return [header("Prime"), *build_own_access(dashboard.holder, dashboard.own_request)]


def _claim() -> list[Block]:
    dialog = confirm(
        "Become the first ADMIN",
        "You will decide who has access to Prime and what it may spend. You can make others ADMIN afterwards.",
        verb="Become ADMIN",
    )
    return [
        divider(),
        section("*Prime has no ADMIN yet.* As an owner of this workspace you can take the role."),
        actions(button("Become ADMIN", Action.ADMIN_CLAIM, style="primary", confirm=dialog)),
    ]


def _approvals(dashboard: Dashboard) -> list[Block]:
    if dashboard.holder.role is not Role.ADMIN:
        return []
    blocks: list[Block] = [divider(), header("Open access requests")]
    # Their own is shown above: nobody decides that themselves.
    to_decide = [request for request in dashboard.open_requests if request.asker != dashboard.holder.person]
    for request in to_decide:
        blocks += build_request_message(request)[1]
    if not to_decide:
        blocks.append(context("Nobody is waiting."))
    pages = [] if dashboard.requests_after is None else [button("First page", Action.HOME_FIRST)]
    if dashboard.next_after is not None:
        pages.append(button("Next page", Action.HOME_PAGE, value=str(dashboard.next_after)))
    if pages:
        blocks.append(actions(*pages))
    return blocks
