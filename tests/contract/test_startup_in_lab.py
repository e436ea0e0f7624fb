"""The startup script on a machine of the lab's cloud, from order to ready, and over a stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx
import pytest

from core.catalog.model import EngineKind, EngineOptions
from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint, Launch, Stage
from lab.paperspace.model import Machine
from lab.paperspace.server import PaperspaceLab
from providers.engines.registry import InstalledEngines
from providers.front import Front
from providers.startup.script import Startup

KEY = "s3cret-key-of-this-server"
PORT = 8080
ENGINES = InstalledEngines()

T = TypeVar("T")


@pytest.fixture
async def lab() -> AsyncIterator[PaperspaceLab]:
    lab = PaperspaceLab(boot_seconds=0.05, stop_seconds=0.05)
    lab.pace.pull_seconds = 0.2
    lab.pace.loading_seconds = 0.2
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
async def cloud(lab: PaperspaceLab) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {lab.api_key}"}
    async with httpx.AsyncClient(base_url=lab.url, headers=headers) as cloud:
        yield cloud


@pytest.mark.parametrize("kind", EngineKind)
async def test_brings_a_server_up_behind_tls(lab: PaperspaceLab, cloud: httpx.AsyncClient, kind: EngineKind) -> None:
    front = Front(scheme="https", port=PORT)
    machine = await order(lab, cloud, launch(kind))
    fingerprint = await until(lambda: front.identify(address(machine), key=KEY))
    endpoint = Endpoint(url=front.url(address(machine)), key=KEY, fingerprint=fingerprint)
    await until(lambda: stage(front, endpoint, Stage.READY))
    assert await ENGINES.of(kind).is_healthy(endpoint)
    assert (await ENGINES.of(kind).info(endpoint)).model == "Qwen/Qwen2.5-7B-Instruct"
    with pytest.raises(IdentityError):
        await front.identify(address(machine), key="another key")


async def test_is_the_same_server_after_a_stop(lab: PaperspaceLab, cloud: httpx.AsyncClient) -> None:
    front = Front(scheme="https", port=PORT)
    machine = await order(lab, cloud, launch(EngineKind.TGI))
    fingerprint = await until(lambda: front.identify(address(machine), key=KEY))
    await until(lambda: boots(machine, 1))
    script = startup("https").without_secrets(launch(EngineKind.TGI))
    await cloud.put(f"/startup-scripts/{lab.scripts[0].id}", json={"script": script})
    await cloud.patch(f"/machines/{machine.id}/stop")
    await until(lambda: state(cloud, machine, "off"))
    await cloud.patch(f"/machines/{machine.id}/start")
    assert await until(lambda: front.identify(address(machine), key=KEY)) == fingerprint
    endpoint = Endpoint(url=front.url(address(machine)), key=KEY, fingerprint=fingerprint)
    await until(lambda: stage(front, endpoint, Stage.READY))
    await until(lambda: boots(machine, 2))


async def test_brings_a_server_up_without_tls(lab: PaperspaceLab, cloud: httpx.AsyncClient) -> None:
    front = Front(scheme="http", port=PORT)
    machine = await order(lab, cloud, launch(EngineKind.TGI), scheme="http")
    engine = ENGINES.of(EngineKind.TGI)

    async def healthy() -> bool | None:
        endpoint = Endpoint(url=front.url(address(machine)), key=KEY, fingerprint=None)
        return await engine.is_healthy(endpoint) or None

    assert await until(healthy)
    assert not machine.computer.front.is_open


async def test_tells_the_kind_of_reason_when_the_engine_ends_again_and_again(
    lab: PaperspaceLab, cloud: httpx.AsyncClient
) -> None:
    front = Front(scheme="https", port=PORT)
    machine = await order(lab, cloud, launch(EngineKind.TGI, options=EngineOptions(num_shard=3)))
    fingerprint = await until(lambda: front.identify(address(machine), key=KEY))
    endpoint = Endpoint(url=front.url(address(machine)), key=KEY, fingerprint=fingerprint)
    await until(lambda: stage(front, endpoint, Stage.FAILED))
    progress = await front.progress(endpoint)
    assert progress is not None
    assert "the engine ended" in progress.detail


async def order(lab: PaperspaceLab, cloud: httpx.AsyncClient, launch: Launch, *, scheme: str = "https") -> Machine:
    text = startup(scheme).build(launch, key=KEY, hub_token=None)
    script = (await cloud.post("/startup-scripts", json={"name": "m", "script": text})).json()
    machine = {
        "name": "m",
        "machineType": "A4000",
        "templateId": "twnlo3zj",
        "region": "NY2",
        "diskSize": 100,
        "publicIpType": "dynamic",
        "startOnCreate": True,
        "startupScriptId": script["id"],
    }
    answer = await cloud.post("/machines", json=machine)
    assert answer.status_code == 200, answer.text
    return lab.machine("m")


def startup(scheme: str) -> Startup:
    return Startup(scheme=scheme, port=PORT, engines=ENGINES)


def launch(kind: EngineKind, *, options: EngineOptions | None = None) -> Launch:
    return Launch(
        engine=kind, model="Qwen/Qwen2.5-7B-Instruct", revision=None, options=options or EngineOptions(), gpu_count=1
    )


def address(machine: Machine) -> str:
    if not machine.computer.address:
        raise EngineUnreachableError("It has no address yet.")
    return machine.computer.address


async def stage(front: Front, endpoint: Endpoint, wanted: Stage) -> Stage | None:
    progress = await front.progress(endpoint)
    return wanted if progress is not None and progress.stage is wanted else None


async def state(cloud: httpx.AsyncClient, machine: Machine, wanted: str) -> str | None:
    answer = await cloud.get(f"/machines/{machine.id}")
    return wanted if answer.json()["state"] == wanted else None


async def boots(machine: Machine, count: int) -> int | None:
    """Once so many have ended, all of them well."""
    over = [boot.exit_status for boot in machine.computer.boots if boot.is_over]
    assert set(over) <= {0}
    return count if len(over) == count else None


async def until(ask: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer; asked again for 20 seconds."""
    async with asyncio.timeout(20):
        while True:
            with suppress(EngineUnreachableError):
                answer = await ask()
                if answer is not None:
                    return answer
            await asyncio.sleep(0.02)
