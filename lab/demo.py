"""`prime demo`: the lab, which is a Slack, a cloud and a model hub, and beside it Prime as a process of its own, for
which only the base URLs differ."""

import asyncio
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.clock import LabClock
from lab.engine.relay import NoServerError, OpenAIServer
from lab.hub.server import HubLab
from lab.paperspace.server import PaperspaceLab
from lab.slack.server import SlackLab

PORT = 8310
READY_SECONDS = 60.0
ROLES = {"U0BEA": "READ_WRITE", "U0RITA": "READ"}
"""What people of the cast hold from the start; the rest ask."""

BOOT_SECONDS, PULL_SECONDS, LOADING_SECONDS = 6.0, 5.0, 6.0
"""Minutes in a real cloud; long enough here to watch it come up."""

_PRIME = (sys.executable, "-m", "bot")
_FOREIGN = ("SLACK_", "PRIME_", "DATABASE_URL", "PAPERSPACE_", "HF_", "TGI_", "LOG_DATABASE_URL")
"""Variables of a real installation, which the demo must not touch."""


def main(*, engine_url: str | None = None, engine_key: str | None = None, engine_model: str | None = None) -> None:
    """With a URL, the demo's model servers answer what the OpenAI-compatible server there answers."""
    sys.exit(asyncio.run(_demo(engine_url, engine_key, engine_model)))


@dataclass(frozen=True, slots=True)
class Lab:
    slack: SlackLab
    cloud: PaperspaceLab
    hub: HubLab


async def _demo(engine_url: str | None, engine_key: str | None, engine_model: str | None) -> int:
    model = await _model(engine_url, engine_key, engine_model) if engine_url else None
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="prime-demo-") as folder:
        async with _lab(Path(folder), model) as lab, _prime(lab, Path(folder)) as prime:
            stopping = asyncio.create_task(stop.wait())
            ended = asyncio.create_task(prime.wait())
            showing = asyncio.create_task(_show(lab, Path(folder), model))
            await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
            showing.cancel()
            stopping.cancel()
            if ended.done():
                return prime.returncode or 0
            ended.cancel()
            _say("Stopping ...")
    return 0


async def _model(url: str, key: str | None, name: str | None) -> OpenAIServer:
    try:
        return await OpenAIServer.found(url, key=key, model=name)
    except NoServerError as error:
        raise SystemExit(str(error)) from None


@asynccontextmanager
async def _lab(folder: Path, model: OpenAIServer | None) -> AsyncGenerator[Lab]:
    manifest = folder / "app.yaml"
    manifest.write_text(await _output(*_PRIME, "manifest", cwd=folder))
    clock = LabClock()
    slack = SlackLab(manifest, clock=clock)
    cloud = PaperspaceLab(clock=clock, boot_seconds=BOOT_SECONDS, folder=folder / "machines", model=model)
    cloud.pace.pull_seconds, cloud.pace.loading_seconds = PULL_SECONDS, LOADING_SECONDS
    hub = HubLab()
    slack.faults.add(*cloud.faults, *hub.faults)
    try:
        await cloud.start()
        await hub.start()
        try:
            await slack.start(port=PORT)
        except OSError:  # somebody has that port, maybe another demo
            await slack.start()
        yield Lab(slack, cloud, hub)
    finally:
        await slack.stop()
        await hub.stop()
        await cloud.stop()


@asynccontextmanager
async def _prime(lab: Lab, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`prime run`, on a leash: it ends with us even when we are killed."""
    leash = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lab.leash",
        *(*_PRIME, "run"),
        cwd=folder,  # where no .env is
        env=_environment(lab, folder),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield leash
    finally:
        assert leash.stdin is not None
        leash.stdin.close()
        await leash.wait()


async def _show(lab: Lab, folder: Path, model: OpenAIServer | None) -> None:
    """Waits until Prime has connected, gives the cast their roles, and says where to look."""
    _say("Starting Prime in a Slack workspace of its own ...")
    async with asyncio.timeout(READY_SECONDS):
        await lab.slack.app_connected()
    environment = _environment(lab, folder)
    await asyncio.gather(
        *(_output(*_PRIME, "admin", "grant", user, role, cwd=folder, env=environment) for user, role in ROLES.items())
    )
    answering = f"  Every model server that you create here answers with {model.model}.\n" if model else ""
    _say(
        f"\n  Open {lab.slack.url}\n\n{answering}"
        "  Type /prime help there. The bar on top makes you somebody else. Ctrl-C ends it all.\n"
    )
    if sys.stdout.isatty() and (sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ):
        await asyncio.to_thread(webbrowser.open, lab.slack.url)


def _environment(lab: Lab, folder: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return own | {
        "SLACK_API_URL": lab.slack.api_url,
        "SLACK_BOT_TOKEN": lab.slack.bot_token,
        "SLACK_APP_TOKEN": lab.slack.app_token,
        "PAPERSPACE_API_URL": lab.cloud.url,
        "PAPERSPACE_API_KEY": lab.cloud.api_key,
        "HF_API_URL": lab.hub.url,
        "HF_TOKEN": lab.hub.token,
        "HF_ORG": lab.hub.org,
        "PRIME_DATA_DIR": str(folder / "data"),
        "PRIME_HTTP_ADDR": "127.0.0.1:0",
        "PRIME_ADMINS": "U0ADAM",
        "PRIME_APPROVAL_CHANNEL": "C0APPROVALS",
        "PRIME_LOG_LEVEL": "WARNING",
        "PRIME_DRAIN_SECONDS": "0",  # whoever presses Ctrl-C means it
    }


async def _output(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(*words, cwd=cwd, env=env, stdout=asyncio.subprocess.PIPE)
    text, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"`{' '.join(words[1:])}` failed")
    return text.decode()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 the demo talks to whoever started it
