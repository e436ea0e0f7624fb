"""TLS to Postgres. The one in the tests knows none, so a front ends it, as poolers and clouds' proxies do."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pytest

from lab.slack.server import SlackLab
from tests.prime import KEY
from tests.raw_server import make_certificate
from tests.scenario.test_doctor import examine

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""By which a client asks whether it may begin TLS (PostgreSQL, Message Formats)."""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path)


@pytest.fixture
async def tls_url(database_url: str, certificate: Path) -> AsyncIterator[str]:
    """The database's, through the front, where it goes by the name in the certificate."""
    address, _, query = database_url.partition("?")
    folder = unquote(query.partition("host=")[2].partition("&")[0])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readexactly(8) != SSL_REQUEST:
            writer.write(b"N")  # it may ask for other encryption first
        writer.write(b"S")
        try:
            await writer.start_tls(context)
            from_postgres, to_postgres = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
            await asyncio.gather(pump(reader, to_postgres), pump(from_postgres, writer))
        except (OSError, ssl.SSLError):  # the client does not trust us
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        yield f"{address.replace('@', f'@x:{port}')}?hostaddr=127.0.0.1&sslmode=verify-full"
        await asyncio.gather(*serving)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def test_the_certificate_is_checked_and_doctor_says_that_there_is_tls(
    lab: SlackLab, tls_url: str, certificate: Path, tmp_path: Path
) -> None:
    given = {"PRIME_SECRET_KEY": KEY, "DATABASE_URL": f"{tls_url}&sslrootcert={certificate}"}
    status, said = await examine(lab, tmp_path, **given)
    assert status == 0
    assert said["Database"].endswith("answers (with TLS)")
    assert said["Clock"].startswith("ok")


async def test_a_database_with_another_certificate_is_not_spoken_to(
    lab: SlackLab, tls_url: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    given = {"PRIME_SECRET_KEY": KEY, "DATABASE_URL": f"{tls_url}&sslrootcert={make_certificate(tmp_path / 'other')}"}
    status, said = await examine(lab, tmp_path, **given)
    assert status == 1
    assert said["Database"].startswith("FAIL")
