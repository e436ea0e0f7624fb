"""Which engines there are."""

from core.catalog.model import EngineKind
from core.servers.ports import Engines
from core.talk.ports import ModelServers
from providers.engines.container import ContainerEngine
from providers.engines.tgi import TgiEngine
from providers.engines.vllm import VllmEngine
from providers.engines.wire import EngineWire


class InstalledEngines(Engines, ModelServers):
    def __init__(self, *, tgi_image: str | None = None) -> None:
        """`tgi_image`: TGI_IMAGE, if it is not to be the pinned one."""
        self._wire = EngineWire()
        self._engines: dict[EngineKind, ContainerEngine] = {
            EngineKind.TGI: TgiEngine(self._wire, tgi_image),
            EngineKind.VLLM: VllmEngine(self._wire),
        }

    def of(self, kind: EngineKind) -> ContainerEngine:
        return self._engines[kind]

    async def aclose(self) -> None:
        await self._wire.aclose()
