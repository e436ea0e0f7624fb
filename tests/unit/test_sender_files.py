"""Reading files that people shared: from Slack's own hosts, bounded, and with no way off them."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.budgets import LocalBudgets
from bot.pacer import Pacer
from bot.sender import Sender
from tests.clock import ManualClock
from tests.serving import served

MOST = 1000


class Host:
    """Serves one file each way that matters."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        """Paths, and what authorised them."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.asked.append((name, request.headers.get("Authorization", "")))
        match name:
            case "elsewhere":
                raise web.HTTPFound(f"{self.url}/files/small")
            case "sign-in":
                return web.Response(text="<html>Sign in</html>", content_type="text/html")
            case "large":
                return web.Response(body=b"x" * (MOST + 1))
            case _:
                return web.Response(body=b"hello")


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    async with served(web.get("/files/{name}", host.serve)) as host.url:
        yield host


@pytest.fixture
async def sender(host: Host, clock: ManualClock) -> AsyncIterator[Sender]:
    pacer = Pacer(LocalBudgets(), clock)
    async with Sender(token="xoxb-1", base_url=f"{host.url}/api/", pacer=pacer, clock=clock) as sender:
        yield sender


async def test_a_file_is_read_with_the_bots_token(host: Host, sender: Sender) -> None:
    data = await sender.get_file(f"{host.url}/files/small", mimetype="text/plain", most_bytes=MOST)
    assert data == b"hello"
    assert host.asked == [("small", "Bearer xoxb-1")]


@pytest.mark.parametrize("name", ["elsewhere", "sign-in", "large"])
async def test_what_is_no_such_file_is_none(host: Host, sender: Sender, name: str) -> None:
    assert await sender.get_file(f"{host.url}/files/{name}", mimetype="text/plain", most_bytes=MOST) is None
    assert [asked for asked, _ in host.asked] == [name], "a redirect is not followed"


async def test_a_page_that_somebody_shared_is_no_sign_in(host: Host, sender: Sender) -> None:
    assert await sender.get_file(f"{host.url}/files/sign-in", mimetype="text/html", most_bytes=MOST)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/files/small",
        "https://slack.com.example.com/files/small",
        "https://evilslack.com/files/small",
        "http://files.slack.com/files/small",
        "https://files.slack.com:8443/files/small",
        "https://user@127.0.0.1/files/small",
        "file:///etc/passwd",
        "",
    ],
)
async def test_the_token_goes_to_no_other_host(host: Host, sender: Sender, url: str) -> None:
    assert await sender.get_file(url, mimetype="text/plain", most_bytes=MOST) is None
    assert not host.asked
