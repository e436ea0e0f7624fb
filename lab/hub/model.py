"""A repository of the lab's Hub, and the numbers that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha1
from itertools import pairwise
from typing import Any

SHARD_BYTES = 5_000_000_000
HEADER_BYTES = 32_768
"""About what the header of a safetensors file takes."""
BYTES_PER_PARAMETER = {"F32": 4, "BF16": 2, "F16": 2, "I32": 4, "I8": 1, "F8_E4M3": 1}


class Weights(StrEnum):
    """In which formats a repository holds its weights."""

    SAFETENSORS = "safetensors"
    BIN = "bin"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """What somebody published."""

    id: str
    parameters: Mapping[str, int]
    """Type of the stored numbers -> how many. Packed 4-bit weights count as the I32 that hold them."""
    config: Mapping[str, Any] | None
    """Its config.json; None for a repository without one."""
    weights: Weights = Weights.SAFETENSORS
    extra_files: Mapping[str, int] = field(default_factory=dict[str, int])
    """Name -> bytes, of files that an engine does not load."""
    has_chat_template: bool = True
    gated: str | None = None
    """`auto` or `manual`: what happens to those who ask."""
    is_private: bool = False
    pipeline_tag: str = "text-generation"
    library: str = "transformers"
    downloads: int = 1000

    @property
    def author(self) -> str:
        return self.id.partition("/")[0]

    @property
    def sha(self) -> str:
        """The commit of `main`."""
        return sha1(self.id.encode(), usedforsecurity=False).hexdigest()

    @property
    def tags(self) -> list[str]:
        model_type = [self.config["model_type"]] if self.config else []
        quantization = [self.quantization] if self.quantization else []
        chat = ["conversational"] if self.has_chat_template else []
        formats = ["safetensors"] if self.weights is not Weights.BIN else ["pytorch"]
        return [self.library, *formats, *model_type, self.pipeline_tag, *chat, *quantization, "region:us"]

    @property
    def quantization(self) -> str | None:
        """The method in which the published weights are packed: `awq`, `gptq`."""
        return (self.config or {}).get("quantization_config", {}).get("quant_method")

    @property
    def text_config(self) -> Mapping[str, Any]:
        """The numbers of the part that writes text."""
        config = self.config or {}
        return config.get("text_config", config)

    @property
    def weights_bytes(self) -> int:
        return sum(BYTES_PER_PARAMETER[kind] * count for kind, count in self.parameters.items())

    @property
    def weight_files(self) -> dict[str, int]:
        """Those that an engine loads, name -> bytes, each format once over."""
        files: dict[str, int] = {}
        if self.weights is not Weights.BIN:
            files |= _shards("model", "safetensors", self.weights_bytes)
        if self.weights is not Weights.SAFETENSORS:
            files |= _shards("pytorch_model", "bin", self.weights_bytes)
        return files

    @property
    def files(self) -> dict[str, int]:
        """All of the repository, name -> bytes."""
        texts = {".gitattributes": 1519, "README.md": 6144, "tokenizer_config.json": 7305, "tokenizer.json": 7_031_645}
        texts |= {"config.json": 661, "generation_config.json": 243} if self.config else {}
        files = texts | (self.weight_files if self.config else {}) | dict(self.extra_files)
        return dict(sorted(files.items()))

    @property
    def tokenizer_config(self) -> dict[str, Any]:
        template = "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}{% endfor %}"
        return {"bos_token": "<s>", "eos_token": "</s>"} | (
            {"chat_template": template} if self.has_chat_template else {}
        )


def _shards(stem: str, ending: str, size: int) -> dict[str, int]:
    count = -(-size // SHARD_BYTES)
    if count == 1:
        return {f"{stem}.{ending}": size + HEADER_BYTES}
    cuts = [size * number // count for number in range(count + 1)]
    return {
        f"{stem}-{number:05}-of-{count:05}.{ending}": end - start + HEADER_BYTES
        for number, (start, end) in enumerate(pairwise(cuts), start=1)
    }
