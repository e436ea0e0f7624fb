"""A server that sends what a test lays ready, byte for byte, over TLS too."""

import asyncio
import hashlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from core.servers.model import Endpoint

KEY = "the-key-of-this-server"


class After(StrEnum):
    """What becomes of the connection when all is sent."""

    END = "end"
    """The body ends as it should."""
    CUT = "cut"
    """The connection ends, the body does not."""
    SILENCE = "silence"
    """Until the client leaves."""


@dataclass(slots=True)
class RawServer:
    pieces: Sequence[bytes] = ()
    after: After = After.END
    status: str = "200 OK"
    headers: str = ""
    url: str = ""
    fingerprint: str | None = None
    received: bytearray = field(default_factory=bytearray)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client left while this one was silent."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(url=self.url, key=KEY, fingerprint=self.fingerprint)

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self.writers)

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Every request of a connection."""
        self.writers.append(writer)
        try:
            while head := await _read_request(reader):
                self.received += head
                await self._send(reader, writer)
                if self.after is not After.END:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {self.status}\r\nTransfer-Encoding: chunked\r\n{self.headers}\r\n".encode())
        for piece in self.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if self.after is After.END:
            writer.write(b"0\r\n\r\n")
        elif self.after is After.SILENCE:
            await reader.read(1)
            self.left.set()


@asynccontextmanager
async def raw_server(
    *pieces: bytes,
    after: After = After.END,
    status: str = "200 OK",
    headers: str = "",
    certificate: Path | None = None,
    port: int = 0,
) -> AsyncIterator[RawServer]:
    """Sends the pieces as one chunk each. `certificate`: a file with its key, as `make_certificate` writes it."""
    server, context = RawServer(pieces, after, status, headers), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.fingerprint = fingerprint_of(certificate)
    listener = await asyncio.start_server(server.answer, "127.0.0.1", port, ssl=context)
    address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    server.url = f"{'http' if certificate is None else 'https'}://{address}"
    async with listener:
        yield server


def make_certificate(folder: Path) -> Path:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout key -out crt"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "crt").read_text() + (folder / "key").read_text())
    return folder / "both.pem"


def fingerprint_of(certificate: Path) -> str:
    text = certificate.read_text().split("-----BEGIN PRIVATE", maxsplit=1)[0]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    """Empty once the client is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
    return head + await reader.readexactly(length)
