"""`docker`, the command, as far as startup scripts use it."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from lab.paperspace.computer.docker import Container, Docker, DockerError
from lab.paperspace.computer.docker_run import UsageError, parse
from lab.paperspace.computer.switchboard import Terminal

USAGE_STATUS = 125


async def call(docker: Docker, arguments: list[str], terminal: Terminal) -> int:
    command, *rest = arguments or ["help"]
    if command in ("image", "container") and rest:
        command, rest = f"image {rest[0]}" if command == "image" else rest[0], rest[1:]
    verb = _VERBS.get(command)
    if verb is None:
        terminal.say(f"docker: '{command}' is not a docker command.", error=True)
        return 1
    try:
        await verb(docker, rest, terminal)
    except UsageError as error:
        terminal.say(f"docker: {error}", error=True)
        return USAGE_STATUS
    except DockerError as error:
        terminal.say(str(error), error=True)
        return error.exit_status
    return 0


async def _info(docker: Docker, _: list[str], terminal: Terminal) -> None:
    running = sum(container.is_running for container in docker.containers.values())
    terminal.say(f"Server:\n Containers: {len(docker.containers)}\n  Running: {running}\n Server Version: 26.1.5")


async def _version(_: Docker, __: list[str], terminal: Terminal) -> None:
    terminal.say("Docker version 26.1.5, build a72d7cd")


async def _pull(docker: Docker, words: list[str], terminal: Terminal) -> None:
    image = _names(words)[-1]
    await docker.pull(image, told=terminal.say)
    terminal.say(f"Status: Downloaded newer image for {image}\n{image}")


async def _inspect_image(docker: Docker, words: list[str], terminal: Terminal) -> None:
    image = _names(words)[-1]
    if image not in docker.images:
        raise DockerError(f"Error response from daemon: No such image: {image}")
    terminal.say(json.dumps([{"RepoTags": [image]}], indent=4))


async def _images(docker: Docker, _: list[str], terminal: Terminal) -> None:
    for image in sorted(docker.images):
        terminal.say(image)


async def _run(docker: Docker, words: list[str], terminal: Terminal) -> None:
    container = await docker.create(parse(words, folder=terminal.folder))
    terminal.say(container.id)


async def _inspect(docker: Docker, words: list[str], terminal: Terminal) -> None:
    form = _option(words, "--format", "-f")
    shapes = [docker.container(name).shape() for name in _names(words)]
    if form is None:
        terminal.say(json.dumps(shapes, indent=4))
        return
    for shape in shapes:
        terminal.say(_formatted(form, shape))


async def _logs(docker: Docker, words: list[str], terminal: Terminal) -> None:
    tail = _option(words, "--tail", "-n") or "all"
    lines = docker.container(_names(words)[-1]).log_lines
    for line in lines if tail == "all" else lines[-int(tail) :]:
        terminal.say(line)


async def _ps(docker: Docker, words: list[str], terminal: Terminal) -> None:
    """With `--filter name=...`, `-a` and `-q`."""
    wanted = (_option(words, "--filter", "-f") or "").removeprefix("name=").strip("^/$")
    flags = {letter for word in words if re.fullmatch("-[aq]+", word) for letter in word[1:]}
    for container in docker.containers.values():
        if wanted in container.name and (container.is_running or "a" in flags or "--all" in words):
            row = f"{container.id[:12]}   {container.run.image}   {container.status}   {container.name}"
            terminal.say(container.id[:12] if "q" in flags else row)


async def _start(docker: Docker, words: list[str], terminal: Terminal) -> None:
    for container in _each(docker, words, terminal):
        docker.start(container)


async def _stop(docker: Docker, words: list[str], terminal: Terminal) -> None:
    for container in _each(docker, words, terminal):
        await docker.stop(container)


async def _restart(docker: Docker, words: list[str], terminal: Terminal) -> None:
    for container in _each(docker, words, terminal):
        await docker.stop(container)
        docker.start(container)


async def _remove(docker: Docker, words: list[str], terminal: Terminal) -> None:
    for container in _each(docker, words, terminal):
        await docker.remove(container, force="-f" in words or "--force" in words)


_VERBS: dict[str, Callable[[Docker, list[str], Terminal], Awaitable[None]]] = {
    "info": _info, "version": _version, "--version": _version, "-v": _version, "pull": _pull, "image pull": _pull,
    "image inspect": _inspect_image, "images": _images, "image ls": _images, "run": _run, "inspect": _inspect,
    "logs": _logs, "ps": _ps, "ls": _ps, "start": _start, "stop": _stop, "kill": _stop, "restart": _restart,
    "rm": _remove,
}  # fmt: skip
_WITH_VALUE = {"--format", "-f", "--filter", "--tail", "-n", "--since", "-t", "--time", "--type"}


def _names(words: list[str]) -> list[str]:
    """What is neither a flag nor a flag's value. Raises UsageError if there is nothing."""
    names = [word for word, before in zip(words, ["", *words], strict=False) if _is_name(word, before)]
    if not names:
        raise UsageError("this command requires at least 1 argument")
    return names


def _is_name(word: str, before: str) -> bool:
    return not word.startswith("-") and before not in _WITH_VALUE


def _each(docker: Docker, words: list[str], terminal: Terminal) -> list[Container]:
    names = [word for word in words if not word.startswith("-")]
    for name in names:
        terminal.say(name)
    return [docker.container(name) for name in names]


def _option(words: list[str], *flags: str) -> str | None:
    for position, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in flags:
            return value if equals else next(iter(words[position + 1 :]), "")
    return None


def _formatted(form: str, shape: dict[str, Any]) -> str:
    """A Go template of fields only: `{{.State.Status}}`, `{{json .Args}}`."""

    def field(match: re.Match[str]) -> str:
        value: Any = shape
        for name in match["path"].split(".")[1:]:
            if not isinstance(value, dict) or name not in value:
                raise DockerError(f'template parsing error: template: :1: map has no entry for key "{name}"')
            value = value[name]
        return json.dumps(value) if match["json"] or isinstance(value, bool) else str(value)

    return re.sub(r"\{\{\s*(?P<json>json )?\s*(?P<path>(\.\w+)+)\s*\}\}", field, form)
