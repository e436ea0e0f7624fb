"""Locks between processes on one machine, which the kernel drops when their holder ends."""

import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """An advisory lock on a file, never waited for without a bound. It belongs to this object: two objects exclude each
    other also within one process. Programs that this one starts do not inherit it."""

    def __init__(self, path: Path) -> None:
        """Creates the file if it is not there. Raises OSError."""
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_exclusive(self) -> bool:
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        return self._try(fcntl.LOCK_SH)

    def wait_exclusive(self, *, seconds: float) -> bool:
        """False if others held it all the time."""
        deadline = time.monotonic() + seconds
        while not self.try_exclusive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def release(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Releases it too, unless a child process was given the open file."""
        os.close(self.fd)

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self.fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
