"""`docker run`'s command line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SWITCHES = {"-d", "--detach", "--rm", "--privileged", "--init", "-i", "-t", "-it", "--read-only"}
LONG = {"-e": "--env", "-p": "--publish", "-v": "--volume", "-l": "--label"}
TAKEN = {
    "--env", "--env-file", "--publish", "--volume", "--label", "--name", "--restart", "--gpus", "--shm-size",
    "--log-opt", "--log-driver", "--network", "--ipc", "--pull", "--runtime", "--ulimit", "--memory", "--cpus",
    "--user", "--entrypoint", "--mount", "--add-host", "--security-opt", "--cap-add", "--cap-drop", "--pids-limit",
    "--hostname",
}  # fmt: skip


class UsageError(Exception):
    """Docker's words for what is wrong with a command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    host: str
    port: int
    container_port: int


@dataclass(slots=True, kw_only=True)
class Run:
    image: str = ""
    arguments: list[str] = field(default_factory=list[str])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    published: list[Published] = field(default_factory=list[Published])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    volumes: dict[str, str] = field(default_factory=dict[str, str])
    """What is mounted, a folder or a volume's name, by where."""
    options: dict[str, str] = field(default_factory=dict[str, str])
    """The other flags, the last of each, by their long name."""

    @property
    def name(self) -> str:
        return self.options.get("--name", "")

    @property
    def comes_back(self) -> bool:
        """Whether its restart policy starts it again when it ends by itself."""
        return self.options.get("--restart", "no") not in ("no", "")


def parse(words: Sequence[str], *, folder: Path) -> Run:
    """The words after `docker run`, called in this folder. Raises UsageError."""
    run = Run()
    from_files: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        flag, equals, value = rest.pop(0).partition("=")
        flag = LONG.get(flag, flag)
        if flag in SWITCHES:
            continue
        if flag not in TAKEN:
            raise UsageError(f"unknown flag: {flag}")
        if not equals:
            if not rest:
                raise UsageError(f"flag needs an argument: {flag}")
            value = rest.pop(0)
        match flag:
            case "--env":
                run.environment |= _variable(value)
            case "--env-file":
                from_files |= _env_file(folder / value)
            case "--publish":
                run.published.append(_published(value))
            case "--volume":
                source, _, place = value.partition(":")
                run.volumes[place.partition(":")[0]] = source
            case "--label":
                name, _, text = value.partition("=")
                run.labels[name] = text
            case _:
                run.options[flag] = value
    if not rest:
        raise UsageError("'docker run' requires at least 1 argument")
    run.image, *run.arguments = rest
    run.environment = from_files | run.environment  # as Docker has it: -e wins wherever it stands
    return run


def _published(text: str) -> Published:
    """`[[HOST:]PORT:]CONTAINER_PORT[/tcp]`."""
    places = text.removesuffix("/tcp").rsplit(":", 2)
    try:
        ports = [int(place) for place in places[-2:]]
    except ValueError:
        raise UsageError(f"invalid containerPort: {text}") from None
    host = places[0] if len(places) == 3 else "0.0.0.0"
    return Published(host=host, port=ports[0] if len(ports) == 2 else 0, container_port=ports[-1])


def _env_file(path: Path) -> dict[str, str]:
    """Docker takes what is behind the first `=` as it stands, quotes included."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        raise UsageError(f"open {path}: no such file or directory") from None
    variables: dict[str, str] = {}
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            variables |= _variable(line.lstrip())
    return variables


def _variable(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    return {name: value} if equals else {}
