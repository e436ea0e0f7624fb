"""An engine of the lab: `engine = LabEngine(launch, clock=clock); await engine.start(host, port)`."""

import asyncio
import json
import socket
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from lab.clock import LabClock
from lab.engine.faults import FaultName, engine_faults
from lab.engine.flavour import EngineApi
from lab.engine.launch import Flavour, Launch, LaunchError
from lab.engine.log import start_lines, written
from lab.engine.meter import TgiMeter, VllmMeter
from lab.engine.runtime import EngineRequest, Model, Runtime, Said
from lab.engine.slots import Slots
from lab.engine.tgi import Tgi
from lab.engine.vllm import Vllm
from lab.faults import Faults

__all__ = ["LabEngine", "Launch", "LaunchError"]


class LabEngine:
    """Behaves like the program that `launch` starts. Can be started again after `stop` and after a crash.

    For tests: `log_lines`, `requests`, `faults`, `answer`, `running`, `waiting`, `dropped`."""

    def __init__(
        self,
        launch: Launch,
        *,
        clock: LabClock | None = None,
        loading_seconds: float = 1.0,
        tokens_per_second: float = 60.0,
        faults: Faults | None = None,
        model: Model | None = None,
    ) -> None:
        """`faults` are shared ones, which hold those of `engine_faults`; without them it has its own. `model` answers
        in place of the lab's own, at its own pace."""
        self.launch = launch
        self.clock = clock or LabClock()
        self.loading_seconds = loading_seconds
        self.faults = faults or Faults()
        if faults is None:
            self.faults.add(*engine_faults(self.crash))
        self.log_lines: list[str] = []
        self.crashed = asyncio.Event()
        """Set by a crash, cleared by the next start."""
        self.url = ""
        settings = launch.settings
        self._slots = Slots(running=settings.max_running)
        meter = (
            TgiMeter(
                self._slots,
                max_total_tokens=settings.max_total_tokens,
                max_batch_total_tokens=settings.max_batch_total_tokens,
            )
            if launch.flavour is Flavour.TGI
            else VllmMeter(self._slots, model_name=launch.model_id)
        )
        self._runtime = Runtime(
            launch,
            clock=self.clock,
            faults=self.faults,
            slots=self._slots,
            meter=meter,
            tokens_per_second=tokens_per_second,
            model=model,
        )
        self._api: EngineApi = Tgi(self._runtime) if launch.flavour is Flavour.TGI else Vllm(self._runtime)
        self._socket: socket.socket | None = None
        self._runner: web.AppRunner | None = None
        self._loading: asyncio.Task[None] | None = None
        self._listener: asyncio.Server | None = None

    @property
    def requests(self) -> list[EngineRequest]:
        """What came, in order."""
        return self._runtime.requests

    @property
    def running(self) -> int:
        """Requests that get tokens now."""
        return self._slots.running

    @property
    def waiting(self) -> int:
        return self._slots.waiting

    @property
    def dropped(self) -> int:
        """Requests whose client went away before the end."""
        return self._runtime.dropped

    @property
    def answer(self) -> Callable[[Sequence[Said]], str]:
        """What the model says to messages; set another one to let it say something else."""
        return self._runtime.answer

    @answer.setter
    def answer(self, answer: Callable[[Sequence[Said]], str]) -> None:
        self._runtime.answer = answer

    @property
    def tokens_per_second(self) -> float:
        """Of each answer; may be changed while it is given."""
        return self._runtime.tokens_per_second

    @tokens_per_second.setter
    def tokens_per_second(self, tokens_per_second: float) -> None:
        self._runtime.tokens_per_second = tokens_per_second

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Returns at once with `url` set; the port stays closed until the model is loaded: see `ready`. After a crash
        this is the restart."""
        await self.stop()
        self.crashed.clear()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))  # taken, but refusing until somebody listens
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._loading = asyncio.create_task(self._load(self._socket, begun=self.clock.time()))

    async def ready(self) -> None:
        """Waits until the port is open."""
        assert self._loading is not None
        await self._loading

    async def stop(self) -> None:
        """Ends at once: connections break, the port is free."""
        self._end()
        if self._loading is not None:
            await asyncio.wait({self._loading})
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def crash(self) -> None:
        """The program dies. Who watches `crashed` may `start` it again, as a restart policy does."""
        self.log_lines.append("Error: WebserverFailed" if self.launch.flavour is Flavour.TGI else "EngineDeadError")
        self._end()
        self.crashed.set()

    def _end(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        if self._socket is not None:
            self._socket.close()

    async def _load(self, listening: socket.socket, *, begun: float) -> None:
        slow = self.faults.options(FaultName.SLOW_LOAD)
        seconds = self.loading_seconds if slow is None else slow["seconds"]
        for line in start_lines(self.launch):
            await self.clock.sleep(begun + line.at * seconds - self.clock.time())
            self.log_lines.append(written(line, self.launch, self.clock.now()))
        application = web.Application(client_max_size=self.launch.settings.payload_limit, middlewares=[self._door()])
        application.add_routes(self._api.routes())
        # A client that goes away cancels its handler: that is how a generation is stopped.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        assert self._runner.server is not None
        self._listener = await asyncio.get_running_loop().create_server(self._runner.server, sock=listening)

    def _door(self) -> Middleware:
        """Notes what came, and lets in who may."""

        @web.middleware
        async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            authorization = request.headers.get("Authorization")
            noted = EngineRequest(method=request.method, path=request.path, has_key=authorization is not None)
            self.requests.append(noted)
            try:
                noted.body = _json(await request.read())
                if self.launch.api_key and self._api.needs_key(request) and not self._api.opens(authorization or ""):
                    return self._api.unauthorized()
                return await handler(request)
            except web.HTTPException as error:
                return self._api.http_error(error)

        return pass_on


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return None
