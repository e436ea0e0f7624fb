"""Which engines there are."""

from core.catalog.model import EngineKind
from core.servers.ports import Engines
from providers.engines.container import ContainerEngine
from providers.engines.tgi import TgiEngine
from providers.engines.vllm import VllmEngine


class InstalledEngines(Engines):
    def __init__(self, *, tgi_image: str | None = None) -> None:
        """`tgi_image`: TGI_IMAGE, if it is not to be the pinned one."""
        self._engines: dict[EngineKind, ContainerEngine] = {
            EngineKind.TGI: TgiEngine(tgi_image),
            EngineKind.VLLM: VllmEngine(),
        }

    def of(self, kind: EngineKind) -> ContainerEngine:
        return self._engines[kind]
