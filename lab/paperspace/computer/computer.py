"""One machine: its disk, its processes, its Docker and nginx."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.clock import LabClock
from lab.engine.runtime import Model
from lab.engine.server import LabEngine
from lab.faults import Faults
from lab.paperspace.catalog import MachineType
from lab.paperspace.computer import programs
from lab.paperspace.computer.docker import Docker
from lab.paperspace.computer.front import Front
from lab.paperspace.computer.switchboard import Switchboard, Terminal
from lab.paperspace.pace import Pace
from lab.paperspace.tasks import Tasks

FOLDERS = ("etc", "home", "root", "run", "tmp", "usr/bin", "var/lib", "var/log")
PROCESSES = Path("/proc")


@dataclass(slots=True, kw_only=True)
class Boot:
    """One run of a startup script. Times are the lab's, in seconds since 1970."""

    script_id: str
    at: float
    output: str = ""
    """Both streams, once it has ended."""
    exit_status: int | None = None
    """None while it runs, and where the machine went down first."""
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A call of a stand-in."""

    name: str
    arguments: list[str]
    at: float


class Computer:
    def __init__(
        self,
        machine_id: str,
        folder: Path,
        *,
        type: MachineType,  # noqa: A002 Paperspace's word
        switchboard: Switchboard,
        clock: LabClock,
        pace: Pace,
        faults: Faults,
        tasks: Tasks,
        model: Model | None,
    ) -> None:
        """`folder` is made now, and is the machine's until `erase`. `model` answers in place of its engines' own."""
        self.type = type
        self.root = folder / "root"
        """Its disk: `PRIME_ROOT` of its processes."""
        self.address = ""
        """Where all of its ports really are; empty while it is off."""
        self.docker = Docker(
            clock=clock, pace=pace, faults=faults, tasks=tasks, has_gpu=type.gpu is not None, model=model
        )
        self.front = Front(self.root)
        self.firewall: list[tuple[str, ...]] = []
        self.commands: list[Command] = []
        self.boots: list[Boot] = []
        self._machine_id = machine_id
        self._folder = folder
        self._switchboard = switchboard
        self._clock = clock
        self._tasks = tasks
        self._booting: asyncio.Task[None] | None = None
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True)
        switchboard.install(machine_id, folder / "bin", names=tuple(programs.PROGRAMS), answer=self._called)

    @property
    def engines(self) -> list[LabEngine]:
        """Those that load or serve now."""
        containers = self.docker.containers.values()
        return [container.engine for container in containers if container.engine and container.is_running]

    def power_on(self, address: str, scripts: Sequence[tuple[str, str]]) -> None:
        """Runs the scripts, each an id and a text, one after the other; does not wait for them."""
        self.address = address
        self.docker.power_on(address)
        self._booting = self._tasks.spawn(self._run_scripts(scripts))

    async def power_off(self) -> None:
        """Everything that runs on it ends; files, images and containers stay. Can be called again where it was
        cancelled."""
        if not self.address:
            return
        if self._booting is not None:
            self._booting.cancel()
            await asyncio.gather(self._booting, return_exceptions=True)
        while self._kill_processes():  # noqa: ASYNC110 nobody tells when the children of others are gone
            await asyncio.sleep(0.01)
        await self._switchboard.hang_up(self._machine_id)
        await self.front.close()
        await self.docker.power_off()
        self.firewall.clear()
        shutil.rmtree(self.root / "run", ignore_errors=True)  # it is kept in memory
        self.address = ""

    def erase(self) -> None:
        shutil.rmtree(self._folder)

    async def _called(self, name: str, arguments: list[str], terminal: Terminal) -> int:
        self.commands.append(Command(name=name, arguments=arguments, at=self._clock.time()))
        return await programs.call(self, name, arguments, terminal)

    async def _run_scripts(self, scripts: Sequence[tuple[str, str]]) -> None:
        for script_id, text in scripts:
            boot = Boot(script_id=script_id, at=self._clock.time())
            self.boots.append(boot)
            await self._run(boot, text)

    async def _run(self, boot: Boot, text: str) -> None:
        """Output goes through a file: what the script leaves running may hold on to a pipe."""
        script, log = self.root / "root/startup-script", self.root / "var/log/startup-script-output.log"
        script.write_text(text)
        script.chmod(0o700)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                "bash",
                script,
                cwd=self.root,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            boot.exit_status = await process.wait()
        finally:
            if boot.exit_status is None:
                with contextlib.suppress(ProcessLookupError):  # it ended just now
                    process.kill()
                await process.wait()
            boot.output = log.read_text(errors="replace")
            boot.is_over = True

    def _environment(self) -> dict[str, str]:
        """Little, as at a boot. Stand-ins come first; the Python that runs the lab is the machine's too."""
        folders = (str(self._folder / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
        return {
            "PRIME_ROOT": str(self.root),
            "PATH": os.pathsep.join(folders),
            "HOME": str(self.root / "root"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
        }

    def _kill_processes(self) -> int:
        """How many there were. They may have left their session, but they all hold this machine's environment."""
        mark = f"PRIME_ROOT={self.root}".encode()
        found = 0
        for process in PROCESSES.glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended, or is another user's
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
                    found += 1
        return found
