"""/machines, /machine-events and /machine-availability."""

from typing import Any

from lab.paperspace import shapes
from lab.paperspace.api.paging import is_like, page
from lab.paperspace.api.routes import Call, route
from lab.paperspace.catalog import LARGEST_DISK_GB, TEMPLATES, TYPES, MachineType, Region, Template
from lab.paperspace.errors import CloudError, invalid, not_found
from lab.paperspace.faults import FaultName
from lab.paperspace.model import AutoShutdown, Event, Machine, PublicIp
from lab.paperspace.power import Order

Json = dict[str, Any]
SHUTDOWN_HOURS = 1.0


@route("GET", "/machines")
def list_machines(call: Call) -> Json:
    region, kind, agent, name = (call.text(each) for each in ("region", "machineType", "agentType", "name"))

    def shown(machine: Machine) -> bool:
        return (
            machine.team == call.team
            and not machine.gone
            and (region is None or Region.parse(region) == machine.region)
            and kind in (None, machine.type.label)
            and agent in (None, machine.template.agent)
            and is_like(machine.name, name)
        )

    return page(
        call,
        call.cloud.machines,
        key=lambda machine: machine.id,
        shown=shown,
        shape=lambda machine: shapes.machine(call.cloud, machine),
        order_by={"name": lambda machine: machine.name, "state": lambda machine: machine.state},
    )


@route("POST", "/machines")
def create_machine(call: Call) -> Json:
    if call.cloud.faults.options(FaultName.QUOTA) is not None:
        raise CloudError("FORBIDDEN", "Your team has reached its quota: the maximum number of machines of this type.")
    template, kind, region = _template(call), _type(call.required("machineType")), _region(call)
    _need_offered(kind, template, region)
    script_id = call.text("startupScriptId")
    order = Order(
        name=call.required("name"),
        type=kind,
        template=template,
        region=region,
        disk_gb=_disk_gb(call, template.minimum_gb),
        network_id=_network_id(call, region),
        public_ip_type=call.word("publicIpType", PublicIp, default=PublicIp.DYNAMIC),
        # The real default is not documented; this one is for those who rely on it.
        auto_shutdown=_auto_shutdown(call, AutoShutdown(enabled=True, timeout_hours=SHUTDOWN_HOURS, force=False)),
        script=call.cloud.script(call.team, script_id) if script_id else None,
        starts=call.flag("startOnCreate", default=True),
    )
    return _accepted(call, *call.power.create(call.team, order))


@route("GET", "/machines/{id}")
def get_machine(call: Call) -> Json:
    return shapes.machine(call.cloud, call.cloud.machine(call.team, call.id))


@route("PUT", "/machines/{id}")
def update_machine(call: Call) -> Json:
    machine = call.cloud.machine(call.team, call.id)
    kind, disk_gb = _type(call.text("machineType") or machine.type.label), _disk_gb(call, machine.disk_gb)
    _need_offered(kind, machine.template, machine.region)
    shutdown = _auto_shutdown(call, machine.auto_shutdown)
    network_id = call.text("networkId")
    if network_id is not None and call.cloud.network(call.team, network_id) is None:
        raise not_found("Private network")  # the default one too
    is_resized = (kind, disk_gb) != (machine.type, machine.disk_gb)
    event = call.power.resize(machine, kind=kind, disk_gb=disk_gb) if is_resized else None
    machine.name = call.text("name") or machine.name
    machine.network_id = network_id or machine.network_id
    machine.modified_at = call.cloud.clock.time()
    if shutdown != machine.auto_shutdown:
        machine.auto_shutdown = shutdown
        call.power.schedule_shutdown(machine)
    answer = {"data": shapes.machine(call.cloud, machine)}
    return answer | ({"event": shapes.event(event)} if event else {})


@route("DELETE", "/machines/{id}")
def delete_machine(call: Call) -> Json:
    machine = call.cloud.machine(call.team, call.id)
    before = shapes.machine(call.cloud, machine)
    return {"event": shapes.event(call.power.delete(machine)), "data": before}


@route("PATCH", "/machines/{id}/start")
def start_machine(call: Call) -> Json:
    machine = call.cloud.machine(call.team, call.id)
    return _accepted(call, call.power.start(machine), machine)


@route("PATCH", "/machines/{id}/stop")
def stop_machine(call: Call) -> Json:
    machine = call.cloud.machine(call.team, call.id)
    return _accepted(call, call.power.stop(machine), machine)


@route("PATCH", "/machines/{id}/restart")
def restart_machine(call: Call) -> Json:
    machine = call.cloud.machine(call.team, call.id)
    return _accepted(call, call.power.restart(machine), machine)


@route("GET", "/machine-events")
def list_events(call: Call) -> Json:
    machine_id = call.text("machineId")
    return page(
        call,
        call.cloud.events,
        key=lambda event: event.id,
        shown=lambda event: event.team == call.team and machine_id in (None, event.machine_id),
        shape=shapes.event,
    )


@route("GET", "/machine-events/{id}")
def get_event(call: Call) -> Json:
    return shapes.event(call.cloud.event(call.team, call.id))


@route("GET", "/machine-availability")
def is_available(call: Call) -> Json:
    kind, region = TYPES.get(call.required("machineType")), Region.parse(call.required("region"))
    if kind is None or region not in kind.regions:
        return {"available": False}
    return {"available": (kind.label, region) not in call.cloud.sold_out}


def _accepted(call: Call, event: Event, machine: Machine) -> Json:
    return {"event": shapes.event(event), "data": shapes.machine(call.cloud, machine)}


def _template(call: Call) -> Template:
    template = TEMPLATES.get(call.required("templateId"))
    if template is None:
        raise invalid("templateId: Template not found")
    return template


def _type(label: str) -> MachineType:
    kind = TYPES.get(label)
    if kind is None:
        raise invalid(f"machineType: {label} is no machine type")
    return kind


def _need_offered(kind: MachineType, template: Template, region: Region) -> None:
    if kind.label not in template.types:
        raise invalid(f"machineType: {kind.label} is not available for this template")
    if region not in kind.regions:
        raise invalid(f"machineType: {kind.label} is not available in {region}")


def _region(call: Call) -> Region:
    region = Region.parse(call.required("region"))
    if region is None:
        raise invalid("region: Invalid region")
    return region


def _disk_gb(call: Call, minimum_gb: float) -> float:
    """A disk can only grow; a new one must hold its template."""
    size = call.number("diskSize")
    if size is None and call.path:
        return minimum_gb
    if size is None:
        raise invalid("diskSize: Required")
    if not minimum_gb <= size <= LARGEST_DISK_GB:
        raise invalid(f"diskSize: Number must be from {minimum_gb:g} to {LARGEST_DISK_GB}")
    return size


def _network_id(call: Call, region: Region) -> str:
    wanted = call.text("networkId")
    if wanted is None:
        return call.cloud.default_network(call.team, region).id
    network = call.cloud.network(call.team, wanted)
    if network is None or network.region is not region:
        raise not_found("Private network")
    return network.id


def _auto_shutdown(call: Call, before: AutoShutdown) -> AutoShutdown:
    """While it is on, its rule cannot be changed: it has to be switched off first."""
    is_update = bool(call.path)
    enabled = call.flag("autoShutdownEnabled", default=before.enabled)
    timeout, force = call.number("autoShutdownTimeout"), call.flag("autoShutdownForce", default=bool(before.force))
    is_changed = timeout not in (None, before.timeout_hours) or force != bool(before.force)
    if is_update and before.enabled and enabled and is_changed:
        raise CloudError("BAD_REQUEST", "Auto-shutdown must be disabled before its settings are changed.")
    if not enabled:
        return AutoShutdown(enabled=False, timeout_hours=None, force=None)
    return AutoShutdown(enabled=True, timeout_hours=timeout or before.timeout_hours or SHUTDOWN_HOURS, force=force)
