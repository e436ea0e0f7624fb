"""The connection to Slack breaks, is renewed, is not there yet; and deliveries over signed HTTP."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.http import SlackDoor
from bot.settings import Address
from bot.socket import Pace
from core.errors import ConfigurationError
from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.server import SlackLab
from tests.prime import ROOT, Prime, StartPrime, eventually

REFUSED = "That needs the role READ"


class TestSocketMode:
    async def test_a_connection_that_died_without_a_word_is_replaced(
        self, nils: Person, prime: Prime, lab: SlackLab
    ) -> None:
        dead = lab.platform.socket_mode.connections[0]
        lab.faults.switch(FaultName.SOCKET_SILENCE)
        await eventually(lambda: [one for one in lab.platform.socket_mode.connections if one is not dead])
        await eventually(lambda: dead not in lab.platform.socket_mode.connections)
        await eventually(prime.is_ready)
        assert (await nils.types("/prime", channel="#random"))["ok"]

    def test_silence_is_noticed_in_time_to_dial_within_20_seconds(self) -> None:
        assert Pace().silent_seconds > 2 * Pace().ping_seconds, "one lost ping is no silence"
        assert Pace().silent_seconds <= 12

    async def test_a_closed_connection_is_replaced(self, nils: Person, prime: Prime, lab: SlackLab) -> None:
        lab.faults.switch(FaultName.SOCKET_DROP)
        await eventually(lambda: len(lab.record.called("apps.connections.open")) == 2)
        await eventually(prime.is_ready)
        assert (await nils.types("/prime", channel="#random"))["ok"]

    async def test_a_refresh_loses_nothing_and_leaves_no_gap(self, nils: Person, prime: Prime, lab: SlackLab) -> None:
        [old] = lab.platform.socket_mode.connections
        lab.faults.switch(FaultName.REFRESH_REQUEST)
        sent: list[dict[str, Any]] = []
        while len(lab.platform.socket_mode.connections) < 2 or len(sent) < 10:
            sent.append(await nils.types("/prime", channel="#random"))
            assert lab.platform.socket_mode.connected
        # Slack may use the old one until it closes it, and Prime listens on.
        assert old in lab.platform.socket_mode.connections
        sent += [await nils.types("/prime", channel="#random") for _ in range(10)]
        assert all(answer["ok"] for answer in sent)
        lab.clock.jump(11)
        await eventually(lambda: old not in lab.platform.socket_mode.connections)
        assert (await nils.types("/prime", channel="#random"))["ok"]
        assert len(lab.platform.socket_mode.connections) == 1

    async def test_wins_over_http_when_both_are_given(self, start_prime: StartPrime, lab: SlackLab) -> None:
        async with start_prime(slack_signing_secret=lab.signing_secret) as prime:
            assert lab.platform.socket_mode.connected
            async with prime.session.post(f"{prime.url}/slack/events") as answer:
                assert answer.status == 404


class TestStart:
    async def test_keeps_trying_while_slack_cannot_be_reached(self, start_prime: StartPrime, lab: SlackLab) -> None:
        port = int(lab.url.rpartition(":")[2])
        await lab.stop()
        async with start_prime(wait=False) as prime:
            await eventually(lambda: _reasons_are(prime, ["Slack was not reached yet."]))
            async with prime.session.get(f"{prime.url}/healthz") as answer:
                assert answer.status == 200
            again = SlackLab(ROOT / "app.yaml")
            await again.start(port=port)
            try:
                await eventually(prime.is_ready)
            finally:
                await again.stop()

    @pytest.mark.parametrize(
        ("given", "variable"),
        [
            ({"slack_bot_token": "xoxb-wrong"}, "SLACK_BOT_TOKEN"),
            ({"slack_app_token": "xapp-wrong"}, "SLACK_APP_TOKEN"),
        ],
    )
    async def test_a_wrong_token_ends_it_with_a_sentence(
        self, start_prime: StartPrime, given: dict[str, str], variable: str
    ) -> None:
        with pytest.raises((ConfigurationError, ExceptionGroup)) as caught:
            async with start_prime(**given):
                pass
        error: BaseException = caught.value
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        assert isinstance(error, ConfigurationError)
        assert variable in str(error)

    async def test_an_old_schema_is_refused_with_the_command_to_run(
        self, start_prime: StartPrime, empty_database_url: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="prime migrate"):
            async with start_prime(database_url=empty_database_url):
                pass


async def _reasons_are(prime: Prime, reasons: list[str]) -> bool:
    return (await prime.readiness())[1] == reasons


class TestHttpMode:
    @pytest.fixture
    async def prime(self, start_prime: StartPrime, lab: SlackLab) -> Any:
        async with start_prime(slack_app_token=None, slack_signing_secret=lab.signing_secret) as prime:
            await lab.deliver_to(f"{prime.url}/slack/events")  # asks for the challenge, and probes with ssl_check
            yield prime

    async def test_answers_commands_mentions_and_buttons(self, nils: Person, prime: Prime) -> None:
        assert (await nils.types("/prime", channel="#random"))["ok"]
        await nils.sees("runs your team's own language models")
        await nils.says("#general", "@Prime good morning")
        await nils.sees(REFUSED)
        await nils.types("/prime", channel="#random")
        assert (await nils.presses("Help"))["ok"]
        await nils.sees("What you can do with Prime")

    async def test_answers_the_challenge_and_the_probe(self, prime: Prime, lab: SlackLab) -> None:
        transport: Any = lab.platform.deliveries.transport
        assert transport.connected
        assert await transport.probe() == 200

    @pytest.mark.parametrize("body", ['{"type": "event_callback"}', "{not json", "payload=%7B", "command=/prime"])
    async def test_refuses_what_is_not_signed_before_it_is_parsed(self, prime: Prime, body: str) -> None:
        for headers in ({}, _signed(body, "another secret"), {"X-Slack-Request-Timestamp": "x"}):
            async with prime.session.post(f"{prime.url}/slack/events", data=body, headers=headers) as answer:
                assert answer.status == 401

    async def test_refuses_a_signature_that_is_too_old(self, prime: Prime, lab: SlackLab) -> None:
        body = "command=/prime"
        stale = _signed(body, lab.signing_secret, at=int(time.time()) - 301)
        async with prime.session.post(f"{prime.url}/slack/events", data=body, headers=stale) as answer:
            assert answer.status == 401

    async def test_says_that_what_is_signed_and_cannot_be_read_is_wrong(self, prime: Prime, lab: SlackLab) -> None:
        body = "{not json"
        async with prime.session.post(
            f"{prime.url}/slack/events", data=body, headers=_signed(body, lab.signing_secret)
        ) as answer:
            assert answer.status == 400

    async def test_an_event_is_not_acknowledged_before_prime_is_ready(self) -> None:
        body = json.dumps({"type": "event_callback"})
        door = SlackDoor("0123456789abcdef")
        application = web.Application()
        application.router.add_post("/", door.take)
        async with TestClient(TestServer(application)) as client:
            answer = await client.post("/", data=body, headers=_signed(body, "0123456789abcdef"))
            assert answer.status == 503


class TestOperatorsEndpoints:
    async def test_metrics_are_for_this_machine_alone(self, prime: Prime) -> None:
        async with prime.session.get(f"{prime.url}/metrics") as answer:
            text = await answer.text()
        assert answer.status == 200
        assert "prime_socket_connected 1.0" in text
        async with prime.session.get(f"{prime.url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
            assert answer.status == 403

    async def test_metrics_move_to_their_own_address(self, start_prime: StartPrime, unused_tcp_port: int) -> None:
        async with start_prime(prime_metrics_addr=Address("127.0.0.1", unused_tcp_port)) as prime:
            async with prime.session.get(f"{prime.url}/metrics") as answer:
                assert answer.status == 404
            async with prime.session.get(f"http://127.0.0.1:{unused_tcp_port}/metrics") as answer:
                assert "prime_" in await answer.text()


def _signed(body: str, secret: str, *, at: int | None = None) -> dict[str, str]:
    timestamp = str(at or int(time.time()))
    signature = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}
