"""The programs of a machine that are stand-ins."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from lab.paperspace.catalog import MachineType
from lab.paperspace.computer import curl, docker_command
from lab.paperspace.computer.docker import Docker
from lab.paperspace.computer.front import Front, FrontError
from lab.paperspace.computer.switchboard import Terminal


class Computer(Protocol):
    """The machine that a program runs on, as far as programs see of it."""

    type: MachineType
    address: str
    docker: Docker
    front: Front
    firewall: list[tuple[str, ...]]


Program = Callable[[Computer, list[str], Terminal], Awaitable[int]]
UNIT_IS_INACTIVE = 3


async def _docker(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    return await docker_command.call(computer.docker, arguments, terminal)


async def _curl(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    return await curl.call(computer.address, arguments, terminal)


async def _nginx(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    match arguments:
        case ["-v" | "-V"]:
            terminal.say("nginx version: nginx/1.26.3", error=True)
            return 0
        case ["-t" | "-T", *_]:
            return await _trying(computer, "test", terminal)
        case ["-s", "stop" | "quit"]:
            return await _trying(computer, "stop", terminal)
        case _:
            return await _trying(computer, "restart", terminal)


async def _systemctl(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    verb, *units = [word for word in arguments if not word.startswith("-")] or [""]
    is_nginx = any(unit.removesuffix(".service") == "nginx" for unit in units)
    if verb == "is-active":
        is_up = computer.front.is_open or not is_nginx
        terminal.say("active" if is_up else "inactive")
        return 0 if is_up else UNIT_IS_INACTIVE
    if is_nginx and (verb != "enable" or "--now" in arguments):
        return await _trying(computer, verb, terminal)
    return 0


async def _service(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    return await _systemctl(computer, [*reversed(arguments)], terminal)


async def _trying(computer: Computer, verb: str, terminal: Terminal) -> int:
    """What nginx is told to do."""
    try:
        match verb:
            case "test":
                computer.front.read()
            case "stop":
                await computer.front.close()
            case "start" | "restart" | "reload" | "reload-or-restart" | "enable":
                await computer.front.open(computer.address)
            case _:
                pass
    except FrontError as error:
        terminal.say(str(error), error=True)
        return 1
    return 0


async def _iptables(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    """Remembers rules until the machine is off."""
    words = [word for word in arguments if word not in ("-w", "10")]
    verb, rule = words[0] if words else "", tuple(words[1:])
    if verb in ("-C", "-D") and rule not in computer.firewall:
        terminal.say("iptables: Bad rule (does a matching rule exist in that chain?).", error=True)
        return 1
    if verb in ("-A", "-I"):
        computer.firewall.append(rule)
    elif verb == "-D":
        computer.firewall.remove(rule)
    return 0


async def _nvidia_smi(computer: Computer, arguments: list[str], terminal: Terminal) -> int:
    kind = computer.type
    if not kind.gpu:
        terminal.say("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", error=True)
        return 9
    query = next((word.partition("=")[2] for word in arguments if word.startswith("--query-gpu=")), "")
    for number in range(kind.gpu_count):
        terminal.say(
            ", ".join(_gpu_fields(kind, number).get(name, "[N/A]") for name in query.split(",")) if query else kind.gpu
        )
    return 0


def _gpu_fields(kind: MachineType, number: int) -> dict[str, str]:
    return {
        "index": str(number),
        "name": kind.gpu or "",
        "memory.total": f"{kind.gpu_gb * 1024} MiB",
        "memory.used": "0 MiB",
        "driver_version": "550.144.03",
        "utilization.gpu": "0 %",
    }


async def _silent(_: Computer, __: list[str], ___: Terminal) -> int:
    return 0


PROGRAMS: dict[str, Program] = {
    "docker": _docker,
    "curl": _curl,
    "nginx": _nginx,
    "systemctl": _systemctl,
    "service": _service,
    "iptables": _iptables,
    "ip6tables": _iptables,
    "nvidia-smi": _nvidia_smi,
    # The next ones would change the computer that the lab runs on.
    **dict.fromkeys(("apt-get", "apt", "dpkg", "nvidia-ctk", "systemd-run", "modprobe", "sysctl"), _silent),
    **dict.fromkeys(("shutdown", "reboot", "poweroff", "halt", "useradd", "usermod", "ufw"), _silent),
}


async def call(computer: Computer, name: str, arguments: list[str], terminal: Terminal) -> int:
    return await PROGRAMS[name](computer, arguments, terminal)
