"""Modals and App Home."""

from lab.slack.errors import SlackError
from lab.slack.limits import Tier
from lab.slack.web_api.registry import Answer, Call, method


@method("views.open", tier=Tier.T4)
def open_view(call: Call) -> Answer:
    trigger = call.platform.triggers.require(call.arguments.required("trigger_id"))
    view = call.platform.views.open(
        trigger.user,
        call.arguments.structure("view"),
        channel=trigger.channel,
        within_modal=trigger.view_id is not None,
    )
    trigger.exchanged = True
    return {"view": view}


@method("views.push", tier=Tier.T4)
def push_view(call: Call) -> Answer:
    trigger = call.platform.triggers.require(call.arguments.required("trigger_id"))
    if trigger.view_id is None:
        raise SlackError("invalid_trigger_id")
    view = call.platform.views.push(trigger.user, call.arguments.structure("view"))
    trigger.exchanged = True
    return {"view": view}


@method("views.update", tier=Tier.T4)
def update_view(call: Call) -> Answer:
    views = call.platform.views
    definition, known_hash = call.arguments.structure("view"), call.arguments.optional_text("hash")
    view_id, external_id = call.arguments.text("view_id"), call.arguments.text("external_id")
    if home := views.find_home(view_id):
        return {"view": views.publish(home[0], definition, known_hash=known_hash)}
    modal = views.find(view_id=view_id, external_id=external_id)
    return {"view": views.update(modal, definition, known_hash=known_hash)}


@method("views.publish", tier=Tier.T4)
def publish_view(call: Call) -> Answer:
    if not call.platform.app.manifest.home_tab_enabled:
        raise SlackError("not_enabled")
    person = call.platform.workspace.person(call.arguments.required("user_id"))
    known_hash = call.arguments.optional_text("hash")
    return {"view": call.platform.views.publish(person.id, call.arguments.structure("view"), known_hash=known_hash)}
