"""The machine's Docker: images, and containers that are engines of the lab."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.clock import LabClock
from lab.engine.launch import IMAGES, Launch, LaunchError
from lab.engine.runtime import Model
from lab.engine.server import LabEngine
from lab.faults import Faults
from lab.paperspace.computer import fluent_bit
from lab.paperspace.computer.docker_run import Run
from lab.paperspace.pace import Pace
from lab.paperspace.tasks import Tasks

LAYERS = [f"{number:012x}" for number in range(1, 6)]
"""Of any image."""
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 60.0
"""Docker waits twice as long before each restart."""


class DockerError(Exception):
    """What Docker prints and exits with."""

    def __init__(self, message: str, *, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


@dataclass(slots=True, kw_only=True, eq=False)
class Container:
    id: str
    run: Run
    created_at: float
    engine: LabEngine | None = None
    """None where the engine refuses its options, and in a container of another program."""
    log_lines: list[str] = field(default_factory=list[str])
    is_running: bool = False
    is_wanted: bool = True
    """False once somebody stopped it: then no restart policy brings it back."""
    restarts: int = 0
    exit_status: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.run.name or self.id[:12]

    @property
    def status(self) -> str:
        if self.is_running:
            return "running"
        return "restarting" if self.task is not None and not self.task.done() else "exited"

    def shape(self) -> dict[str, Any]:
        """As `docker inspect` tells it."""
        return {
            "Id": self.id,
            "Created": datetime.fromtimestamp(self.created_at, UTC).isoformat(),
            "Name": f"/{self.name}",
            "Args": self.run.arguments,
            "LogPath": f"/var/lib/docker/containers/{self.id}/{self.id}-json.log",
            "RestartCount": self.restarts,
            "State": {
                "Status": self.status,
                "Running": self.is_running,
                "Restarting": self.status == "restarting",
                "ExitCode": self.exit_status,
            },
            "Config": {"Image": self.run.image, "Cmd": self.run.arguments, "Labels": self.run.labels},
            "HostConfig": {"RestartPolicy": {"Name": self.run.options.get("--restart", "no")}},
        }


class Docker:
    def __init__(
        self, *, clock: LabClock, pace: Pace, faults: Faults, tasks: Tasks, has_gpu: bool, model: Model | None
    ) -> None:
        """`model` answers in place of the engines' own."""
        self._clock = clock
        self._faults = faults
        self._pace = pace
        self._tasks = tasks
        self._has_gpu = has_gpu
        self._model = model
        self._address = ""
        self.images: set[str] = set()
        self.containers: dict[str, Container] = {}
        self._read: dict[str, int] = {}
        """How far fluent-bit came with each container's log: what it keeps on its volume."""

    def power_on(self, address: str) -> None:
        """What was running, or comes back by its policy, starts with the machine."""
        self._address = address
        for container in self.containers.values():
            if container.is_wanted and container.run.comes_back:
                self._start(container)

    async def power_off(self) -> None:
        for container in self.containers.values():
            await self._end(container)

    async def pull(self, image: str, *, told: Callable[[str], None] = lambda _: None) -> None:
        """`told` hears of each layer. Raises DockerError for what is no image of a program that the lab has."""
        name, _, tag = image.partition("@")[0].rpartition(":")
        if not tag or name not in (*IMAGES, *fluent_bit.IMAGES):
            raise DockerError(f"Error response from daemon: pull access denied for {image}, repository does not exist")
        layers = [] if image in self.images else LAYERS
        for layer in layers:
            told(f"{layer}: Pulling fs layer")
        for layer in layers:
            await self._clock.sleep(self._pace.pull_seconds / len(layers))
            told(f"{layer}: Pull complete")
        self.images.add(image)

    async def create(self, run: Run) -> Container:
        """`docker run -d`. Raises DockerError."""
        if run.name in self.containers:
            raise _daemon_error(f'Conflict. The container name "/{run.name}" is already in use.')
        if run.image not in self.images:
            await self.pull(run.image)
        if run.options.get("--gpus") and not self._has_gpu:
            raise _daemon_error('could not select device driver "" with capabilities: [[gpu]].')
        for published in run.published:
            if not self._is_free(published.port):
                raise _daemon_error(f"Bind for {published.host}:{published.port} failed: port is already allocated.")
        container = Container(id=secrets.token_hex(32), run=run, created_at=self._clock.time())
        self.containers[container.name] = container
        self._start(container)
        return container

    def container(self, name: str) -> Container:
        """By name or id. Raises DockerError."""
        for container in self.containers.values():
            if name and (container.name == name or container.id.startswith(name)):
                return container
        raise DockerError(f"Error response from daemon: No such container: {name}")

    def start(self, container: Container) -> None:
        container.is_wanted = True
        if container.status == "exited":
            self._start(container)

    async def stop(self, container: Container) -> None:
        container.is_wanted = False
        await self._end(container)

    async def remove(self, container: Container, *, force: bool) -> None:
        if container.status != "exited" and not force:
            raise DockerError(f"Error response from daemon: cannot remove container {container.name}: it is running")
        await self.stop(container)
        del self.containers[container.name]

    def _start(self, container: Container) -> None:
        container.is_running = True
        container.task = self._tasks.spawn(self._keep_running(container))

    async def _end(self, container: Container) -> None:
        """Can be called again where it was cancelled."""
        if container.task is not None:
            container.task.cancel()
            await asyncio.gather(container.task, return_exceptions=True)
        if container.engine is not None:
            await container.engine.stop()
        container.is_running = False

    async def _keep_running(self, container: Container) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            container.is_running = True
            try:
                container.exit_status = await self._run_once(container)
            finally:
                container.is_running = False
            if not container.run.comes_back:
                return
            await self._clock.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            container.restarts += 1

    async def _run_once(self, container: Container) -> int:
        """The exit status, once the program has ended by itself."""
        run = container.run
        if run.image.rpartition(":")[0] in fluent_bit.IMAGES:
            return await fluent_bit.run(run, container.log_lines, self._log_of, self._read, self._clock)
        try:
            launch = Launch.from_docker(run.image, run.arguments, run.environment)
        except LaunchError as error:
            container.log_lines += error.log_lines
            return error.exit_status
        if container.engine is None:
            container.engine = LabEngine(launch, clock=self._clock, faults=self._faults, model=self._model)
            container.engine.log_lines = container.log_lines
        container.engine.loading_seconds = self._pace.loading_seconds
        try:
            await container.engine.start(self._address, _host_port(run, launch.container_port))
            await container.engine.crashed.wait()
            return 1
        finally:
            await container.engine.stop()

    def _log_of(self, container_id: str) -> list[str]:
        found = (one.log_lines for one in self.containers.values() if one.id == container_id)
        return next(found, [])

    def _is_free(self, port: int) -> bool:
        """Whether nothing on this machine, such as its nginx, listens there."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._address, port))
            except OSError:
                return False
        return True


def _host_port(run: Run, container_port: int) -> int:
    """Where the engine can be reached; a port that nobody knows if the published one is not the engine's."""
    return next((each.port for each in run.published if each.container_port == container_port), 0)


def _daemon_error(message: str) -> DockerError:
    return DockerError(f"docker: Error response from daemon: {message}", exit_status=125)
