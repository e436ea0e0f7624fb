"""Socket Mode and signed HTTP as such (slack-platform.md sections 12 and 13)."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.driver import Person
from lab.slack.errors import SlackError
from lab.slack.faults import FaultName
from lab.slack.server import SlackLab
from tests.slack_apps import Client, Wire, connected, listening, serving, until

Json = dict[str, Any]


class RawSocket:
    """A Socket Mode connection, frame by frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def frame(self, kind: str) -> Json:
        """The next frame of this type; skips others."""
        async with asyncio.timeout(5):
            while True:
                frame = await self._socket.receive_json()
                if frame["type"] == kind:
                    return frame

    async def ack(self, envelope: Json, **payload: Any) -> None:
        answer = {"envelope_id": envelope["envelope_id"]} | ({"payload": payload} if payload else {})
        await self._socket.send_json(answer)

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return (await self._socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    async def ping(self, data: bytes) -> bytes:
        await self._socket.ping(data)
        async with asyncio.timeout(5):
            return (await self._socket.receive()).data

    async def leave(self) -> None:
        await self._socket.close()


class Dialer:
    """Dials in as an app does."""

    def __init__(self, lab: SlackLab, session: aiohttp.ClientSession) -> None:
        self._lab = lab
        self._session = session
        self._dialled: list[RawSocket] = []  # one that nobody holds would be closed

    async def dial(self, query: str = "") -> RawSocket:
        client: Client = AsyncWebClient(base_url=self._lab.api_url)
        url = (await client.apps_connections_open(app_token=self._lab.app_token))["url"]
        socket = RawSocket(await self._session.ws_connect(url + query, autoping=False))
        self._dialled.append(socket)
        return socket


@pytest.fixture
async def dialer(lab: SlackLab) -> AsyncIterator[Dialer]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        yield Dialer(lab, session)


class TestSocketMode:
    async def test_hello_counts_connections(self, dialer: Dialer) -> None:
        first = await (await dialer.dial()).frame("hello")
        second = await (await dialer.dial()).frame("hello")
        assert (first["num_connections"], second["num_connections"]) == (1, 2)
        assert first["connection_info"]["app_id"] == "A0PRIME"
        assert first["debug_info"]["approximate_connection_time"] > 3600

    async def test_no_ticket_no_connection(self, lab: SlackLab) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{lab.url}/link/?ticket=made-up")

    async def test_pings_come_back_byte_for_byte(self, dialer: Dialer) -> None:
        socket = await dialer.dial()
        await socket.frame("hello")
        assert await socket.ping(b"sdk-ping-pong:123.45") == b"sdk-ping-pong:123.45"

    async def test_each_payload_goes_to_exactly_one_connection(self, lab: SlackLab, app: AsyncApp, bea: Person) -> None:
        taken: list[int] = []

        async def client(number: int) -> SocketModeClient:
            client = SocketModeClient(lab.app_token, web_client=app.client)

            async def take(client: Any, request: SocketModeRequest) -> None:
                taken.append(number)
                await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

            client.socket_mode_request_listeners.append(take)
            await client.connect_to_new_endpoint()
            return client

        clients = [await client(number) for number in range(3)]
        for _ in range(30):
            assert (await bea.types("/prime", channel="#random"))["ok"]
        for one in clients:
            await one.close()
        assert len(taken) == 30
        assert set(taken) == {0, 1, 2}

    async def test_envelopes_say_whether_an_answer_is_taken(self, dialer: Dialer, bea: Person) -> None:
        socket = await dialer.dial()
        await bea.says("#general", "hello")
        event = await socket.frame("events_api")
        assert (event["accepts_response_payload"], event["retry_attempt"], event["retry_reason"]) == (False, 0, "")
        await socket.ack(event)
        typing = asyncio.create_task(bea.types("/prime", channel="#random"))
        command = await socket.frame("slash_commands")
        assert command["accepts_response_payload"] is True
        assert command["payload"]["is_enterprise_install"] is False
        await socket.ack(command, text="Hello")
        assert (await typing)["ok"]
        await bea.sees("Hello")

    async def test_the_eleventh_connection_is_one_too_many(self, dialer: Dialer) -> None:
        for _ in range(10):
            await (await dialer.dial()).frame("hello")
        one_more = await dialer.dial()
        assert (await one_more.frame("disconnect"))["reason"] == "too_many_websockets"
        assert await one_more.ended()

    async def test_old_connections_are_warned_and_then_ended(self, lab: SlackLab, dialer: Dialer) -> None:
        socket = await dialer.dial("&debug_reconnects=true")
        assert (await socket.frame("hello"))["debug_info"]["approximate_connection_time"] == 360
        lab.clock.jump(351)
        assert (await socket.frame("disconnect"))["reason"] == "warning"
        lab.clock.jump(11)
        assert (await socket.frame("disconnect"))["reason"] == "refresh_requested"
        assert await socket.ended()

    async def test_refresh_is_requested_on_demand(self, lab: SlackLab, dialer: Dialer) -> None:
        socket = await dialer.dial()
        await socket.frame("hello")
        lab.faults.switch(FaultName.REFRESH_REQUEST)
        assert (await socket.frame("disconnect"))["reason"] == "refresh_requested"
        lab.clock.jump(11)
        assert await socket.ended()

    async def test_a_real_client_comes_back_after_a_refresh_and_after_a_drop(
        self, lab: SlackLab, app: AsyncApp, bea: Person
    ) -> None:
        @app.command("/prime")
        async def take(ack: Any) -> None:
            await ack("Here")

        connections = lab.platform.socket_mode.connections
        async with connected(lab, app, Wire.SOCKET):
            for fault in (FaultName.REFRESH_REQUEST, FaultName.SOCKET_DROP):
                (old,) = connections
                lab.faults.switch(fault)
                await until(lambda old=old: connections and old not in connections)
                assert (await bea.types("/prime", channel="#random"))["ok"]

    async def test_a_silent_connection_answers_nothing_and_sends_no_close(self, lab: SlackLab, dialer: Dialer) -> None:
        socket = await dialer.dial()
        await socket.frame("hello")
        lab.faults.switch(FaultName.SOCKET_SILENCE)
        pinging = asyncio.create_task(socket.ping(b"anybody?"))
        done, _ = await asyncio.wait({pinging}, timeout=0.3)
        assert not done
        pinging.cancel()
        await asyncio.gather(pinging, return_exceptions=True)
        fresh = await dialer.dial()
        assert (await fresh.frame("hello"))["num_connections"] == 2

    async def test_events_sent_into_silence_come_again(self, lab: SlackLab, dialer: Dialer, bea: Person) -> None:
        socket = await dialer.dial()
        await socket.frame("hello")
        lab.faults.switch(FaultName.SOCKET_SILENCE)
        await bea.says("#general", "hello")
        await leave_silently(lab)
        fresh = await dialer.dial()
        await fresh.frame("hello")
        lab.clock.jump(3.1)
        again = await fresh.frame("events_api")
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
        await fresh.ack(again)

    async def test_late_acknowledgement_counts_for_nothing_but_is_recorded(
        self, lab: SlackLab, dialer: Dialer, bea: Person
    ) -> None:
        socket = await dialer.dial()
        typing = asyncio.create_task(bea.types("/prime", channel="#random"))
        command = await socket.frame("slash_commands")
        lab.clock.jump(4)
        assert (await typing)["error"] == "operation_timeout"
        await socket.ack(command, text="Too late")
        await socket.ping(b"")
        (attempt,) = lab.record.delivered("/prime")
        assert attempt.failure == "timeout"
        assert attempt.ack_seconds is not None
        assert attempt.ack_seconds >= 4
        assert await bea.messages("#random") == []

    async def test_acknowledgement_may_come_over_another_connection(
        self, lab: SlackLab, dialer: Dialer, bea: Person
    ) -> None:
        first = await dialer.dial()
        typing = asyncio.create_task(bea.types("/prime", channel="#random"))
        command = await first.frame("slash_commands")
        second = await dialer.dial()
        await second.frame("hello")
        await second.ack(command)
        assert (await typing)["ok"]

    async def test_lost_acknowledgement_shows_the_person_a_timeout(
        self, lab: SlackLab, dialer: Dialer, bea: Person
    ) -> None:
        lab.faults.switch(FaultName.LOST_ACKS)
        socket = await dialer.dial()
        typing = asyncio.create_task(bea.types("/prime", channel="#random"))
        await socket.ack(await socket.frame("slash_commands"))
        await socket.ping(b"")
        lab.clock.jump(3.1)
        assert (await typing)["error"] == "operation_timeout"

    async def test_page_is_told_whether_the_app_is_there(self, lab: SlackLab, dialer: Dialer) -> None:
        assert lab.platform.deliveries.transport.connected is False
        socket = await dialer.dial()
        await socket.frame("hello")
        assert lab.platform.deliveries.transport.connected is True


async def leave_silently(lab: SlackLab) -> None:
    """The silent connections are cut and forgotten."""
    for connection in list(lab.platform.socket_mode.connections):
        connection.cut()
    await until(lambda: not lab.platform.socket_mode.connections)


class Requests:
    """An app that only writes down what it is sent, and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[], web.Response] = web.Response
        self._arrived = asyncio.Condition()

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        if "url_verification" in body:
            return web.Response(text=json.loads(body)["challenge"])
        async with self._arrived:
            self.bodies.append(body)
            self.headers.append(dict(request.headers))
            self._arrived.notify_all()
        return self.answer()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.bodies) >= count)


@pytest.fixture
async def requests(lab: SlackLab) -> AsyncIterator[Requests]:
    requests = Requests()
    async with listening(requests.take) as url:
        await lab.deliver_to(url)
        yield requests


class TestSignedHttp:
    async def test_challenge_must_be_echoed(self, lab: SlackLab) -> None:
        async def deaf(_: web.Request) -> web.Response:
            return web.Response(text="hello")

        async with listening(deaf) as url:
            with pytest.raises(SlackError) as caught:
                await lab.deliver_to(url)
        assert caught.value.code == "url_verification_failed"

    async def test_ssl_check_comes_unsigned(self, requests: Requests) -> None:
        assert parse_qs(requests.bodies[0])["ssl_check"] == ["1"]
        assert "X-Slack-Signature" not in requests.headers[0]

    async def test_body_is_signed(self, lab: SlackLab, requests: Requests, bea: Person) -> None:
        await bea.says("#general", "hello")
        await requests.wait_for(2)
        headers = requests.headers[1]
        signed = f"v0:{headers['X-Slack-Request-Timestamp']}:{requests.bodies[1]}"
        expected = hmac.new(lab.signing_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        assert headers["X-Slack-Signature"] == f"v0={expected}"
        assert "X-Slack-Retry-Num" not in headers

    async def test_bolt_refuses_another_secret(self, lab: SlackLab, bea: Person) -> None:
        client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
        app = AsyncApp(client=client, signing_secret="another")
        async with serving(app) as url:
            with pytest.raises(SlackError):
                await lab.deliver_to(url)

    async def test_commands_are_forms_whose_flags_are_words(self, requests: Requests, bea: Person) -> None:
        await bea.types("/prime help", channel="#random")
        form = {key: values[0] for key, values in parse_qs(requests.bodies[1]).items()}
        assert (form["command"], form["text"], form["is_enterprise_install"]) == ("/prime", "help", "false")

    async def test_interactions_are_forms_with_a_payload(self, requests: Requests, bea: Person) -> None:
        await bea.uses_shortcut("create_server")
        assert json.loads(parse_qs(requests.bodies[1])["payload"][0])["type"] == "shortcut"

    async def test_answers_may_be_empty_text_or_json(self, requests: Requests, bea: Person) -> None:
        for answer, shown in (
            (lambda: web.Response(text="As text"), "As text"),
            (lambda: web.json_response({"text": "As JSON"}), "As JSON"),
        ):
            requests.answer = answer
            assert (await bea.types("/prime", channel="#random"))["ok"]
            await bea.sees(shown)

    async def test_failed_events_come_again_with_number_and_reason(
        self, lab: SlackLab, requests: Requests, bea: Person
    ) -> None:
        requests.answer = lambda: web.Response(status=500)
        await bea.says("#general", "hello")
        await requests.wait_for(3)
        assert requests.headers[2]["X-Slack-Retry-Num"] == "1"
        assert requests.headers[2]["X-Slack-Retry-Reason"] == "http_error"
        assert requests.bodies[1] == requests.bodies[2]

    async def test_no_retry_header_ends_it(self, lab: SlackLab, requests: Requests, bea: Person) -> None:
        requests.answer = lambda: web.Response(status=500, headers={"X-Slack-No-Retry": "1"})
        await bea.says("#general", "first")
        await bea.says("#general", "second")
        await requests.wait_for(3)
        lab.clock.jump(400)
        assert [attempt.number for attempt in lab.record.delivered("message")] == [0, 0]

    async def test_failed_command_is_a_failed_dispatch(self, requests: Requests, bea: Person) -> None:
        requests.answer = lambda: web.Response(status=404)
        assert (await bea.types("/prime", channel="#random"))["error"] == "dispatch_failed"

    async def test_nobody_there_is_connection_failed(self, lab: SlackLab, bea: Person) -> None:
        requests = Requests()
        async with listening(requests.take) as url:
            await lab.deliver_to(url)
        await bea.says("#general", "hello")
        await until(lambda: any(attempt.failure for attempt in lab.record.delivered("message")))
        assert lab.record.delivered("message")[0].failure == "connection_failed"

    async def test_http_ends_socket_mode(self, lab: SlackLab, dialer: Dialer) -> None:
        socket = await dialer.dial()
        await socket.frame("hello")
        requests = Requests()
        async with listening(requests.take) as url:
            switching = asyncio.create_task(lab.deliver_to(url))
            assert (await socket.frame("disconnect"))["reason"] == "link_disabled"
            assert await socket.ended()
            await socket.leave()
            await switching
