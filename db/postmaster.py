"""The Postgres process of a data folder: found by its own pid file, asked to end by signals."""

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
"""Unix sockets have no port, but Postgres names them by one."""


@dataclass(frozen=True, slots=True)
class Postmaster:
    pid: int
    socket_folder: Path
    ready: bool
    """False while it starts up or recovers."""


def find(data: Path) -> Postmaster | None:
    """The live postmaster of this data folder.

    A pid alone proves nothing: after a crash or in a new container the number may be another process by now. A live
    postmaster also answers on its socket, from before it is ready until it ends."""
    # https://www.postgresql.org/docs/18/storage-file-layout.html: pid, data folder, start time, port, socket folder,
    # TCP address, shared memory, status; the last ones are written later.
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, folder = int(lines[0]), Path(lines[4])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not _alive(pid) or not _listens(folder / SOCKET_NAME):
        return None
    return Postmaster(pid=pid, socket_folder=folder, ready=len(lines) > 7 and lines[7].strip() == "ready")


def stop(data: Path, *, patience_seconds: float) -> None:
    """Ends the postmaster and all its children: a fast shutdown, and what outlasts the patience is made to crash, which
    the next start repairs from the log."""
    running = find(data)
    if running is None:
        return
    for number, seconds in ((signal.SIGINT, patience_seconds), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 0.5)):
        try:
            os.kill(running.pid, number)
        except ProcessLookupError:
            return
        if _wait_for_end(running.pid, seconds=seconds):
            return


def forget_dead(data: Path, socket_folder: Path) -> None:
    """Removes the pid files of a postmaster that is known to be dead. Postgres would do it, but not where the number
    has become another process's."""
    (data / "postmaster.pid").unlink(missing_ok=True)
    (socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def _wait_for_end(pid: int, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:  # ended just now, or a system without /proc
        return not Path("/proc/self").exists()
    return state != "Z"  # a dead one whose parent did not ask yet


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except TimeoutError:
            return True  # it listens, and is too busy to answer
        except OSError:
            return False
    return True
