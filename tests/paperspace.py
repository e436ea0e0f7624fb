"""The lab's Paperspace for tests, and plain HTTP calls of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from lab.paperspace.model import Machine, State
from lab.paperspace.server import PaperspaceLab

ORDER = {
    "name": "worker-01",
    "machineType": "A4000",
    "templateId": "twnlo3zj",
    "diskSize": 100,
    "region": "ny2",
    "publicIpType": "dynamic",
    "autoShutdownEnabled": False,
}
PATIENCE_SECONDS = 10.0


class Api:
    """One team's view. Answers of status 200 are given as JSON, others as (status, code)."""

    def __init__(self, lab: PaperspaceLab, *, key: str | None = None) -> None:
        self.lab = lab
        self.http = httpx.AsyncClient(base_url=lab.url, headers={"Authorization": f"Bearer {key or lab.api_key}"})

    async def get(self, path: str, **query: Any) -> Any:
        return _read(await self.http.get(path, params=query))

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        return _read(await self.http.post(path, json=body))

    async def put(self, path: str, body: dict[str, Any]) -> Any:
        return _read(await self.http.put(path, json=body))

    async def patch(self, path: str) -> Any:
        return _read(await self.http.patch(path))

    async def delete(self, path: str) -> Any:
        return _read(await self.http.delete(path))

    async def order(self, **changes: Any) -> Machine:
        answer = await self.post("/machines", ORDER | changes)
        return self.lab.machine(answer["data"]["id"])

    async def store(self, script: str, *, name: str = "bootstrap", **more: Any) -> str:
        return (await self.post("/startup-scripts", {"name": name, "script": script, **more}))["id"]


@asynccontextmanager
async def running_lab(*, boot_seconds: float = 0.03, stop_seconds: float = 0.01) -> AsyncIterator[PaperspaceLab]:
    """One in which everything is quick."""
    lab = PaperspaceLab(boot_seconds=boot_seconds, stop_seconds=stop_seconds, seed=1)
    lab.pace.pull_seconds = lab.pace.loading_seconds = 0.03
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not check():  # noqa: ASYNC110 the lab tells nobody what it is at
            await asyncio.sleep(0.005)


async def until_state(machine: Machine, state: State) -> None:
    await until(lambda: machine.state is state)


def _read(answer: httpx.Response) -> Any:
    return answer.json() if answer.status_code == 200 else (answer.status_code, answer.json()["code"])
