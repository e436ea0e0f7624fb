"""A small process of its own that stops the embedded Postgres once nobody is left who uses it.

Whoever uses Postgres holds a shared lock, which the kernel drops however its holder ends. So this also holds after
`kill -9`, when nobody is there to say goodbye. Started by `db.embedded` as `python -m db.guard FOLDER FD`, where FD is
the open file, already locked, that says that a guard is there.
"""

import os
import signal
import sys
import time
from pathlib import Path

from db import postmaster
from db.locks import FileLock

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 3.0
"""Everything is to be gone 5 s after Prime was killed."""


def main() -> None:
    folder, guard_fd = Path(sys.argv[1]), int(sys.argv[2])
    if os.fork():
        os._exit(0)  # what started it waits for this one; the guard itself is nobody's child
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends after Postgres, and Postgres after its last user
    os.write(guard_fd, f"{os.getpid()}\n".encode())
    door, users = FileLock(folder / "door"), FileLock(folder / "users")
    while not _stopped(folder, door, users, guard_fd):
        time.sleep(LOOK_SECONDS)


def _stopped(folder: Path, door: FileLock, users: FileLock, guard_fd: int) -> bool:
    if not door.try_exclusive():
        return False  # somebody is starting or stopping it
    unused = users.try_exclusive()
    if unused:
        postmaster.stop(folder / "data", patience_seconds=PATIENCE_SECONDS)
        os.close(guard_fd)  # before the door opens: who comes in next must see that there is no guard
        users.release()
    door.release()
    return unused


if __name__ == "__main__":
    main()
