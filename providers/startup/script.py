"""The text that a cloud is given: values, quoted for the shell, before the bash files of this folder, packed."""

import base64
import gzip
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from core.errors import ConfigurationError, InvalidInputError
from core.logs.model import LogTarget
from core.servers.model import Launch
from core.servers.ports import StartupScripts
from providers.engines.registry import InstalledEngines
from providers.startup import logs

MAX_BYTES = 16_000
"""Clouds say 16 KB, and not which."""

BLOCKED_ADDRESSES = ("169.254.169.254", "metadata.paperspace.com")
"""Where clouds tell a machine about itself, its startup script included."""

SCRIPT_FILES = ("progress.sh", "files.sh", "front.sh", "engine.sh")
MAIN_FILES = ("main.sh",)
LOG_FILES = ("logs.sh",)
WATCH_FILES = ("progress.sh", "watch.sh")

BOOTSTRAP = """\
#!/bin/bash
# Starts a model server of Prime. Packed, since firewalls in front of cloud APIs take shell commands for attacks.
umask 077
exec bash <(base64 -d <<'PACKED' | gzip -d
{packed}PACKED
)
"""

DIRECTIVE = "# shellcheck disable=SC2016 # the values are data"

Value = str | int | Sequence[str]


class Startup(StartupScripts):
    def __init__(self, *, scheme: str, port: int, engines: InstalledEngines) -> None:
        """Raises ConfigurationError for a port that leaves no room for the engine's own, which is the next one."""
        if not 1 <= port <= 65534:
            raise ConfigurationError("TGI_PORT must be a port from 1 to 65534, such as 8080.")
        self._scheme = scheme
        self._port = port
        self._engines = engines

    def build(self, launch: Launch, *, key: str, hub_token: str | None, log: LogTarget | None = None) -> str:
        """Raises ValueError for a key or token with other characters than such have: both stand in files that know no
        quotes."""
        secrets = {"KEY": key, "HUB_TOKEN": hub_token or ""}
        if not key or any(re.fullmatch(r"[A-Za-z0-9_-]*", secret) is None for secret in secrets.values()):
            raise ValueError("not a key")
        if log is not None:
            secrets |= {
                "LOG_CONFIGURATION": logs.configuration(log, secrets=list(secrets.values())),
                "LOG_PARSERS": logs.PARSERS,
            }
        return _pack(self._script(launch, secrets, log))

    def without_secrets(self, launch: Launch, *, log: LogTarget | None = None) -> str:
        return _pack(self._script(launch, {}, log))

    def _script(self, launch: Launch, secrets: Mapping[str, str], log: LogTarget | None) -> str:
        engine = self._engines.of(launch.engine)
        container = engine.container
        values: dict[str, Value] = {
            "SCHEME": self._scheme,
            "PORT": self._port,
            "ENGINE_PORT": self._port + 1,
            "IMAGE": container.image,
            "CONTAINER_PORT": container.port,
            "KEY_VARIABLE": container.key_variable,
            "ENVIRONMENT": [f"{name}={value}" for name, value in container.environment.items()],
            "ARGUMENTS": engine.arguments(launch),
            "BLOCKED": BLOCKED_ADDRESSES,
            **secrets,
            "WATCH": _read(WATCH_FILES),
        }
        if log is not None:
            values |= {"LOG_IMAGE": logs.IMAGE, "LOG_SSL_MODE": log.ssl_mode}
        names = (*SCRIPT_FILES, *(() if log is None else LOG_FILES), *MAIN_FILES)
        return f"{DIRECTIVE}\n{_assignments(values)}\n{_read(names)}"


def _assignments(values: Mapping[str, Value]) -> str:
    return "\n".join(f"{name}={_quote(value)}" for name, value in values.items())


def _quote(value: Value) -> str:
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidInputError("An option of the engine holds a character that no program can be given.")
        return shlex.quote(value)
    if isinstance(value, int):
        return str(value)
    return f"({' '.join(map(_quote, value))})"


def _read(names: Iterable[str]) -> str:
    return "\n".join(files("providers.startup").joinpath(name).read_text(encoding="utf-8") for name in names)


def _pack(script: str) -> str:
    packed = base64.encodebytes(gzip.compress(script.encode(), mtime=0)).decode()
    text = BOOTSTRAP.format(packed=packed)
    if len(text) > MAX_BYTES:
        raise InvalidInputError("The options of this server are too long for a startup script. Please shorten them.")
    return text
