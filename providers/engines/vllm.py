"""vLLM's OpenAI-compatible server (`reference/tgi-api.md` 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.catalog.model import EngineKind, EngineOptions, Model, Quantization
from core.redaction.model import RedactedText
from core.servers.errors import EngineUnreachableError
from core.servers.model import Endpoint, Launch
from core.talk.model import EngineInfo, Message, Sampling, Speaker
from core.talk.ports import Events, Recipient
from providers.engines.container import Container, ContainerEngine, flags, openai_sampling
from providers.engines.metrics import MetricNames
from providers.engines.options import check_options, refused
from providers.engines.shapes import as_count, as_object, as_text, first
from providers.engines.stream import OpenAIReading, answer
from providers.engines.wire import EngineWire

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
    chat_tokens_path = "/tokenize"
    model_path = "/v1/models"

    def __init__(self, wire: EngineWire, image: str = IMAGE) -> None:
        environment = {"HF_HOME": "/data", "VLLM_NO_USAGE_STATS": "1"}
        super().__init__(Container(image=image, port=8000, key_variable="VLLM_API_KEY", environment=environment), wire)

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
            version=await self._version(endpoint),
            max_input_tokens=None,
            max_total_tokens=as_count(first(told.get("data")).get("max_model_len")),
            max_concurrent_requests=None,
            max_stop_sequences=None,
        )

    async def _version(self, endpoint: Endpoint) -> str | None:
        """None where a server speaks vLLM's language and is another."""
        try:
            return as_text((await self._get_object(endpoint, "/version")).get("version")) or None
        except EngineUnreachableError:
            return None

    def generate(self, to: Recipient, prompt: RedactedText, sampling: Sampling, *, stall_seconds: float) -> Events:
        body = {
            "model": self._name(to.model),
            "prompt": prompt.text,
            **openai_sampling(sampling),
            **_penalty(sampling),
        }
        return answer(self._wire, to, "/v1/completions", body, OpenAIReading(), stall_seconds=stall_seconds)

    def _chat_fields(self, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
        """It goes on with an answer only when asked to, where TGI always does."""
        goes_on = bool(messages) and messages[-1].speaker is Speaker.ASSISTANT
        more = {"add_generation_prompt": False, "continue_final_message": True} if goes_on else {}
        return _penalty(sampling) | more

    def _tokenize_body(self, text: RedactedText, model: str) -> dict[str, Any]:
        return {"model": self._name(model), "prompt": text.text}

    def _counted(self, told: object) -> int | None:
        return as_count(as_object(told).get("count"))

    def _served(self, told: Mapping[str, Any]) -> str:
        return as_text(first(told.get("data")).get("id"))

    def _name(self, model: str) -> str:
        return model


def _penalty(sampling: Sampling) -> dict[str, Any]:
    return {} if sampling.repetition_penalty is None else {"repetition_penalty": sampling.repetition_penalty}
