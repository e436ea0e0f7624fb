"""The client against single answers: what is asked, what is asked again, what an answer becomes."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from core.servers.errors import (
    OutcomeUnknownError,
    ProviderForbiddenError,
    ProviderUnavailableError,
    RateLimitedError,
)
from providers import http
from providers.paperspace.client import MOST_PAGES, PAGE_SIZE, PaperspaceClient, RefusedError
from tests.canned import BLOCKED, BROKEN, DROPPED, Canned, CannedServer, QuickClock, answer, canned_server, refusal
from tests.unit.test_paperspace_wire import MACHINE

KEY = "key-of-the-lab-0001"
HTML = Canned(body=b"<html>hello</html>", content_type="text/html")
EMPTY = answer({"hasMore": False, "items": []})


@pytest.fixture
async def server() -> AsyncIterator[CannedServer]:
    async with canned_server() as server:
        yield server


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def client(server: CannedServer, quick: QuickClock) -> AsyncIterator[PaperspaceClient]:
    client = PaperspaceClient(KEY, base_url=server.url, clock=quick)
    yield client
    await client.aclose()


class TestWhatIsSent:
    async def test_the_key_and_a_plain_name_go_with_every_call(
        self, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay("GET /machines", EMPTY)
        await client.machines()

        headers = server.calls[0].headers
        assert (headers["authorization"], headers["user-agent"]) == (f"Bearer {KEY}", "prime")
        assert "content-type" not in headers

    @pytest.mark.parametrize("verb", ["start", "stop"])
    async def test_power_has_neither_a_body_nor_a_content_type(
        self, verb: str, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay(f"PATCH /machines/ps1/{verb}", answer({"event": {}, "data": MACHINE}))
        await client.power("ps1", verb)

        assert server.calls[0].body == b""
        assert "content-type" not in server.calls[0].headers

    @pytest.mark.parametrize("hostile", ["", ".", "..", "a/b", "a?b", "a#b", "a b", "%2e", "a\nb"])
    async def test_an_id_cannot_bend_the_path(
        self, hostile: str, server: CannedServer, client: PaperspaceClient
    ) -> None:
        with pytest.raises(ValueError, match="not an id"):
            await client.machine(hostile)
        assert server.calls == []

    async def test_a_redirect_is_not_followed(self, server: CannedServer, client: PaperspaceClient) -> None:
        server.lay("GET /machines", Canned(status=302, headers={"Location": f"{server.url}/elsewhere"}))
        with pytest.raises(ProviderUnavailableError):
            await client.machines()
        assert [str(call) for call in server.calls] == ["GET /machines"]


class TestReads:
    @pytest.mark.parametrize("trouble", [BROKEN, DROPPED], ids=["500", "reset"])
    async def test_trouble_is_asked_again_twice_with_growing_waits(
        self, trouble: Canned, server: CannedServer, client: PaperspaceClient, quick: QuickClock
    ) -> None:
        server.lay("GET /machines", trouble, trouble, EMPTY)
        assert await client.machines() == []
        assert quick.slept == [0.5, 1.5]

        server.lay("GET /machines", trouble)
        server.calls.clear()
        with pytest.raises(ProviderUnavailableError):
            await client.machines()
        assert len(server.calls) == 3

    async def test_a_cloud_that_is_away_is_unavailable(self, quick: QuickClock) -> None:
        client = PaperspaceClient(KEY, base_url="http://127.0.0.1:1", clock=quick)
        with pytest.raises(ProviderUnavailableError):
            await client.machines()
        await client.aclose()

    async def test_a_limit_is_asked_again_unless_it_names_a_longer_wait(
        self, server: CannedServer, client: PaperspaceClient, quick: QuickClock
    ) -> None:
        limited = refusal(429, "TOO_MANY_REQUESTS")
        server.lay("GET /machines", limited, limited, EMPTY)
        assert await client.machines() == []

        quick.slept.clear()
        server.lay("GET /machines", answer({}, status=429, Retry_After="30"))
        with pytest.raises(RateLimitedError) as caught:
            await client.machines()
        assert caught.value.retry_after_seconds == 30
        assert quick.slept == []

        server.lay("GET /machines", limited)
        with pytest.raises(RateLimitedError) as caught:
            await client.machines()
        assert caught.value.retry_after_seconds is None

    @pytest.mark.parametrize("garbage", [HTML, BLOCKED, Canned(body=b"{"), answer([]), Canned(status=204)])
    async def test_what_is_not_the_answer_is_no_empty_list(
        self, garbage: Canned, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay("GET /machines", garbage)
        with pytest.raises(ProviderUnavailableError):
            await client.machines()

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_key_that_may_not_is_forbidden(
        self, status: int, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay("GET /machines", refusal(status, "UNAUTHORIZED"))
        with pytest.raises(ProviderForbiddenError):
            await client.machines()
        assert len(server.calls) == 1

    async def test_only_the_api_can_say_that_there_is_no_such_machine(
        self, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay("GET /machines/ps1", refusal(404, "NOT_FOUND", "Machine not found"))
        assert await client.machine("ps1") is None
        server.lay("GET /machines/ps1", answer(None))
        assert await client.machine("ps1") is None

        server.lay("GET /machines/ps1", Canned(status=404, body=b"<html>nginx</html>", content_type="text/html"))
        with pytest.raises(ProviderUnavailableError):
            await client.machine("ps1")

    async def test_an_answer_that_is_too_long_is_cut(
        self, server: CannedServer, client: PaperspaceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 100)
        server.lay("GET /machines", Canned(body=b" " * 101 + b"{}"))
        with pytest.raises(ProviderUnavailableError):
            await client.machines()

    async def test_an_answer_that_does_not_end_in_time_is_cut(
        self, server: CannedServer, client: PaperspaceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "TOTAL_SECONDS", 0.05)
        server.lay("GET /machines", Canned(stalled=True))
        with pytest.raises(ProviderUnavailableError):
            await client.machines()


class TestPages:
    async def test_every_page_is_read_and_no_machine_twice(
        self, server: CannedServer, client: PaperspaceClient
    ) -> None:
        first, second = MACHINE | {"id": "ps1"}, MACHINE | {"id": "ps2"}
        server.lay(
            "GET /machines",
            answer({"hasMore": True, "nextPage": "p2", "items": [first]}),
            answer({"hasMore": False, "nextPage": None, "items": [first, second]}),
        )
        assert [machine.id for machine in await client.machines()] == ["ps1", "ps2"]
        assert [call.query for call in server.calls] == [
            {"limit": str(PAGE_SIZE)},
            {"limit": str(PAGE_SIZE), "after": "p2"},
        ]

    async def test_pages_that_lead_nowhere_end_in_an_error(
        self, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay("GET /machines", answer({"hasMore": True, "nextPage": "p2", "items": []}))
        with pytest.raises(ProviderUnavailableError):
            await client.machines()
        assert len(server.calls) == 2

    async def test_pages_without_end_end_in_an_error(self, server: CannedServer, client: PaperspaceClient) -> None:
        pages = (answer({"hasMore": True, "nextPage": f"p{number}", "items": []}) for number in range(MOST_PAGES + 1))
        server.lay("GET /machines", *pages)
        with pytest.raises(ProviderUnavailableError):
            await client.machines()
        assert len(server.calls) == MOST_PAGES


CHANGES: dict[str, Callable[[PaperspaceClient], Awaitable[object]]] = {
    "POST /machines": lambda client: client.order({"name": "x"}),
    "PATCH /machines/ps1/start": lambda client: client.power("ps1", "start"),
    "DELETE /machines/ps1": lambda client: client.delete_machine("ps1"),
    "POST /startup-scripts": lambda client: client.add_script("x", "text"),
    "PUT /startup-scripts/sc1": lambda client: client.put_script("sc1", "text"),
    "DELETE /public-ips/203.0.113.4": lambda client: client.release_address("203.0.113.4"),
}


@pytest.mark.parametrize("request_", CHANGES)
class TestChanges:
    @pytest.mark.parametrize("lost", [BROKEN, DROPPED, HTML, Canned(status=408), Canned(status=302)])
    async def test_a_lost_answer_leaves_the_outcome_unknown_and_nothing_is_sent_twice(
        self, request_: str, lost: Canned, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay(request_, lost)
        with pytest.raises(OutcomeUnknownError):
            await CHANGES[request_](client)
        assert len(server.calls) == 1

    async def test_a_cloud_that_was_not_reached_did_nothing(self, request_: str, quick: QuickClock) -> None:
        client = PaperspaceClient(KEY, base_url="http://127.0.0.1:1", clock=quick)
        with pytest.raises(ProviderUnavailableError):
            await CHANGES[request_](client)
        await client.aclose()

    async def test_a_limit_is_told_at_once(
        self, request_: str, server: CannedServer, client: PaperspaceClient, quick: QuickClock
    ) -> None:
        server.lay(request_, refusal(429, "TOO_MANY_REQUESTS"))
        with pytest.raises(RateLimitedError):
            await CHANGES[request_](client)
        assert (len(server.calls), quick.slept) == (1, [])

    async def test_a_refusal_carries_the_clouds_words(
        self, request_: str, server: CannedServer, client: PaperspaceClient
    ) -> None:
        server.lay(request_, refusal(400, "BAD_REQUEST", "no"))
        with pytest.raises(RefusedError) as caught:
            await CHANGES[request_](client)
        assert (caught.value.words, caught.value.is_html) == ("BAD_REQUEST no", False)

        server.lay(request_, BLOCKED)
        with pytest.raises(RefusedError) as caught:
            await CHANGES[request_](client)
        assert (caught.value.words, caught.value.is_html) == ("", True)

    async def test_no_key_is_forbidden(self, request_: str, server: CannedServer, client: PaperspaceClient) -> None:
        server.lay(request_, refusal(401, "UNAUTHORIZED"))
        with pytest.raises(ProviderForbiddenError):
            await CHANGES[request_](client)


@pytest.mark.parametrize("content", [None, {}, {"data": {}}, {"event": {}, "data": None}])
async def test_an_order_without_a_machine_in_its_answer_may_have_been_taken(
    content: object, server: CannedServer, client: PaperspaceClient
) -> None:
    server.lay("POST /machines", answer(content))
    with pytest.raises(OutcomeUnknownError):
        await client.order({"name": "x"})


async def test_the_log_holds_the_route_and_neither_ids_nor_the_key_nor_content(
    server: CannedServer, client: PaperspaceClient
) -> None:
    server.lay("DELETE /machines/ps1", refusal(400, "BAD_REQUEST", "secret words"))
    with capture_logs() as logs, pytest.raises(RefusedError):
        await client.delete_machine("ps1")

    (entry,) = logs
    assert isinstance(entry.pop("ms"), int)
    assert entry == {
        "event": "http.call",
        "log_level": "info",
        "service": "Paperspace",
        "method": "DELETE",
        "route": "/machines/{id}",
        "status": 400,
    }
