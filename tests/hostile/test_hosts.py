"""No host that a person, a file, a model, a cloud or a hub names is ever contacted."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.budgets import LocalBudgets
from bot.pacer import Pacer
from bot.sender import Sender
from core.errors import PrimeError
from lab.slack.deliveries import Kind
from providers.engines.wire import EngineWire
from tests.canned import Canned, canned_server
from tests.clock import ManualClock
from tests.hostile.canary import Canary, canary_listening
from tests.hostile.door import open_door
from tests.profiles import LONG, cases
from tests.raw_server import raw_server
from tests.recipients import recipient
from tests.scenario.talking import open_talk_office, sent


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async with canary_listening() as canary:
        yield canary


# --- what Prime sends to Slack ----------------------------------------------------------------------

SLACK = "https://slack.com/api/"
OUTSIDE = [
    "http://{canary}/x",
    "https://files.slack.com@{canary}/x",
    "http://{canary}#.slack.com/x",
    "http://{canary}?.slack.com",
    "http://{canary}\\.slack.com/x",
    "https://files.slack.com:x/",
    "https://files.slack.com:99999999/",
    "https://[::1/",
    "https://name:word@files.slack.com/x",
    "//files.slack.com/x",
    "https://files.slack.com.{canary}/x",
    "https://files.slack.com\x00.{canary}/",
    "https://xn--/",
    "https://" + "x" * 5000 + ".slack.com.evil/",
]


@pytest.mark.parametrize("url", OUTSIDE)
async def test_nothing_goes_to_an_address_that_is_not_slacks(canary: Canary, clock: ManualClock, url: str) -> None:
    url = url.format(canary=canary.host)
    async with Sender(token="xoxb-1", base_url=SLACK, pacer=Pacer(LocalBudgets(), clock), clock=clock) as sender:
        assert await sender.get_file(url, mimetype="text/plain", most_bytes=10) is None
        assert not await sender.respond(url, {"text": "x"})
        assert not await sender.put_file(url, b"x")


@settings(**cases(short=300, long=50_000))
@given(st.text(max_size=20), st.sampled_from(["", "@", ":", "/", "\\", "#", "?", "\t", "%2f"]), st.text(max_size=20))
@example("a", "\\", "@files.slack.com")
async def test_an_address_is_slacks_or_none(front: str, between: str, back: str) -> None:
    clock = ManualClock()
    sender = Sender(token="xoxb-1", base_url=SLACK, pacer=Pacer(LocalBudgets(), clock), clock=clock)
    for url in (f"https://{front}{between}files.slack.com{back}", f"https://files.slack.com{between}{front}{back}"):
        place = sender._at_slack(url)
        if place is not None:
            assert place.scheme == "https"
            assert place.host is not None
            assert place.host.endswith(".slack.com")
            assert place.port == 443


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_slacks_redirects_are_not_followed(canary: Canary, clock: ManualClock, status: int) -> None:
    async with canned_server() as server:
        elsewhere = Canned(status=status, headers={"Location": canary.url})
        server.lay("GET /file", elsewhere)
        server.lay("POST /answer", elsewhere)
        server.lay("POST /upload", elsewhere)
        pacer = Pacer(LocalBudgets(), clock)
        async with Sender(token="xoxb-1", base_url=f"{server.url}/api/", pacer=pacer, clock=clock) as sender:
            assert await sender.get_file(f"{server.url}/file", mimetype="text/plain", most_bytes=10) is None
            assert not await sender.respond(f"{server.url}/answer", {"text": "x"})
            assert not await sender.put_file(f"{server.url}/upload", b"x")
        assert len(server.calls) == 3


async def test_forged_addresses_in_payloads_lead_nowhere(canary: Canary, database_url: str) -> None:
    async with open_door(database_url) as door:
        answered = [seed for seed in door.seeds if "response_url" in seed.payload]
        for seed in answered[:: 1 if LONG else 8]:
            forged = {**door.fresh(seed.payload), "response_url": f"{canary.url}/respond"}
            assert await door.knock(seed.kind, forged) == 200
        [shared] = [seed for seed in door.seeds if seed.name == "shares a file"]
        file = {**shared.payload["event"]["files"][0], "url_private": f"{canary.url}/notes.txt"}
        for number, address in enumerate([f"{canary.url}/notes.txt", "https://files.slack.com:x/", "https://["]):
            files = [{**file, "url_private": address}]
            event = {**shared.payload["event"], "ts": f"1790000000.00000{number}", "files": files}
            assert await door.knock(Kind.EVENT, {**shared.payload, "event": event, "event_id": f"Ev{number}"}) == 200
        assert not await door.surprises()


# --- what models and people write -------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
async def test_an_engines_redirect_is_not_followed(canary: Canary, status: str) -> None:
    wire = EngineWire()
    async with raw_server(status=status, headers=f"Location: {canary.url}/x\r\n") as server:
        with suppress(PrimeError):
            async with wire.post(recipient(server.endpoint), "/x", {}, silence_seconds=5) as response:
                assert response.is_redirect
        assert server.connections == 1
    await wire.aclose()


async def test_links_in_prompts_and_answers_are_only_text(canary: Canary, database_url: str) -> None:
    links = f"{canary.url}/a ![image]({canary.url}/b.png) <img src='{canary.url}/c'> [d]({canary.url}/d)"
    async with open_talk_office(database_url) as world:
        engine = await world.serve()
        engine.answer = lambda _: links
        rita = await world.office.person("U0RITA")
        _, answer = await world.asks(rita, f"@Prime what is behind {links}?")
        assert canary.host in answer.text
        assert len(sent(engine)) == 1
        posted = [one for one in world.office.lab.record.called("chat.postMessage") if one.error is None]
        assert all(str(one.arguments.get("unfurl_links")).lower() == "false" for one in posted), (
            "Slack would fetch them"
        )
        assert all(str(one.arguments.get("unfurl_media")).lower() == "false" for one in posted)
