"""vLLM's OpenAI-compatible server (`reference/tgi-api.md` 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.catalog.model import EngineKind, EngineOptions, Model, Quantization
from core.redaction.model import RedactedText
from core.servers.model import Endpoint, Launch
from providers.engines.container import Container, ContainerEngine, flags, openai_sampling
from providers.engines.metrics import MetricNames
from providers.engines.model import EngineInfo, Sampling
from providers.engines.options import check_options, refused
from providers.engines.shapes import as_count, as_text, first
from providers.engines.stream import Events, frames, read_openai

IMAGE = "vllm/vllm-openai:v0.11.0"
"""Later images start `vllm serve`, where `--model` is on its way out."""

QUANTIZATIONS = {
    Quantization.AWQ: "awq",
    Quantization.GPTQ: "gptq",
    Quantization.FP8: "fp8",
    Quantization.BITSANDBYTES_NF4: "bitsandbytes",
}
"""Ours -> vLLM's. Its bitsandbytes packs weights in 4 bits while loading."""

KV_CACHE_DTYPES = ("auto", "fp8", "fp8_e4m3", "fp8_e5m2")
CONCURRENT_REQUESTS = 256
"""Its own `--max-num-seqs`."""


class VllmEngine(ContainerEngine):
    metric_names = MetricNames(
        queued="vllm:num_requests_waiting",
        running="vllm:num_requests_running",
        prompt_tokens="vllm:prompt_tokens_total",
        generated_tokens="vllm:generation_tokens_total",
        requests_done="vllm:request_success_total",
    )
    model_path = "/v1/models"

    def __init__(self, image: str = IMAGE) -> None:
        environment = {"HF_HOME": "/data", "VLLM_NO_USAGE_STATS": "1"}
        super().__init__(Container(image=image, port=8000, key_variable="VLLM_API_KEY", environment=environment))

    @property
    def kind(self) -> EngineKind:
        return EngineKind.VLLM

    def check(self, options: EngineOptions, model: Model, *, gpu_count: int) -> None:
        check_options(options, model, kind=self.kind, gpu_count=gpu_count)
        if options.quantization is not Quantization.NONE and options.quantization not in QUANTIZATIONS:
            raise refused("quantization", f"vLLM does not know {options.quantization}.")
        for name in ("max_input_tokens", "max_best_of", "max_stop_sequences", "weights_cache_override"):
            if getattr(options, name) is not None:
                raise refused(name, "Only TGI has this option: leave it empty for vLLM.")
        if options.kv_cache_dtype is not None and options.kv_cache_dtype not in KV_CACHE_DTYPES:
            raise refused("kv_cache_dtype", f"vLLM takes {', '.join(KV_CACHE_DTYPES)}, or nothing.")
        batched, concurrent = options.max_batch_prefill_tokens, options.max_concurrent_requests or CONCURRENT_REQUESTS
        if batched is not None and batched < concurrent:
            raise refused("max_batch_prefill_tokens", f"This must be at least the concurrent requests ({concurrent}).")

    def arguments(self, launch: Launch) -> Sequence[str]:
        options = launch.options
        words = flags(
            {
                "model": launch.model,
                "revision": launch.revision,
                "tensor-parallel-size": options.num_shard or launch.gpu_count,
                "quantization": QUANTIZATIONS.get(options.quantization),
                "dtype": options.dtype,
                "max-model-len": options.max_total_tokens,
                "max-num-batched-tokens": options.max_batch_prefill_tokens,
                "max-num-seqs": options.max_concurrent_requests,
                "kv-cache-dtype": options.kv_cache_dtype,
            }
        )
        return [*words, *(["--trust-remote-code"] if options.trust_remote_code else [])]

    async def info(self, endpoint: Endpoint) -> EngineInfo:
        told = await self._get_object(endpoint, self.model_path)
        return EngineInfo(
            model=self._served(told),
            version=as_text((await self._get_object(endpoint, "/version")).get("version")) or None,
            max_input_tokens=None,
            max_total_tokens=as_count(first(told.get("data")).get("max_model_len")),
            max_concurrent_requests=None,
            max_stop_sequences=None,
        )

    def generate(
        self, endpoint: Endpoint, prompt: RedactedText, sampling: Sampling, *, model: str, stall_seconds: float
    ) -> Events:
        body = {"model": self._name(model), "prompt": prompt.text, **openai_sampling(sampling)}
        return read_openai(frames(endpoint, "/v1/completions", body, stall_seconds=stall_seconds))

    def _served(self, told: Mapping[str, Any]) -> str:
        return as_text(first(told.get("data")).get("id"))

    def _name(self, model: str) -> str:
        return model
