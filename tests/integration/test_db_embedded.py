"""The Postgres that Prime brings along, under processes that come, go and are killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from core.errors import ConfigurationError, UnavailableError
from db import embedded, postmaster
from db.embedded import EmbeddedPostgres
from tests.conftest import QUICK

pytestmark = pytest.mark.xdist_group("embedded")

PROGRAM = """
import sys, time
from pathlib import Path
from db.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres.open(Path(sys.argv[1]), settings={"fsync": "off"})
print(postgres.url, flush=True)
if sys.stdin.readline():
    postgres.close()
    print("closed", flush=True)
"""


class Prime:
    """Another process that uses the Postgres of a folder."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-c", PROGRAM, str(folder)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def url(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        out, _ = self.process.communicate("leave\n", timeout=30)
        assert "closed" in out

    def send(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def used_folder() -> Iterator[Path]:
    """A folder that was used before: making one takes longest. Each test leaves nothing running in it."""
    folder = Path(tempfile.mkdtemp(prefix="prime-embedded-"))
    with EmbeddedPostgres.open(folder, settings=QUICK) as postgres, psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(used_folder: Path) -> Iterator[Path]:
    yield used_folder
    eventually(lambda: not processes(used_folder), seconds=10)


def test_keeps_its_data_and_leaves_no_process(folder: Path) -> None:
    for _ in range(2):
        with EmbeddedPostgres.open(folder) as postgres:
            assert answers(postgres.url)
            assert len(processes(folder)) >= 2
        assert not processes(folder)
        assert not (folder / "data" / "postmaster.pid").exists()


def test_nobody_else_can_reach_it(folder: Path) -> None:
    with EmbeddedPostgres.open(folder) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert (folder / "data").stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o066 == 0


def test_ends_within_five_seconds_after_its_only_user_was_killed(folder: Path) -> None:
    prime = Prime(folder)
    assert answers(prime.url)

    prime.send(signal.SIGKILL)

    eventually(lambda: not processes(folder), seconds=5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_after_a_signal_that_its_user_does_not_handle(folder: Path, number: int) -> None:
    prime = Prime(folder)
    assert answers(prime.url)

    prime.send(number)

    eventually(lambda: not processes(folder), seconds=5)


def test_others_attach_and_do_not_stop_it_when_they_leave(folder: Path) -> None:
    owner, guest = Prime(folder), Prime(folder)
    url = owner.url
    assert guest.url == url

    guest.leave()
    time.sleep(2 * 0.25)  # the guard has looked
    assert answers(url)

    owner.leave()
    assert not processes(folder)


def test_who_came_second_keeps_it_when_the_first_is_killed(folder: Path) -> None:
    first = Prime(folder)
    url = first.url
    second = Prime(folder)
    assert second.url == url

    first.send(signal.SIGKILL)
    time.sleep(2 * 0.25)
    assert answers(url)

    second.leave()
    assert not processes(folder)


def test_many_starts_at_once_are_one_start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="prime-embedded-"))
    primes = [Prime(folder) for _ in range(3)]
    try:
        urls = {prime.url for prime in primes}
        assert len(urls) == 1
        assert answers(urls.pop(), "SELECT 1")
    finally:
        for prime in primes:
            prime.leave()
    assert not processes(folder)
    shutil.rmtree(folder)


def test_takes_over_a_postgres_whose_user_and_guard_were_both_killed(folder: Path) -> None:
    prime = Prime(folder)
    url = prime.url
    left = postmaster.find(folder / "data")
    assert left is not None
    os.kill(int((folder / "guard").read_text()), signal.SIGKILL)
    prime.send(signal.SIGKILL)
    assert answers(url)

    with EmbeddedPostgres.open(folder):
        assert postmaster.find(folder / "data") == left

    assert not processes(folder)


def test_starts_again_after_postgres_itself_was_killed(folder: Path) -> None:
    prime = Prime(folder)
    assert answers(prime.url)
    running = postmaster.find(folder / "data")
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    with pytest.raises(UnavailableError, match="restart that one"):
        eventually(lambda: EmbeddedPostgres.open(folder).close(), seconds=1)
    prime.send(signal.SIGKILL)

    with EmbeddedPostgres.open(folder) as postgres:
        assert answers(postgres.url)


def test_says_so_when_postgres_ends_while_it_is_waited_for(folder: Path) -> None:
    prime = Prime(folder)
    assert answers(prime.url)
    running = postmaster.find(folder / "data")
    assert running is not None
    pid_file = folder / "data" / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace("ready", "starting"))
    with ThreadPoolExecutor(1) as other:
        opened = other.submit(EmbeddedPostgres.open, folder)
        time.sleep(0.1)  # it waits
        os.kill(running.pid, signal.SIGKILL)

        with pytest.raises(UnavailableError, match="restart that one"):
            opened.result(timeout=10).close()

    prime.send(signal.SIGKILL)


def test_a_stale_pid_file_with_the_number_of_another_process_is_no_hindrance(folder: Path) -> None:
    with EmbeddedPostgres.open(folder):
        left = (folder / "data" / "postmaster.pid").read_text().splitlines()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        left[0] = str(innocent.pid)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (folder / "data" / name).write_text("\n".join(left))

        with EmbeddedPostgres.open(folder) as postgres:
            assert answers(postgres.url)

        assert innocent.poll() is None
        innocent.kill()


@pytest.mark.parametrize("temporary", ["short", "as long"])
def test_a_path_too_long_for_a_socket_is_no_hindrance(temporary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="prime-embedded-")) / ("long" * 30) / "and spaces 'quoted' $HOME"
    if temporary == "as long":
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with EmbeddedPostgres.open(folder, settings=QUICK) as postgres:
        assert answers(postgres.url, "SELECT 1")
        running = postmaster.find(folder / "data")
        assert running is not None
    assert not processes(folder)
    assert not running.socket_folder.exists()
    shutil.rmtree(folder.parents[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user every other test shows it")
def test_runs_as_an_ordinary_user_too() -> None:
    folder = Path(tempfile.mkdtemp(prefix="prime-embedded-"))
    shutil.chown(folder, "nobody")
    out = as_nobody(PROGRAM, str(folder), words="leave\n")
    assert "closed" in out
    assert not processes(folder)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_used_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="PRIME_DATA_DIR"):
        EmbeddedPostgres.open(tmp_path / "file" / "data")


def test_too_little_room_gives_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ROOM_BYTES", 1 << 60)

    with pytest.raises(ConfigurationError, match="room"):
        EmbeddedPostgres.open(tmp_path / "data")


def test_data_of_another_postgres_gives_a_sentence(folder: Path) -> None:
    version = folder / "data" / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(ConfigurationError, match="Postgres 17"):
            EmbeddedPostgres.open(folder)
    finally:
        version.write_text("18\n")


def test_a_setting_that_postgres_refuses_gives_a_sentence_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(UnavailableError, match=r"postgres\.log"):
        EmbeddedPostgres.open(folder, settings={"max_connections": "many"})


def answers(url: str, question: str = "SELECT one FROM kept") -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone() == (1,)  # pyright: ignore[reportArgumentType, reportCallIssue]: not a literal


def as_nobody(program: str, *arguments: str, words: str) -> str:
    """Runs it with a Python of this version that everybody may use: the one of .venv may be in root's home."""
    python = next(filter(nobody_can_use, (sys.executable, "/usr/bin/python3")), None)
    if python is None:
        pytest.skip("no Python of this version that the user nobody may run")
    drop = "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [python, "-c", drop + program, *arguments]
    done = subprocess.run(
        command, env=variables, input=words, stdout=subprocess.PIPE, text=True, timeout=30, check=True
    )
    return done.stdout


def nobody_can_use(python: str) -> bool:
    same_version = f"import sys; assert sys.version_info[:2] == {sys.version_info[:2]}"
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run([python, "-c", same_version], user="nobody", stderr=subprocess.DEVNULL, check=True)
        return True
    return False


def processes(folder: Path) -> list[int]:
    """Those that name the folder or stand in it: Postgres, its children, and the guard."""
    found: list[int] = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            command = (each / "cmdline").read_bytes()
            where = (each / "cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(folder) or (b"db.guard" in command and os.fsencode(folder) in command):
            found.append(int(each.name))
    return found


def eventually(holds: Callable[[], object], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
