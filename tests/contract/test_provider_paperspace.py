"""Paperspace's adapter keeps the port's contract, against the lab's Paperspace."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from core.servers.model import MachineOrder
from lab.paperspace.faults import FaultName
from lab.paperspace.ledger import Kind
from lab.paperspace.server import PaperspaceLab
from providers.paperspace import client
from providers.paperspace.provider import Paperspace
from providers.registry import ProviderSettings
from tests.canned import QuickClock
from tests.contract.provider_contract import Cloud, Fault, ProviderContract

ORDER = MachineOrder(
    name="prime-ab12cd-000001-llama",
    type="A4000",
    region="NY2",
    template_id="twnlo3zj",
    disk_gb=100,
    startup_script="#!/bin/bash\ntrue\n",
)


class TestPaperspace(ProviderContract):
    @pytest.fixture
    async def lab(self) -> AsyncIterator[PaperspaceLab]:
        lab = PaperspaceLab(boot_seconds=0.15, stop_seconds=0.1, seed=7)
        await lab.start()
        yield lab
        await lab.stop()

    @pytest.fixture
    async def cloud(self, lab: PaperspaceLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
        settings = ProviderSettings(base_url=lab.url, clock=QuickClock())
        keys = (lab.api_key, "key-that-nobody-has", lab.team("Other"))
        provider, wrong_key, other_team = (Paperspace(key, settings) for key in keys)
        yield Cloud(
            provider=provider,
            wrong_key=wrong_key,
            other_team=other_team,
            order=ORDER,
            unpriced_type="L40S",
            machines=lambda: [machine.name for machine in lab.machines if machine.deleted_at is None],
            prepared=lambda: {script.name: script.text for script in lab.scripts},
            addresses=lambda: sum(charge.kind is Kind.IP for charge in lab.costing()),
            faults=faults(lab, monkeypatch),
        )
        for opened in (provider, wrong_key, other_team):
            await opened.aclose()


def faults(
    lab: PaperspaceLab, monkeypatch: pytest.MonkeyPatch
) -> dict[Fault, Callable[[], AbstractContextManager[None]]]:
    @contextmanager
    def on(name: FaultName, **options: Any) -> Iterator[None]:
        lab.faults.switch(name, on=True, **options)
        yield
        lab.faults.switch(name, on=False)

    @contextmanager
    def small_pages() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(client, "PAGE_SIZE", 2)
            yield

    order = {"share": 1.0, "only": "POST /machines"}
    return {
        Fault.AWAY: lambda: on(FaultName.ERRORS, share=1.0),
        Fault.RATE_LIMITED: lambda: on(FaultName.RATE_LIMITS, share=1.0),
        Fault.QUOTA: lambda: on(FaultName.QUOTA),
        Fault.REFUSED: lambda: on(FaultName.HTML),
        Fault.NO_CAPACITY: lambda: on(FaultName.NO_CAPACITY),
        Fault.ORDER_LOST: lambda: on(FaultName.LOST_REPLIES, **order),
        Fault.ORDER_BROKEN: lambda: on(FaultName.ERRORS, **order, after=True),
        Fault.ORDER_FAILED: lambda: on(FaultName.ERRORS, **order),
        Fault.PREPARATION_LOST: lambda: on(FaultName.LOST_REPLIES, only="POST /startup-scripts", times=1),
        Fault.POWER_LOST: lambda: on(FaultName.LOST_REPLIES, only="PATCH", times=1),
        Fault.DELETION_LOST: lambda: on(FaultName.LOST_REPLIES, only="DELETE /machines", times=1),
        Fault.VANISHED: lambda: on(FaultName.VANISHING),
        Fault.SMALL_PAGES: small_pages,
    }
