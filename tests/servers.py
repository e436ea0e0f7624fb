"""Servers as values, for tests."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.catalog.model import EngineKind, EngineOptions, YesNo
from core.people.model import PersonId
from core.servers.model import Desired, Hardware, Server, ServerSpec, ServerState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

SPEC = ServerSpec(
    name="llama",
    description="for the team",
    provider="paperspace",
    offer_type="A4000",
    region="NY2",
    template_id="twnlo3zj",
    disk_gb=100,
    model="Qwen/Qwen3-4B-Instruct-2507",
    revision=None,
    engine=EngineKind.TGI,
    options=EngineOptions(),
)

HARDWARE = Hardware(
    gpu="RTX A4000",
    gpu_count=1,
    gpu_memory_gib=16,
    vcpus=8,
    ram_gib=45,
    price_usd_per_hour=Decimal("0.76"),
    disk_usd_per_hour=Decimal("0.0104"),
    disk_usd_per_month=Decimal(7),
    static_address_usd_per_hour=None,
    billed_while_off=YesNo.UNKNOWN,
    template="ML-in-a-Box 20.04",
)


def server(**changes: Any) -> Server:
    """One that was just ordered, but for `changes`."""
    values: dict[str, Any] = {
        "id": 1,
        "spec": SPEC,
        "hardware": HARDWARE,
        "owner": PersonId("T0", "U0BEA"),
        "machine_name": "prime-ab12cd-000001-llama",
        "machine_id": None,
        "address": None,
        "fingerprint": None,
        "desired": Desired.RUNNING,
        "state": ServerState.ORDERED,
        "state_since": NOW,
        "progress": "",
        "failure": None,
        "created_at": NOW,
        "ready_at": None,
        "checked_at": None,
        "asked_at": NOW,
        "cloud_asked_at": None,
        "cloud_asks": 0,
        "attempts": 0,
        "missing_since": None,
        "missing_count": 0,
        "secrets_at_cloud": False,
        "stale_key": False,
        "version": 0,
        "channel": "C0GENERAL",
        "allows_direct_access": False,
        "stop_reason": None,
        "keep_until": None,
    }
    return Server(**(values | changes))
