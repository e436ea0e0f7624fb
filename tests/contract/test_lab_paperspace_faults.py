"""What can go wrong with the lab's Paperspace, by name."""

from collections.abc import AsyncIterator

import httpx
import pytest

from lab.faults import Faults
from lab.paperspace.faults import FaultName
from lab.paperspace.server import PaperspaceLab
from tests.paperspace import ORDER, Api, running_lab


@pytest.fixture
async def lab() -> AsyncIterator[PaperspaceLab]:
    async with running_lab() as lab:
        yield lab


@pytest.fixture
async def api(lab: PaperspaceLab) -> AsyncIterator[Api]:
    api = Api(lab)
    yield api
    await api.http.aclose()


class TestFaults:
    async def test_every_fault_has_a_name_and_a_sentence(self, lab: PaperspaceLab) -> None:
        listing = lab.faults.listing()
        assert set(FaultName) <= {fault["name"] for fault in listing}
        assert all(fault["description"].endswith(".") for fault in listing)

    async def test_another_bar_can_show_and_switch_them(self, lab: PaperspaceLab, api: Api) -> None:
        bar = Faults()
        bar.add(*lab.faults)
        bar.switch("cloud: quota")
        assert await api.post("/machines", ORDER) == (403, "FORBIDDEN")

    async def test_a_quota_refuses_orders_in_words(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: quota")
        answer = await api.http.post("/machines", json=ORDER)
        assert answer.status_code == 403
        assert "quota" in answer.json()["message"]
        assert lab.costing() == []

    async def test_429s_tell_when_to_come_back_only_if_told_to(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: 429s", share=1.0)
        limited = await api.http.get("/machines")
        assert (limited.status_code, limited.json()["code"]) == (429, "TOO_MANY_REQUESTS")
        assert "Retry-After" not in limited.headers
        lab.faults.switch("cloud: 429s", retry_after=7)
        assert (await api.http.get("/machines")).headers["Retry-After"] == "7"

    async def test_a_share_of_calls_is_struck(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: 429s")
        statuses = [(await api.http.get("/machines")).status_code for _ in range(30)]
        assert set(statuses) == {200, 429}

    async def test_a_fault_can_be_confined_to_some_calls_and_times(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: 500s", share=1.0, only="GET /machines", times=2)
        assert (await api.http.get("/auth/session")).status_code == 200
        assert [(await api.http.get("/machines")).status_code for _ in range(3)] == [500, 500, 200]

    @pytest.mark.parametrize("after", [False, True])
    async def test_500s_come_before_or_after_the_work(self, lab: PaperspaceLab, api: Api, after: bool) -> None:
        lab.faults.switch("cloud: 500s", share=1.0, after=after)
        assert await api.post("/machines", ORDER) == (500, "INTERNAL_SERVER_ERROR")
        assert len(lab.machines) == after

    @pytest.mark.parametrize("path", ["/startup-scripts", "/machines"])
    async def test_the_firewall_answers_scripts_and_orders_in_html(
        self, lab: PaperspaceLab, api: Api, path: str
    ) -> None:
        lab.faults.switch("cloud: HTML block page")
        blocked = await api.http.post(path, json=ORDER)
        assert (blocked.status_code, blocked.headers["Content-Type"].split(";")[0]) == (403, "text/html")
        assert (await api.http.get(path)).status_code == 200
        assert lab.machines == []

    async def test_a_lost_reply_leaves_the_work_done(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: lost replies", only="POST /machines")
        with pytest.raises(httpx.TransportError):
            await api.http.post("/machines", json=ORDER)
        assert [machine.name for machine in lab.machines] == ["worker-01"]
        assert (lab.calls[-1].status, lab.calls[-1].is_lost) == (200, True)

    async def test_slow_takes_its_time(self, lab: PaperspaceLab, api: Api) -> None:
        lab.faults.switch("cloud: slow", seconds=0.05)
        before = lab.clock.time()
        await api.get("/machines")
        assert lab.clock.time() - before >= 0.05
