"""Machines of the lab's Paperspace over their life (paperspace-api.md sections 3, 4, 5, 10 and 19)."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable

import pytest

from lab.paperspace.model import State
from lab.paperspace.server import PaperspaceLab
from tests.paperspace import ORDER, PATIENCE_SECONDS, Api, running_lab, until_state

THIRD = 1000.0
"""Of a boot, in these tests, where time only passes by jumps."""


@pytest.fixture
async def lab() -> AsyncIterator[PaperspaceLab]:
    async with running_lab(boot_seconds=3 * THIRD, stop_seconds=THIRD) as lab:
        yield lab


@pytest.fixture
async def api(lab: PaperspaceLab) -> AsyncIterator[Api]:
    api = Api(lab)
    yield api
    await api.http.aclose()


async def ready(api: Api, **changes: object) -> str:
    """The id of a machine that has come up."""
    machine = await api.order(**changes)
    for state in (State.STARTING, State.SERVICE_READY, State.READY):
        await jump(api.lab, machine.id, state)
    return machine.id


async def jump(lab: PaperspaceLab, machine_id: str, state: State) -> None:
    """On to the next state."""
    lab.clock.jump(THIRD)
    await pass_until(lab, lambda: lab.machine(machine_id).state is state)


async def pass_until(lab: PaperspaceLab, check: Callable[[], object]) -> None:
    """Lets time pass in steps: a machine that goes down does real work before it waits."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.sleep(0.005)
        while not check():
            lab.clock.jump(THIRD)
            await asyncio.sleep(0.005)


class TestComingUp:
    async def test_a_new_machine_passes_through_its_states(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await api.order()
        assert (await api.get(f"/machines/{machine.id}"))["state"] == "provisioning"
        for state in (State.STARTING, State.SERVICE_READY, State.READY):
            await jump(lab, machine.id, state)
            assert (await api.get(f"/machines/{machine.id}"))["state"] == state

    async def test_the_event_ends_before_the_machine_is_ready(self, lab: PaperspaceLab, api: Api) -> None:
        answer = await api.post("/machines", ORDER)
        path = f"/machine-events/{answer['event']['id']}"
        assert answer["event"]["state"] == "new"
        assert (await api.get(path))["state"] == "in progress"
        await jump(lab, answer["data"]["id"], State.STARTING)
        await jump(lab, answer["data"]["id"], State.SERVICE_READY)
        event = await api.get(path)
        assert (event["state"], event["error"], event["machineId"]) == ("done", None, answer["data"]["id"])
        assert event["dtStarted"] < event["dtFinished"]

    async def test_a_machine_can_be_made_without_being_started(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await api.order(startOnCreate=False)
        await jump(lab, machine.id, State.OFF)
        assert lab.machine(machine.id).boots == []

    async def test_a_boot_without_end_ends_with_its_fault(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: boot never ends")
        machine = await api.order()
        lab.clock.jump(1_000_000)
        assert (await api.get(f"/machines/{machine.id}"))["state"] == "provisioning"
        lab.faults.switch("cloud: boot never ends", on=False)
        await jump(lab, machine.id, State.STARTING)


class TestPower:
    async def test_stop_and_start(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api)
        assert (await api.patch(f"/machines/{machine_id}/stop"))["data"]["state"] == "stopping"
        await jump(lab, machine_id, State.OFF)
        assert (await api.patch(f"/machines/{machine_id}/start"))["data"]["state"] == "starting"
        await jump(lab, machine_id, State.STARTING)
        await jump(lab, machine_id, State.SERVICE_READY)
        await jump(lab, machine_id, State.READY)
        events = (await api.get("/machine-events", machineId=machine_id, order="asc"))["items"]
        assert [(event["name"], event["state"]) for event in events] == [
            ("create", "done"),
            ("stop", "done"),
            ("start", "done"),
        ]

    async def test_a_start_is_refused_on_the_way_up(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await api.order()
        await jump(lab, machine.id, State.STARTING)
        answer = await api.http.patch(f"/machines/{machine.id}/start")
        assert answer.status_code == 400
        assert "This machine is currently starting." in answer.json()["message"]
        assert await api.patch(f"/machines/{machine.id}/stop") == (400, "BAD_REQUEST")

    async def test_starting_what_runs_and_stopping_what_is_off_is_harmless(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api)
        assert (await api.patch(f"/machines/{machine_id}/start"))["event"]["state"] == "done"
        await api.patch(f"/machines/{machine_id}/stop")
        await jump(lab, machine_id, State.OFF)
        assert (await api.patch(f"/machines/{machine_id}/stop"))["event"]["state"] == "done"
        assert lab.machine(machine_id).state is State.OFF

    async def test_a_restart_says_ready_for_a_while(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api)
        assert (await api.patch(f"/machines/{machine_id}/restart"))["data"]["state"] == "ready"
        assert await api.patch(f"/machines/{machine_id}/stop") == (400, "BAD_REQUEST")
        await jump(lab, machine_id, State.RESTARTING)
        await jump(lab, machine_id, State.SERVICE_READY)
        await jump(lab, machine_id, State.READY)

    async def test_auto_shutdown_is_on_unless_told_otherwise(self, lab: PaperspaceLab, api: Api) -> None:
        order = {name: value for name, value in ORDER.items() if name != "autoShutdownEnabled"}
        machine = lab.machine((await api.post("/machines", order))["data"]["id"])
        for state in (State.STARTING, State.SERVICE_READY, State.READY):
            await jump(lab, machine.id, state)
        assert machine.state is State.READY
        await pass_until(lab, lambda: machine.state is State.STOPPING)

    async def test_auto_shutdown_changes_only_while_it_is_off(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api, autoShutdownEnabled=True, autoShutdownTimeout=8)
        path = f"/machines/{machine_id}"
        assert await api.put(path, {"autoShutdownTimeout": 24}) == (400, "BAD_REQUEST")
        assert (await api.put(path, {"autoShutdownEnabled": False}))["data"]["autoShutdownTimeout"] is None
        lab.clock.jump(8 * 3600)
        assert (await api.get(path))["state"] == "ready"

    async def test_a_machine_grows_while_it_is_off(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api)
        path = f"/machines/{machine_id}"
        assert await api.put(path, {"diskSize": 250}) == (400, "BAD_REQUEST")
        await api.patch(f"{path}/stop")
        await jump(lab, machine_id, State.OFF)
        assert await api.put(path, {"diskSize": 50}) == (400, "BAD_REQUEST")
        assert await api.put(path, {"machineType": "C5"}) == (400, "BAD_REQUEST")
        answer = await api.put(path, {"diskSize": 250, "name": "grown"})
        assert (answer["event"]["name"], answer["data"]["state"]) == ("vm-upgrade", "upgrading")
        await jump(lab, machine_id, State.OFF)
        assert (await api.get(path))["storageTotal"] == str(250 * 1024**3)
        assert sorted(charge.usd_per_hour for charge in lab.costing()) == [0.0149, 0.76]

    async def test_a_new_name_needs_no_event(self, api: Api) -> None:
        machine = await api.order()
        assert (await api.put(f"/machines/{machine.id}", {"name": "renamed"})).keys() == {"data"}


class TestCapacity:
    async def test_an_order_without_capacity_is_accepted_and_comes_to_nothing(
        self, lab: PaperspaceLab, api: Api
    ) -> None:
        lab.faults.switch("cloud: no capacity")
        answer = await api.post("/machines", ORDER)
        await jump(lab, answer["data"]["id"], State.OFF)
        assert (await api.get(f"/machine-events/{answer['event']['id']}"))["state"] == "in progress"

    async def test_it_can_be_missing_for_one_type_in_one_region(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: no capacity", machine_type="A4000", region="ca1")
        elsewhere, here = await api.order(region="ny2"), await api.order(region="ca1")
        await jump(lab, elsewhere.id, State.STARTING)
        await until_state(here, State.OFF)

    async def test_what_is_sold_out_does_not_come_up(self, lab: PaperspaceLab, api: Api) -> None:
        lab.sell_out("A4000", "ny2")
        machine = await api.order()
        await jump(lab, machine.id, State.OFF)

    @pytest.mark.parametrize("error", ["insufficient capacity", None])
    async def test_a_start_without_capacity_ends_in_an_error(
        self, lab: PaperspaceLab, api: Api, error: str | None
    ) -> None:
        machine = await api.order(startOnCreate=False)
        await jump(lab, machine.id, State.OFF)
        lab.faults.switch("cloud: no capacity", error=error)
        answer = await api.patch(f"/machines/{machine.id}/start")
        await jump(lab, machine.id, State.OFF)
        event = await api.get(f"/machine-events/{answer['event']['id']}")
        assert (event["state"], event["error"]) == ("error", error)


class TestAddresses:
    async def test_a_dynamic_one_comes_late_and_is_another_after_each_start(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api)
        first = lab.machine(machine_id).public_ip
        assert first is not None
        assert ipaddress.ip_address(first) in ipaddress.ip_network("127.0.0.0/8")
        assert ipaddress.ip_address(first) not in ipaddress.ip_network("127.0.0.0/24")
        await api.patch(f"/machines/{machine_id}/stop")
        await jump(lab, machine_id, State.OFF)
        assert (await api.get(f"/machines/{machine_id}"))["publicIp"] is None
        assert (await api.patch(f"/machines/{machine_id}/start"))["data"]["publicIp"] is None
        await jump(lab, machine_id, State.STARTING)
        await jump(lab, machine_id, State.SERVICE_READY)
        assert lab.machine(machine_id).public_ip not in (None, first)

    async def test_a_static_one_is_there_at_once_and_outlives_the_machine(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api, publicIpType="static")
        address = (await api.get("/public-ips"))["items"][0]
        assert (address["ip"], address["assignedMachineId"]) == (lab.machine(machine_id).public_ip, machine_id)
        await api.delete(f"/machines/{machine_id}")
        await pass_until(lab, lambda: not lab.machines)
        assert [(charge.kind, charge.name) for charge in lab.costing()] == [("ip", address["ip"])]
        assert await api.delete(f"/public-ips/{address['ip']}") == {"ip": address["ip"]}
        assert lab.costing() == []
        assert await api.delete(f"/public-ips/{address['ip']}") == (404, "NOT_FOUND")

    async def test_one_can_be_claimed_and_given_to_a_machine(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await api.order(startOnCreate=False)
        await jump(lab, machine.id, State.OFF)
        ip = (await api.post("/public-ips", {"region": "ny2"}))["ip"]
        await api.put(f"/public-ips/{ip}", {"machineId": machine.id})
        assert (await api.get(f"/machines/{machine.id}"))["publicIp"] == ip
        released = await api.http.put(f"/public-ips/{ip}", json={"machineId": None})
        assert "assignedMachineId" not in released.json()

    async def test_a_machine_may_have_none(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api, publicIpType="none")
        assert (await api.get(f"/machines/{machine_id}"))["publicIp"] is None


class TestDeletion:
    async def test_a_deleted_machine_is_seen_for_a_moment_and_then_not_found(
        self, lab: PaperspaceLab, api: Api
    ) -> None:
        script = await api.store("true")
        machine_id = await ready(api, startupScriptId=script)
        answer = await api.delete(f"/machines/{machine_id}")
        assert (answer["event"]["name"], answer["data"]["state"]) == ("deactivate", "ready")
        assert (await api.get(f"/machines/{machine_id}"))["dtDeleted"] is not None
        assert (await api.delete(f"/machines/{machine_id}"))["event"]["state"] == "done"
        await pass_until(lab, lambda: not lab.machines)
        assert await api.get(f"/machines/{machine_id}") == (404, "NOT_FOUND")
        assert (await api.get("/machines"))["items"] == []
        assert (await api.get(f"/startup-scripts/{script}"))["assignedMachineIds"] == []
        assert not lab.machine(machine_id).computer.root.exists()

    async def test_a_machine_can_be_deleted_on_its_way_up(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await api.order()
        await api.delete(f"/machines/{machine.id}")
        assert await api.patch(f"/machines/{machine.id}/start") == (400, "BAD_REQUEST")
        await pass_until(lab, lambda: not lab.machines)

    async def test_a_machine_can_vanish(self, lab: PaperspaceLab, api: Api) -> None:
        await api.order(name="stays")
        await api.order(name="goes")
        await api.order(name="newest")
        lab.faults.switch("cloud: machine vanishes", machine="goes")
        assert [machine["name"] for machine in (await api.get("/machines"))["items"]] == ["newest", "stays"]
        lab.faults.switch("cloud: machine vanishes", machine="")
        assert [machine["name"] for machine in (await api.get("/machines"))["items"]] == ["stays"]
        assert {charge.name for charge in lab.costing()} == {"stays"}


class TestLedger:
    async def test_a_machine_costs_from_order_to_deletion(self, lab: PaperspaceLab, api: Api) -> None:
        machine_id = await ready(api, publicIpType="static")
        assert {charge.kind: charge.usd_per_hour for charge in lab.costing()} == {
            "machine": 0.76,
            "disk": 0.0104,
            "ip": 0.0045,
        }
        lab.clock.jump(10 * 3600)
        await api.delete(f"/machines/{machine_id}")
        await api.delete(f"/public-ips/{lab.machine(machine_id).public_ip}")
        spent = lab.spent(machine_id)
        hours = (10 * 3600 + 3 * THIRD) / 3600
        assert spent == pytest.approx(hours * (0.76 + 0.0104 + 0.0045), rel=0.01)
        lab.clock.jump(3600)
        assert lab.spent(machine_id) == spent
        assert lab.costing() == []

    @pytest.mark.parametrize(("is_billed", "kinds"), [(True, {"machine", "disk"}), (False, {"disk"})])
    async def test_what_is_off_costs_as_the_lab_is_told(
        self, lab: PaperspaceLab, api: Api, is_billed: bool, kinds: set[str]
    ) -> None:
        lab.billed_while_off = is_billed
        machine_id = await ready(api)
        await api.patch(f"/machines/{machine_id}/stop")
        await jump(lab, machine_id, State.OFF)
        assert {charge.kind for charge in lab.costing()} == kinds
        await api.patch(f"/machines/{machine_id}/start")
        await jump(lab, machine_id, State.STARTING)
        await jump(lab, machine_id, State.SERVICE_READY)
        assert {charge.kind for charge in lab.costing()} == {"machine", "disk"}

    async def test_scripts_cost_nothing(self, lab: PaperspaceLab, api: Api) -> None:
        await api.store("true")
        assert lab.costing() == []
