"""Who does not hold the signing secret gets no further than the door, whatever they send."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.http import SlackDoor
from tests.hostile.door import Complaints, listening
from tests.profiles import cases

SECRET = "0123456789abcdef"
BODY = b'{"type": "event_callback"}'

headers_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80)


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    with listening() as complaints:
        yield complaints


@pytest.fixture
async def door(complaints: Complaints) -> AsyncIterator[TestClient]:
    """Behind it nobody is ready yet: what comes through is answered with 503."""
    application = web.Application()
    application.router.add_post("/", SlackDoor(SECRET).take)
    async with TestClient(TestServer(application)) as client:
        yield client


def signed(body: bytes, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    signature = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}


async def test_what_is_signed_comes_through(door: TestClient) -> None:
    assert (await door.post("/", data=BODY, headers=signed(BODY))).status == 503


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
async def test_what_was_signed_at_another_time_does_not(door: TestClient, seconds: int) -> None:
    assert (await door.post("/", data=BODY, headers=signed(BODY, at=time.time() + seconds))).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Slack-Request-Timestamp": "9" * 5000},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Signature": "x" * 5000},
    ],
)
async def test_headers_of_no_signature_do_not(
    door: TestClient, complaints: Complaints, changed: dict[str, str]
) -> None:
    answer = await door.post("/", data=BODY, headers={**signed(BODY), **changed})
    assert answer.status == 401
    assert complaints.take() == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"\x00",
        b"",
        b"payload=%ff",
        b"[" * 100_000,
        b"ssl_check=1&ssl_check=1",
        b"ssl_check=1&" + b"a=1&" * 100_000,
    ],
)
async def test_a_body_of_any_bytes_does_not(door: TestClient, complaints: Complaints, body: bytes) -> None:
    assert (await door.post("/", data=body, headers=signed(body, secret="another secret"))).status == 401
    assert complaints.take() == []


@settings(**cases(short=60, long=5_000))
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_change_of_one_byte_breaks_the_signature(place: int, change: int) -> None:
    headers, body = signed(BODY), bytearray(BODY)
    body[place % len(body)] ^= change
    assert not SlackDoor(SECRET)._is_signed(bytes(body), headers)
    name = sorted(headers)[place % 2]
    value = headers[name]
    at = place % len(value)
    other = chr((ord(value[at]) ^ change) or 1)
    assert not SlackDoor(SECRET)._is_signed(BODY, {**headers, name: value[:at] + other + value[at + 1 :]})


@settings(**cases(short=200, long=20_000))
@given(timestamp=headers_values, signature=headers_values, body=st.binary(max_size=50))
def test_guesses_are_refused(timestamp: str, signature: str, body: bytes) -> None:
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    assert not SlackDoor(SECRET)._is_signed(body, headers)
    assert not SlackDoor(SECRET)._is_signed(body, {**signed(body), "X-Slack-Signature": signature})
