"""Templates, private networks, public addresses, the session."""

from typing import Any

from lab.paperspace import shapes
from lab.paperspace.api.paging import is_like, page
from lab.paperspace.api.routes import Call, route
from lab.paperspace.catalog import TEMPLATES, Region
from lab.paperspace.errors import CloudError, invalid
from lab.paperspace.model import PublicIp, State

Json = dict[str, Any]


@route("GET", "/auth/session")
def session(call: Call) -> Json:
    return shapes.session(call.team)


@route("GET", "/os-templates")
def list_os_templates(call: Call) -> Json:
    name = call.text("name")
    return page(
        call,
        list(TEMPLATES.values()),
        key=lambda template: template.id,
        shown=lambda template: is_like(template.name, name),
        shape=lambda template: shapes.template(call.cloud, template),
        order_by={"name": lambda template: template.name},
    )


@route("GET", "/custom-templates")
def list_custom_templates(call: Call) -> Json:
    """Nobody has made any."""
    return page(call, list[str](), key=str, shape=str, order_by={"name": str})


@route("GET", "/private-networks")
def list_networks(call: Call) -> Json:
    name, region = call.text("name"), call.text("region")
    return page(
        call,
        [network for network in call.cloud.networks if network.team == call.team and not network.is_default],
        key=lambda network: network.id,
        shown=lambda network: (
            is_like(network.name, name) and (region is None or Region.parse(region) is network.region)
        ),
        shape=shapes.network,
        order_by={"name": lambda network: network.name},
    )


@route("GET", "/private-networks/{id}")
def get_network(call: Call) -> Json | None:
    """`null`, not 404, for what is unknown and for a default network."""
    network = call.cloud.network(call.team, call.id)
    return shapes.network(network) if network else None


@route("GET", "/public-ips")
def list_addresses(call: Call) -> Json:
    region = call.text("region")
    return page(
        call,
        call.cloud.addresses,
        key=lambda address: address.ip,
        shown=lambda address: (
            address.team == call.team
            and not address.released
            and (region is None or Region.parse(region) is address.region)
        ),
        shape=shapes.address,
    )


@route("POST", "/public-ips")
def claim_address(call: Call) -> Json:
    region = Region.parse(call.required("region"))
    if region is None:
        raise invalid("region: Invalid region")
    return shapes.address(call.cloud.claim_address(call.team, region))


@route("PUT", "/public-ips/{ip}")
def assign_address(call: Call) -> Json:
    """The lab moves an address only to or from a machine that is off: what runs there has its ports on it."""
    address = call.cloud.address(call.team, call.path["ip"])
    machine_id = call.text("machineId")
    holders = [machine for machine in call.cloud.machines if machine.public_ip == address.ip and not machine.gone]
    wanted = call.cloud.machine(call.team, machine_id) if machine_id else None
    if wanted is not None and wanted.region is not address.region:
        raise invalid("machineId: The machine is in another region")
    if any(machine.state is not State.OFF for machine in (*holders, *([wanted] if wanted else []))):
        raise CloudError("BAD_REQUEST", "The machine must be off.")
    for machine in holders:
        machine.public_ip, machine.public_ip_type = None, PublicIp.NONE
    if wanted is not None:
        wanted.public_ip, wanted.public_ip_type = address.ip, PublicIp.STATIC
    address.machine_id = machine_id
    return shapes.address(address)


@route("DELETE", "/public-ips/{ip}")
def release_address(call: Call) -> Json:
    address = call.cloud.address(call.team, call.path["ip"])
    call.cloud.release_address(address)
    return {"ip": address.ip}
