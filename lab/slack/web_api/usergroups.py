"""User groups. There is no paging here."""

from lab.slack.errors import SlackError
from lab.slack.limits import Tier
from lab.slack.people import group_object
from lab.slack.web_api.registry import Answer, Call, method


@method("usergroups.list", tier=Tier.T2, scopes=("usergroups:read",))
def list_groups(call: Call) -> Answer:
    with_users, with_count = call.arguments.flag("include_users"), call.arguments.flag("include_count")
    groups = call.platform.workspace.groups.values()
    return {
        "usergroups": [
            group_object(group, with_users=with_users, with_count=with_count)
            for group in groups
            if call.arguments.flag("include_disabled") or not group.disabled_at
        ]
    }


@method("usergroups.users.list", tier=Tier.T2, scopes=("usergroups:read",))
def list_users(call: Call) -> Answer:
    group = call.platform.workspace.groups.get(call.arguments.required("usergroup"))
    if group is None or (group.disabled_at and not call.arguments.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}
