"""A container's image, arguments and environment, read as the engine in that image reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.engine import tgi_launcher, vllm_launcher
from lab.engine.settings import LaunchError, Settings

__all__ = ["Flavour", "Launch", "LaunchError"]


class Flavour(StrEnum):
    TGI = "tgi"
    VLLM = "vllm"


IMAGES = {
    "ghcr.io/huggingface/text-generation-inference": Flavour.TGI,
    "vllm/vllm-openai": Flavour.VLLM,
    "docker.io/vllm/vllm-openai": Flavour.VLLM,
}
READERS = {Flavour.TGI: tgi_launcher.read, Flavour.VLLM: vllm_launcher.read}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    flavour: Flavour
    version: str
    """As in the image's tag, without a leading `v`: `3.3.5`."""
    settings: Settings

    @classmethod
    def from_docker(cls, image: str, arguments: Sequence[str], environment: Mapping[str, str]) -> "Launch":
        """Raises LaunchError where the container would exit by itself, and for an image that is no engine."""
        name, _, tag = image.partition("@")[0].rpartition(":")
        flavour = IMAGES.get(name)
        if flavour is None:
            raise LaunchError(f"docker: Error response from daemon: pull access denied for {image}.", exit_status=125)
        return cls(flavour=flavour, version=tag.removeprefix("v"), settings=READERS[flavour](arguments, environment))

    @property
    def model_id(self) -> str:
        return self.settings.served_names[0]

    @property
    def api_key(self) -> str | None:
        return self.settings.api_key

    @property
    def container_port(self) -> int:
        """Where the program listens inside its container."""
        return self.settings.port
