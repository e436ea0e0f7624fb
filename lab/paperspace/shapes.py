"""What the cloud keeps, as its answers show it."""

from datetime import UTC, datetime
from typing import Any

from lab.paperspace.catalog import GIB, Region, Template, disk_price
from lab.paperspace.cloud import Cloud
from lab.paperspace.faults import FaultName
from lab.paperspace.model import Address, Event, Machine, Network, Script, Team

Json = dict[str, Any]
MAX_MACHINES = 25
LONG_AGO = 1_700_000_000.0
USED_SHARE = 0.3
"""Of a disk."""


def machine(cloud: Cloud, it: Machine) -> Json:
    plain = cloud.faults.options(FaultName.PLAIN_NUMBERS) is not None

    def size(gib: float) -> int | str:
        return int(gib * GIB) if plain else str(int(gib * GIB))

    kind, shutdown = it.type, it.auto_shutdown
    card = {"name": kind.gpu, "memory": size(kind.gpu_gb), "count": kind.gpu_count}
    return {
        "id": it.id,
        "name": it.name,
        "state": it.state,
        "os": it.template.os,
        "machineType": kind.label,
        "agentType": it.template.agent,
        "cpus": kind.cpus,
        "ram": size(kind.ram_gb),
        "storageTotal": size(it.disk_gb),
        "storageUsed": size(it.disk_gb * USED_SHARE),
        "accelerators": [card] if kind.gpu else None,
        "region": it.region,
        "privateIp": it.private_ip,
        "networkId": it.network_id,
        "publicIp": it.public_ip,
        "publicIpType": it.public_ip_type,
        "autoShutdownEnabled": shutdown.enabled,
        "autoShutdownTimeout": shutdown.timeout_hours,
        "autoShutdownForce": shutdown.force,
        "autoSnapshotEnabled": False,
        "autoSnapshotFrequency": None,
        "autoSnapshotSaveCount": None,
        "updatesPending": False,
        "restorePointEnabled": False,
        "restorePointFrequency": None,
        "restorePointSnapshotId": None,
        "usageRate": kind.usd_per_hour,
        "storageRate": disk_price(it.disk_gb).usd_per_month,
        "dtCreated": time(it.created_at),
        "dtModified": time(it.modified_at),
        "dtDeleted": time(it.deleted_at),
        "reservation": None,
    }


def event(it: Event) -> Json:
    return {
        "id": it.id,
        "name": it.name,
        "state": it.state,
        "machineId": it.machine_id,
        "dtCreated": time(it.created_at),
        "dtStarted": time(it.started_at),
        "dtFinished": time(it.finished_at),
        "error": it.error,
    }


def script(it: Script) -> Json:
    return {
        "id": it.id,
        "name": it.name,
        "description": None,
        "isEnabled": it.is_enabled,
        "isRunOnce": it.is_run_once,
        "assignedMachineIds": it.assigned,
        "dtCreated": time(it.created_at),
        "dtDeleted": time(it.deleted_at),
    }


def template(cloud: Cloud, it: Template) -> Json:
    types = [
        {"machineTypeLabel": label, "isAvailable": any((label, region) not in cloud.sold_out for region in Region)}
        for label in it.types
    ]
    return {
        "id": it.id,
        "name": it.name,
        "agentType": it.agent,
        "operatingSystemLabel": it.os,
        "defaultSizeGb": it.default_gb,
        "availableMachineTypes": types,
        "dtCreated": time(LONG_AGO),
    }


def network(it: Network) -> Json:
    address = {"network": "10.64.12.0", "netmask": "255.255.255.0"}
    return {"id": it.id, "name": it.name, "region": it.region, **address, "dtCreated": time(it.created_at)}


def address(it: Address) -> Json:
    assigned = {"assignedMachineId": it.machine_id} if it.machine_id else {}
    return {"ip": it.ip, "region": it.region, **assigned, "dtCreated": time(it.created_at)}


def session(team: Team) -> Json:
    created, namespace = time(LONG_AGO), team.name.lower().replace(" ", "-")
    membership = {
        "team": {
            "id": team.id,
            "name": team.name,
            "namespace": namespace,
            "publicProfileImageUrl": None,
            "isUserTeam": False,
            "dtCreated": created,
        },
        "isOwner": True,
        "isAdmin": True,
    }
    user = {
        "id": "urlab0000",
        "email": "lab@example.org",
        "firstName": "Ada",
        "lastName": "L",
        "dtCreated": created,
        "dtConfirmed": created,
        "teamMemberships": [membership],
        "isPhoneVerified": True,
        "isPasswordAuthEnabled": True,
        "isQrCodeBasedMfaEnabled": False,
        "isQrCodeBasedMfaConfirmed": False,
        "preferences": None,
        "analyticsId": 12345,
        "metadata": {
            "tags": None,
            "coreSurvey": None,
            "gradientSurvey": None,
            "graphcoreTermsAccepted": False,
        },
    }
    shown = {"id": team.id, "namespace": namespace, "isPrivate": True, "maxMachines": MAX_MACHINES, "analyticsId": 678}
    return {"user": user, "team": shown}


def time(seconds: float | None) -> str | None:
    """ISO 8601 in UTC with milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
