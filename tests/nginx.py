"""Debian's own nginx as an ordinary process, with the configuration that the startup script wrote on a machine."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.catalog.model import EngineKind, EngineOptions
from core.servers.model import Launch
from providers.engines.registry import InstalledEngines
from providers.startup.script import Startup
from tests.machine import Machine

KEY = "s3cret-Key-of-this-server-0123456789abcdef"

MAIN = """\
daemon off;
{user}
pid "{folder}/nginx.pid";
error_log "{folder}/error.log" info;
worker_processes 1;
events {{}}
http {{
    access_log "{folder}/access.log";
    client_body_temp_path "{folder}/bodies";
    proxy_temp_path "{folder}/answers";
    fastcgi_temp_path "{folder}/unused";
    uwsgi_temp_path "{folder}/unused";
    scgi_temp_path "{folder}/unused";
    include "{folder}/root/etc/nginx/conf.d/*.conf";
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    folder: Path
    machine: Machine
    port: int
    """Where it answers, with TLS."""

    @property
    def engine_port(self) -> int:
        return self.port + 1

    @property
    def logs(self) -> str:
        return "".join(path.read_text() for path in (*self.folder.glob("*.log"), *self.folder.rglob("prime-nginx.log")))


@contextmanager
def nginx_in(folder: Path) -> Iterator[Nginx]:
    """Skips the test where there is no nginx, except in CI."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is missing: see .ci/nginx")
        pytest.skip("nginx is missing here: .ci/nginx installs it")
    machine, port = Machine(folder), _free_port()
    boot = machine.boot(_script(port))
    assert boot.returncode == 0, boot.stderr
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "main.conf").write_text(MAIN.format(folder=folder, user=user))
    process = subprocess.Popen([program, "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/main.conf"])
    try:
        _wait_for(port, process)
        yield Nginx(folder, machine, port)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _script(port: int) -> str:
    launch = Launch(engine=EngineKind.TGI, model="a/b", revision=None, options=EngineOptions(), gpu_count=1)
    return Startup(scheme="https", port=port, engines=InstalledEngines()).build(launch, key=KEY, hub_token=None)


def _free_port() -> int:
    """One whose next is free too."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            try:
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
            except OSError:
                continue
            return first.getsockname()[1]
    raise AssertionError("no two free ports in a row")


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            break
    raise AssertionError("nginx does not listen")
