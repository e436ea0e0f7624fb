"""The client that asks engines for answers, against servers that are not what they were."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.redaction.errors import GateError
from core.redaction.gate import Gate
from core.redaction.vault import Vault
from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint
from providers.engines import network, wire
from providers.engines.wire import EngineWire
from providers.pinned import read
from tests.raw_server import After, fingerprint_of, make_certificate, raw_server
from tests.recipients import recipient

BODY = {"prompt": "words of a person"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
async def engine_wire() -> AsyncIterator[EngineWire]:
    engine_wire = EngineWire()
    yield engine_wire
    await engine_wire.aclose()


async def ask(engine_wire: EngineWire, endpoint: Endpoint, *, silence_seconds: float = 10) -> bytes:
    to = recipient(endpoint)
    async with asyncio.timeout(20), engine_wire.post(to, "/x", BODY, silence_seconds=silence_seconds) as response:
        return await read(response)


async def test_asks_again_over_the_same_connection(engine_wire: EngineWire, certificate: Path) -> None:
    async with raw_server(b"yes", certificate=certificate) as server:
        assert [await ask(engine_wire, server.endpoint) for _ in range(3)] == [b"yes"] * 3
        assert server.connections == 1
        assert server.received.count(b"words of a person") == 3


@pytest.mark.parametrize("is_secure", [False, True])
async def test_asks_anew_when_the_server_left(engine_wire: EngineWire, certificate: Path, is_secure: bool) -> None:
    async with raw_server(b"yes", certificate=certificate if is_secure else None) as server:
        assert await ask(engine_wire, server.endpoint) == b"yes"
        await server.hang_up()
        assert await ask(engine_wire, server.endpoint) == b"yes"
        assert server.connections == 2


async def test_sends_no_byte_to_another_certificate(engine_wire: EngineWire, certificate: Path) -> None:
    async with raw_server(b"yes", certificate=certificate) as server:
        other = Endpoint(url=server.url, key=server.endpoint.key, fingerprint="0" * 64)
        unknown = Endpoint(url=server.url, key=server.endpoint.key, fingerprint=None)
        for endpoint in (other, unknown):
            with pytest.raises(IdentityError):
                await ask(engine_wire, endpoint)
        assert server.received == b""


async def test_a_new_certificate_gets_no_old_connection(
    engine_wire: EngineWire, certificate: Path, tmp_path: Path
) -> None:
    """The connection that the old certificate opened still stands, and goes unused."""
    async with raw_server(b"yes", certificate=certificate) as server:
        await ask(engine_wire, server.endpoint)
        asked = bytes(server.received)
        renewed = fingerprint_of(make_certificate(tmp_path))
        with pytest.raises(IdentityError):
            await ask(engine_wire, Endpoint(url=server.url, key=server.endpoint.key, fingerprint=renewed))
        assert server.received == asked


@pytest.mark.parametrize("is_secure", [False, True])
async def test_leaves_at_once(engine_wire: EngineWire, certificate: Path, is_secure: bool) -> None:
    async with (
        raw_server(b"yes", after=After.SILENCE, certificate=certificate if is_secure else None) as server,
        asyncio.timeout(5),
    ):
        async with engine_wire.post(recipient(server.endpoint), "/x", BODY, silence_seconds=60) as response:
            assert await anext(response.aiter_raw()) == b"yes"
        await server.left.wait()


async def test_leaves_when_it_is_cancelled(engine_wire: EngineWire) -> None:
    async with raw_server(b"yes", after=After.SILENCE) as server, asyncio.timeout(5):
        asking = asyncio.create_task(ask(engine_wire, server.endpoint))
        while not server.received:  # noqa: ASYNC110 the server tells nobody
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait({asking})
        await server.left.wait()


async def test_takes_silence_for_the_end(engine_wire: EngineWire) -> None:
    async with raw_server(after=After.SILENCE) as server:
        with pytest.raises(EngineUnreachableError):
            await ask(engine_wire, server.endpoint, silence_seconds=0.05)


async def test_keeps_no_cookie(engine_wire: EngineWire) -> None:
    """Another machine may get this address."""
    async with raw_server(b"yes", headers="Set-Cookie: a=b; Path=/\r\n") as server:
        await ask(engine_wire, server.endpoint)
        await ask(engine_wire, server.endpoint)
        assert b"cookie" not in server.received.lower()


async def test_reads_together_what_came_meanwhile(engine_wire: EngineWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading costs more than what is read."""
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    async with raw_server(*[b"token "] * 2000) as server:
        monkeypatch.setattr(network.asyncio, "sleep", note)
        assert await ask(engine_wire, server.endpoint) == b"token " * 2000
    assert all(0 <= seconds <= network.READ_EVERY_SECONDS for seconds in waited)
    assert len([seconds for seconds in waited if seconds > 0]) < 20


async def test_forgets_servers_that_nobody_talks_to(engine_wire: EngineWire, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        raw_server(b"yes", after=After.SILENCE) as busy,
        raw_server(b"yes") as idle,
        engine_wire.post(recipient(busy.endpoint), "/x", BODY, silence_seconds=60) as response,
    ):
        await ask(engine_wire, idle.endpoint)
        monkeypatch.setattr(wire, "KEPT_SECONDS", -1.0)
        await ask(engine_wire, idle.endpoint)
        assert idle.connections == 2
        assert await anext(response.aiter_raw()) == b"yes"


async def test_lets_nothing_out_that_its_gate_refuses(engine_wire: EngineWire, certificate: Path) -> None:
    async with raw_server(certificate=certificate) as server:
        vault = Vault()
        vault.add("EMAIL", "ada@example.com")
        to = replace(recipient(server.endpoint), gate=Gate(vault))
        with pytest.raises(GateError):
            async with engine_wire.post(to, "/x", {"text": "write to ada@example.com"}, silence_seconds=10):
                pass
        assert server.received == b""
