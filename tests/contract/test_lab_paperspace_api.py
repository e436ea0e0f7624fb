"""The lab's Paperspace on the wire (paperspace-api.md sections 2, 6, 7, 9, 12 and 19)."""

from collections.abc import AsyncIterator

import httpx
import pytest

from lab.paperspace.catalog import TYPES
from lab.paperspace.server import PaperspaceLab
from tests.paperspace import ORDER, Api, running_lab, until

MACHINE_FIELDS = {
    "id", "name", "state", "os", "machineType", "agentType", "cpus", "ram", "storageTotal", "storageUsed",
    "accelerators", "region", "privateIp", "networkId", "publicIp", "publicIpType", "autoShutdownEnabled",
    "autoShutdownTimeout", "autoShutdownForce", "autoSnapshotEnabled", "autoSnapshotFrequency", "autoSnapshotSaveCount",
    "updatesPending", "restorePointEnabled", "restorePointFrequency", "restorePointSnapshotId", "usageRate",
    "storageRate", "dtCreated", "dtModified", "dtDeleted", "reservation",
}  # fmt: skip


@pytest.fixture
async def lab() -> AsyncIterator[PaperspaceLab]:
    async with running_lab() as lab:
        yield lab


@pytest.fixture
async def api(lab: PaperspaceLab) -> AsyncIterator[Api]:
    api = Api(lab)
    yield api
    await api.http.aclose()


class TestKeys:
    async def test_a_call_without_a_key_is_refused_but_the_session_is_null(self, lab: PaperspaceLab) -> None:
        async with httpx.AsyncClient(base_url=lab.url) as stranger:
            refused = await stranger.get("/machines")
            session = await stranger.get("/auth/session", headers={"Authorization": "Bearer wrong"})
        assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHORIZED")
        assert (session.status_code, session.json()) == (200, None)

    async def test_the_session_names_the_team(self, api: Api) -> None:
        session = await api.get("/auth/session")
        assert session["user"]["teamMemberships"][0]["team"]["name"] == "Lab"
        assert session["team"]["maxMachines"] > 0

    async def test_another_team_sees_nothing_of_ours(self, lab: PaperspaceLab, api: Api) -> None:
        machine, script = await api.order(), await api.store("true")
        other = Api(lab, key=lab.team("Rivals"))
        assert (await other.get("/machines"))["items"] == []
        assert (await other.get("/startup-scripts"))["items"] == []
        assert (await other.get("/machine-events"))["items"] == []
        assert await other.delete(f"/machines/{machine.id}") == (404, "NOT_FOUND")
        assert await other.post("/machines", ORDER | {"startupScriptId": script}) == (404, "NOT_FOUND")
        await other.http.aclose()


class TestAnswers:
    async def test_changes_are_wrapped_and_reading_is_bare(self, api: Api) -> None:
        created = await api.post("/machines", ORDER)
        assert created.keys() == {"event", "data"}
        machine = await api.get(f"/machines/{created['data']['id']}")
        assert machine.keys() == MACHINE_FIELDS
        assert (await api.get(f"/machine-events/{created['event']['id']}"))["name"] == "create"

    async def test_regions_are_taken_in_any_form_and_shown_in_the_long_one(self, api: Api) -> None:
        for region in ("ny2", "NY2", "East Coast (NY2)"):
            created = await api.post("/machines", ORDER | {"region": region})
            assert created["data"]["region"] == "East Coast (NY2)"

    async def test_sizes_in_bytes_are_strings_unless_switched_off(self, lab: PaperspaceLab, api: Api) -> None:
        machine = (await api.post("/machines", ORDER))["data"]
        assert machine["storageTotal"] == "107374182400"
        assert machine["accelerators"] == [{"name": "Ampere A4000", "memory": "17179869184", "count": 1}]
        lab.faults.switch("cloud: string numbers off")
        assert (await api.get(f"/machines/{machine['id']}"))["storageTotal"] == 107374182400

    async def test_unknown_paths_and_methods_are_refused_as_json(self, api: Api) -> None:
        assert await api.get("/os_templates") == (404, "NOT_FOUND")
        assert await api.get("/machines/none") == (404, "NOT_FOUND")
        assert await api.put("/machines", {}) == (405, "METHOD_NOT_SUPPORTED")

    async def test_a_trailing_slash_is_tolerated(self, api: Api) -> None:
        assert (await api.get("/machines/"))["items"] == []

    async def test_every_call_is_recorded_without_its_key(self, lab: PaperspaceLab, api: Api) -> None:
        await api.store("echo secret")
        call = lab.calls[-1]
        assert (call.method, call.path, call.status) == ("POST", "/startup-scripts", 200)
        assert call.body == {"name": "bootstrap", "script": "echo secret"}
        assert lab.api_key not in repr(lab.calls)


class TestBodies:
    async def test_an_empty_patch_that_claims_to_be_json_is_refused(self, api: Api) -> None:
        machine = await api.order(startOnCreate=False)
        await until(lambda: machine.state == "off")
        path, json_header = f"/machines/{machine.id}/start", {"Content-Type": "application/json"}
        refused = await api.http.patch(path, headers=json_header)
        assert (refused.status_code, refused.json()["code"]) == (400, "BAD_REQUEST")
        assert (await api.http.patch(path, json={})).status_code == 200

    async def test_a_patch_without_body_and_a_delete_with_json_header_work(self, api: Api) -> None:
        machine = await api.order(startOnCreate=False)
        await until(lambda: machine.state == "off")
        assert (await api.http.patch(f"/machines/{machine.id}/start")).status_code == 200
        deleted = await api.http.delete(f"/machines/{machine.id}", headers={"Content-Type": "application/json"})
        assert deleted.status_code == 200

    async def test_what_is_no_json_is_refused(self, api: Api) -> None:
        answer = await api.http.post("/machines", content=b"{", headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "PARSE_ERROR")

    async def test_more_than_100_kb_are_refused(self, api: Api) -> None:
        assert await api.post("/startup-scripts", {"name": "x", "script": "a" * 110_000}) == (413, "PAYLOAD_TOO_LARGE")

    async def test_unknown_keys_are_dropped(self, api: Api) -> None:
        assert (await api.post("/machines", ORDER | {"billingType": "hourly"}))["data"]["name"] == "worker-01"

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"machineType": "A4"},
            {"machineType": "C5"},
            {"machineType": "H100"},
            {"machineType": "RTX5000", "region": "ca1"},
            {"templateId": "tnone"},
            {"region": "mars"},
            {"diskSize": 40},
            {"diskSize": "100"},
            {"diskSize": 4000},
            {"templateId": "tqqsxr6b", "machineType": "A100", "diskSize": 50},
            {"publicIpType": "floating"},
            {"startOnCreate": "yes"},
        ],
    )
    async def test_orders_that_make_no_sense_are_refused(
        self, lab: PaperspaceLab, api: Api, change: dict[str, object]
    ) -> None:
        assert await api.post("/machines", ORDER | change) == (400, "BAD_REQUEST")
        assert lab.machines == []


class TestLists:
    async def test_pages_by_cursor_hold_everything_newest_first(self, api: Api) -> None:
        ids = [await api.store("true", name=f"script-{number}") for number in range(7)]
        seen: list[str] = []
        page = await api.get("/startup-scripts", limit=3)
        while page["hasMore"]:
            seen += [item["id"] for item in page["items"]]
            page = await api.get("/startup-scripts", limit=3, after=page["nextPage"])
        seen += [item["id"] for item in page["items"]]
        assert page.get("nextPage") is None
        assert seen == ids[::-1]

    async def test_a_cursor_stays_good_when_its_item_is_deleted(self, api: Api) -> None:
        ids = [await api.store("true") for _ in range(4)]
        page = await api.get("/startup-scripts", limit=2)
        await api.delete(f"/startup-scripts/{page['nextPage']}")
        rest = await api.get("/startup-scripts", limit=2, after=page["nextPage"])
        assert [item["id"] for item in rest["items"]] == [ids[1], ids[0]]

    @pytest.mark.parametrize("limit", [0, 121, "many"])
    async def test_limits_are_1_to_120(self, api: Api, limit: object) -> None:
        assert await api.get("/machines", limit=limit) == (400, "BAD_REQUEST")

    async def test_the_filter_by_name_is_loose(self, api: Api) -> None:
        await api.order(name="prime-a-1")
        await api.order(name="prime-a-12")
        await api.order(name="other")
        found = await api.get("/machines", name="prime-a-1")
        assert {machine["name"] for machine in found["items"]} == {"prime-a-1", "prime-a-12"}

    async def test_names_need_not_be_unique(self, api: Api) -> None:
        assert (await api.order()).id != (await api.order()).id

    async def test_lists_can_be_ordered_and_filtered(self, api: Api) -> None:
        await api.order(name="b")
        await api.order(name="a", region="ca1")
        by_name = await api.get("/machines", orderBy="name", order="asc")
        assert [machine["name"] for machine in by_name["items"]] == ["a", "b"]
        in_ca1 = await api.get("/machines", region="West Coast (CA1)")
        assert [machine["name"] for machine in in_ca1["items"]] == ["a"]

    async def test_items_can_come_twice(self, lab: PaperspaceLab, api: Api) -> None:
        await api.order()
        lab.faults.switch("cloud: duplicate items")
        assert len((await api.get("/machines"))["items"]) == 2


class TestCatalogue:
    async def test_templates_tell_which_types_they_are_for(self, api: Api) -> None:
        templates = {template["id"]: template for template in (await api.get("/os-templates"))["items"]}
        labels = {each["machineTypeLabel"] for each in templates["twnlo3zj"]["availableMachineTypes"]}
        assert {"A4000", "A6000x4", "V100", "L40S"} <= labels
        assert not labels & {"A100", "H100", "C5"}
        assert templates["twnlo3zj"]["defaultSizeGb"] is None
        assert templates["tilqt47t"]["defaultSizeGb"] == 100
        offered = [each["machineTypeLabel"] for one in templates.values() for each in one["availableMachineTypes"]]
        assert set(offered) == set(TYPES)

    async def test_availability_is_per_type_and_region(self, lab: PaperspaceLab, api: Api) -> None:
        async def is_available(kind: str, region: str) -> bool:
            return (await api.get("/machine-availability", machineType=kind, region=region))["available"]

        lab.sell_out("A4000", "ca1")
        assert await is_available("A4000", "East Coast (NY2)")
        assert not await is_available("A4000", "ca1")
        assert not await is_available("H100", "ams1")
        assert not await is_available("Z9", "ny2")
        lab.restock("A4000")
        assert await is_available("A4000", "ca1")

    async def test_availability_needs_both_inputs(self, api: Api) -> None:
        assert await api.get("/machine-availability", machineType="A4000") == (400, "BAD_REQUEST")

    async def test_an_unknown_network_is_null_and_so_is_the_default_one(self, api: Api) -> None:
        machine = (await api.post("/machines", ORDER))["data"]
        assert await api.get("/private-networks/nothing") is None
        assert await api.get(f"/private-networks/{machine['networkId']}") is None
        assert await api.put(f"/machines/{machine['id']}", {"networkId": machine["networkId"]}) == (404, "NOT_FOUND")

    async def test_private_networks_are_listed_and_taken_by_orders_of_their_region(self, api: Api) -> None:
        network = (await api.get("/private-networks", region="ny2"))["items"][0]
        assert await api.get(f"/private-networks/{network['id']}") == network
        assert (await api.order(networkId=network["id"])).network_id == network["id"]
        assert await api.post("/machines", ORDER | {"networkId": network["id"], "region": "ca1"}) == (404, "NOT_FOUND")

    async def test_nobody_has_made_custom_templates(self, api: Api) -> None:
        assert (await api.get("/custom-templates"))["items"] == []


class TestScripts:
    async def test_the_text_never_comes_back(self, lab: PaperspaceLab, api: Api) -> None:
        script = await api.post("/startup-scripts", {"name": "a", "script": "echo hidden", "isRunOnce": True})
        assert script.keys() == {
            "id", "name", "description", "isEnabled", "isRunOnce", "assignedMachineIds", "dtCreated", "dtDeleted",
        }  # fmt: skip
        assert "hidden" not in str(await api.get(f"/startup-scripts/{script['id']}"))
        assert lab.scripts[0].text == "echo hidden"

    async def test_a_text_over_16_kb_is_refused(self, lab: PaperspaceLab, api: Api) -> None:
        assert await api.post("/startup-scripts", {"name": "a", "script": "a" * 16_385}) == (400, "BAD_REQUEST")
        script = await api.store("a" * 16_384)
        assert await api.put(f"/startup-scripts/{script}", {"script": "é" * 8193}) == (400, "BAD_REQUEST")

    async def test_assigning_shows_only_at_the_script(self, api: Api) -> None:
        first, second = await api.store("true"), await api.store("true")
        machine = await api.order(startupScriptId=first)
        assert (await api.get(f"/startup-scripts/{first}"))["assignedMachineIds"] == [machine.id]
        await api.post(f"/startup-scripts/{first}/unassign", {"machineId": machine.id})
        await api.post(f"/startup-scripts/{second}/assign", {"machineId": machine.id})
        assert (await api.get(f"/startup-scripts/{first}"))["assignedMachineIds"] == []
        assert (await api.get(f"/startup-scripts/{second}"))["assignedMachineIds"] == [machine.id]

    async def test_a_script_can_be_changed_and_deleted(self, lab: PaperspaceLab, api: Api) -> None:
        script = await api.store("one")
        await api.put(f"/startup-scripts/{script}", {"script": "two", "isEnabled": False})
        assert (lab.scripts[0].text, lab.scripts[0].is_enabled, lab.scripts[0].name) == ("two", False, "bootstrap")
        assert (await api.delete(f"/startup-scripts/{script}"))["dtDeleted"] is not None
        assert await api.get(f"/startup-scripts/{script}") == (404, "NOT_FOUND")
        assert lab.scripts == []
