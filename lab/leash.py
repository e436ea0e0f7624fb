"""Runs a program that ends with whoever started this: `python -m lab.leash PROGRAM [ARGUMENT ...]`.

The starter holds the other end of our standard input. When it ends, however it ends (`kill -9` too), the pipe closes
and the program is asked to stop, then made to."""

import asyncio
import signal
import sys

PATIENCE_SECONDS = 30.0


async def run(words: list[str]) -> int:
    """The program's exit code."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: None)  # a terminal's Ctrl-C reaches the program through the pipe
    program = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, start_new_session=True)
    let_go = asyncio.create_task(_end_of_input())
    ended = asyncio.create_task(program.wait())
    await asyncio.wait({let_go, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        program.terminate()
        await asyncio.wait({ended}, timeout=PATIENCE_SECONDS)
    if not ended.done():
        program.kill()
    let_go.cancel()
    return await ended


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
