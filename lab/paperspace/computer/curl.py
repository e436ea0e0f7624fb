"""`curl` on a machine: its own loopback can be reached, nothing else can."""

import asyncio
import re

import aiohttp
from yarl import URL

from lab.paperspace.computer.switchboard import Terminal

WITH_VALUE = {
    "-m", "--max-time", "-o", "--output", "-w", "--write-out", "-H", "--header", "-X", "--request", "--connect-timeout",
    "--retry", "--retry-delay", "-A", "--user-agent", "--cacert", "--max-filesize",
}  # fmt: skip
LOOPBACK = ("127.0.0.1", "localhost")
DEFAULT_SECONDS = 10.0
COULD_NOT_RESOLVE, COULD_NOT_CONNECT, HTTP_ERROR, TIMED_OUT = 6, 7, 22, 28


async def call(address: str, arguments: list[str], terminal: Terminal) -> int:
    """`address` is where this machine's loopback really is."""
    flags, options, urls = _read(arguments)

    def fail(exit_status: int, words: str) -> int:
        if "s" not in flags or "S" in flags:
            terminal.say(f"curl: ({exit_status}) {words}", error=True)
        return exit_status

    url = URL(urls[-1] if urls else "")
    if url.host not in LOOPBACK:
        return fail(COULD_NOT_RESOLVE, f"Could not resolve host: {url.host}")
    headers = dict(header.split(": ", 1) for header in options.get("-H", []) + options.get("--header", []))
    seconds = float((options.get("-m") or options.get("--max-time") or [DEFAULT_SECONDS])[-1])
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession(headers=headers) as session,
            session.get(url.with_host(address), ssl=False, allow_redirects=False) as answer,
        ):
            body, status = await answer.text(), answer.status
    except TimeoutError:
        return fail(TIMED_OUT, f"Operation timed out after {int(seconds * 1000)} milliseconds")
    except aiohttp.ClientError:
        return fail(COULD_NOT_CONNECT, f"Failed to connect to {url.host} port {url.port}")
    if status >= 400 and flags & {"f", "--fail"}:
        return fail(HTTP_ERROR, f"The requested URL returned error: {status}")
    _put(body, options, terminal)
    for form in options.get("-w", []) + options.get("--write-out", []):
        terminal.say(form.replace("%{http_code}", str(status)).replace("\\n", ""))
    return 0


def _put(body: str, options: dict[str, list[str]], terminal: Terminal) -> None:
    files = options.get("-o", []) + options.get("--output", [])
    if files:
        (terminal.folder / files[-1]).write_text(body)
    else:
        terminal.say(body)


def _read(arguments: list[str]) -> tuple[set[str], dict[str, list[str]], list[str]]:
    """Flags without value, single letters each by itself; flags with value; URLs."""
    flags: set[str] = set()
    options: dict[str, list[str]] = {}
    urls: list[str] = []
    words = iter(arguments)
    for word in words:
        last = f"-{word[-1]}" if re.fullmatch("-[A-Za-z]+", word) else word
        if last in WITH_VALUE:
            options.setdefault(last, []).append(next(words, ""))
            flags |= set(word[1:-1]) if last != word else set()
        elif word.startswith("--"):
            flags.add(word)
        elif word.startswith("-"):
            flags |= set(word[1:])
        else:
            urls.append(word)
    return flags, options, urls
