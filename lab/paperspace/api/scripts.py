"""/startup-scripts. Their text goes in and never comes out."""

from typing import Any

from lab.paperspace import shapes
from lab.paperspace.api.paging import is_like, page
from lab.paperspace.api.routes import Call, route
from lab.paperspace.errors import CloudError
from lab.paperspace.model import Script

Json = dict[str, Any]
LARGEST_TEXT = 16 * 1024


@route("GET", "/startup-scripts")
def list_scripts(call: Call) -> Json:
    name = call.text("name")
    return page(
        call,
        call.cloud.scripts,
        key=lambda script: script.id,
        shown=lambda script: script.team == call.team and script.deleted_at is None and is_like(script.name, name),
        shape=shapes.script,
        order_by={"name": lambda script: script.name},
    )


@route("POST", "/startup-scripts")
def create_script(call: Call) -> Json:
    script = Script(
        id=call.cloud.new_id("sc"),
        team=call.team,
        name=call.required("name"),
        text=_short_enough(call.required("script")),
        is_run_once=call.flag("isRunOnce", default=False),
        created_at=call.cloud.clock.time(),
    )
    call.cloud.scripts.append(script)
    return shapes.script(script)


@route("GET", "/startup-scripts/{id}")
def get_script(call: Call) -> Json:
    return shapes.script(_script(call))


@route("PUT", "/startup-scripts/{id}")
def update_script(call: Call) -> Json:
    script = _script(call)
    script.text = _short_enough(call.text("script") or script.text)
    script.name = call.text("name") or script.name
    script.is_run_once = call.flag("isRunOnce", default=script.is_run_once)
    script.is_enabled = call.flag("isEnabled", default=script.is_enabled)
    return shapes.script(script)


@route("DELETE", "/startup-scripts/{id}")
def delete_script(call: Call) -> Json:
    script = _script(call)
    script.deleted_at = call.cloud.clock.time()
    script.assigned.clear()
    return shapes.script(script)


@route("POST", "/startup-scripts/{id}/assign")
def assign_script(call: Call) -> Json:
    """Takes effect at the machine's next boot."""
    script, machine = _script(call), call.cloud.machine(call.team, call.required("machineId"))
    if machine.id not in script.assigned:
        script.assigned.append(machine.id)
    return shapes.script(script)


@route("POST", "/startup-scripts/{id}/unassign")
def unassign_script(call: Call) -> Json:
    script, machine = _script(call), call.cloud.machine(call.team, call.required("machineId"))
    if machine.id in script.assigned:
        script.assigned.remove(machine.id)
    return shapes.script(script)


def _script(call: Call) -> Script:
    return call.cloud.script(call.team, call.id)


def _short_enough(text: str) -> str:
    if len(text.encode()) > LARGEST_TEXT:
        raise CloudError("BAD_REQUEST", "The startup script is larger than 16 KB.")
    return text
