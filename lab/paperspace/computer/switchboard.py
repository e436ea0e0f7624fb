"""Where the stand-in programs of all machines call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.paperspace.tasks import Tasks

STAND_IN = Path(__file__).with_name("stand-in.sh")
LONGEST_WORD = 1024 * 1024


class Terminal:
    """Where a program was called, and what it prints."""

    def __init__(self, folder: Path, writer: asyncio.StreamWriter) -> None:
        self.folder = folder
        self._writer = writer

    def say(self, text: str, *, error: bool = False) -> None:
        """Prints lines now, on standard output or standard error."""
        for line in text.splitlines():
            self._writer.write(f"{2 if error else 1}{line}\n".encode(errors="surrogateescape"))


Answer = Callable[[str, list[str], Terminal], Awaitable[int]]
"""A program's name and arguments to its exit status."""


class Switchboard:
    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._machines: dict[str, Answer] = {}
        self._calls: dict[str, set[asyncio.Task[None]]] = {}
        """By machine."""
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=LONGEST_WORD)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def install(self, machine_id: str, folder: Path, *, names: tuple[str, ...], answer: Answer) -> None:
        """Puts stand-ins into the folder under these names."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        folder.mkdir(parents=True)
        (folder / ".lab").write_text(f"{host} {port} {machine_id}\n")
        program = folder / ".stand-in"
        program.write_bytes(STAND_IN.read_bytes())
        program.chmod(0o755)
        for name in names:
            (folder / name).symlink_to(program.name)
        self._machines[machine_id], self._calls[machine_id] = answer, set()

    async def hang_up(self, machine_id: str) -> None:
        """Ends the calls that are open, whose programs are dead: a pull must not go on to start a container."""
        calls = list(self._calls[machine_id])
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.spawn(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def word() -> str:
            return (await reader.readuntil(b"\0"))[:-1].decode(errors="surrogateescape")

        try:
            machine_id, folder, count, name = await word(), Path(await word()), int(await word()), await word()
            arguments = [await word() for _ in range(count)]
            with self._noted(machine_id):
                status = await self._machines[machine_id](name, arguments, Terminal(folder, writer))
            writer.write(f"={status}\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the program was killed
        finally:
            writer.close()

    @contextmanager
    def _noted(self, machine_id: str) -> Iterator[None]:
        call = asyncio.current_task()
        assert call is not None
        self._calls[machine_id].add(call)
        try:
            yield
        finally:
            self._calls[machine_id].discard(call)
