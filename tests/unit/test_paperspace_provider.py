"""What the port's words become at Paperspace, and what its answers become in the port's words."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.catalog.model import YesNo
from core.servers.errors import (
    MachineBusyError,
    MachineNotFoundError,
    NoCapacityError,
    OrderRefusedError,
    OutcomeUnknownError,
    ProviderForbiddenError,
    ProviderUnavailableError,
    QuotaError,
    RateLimitedError,
)
from core.servers.model import MachineOrder
from providers.paperspace.provider import Paperspace
from providers.registry import ProviderSettings
from tests.canned import BLOCKED, BROKEN, DROPPED, Canned, CannedServer, QuickClock, answer, canned_server, refusal
from tests.unit.test_paperspace_wire import MACHINE, READ

ORDER = MachineOrder(
    name="prime-ab12-000001-llama",
    type="A4000",
    region="NY2",
    template_id="twnlo3zj",
    disk_gb=100,
    startup_script="#!/bin/bash\necho the-servers-key\n",
)
SCRIPT = {"id": "sc1", "name": ORDER.name}
ORDERED = answer({"event": {"id": "ev1"}, "data": MACHINE})


def page(*items: dict[str, Any]) -> Canned:
    return answer({"hasMore": False, "items": items})


def in_state(state: str) -> Canned:
    return answer(MACHINE | {"state": state})


@pytest.fixture
async def server() -> AsyncIterator[CannedServer]:
    async with canned_server() as server:
        server.lay("GET /startup-scripts", page())
        server.lay("POST /startup-scripts", answer(SCRIPT))
        server.lay("POST /machines", ORDERED)
        server.lay("GET /public-ips", page())
        yield server


@pytest.fixture
async def cloud(server: CannedServer) -> AsyncIterator[Paperspace]:
    cloud = Paperspace("key-of-the-lab-0001", ProviderSettings(base_url=server.url, clock=QuickClock()))
    yield cloud
    await cloud.aclose()


class TestCreate:
    async def test_the_script_comes_first_and_the_machine_says_all_that_has_no_known_default(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        assert await cloud.create(ORDER) == READ

        listed, stored, ordered = server.calls
        assert str(listed) == "GET /startup-scripts"
        assert stored.json == {"name": ORDER.name, "script": ORDER.startup_script, "isRunOnce": False}
        assert ordered.json == {
            "name": ORDER.name,
            "machineType": "A4000",
            "region": "NY2",
            "templateId": "twnlo3zj",
            "diskSize": 100,
            "startupScriptId": "sc1",
            "publicIpType": "dynamic",
            "startOnCreate": True,
            "autoShutdownEnabled": False,
            "autoSnapshotEnabled": False,
            "takeInitialSnapshot": False,
            "emailPassword": False,
        }

    async def test_a_script_of_an_earlier_try_is_used_again(self, server: CannedServer, cloud: Paperspace) -> None:
        server.lay("GET /startup-scripts", page({"id": "sc9", "name": ORDER.name + "-other"}, SCRIPT))
        server.lay("PUT /startup-scripts/sc1", answer(SCRIPT))
        await cloud.create(ORDER)

        assert server.asked("POST /startup-scripts") == []
        assert server.asked("PUT")[0].json == {"script": ORDER.startup_script}
        assert server.asked("POST /machines")[0].json["startupScriptId"] == "sc1"

    async def test_a_script_that_vanishes_meanwhile_is_stored_anew(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /startup-scripts", page({"id": "sc8", "name": ORDER.name}))
        await cloud.create(ORDER)
        assert server.asked("POST /machines")[0].json["startupScriptId"] == "sc1"

    @pytest.mark.parametrize("lost", [BROKEN, DROPPED])
    async def test_trouble_with_the_script_orders_nothing(
        self, lost: Canned, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("POST /startup-scripts", lost)
        with pytest.raises(ProviderUnavailableError):
            await cloud.create(ORDER)
        assert server.asked("POST /machines") == []

    @pytest.mark.parametrize("lost", [BROKEN, DROPPED, Canned(body=b"<html>", content_type="text/html")])
    async def test_a_lost_reply_to_the_order_leaves_its_outcome_unknown(
        self, lost: Canned, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("POST /machines", lost)
        with pytest.raises(OutcomeUnknownError):
            await cloud.create(ORDER)
        assert len(server.asked("POST /machines")) == 1

    @pytest.mark.parametrize("request_", ["POST /startup-scripts", "POST /machines"])
    async def test_the_firewalls_page_is_a_refusal_that_names_the_firewall(
        self, request_: str, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay(request_, BLOCKED)
        with pytest.raises(OrderRefusedError, match="firewall"):
            await cloud.create(ORDER)

    @pytest.mark.parametrize(
        ("status", "words", "error"),
        [
            (400, "Insufficient capacity for this type", NoCapacityError),
            (409, "due to unusually high demand", NoCapacityError),
            (412, "Machine type is not available in this region", NoCapacityError),
            (403, "Your team has reached its quota of 5 machines", QuotaError),
            (400, "Machine limit reached, request more capacity", QuotaError),
            (403, "H100 needs approval", OrderRefusedError),
            (400, "Add a payment method first", OrderRefusedError),
            (400, "Input validation failed", OrderRefusedError),
            (400, "A4000 is not available for this template", OrderRefusedError),
            (404, "Template not found", OrderRefusedError),
            (413, "Payload too large", OrderRefusedError),
            (401, "", ProviderForbiddenError),
            (403, "", ProviderForbiddenError),
            (429, "", RateLimitedError),
        ],
    )
    async def test_a_refusal_of_the_order_says_what_to_do_next(
        self, status: int, words: str, error: type[Exception], server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("POST /machines", refusal(status, "CODE", words))
        with pytest.raises(error) as caught:
            await cloud.create(ORDER)
        assert type(caught.value) is error

    async def test_a_refusal_shows_the_clouds_words_shortened_and_on_one_line(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("POST /machines", refusal(400, "BAD_REQUEST", "diskSize\n\x1b is   odd " + "x" * 500))
        with pytest.raises(OrderRefusedError, match=r'\("BAD_REQUEST diskSize is odd x{130,140}"\)'):
            await cloud.create(ORDER)

    async def test_a_refusal_of_the_script_does_not_show_what_may_quote_it(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("POST /startup-scripts", refusal(400, "BAD_REQUEST", f"bad: {ORDER.startup_script}"))
        with pytest.raises(OrderRefusedError) as caught:
            await cloud.create(ORDER)
        assert "the-servers-key" not in str(caught.value)


class TestPower:
    @pytest.mark.parametrize("state", ["ready", "serviceready", "starting", "provisioning"])
    async def test_a_start_of_what_is_up_asks_nothing(
        self, state: str, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /machines/ps1", in_state(state))
        await cloud.start("ps1")
        assert server.asked("PATCH") == []

    @pytest.mark.parametrize("state", ["off", "stopping"])
    async def test_a_stop_of_what_is_down_asks_nothing(
        self, state: str, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /machines/ps1", in_state(state))
        await cloud.stop("ps1")
        assert server.asked("PATCH") == []

    async def test_what_is_on_its_way_elsewhere_is_busy(self, server: CannedServer, cloud: Paperspace) -> None:
        server.lay("GET /machines/ps1", in_state("stopping"))
        with pytest.raises(MachineBusyError):
            await cloud.start("ps1")
        server.lay("GET /machines/ps1", in_state("starting"))
        with pytest.raises(MachineBusyError):
            await cloud.stop("ps1")
        assert server.asked("PATCH") == []

    async def test_a_machine_in_an_unknown_state_can_be_stopped(self, server: CannedServer, cloud: Paperspace) -> None:
        server.lay("GET /machines/ps1", in_state("a new word"))
        server.lay("PATCH /machines/ps1/stop", ORDERED)
        await cloud.stop("ps1")
        assert len(server.asked("PATCH")) == 1

    async def test_a_refused_start_of_what_somebody_else_started_is_success(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /machines/ps1", in_state("off"), in_state("starting"))
        server.lay("PATCH /machines/ps1/start", refusal(400, "BAD_REQUEST", "This machine is currently starting."))
        await cloud.start("ps1")

    @pytest.mark.parametrize(
        ("given", "error"),
        [
            (refusal(400, "BAD_REQUEST", "insufficient capacity"), NoCapacityError),
            (refusal(403, "FORBIDDEN", "quota"), QuotaError),
            (refusal(403, "FORBIDDEN"), ProviderForbiddenError),
            (refusal(409, "CONFLICT", "currently upgrading"), MachineBusyError),
            (refusal(404, "NOT_FOUND"), MachineNotFoundError),
            (refusal(429, "TOO_MANY_REQUESTS"), RateLimitedError),
            (BLOCKED, ProviderUnavailableError),
            (BROKEN, ProviderUnavailableError),
            (DROPPED, ProviderUnavailableError),
        ],
    )
    async def test_a_start_that_came_to_nothing_says_why(
        self, given: Canned, error: type[Exception], server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /machines/ps1", in_state("off"))
        server.lay("PATCH /machines/ps1/start", given)
        with pytest.raises(error) as caught:
            await cloud.start("ps1")
        assert type(caught.value) is error

    async def test_a_refused_stop_is_asked_again_whatever_its_words(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /machines/ps1", in_state("ready"))
        server.lay("PATCH /machines/ps1/stop", refusal(400, "BAD_REQUEST", "capacity quota limit"))
        with pytest.raises(MachineBusyError):
            await cloud.stop("ps1")


class TestDelete:
    async def test_the_address_goes_first_since_nothing_may_tell_later_whose_it_was(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /public-ips", page({"ip": "203.0.113.4", "assignedMachineId": "ps1"}, {"ip": "203.0.113.5"}))
        server.lay("DELETE /public-ips/203.0.113.4", answer({"ip": "203.0.113.4"}))
        server.lay("DELETE /machines/ps1", ORDERED)
        await cloud.delete("ps1")
        assert [str(call) for call in server.asked("DELETE")] == [
            "DELETE /public-ips/203.0.113.4",
            "DELETE /machines/ps1",
        ]

    async def test_an_address_that_is_kept_while_the_machine_is_there_goes_after_it(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        kept = refusal(409, "CONFLICT", "assigned")
        server.lay("GET /public-ips", page({"ip": "203.0.113.4", "assignedMachineId": "ps1"}))
        server.lay("DELETE /public-ips/203.0.113.4", kept, answer({"ip": "203.0.113.4"}))
        server.lay("DELETE /machines/ps1", ORDERED)
        await cloud.delete("ps1")

        server.lay("DELETE /public-ips/203.0.113.4", kept)
        with pytest.raises(MachineBusyError, match="address"):
            await cloud.delete("ps1")

    async def test_the_address_of_a_machine_that_is_gone_already_goes_too(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /public-ips", page({"ip": "203.0.113.4", "assignedMachineId": "ps1"}))
        server.lay("DELETE /public-ips/203.0.113.4", answer({"ip": "203.0.113.4"}))
        await cloud.delete("ps1")
        assert len(server.asked("DELETE /public-ips")) == 1

    @pytest.mark.parametrize(
        ("given", "error"),
        [
            (refusal(409, "CONFLICT", "quota capacity"), MachineBusyError),
            (refusal(403, "FORBIDDEN"), ProviderForbiddenError),
            (Canned(status=404, body=b"<html>", content_type="text/html"), ProviderUnavailableError),
            (BROKEN, ProviderUnavailableError),
            (DROPPED, ProviderUnavailableError),
        ],
    )
    async def test_a_machine_that_may_still_be_there_is_no_success(
        self, given: Canned, error: type[Exception], server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("DELETE /machines/ps1", given)
        with pytest.raises(error) as caught:
            await cloud.delete("ps1")
        assert type(caught.value) is error

    async def test_clearing_away_deletes_every_script_of_exactly_this_name(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        twin, other = {"id": "sc2", "name": ORDER.name}, {"id": "sc3", "name": ORDER.name + "x"}
        server.lay("GET /startup-scripts", page(SCRIPT, twin, other))
        server.lay("DELETE /startup-scripts/sc1", answer(SCRIPT))
        await cloud.clear_away(ORDER.name)
        assert [call.path for call in server.asked("DELETE")] == ["/startup-scripts/sc1", "/startup-scripts/sc2"]

        server.lay("DELETE /startup-scripts/sc1", refusal(409, "CONFLICT", "assigned"))
        with pytest.raises(MachineBusyError):
            await cloud.clear_away(ORDER.name)


class TestOffers:
    TEMPLATES = page(
        {
            "id": "twnlo3zj",
            "name": "mliab-u20",
            "operatingSystemLabel": "ML-in-a-Box 20.04",
            "defaultSizeGb": None,
            "availableMachineTypes": [
                {"machineTypeLabel": label, "isAvailable": True} for label in ("A4000", "L40S", "C5")
            ],
        }
    )

    async def test_live_answers_lie_over_the_price_file_and_a_type_without_a_price_is_shown(
        self, server: CannedServer, cloud: Paperspace
    ) -> None:
        server.lay("GET /os-templates", self.TEMPLATES)
        server.lay("GET /machine-availability", answer({"available": True}))
        offers = {offer.type: offer for offer in await cloud.offers()}

        assert offers["A4000"].regions == {"NY2": YesNo.YES, "CA1": YesNo.YES, "AMS1": YesNo.YES}
        assert offers["A4000"].gpu_memory_gib == 16
        assert [template.id for template in offers["L40S"].templates] == ["twnlo3zj"]
        assert offers["L40S"].price_usd_per_hour is None
        assert set(offers["L40S"].regions) == {"NY2", "CA1", "AMS1"}
        assert "C5" not in offers

    async def test_an_availability_that_is_not_told_is_unknown(self, server: CannedServer, cloud: Paperspace) -> None:
        server.lay("GET /os-templates", self.TEMPLATES)
        server.lay("GET /machine-availability", refusal(404, "NOT_FOUND"))
        assert {one for offer in await cloud.offers() for one in offer.regions.values()} == {YesNo.UNKNOWN}

        server.lay("GET /machine-availability", BROKEN)
        server.calls.clear()
        assert {one for offer in await cloud.offers() for one in offer.regions.values()} == {YesNo.UNKNOWN}
        assert len(server.asked("GET /machine-availability")) <= 3 * 8

    async def test_a_key_that_may_not_ask_is_forbidden(self, server: CannedServer, cloud: Paperspace) -> None:
        server.lay("GET /os-templates", self.TEMPLATES)
        server.lay("GET /machine-availability", refusal(401, "UNAUTHORIZED"))
        with pytest.raises(ProviderForbiddenError):
            await cloud.offers()


async def test_no_session_is_no_key(server: CannedServer, cloud: Paperspace) -> None:
    server.lay("GET /auth/session", answer(None))
    with pytest.raises(ProviderForbiddenError):
        await cloud.check_credentials()
