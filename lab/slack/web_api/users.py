"""People."""

from typing import Any

from lab.slack.errors import SlackError
from lab.slack.limits import Tier
from lab.slack.people import Person, user_object
from lab.slack.web_api.paging import page
from lab.slack.web_api.registry import Answer, Call, method


@method("users.info", tier=Tier.T4, scopes=("users:read",))
def info(call: Call) -> Answer:
    return {"user": _shape(call, call.person())}


@method("users.list", tier=Tier.T2, scopes=("users:read",))
def list_users(call: Call) -> Answer:
    """Everybody, bots and deactivated people included. A large workspace must be paged."""
    workspace = call.platform.workspace
    members = [person for person in workspace.people.values() if not person.is_external]
    if "limit" not in call.arguments and len(members) >= workspace.large_from:
        raise SlackError("limit_required")
    people, metadata = page(members, call.arguments, default=max(len(members), 1))
    return {
        "members": [_shape(call, person) for person in people],
        "cache_ts": int(call.platform.clock.time()),
        "response_metadata": metadata,
    }


@method("users.lookupByEmail", tier=Tier.T3, scopes=("users:read.email",))
def lookup_by_email(call: Call) -> Answer:
    email = call.arguments.required("email")
    for person in call.platform.workspace.people.values():
        if person.email == email and not (person.deleted or person.is_external or person.is_bot):
            return {"user": _shape(call, person)}
    raise SlackError("users_not_found")


def _shape(call: Call, person: Person) -> dict[str, Any]:
    return user_object(
        person,
        with_email="users:read.email" in call.platform.app.installed_scopes,
        shares_channel=call.platform.workspace.shares_channel_with_app(person.id),
    )
