"""text-generation-inference 3.3 (`reference/tgi-api.md` 1, 4, 5)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from core.catalog.model import EngineKind, EngineOptions, Model, Quantization
from core.errors import InvalidInputError
from core.redaction.model import RedactedText
from core.servers.model import Endpoint, Launch
from core.talk.model import EngineInfo, Message, Sampling
from core.talk.ports import Events, Recipient
from providers.engines.container import Container, ContainerEngine, flags
from providers.engines.metrics import MetricNames
from providers.engines.options import check_options, refused
from providers.engines.shapes import as_count, as_object, as_text
from providers.engines.stream import GenerateReading, answer
from providers.engines.wire import EngineWire

IMAGE = "ghcr.io/huggingface/text-generation-inference:3.3.5"
"""The newest that is known to be published."""

KV_CACHE_DTYPES = ("fp8_e4m3fn", "fp8_e5m2")
BITSANDBYTES = (Quantization.BITSANDBYTES, Quantization.BITSANDBYTES_NF4)


class TgiEngine(ContainerEngine):
    metric_names = MetricNames(
        queued="tgi_queue_size",
        running="tgi_batch_current_size",
        prompt_tokens="tgi_request_input_length_sum",
        generated_tokens="tgi_request_generated_tokens_sum",
        requests_done="tgi_request_success",
    )
    chat_tokens_path = "/chat_tokenize"
    model_path = "/info"

    def __init__(self, wire: EngineWire, image: str | None = None) -> None:
        environment = {"HF_HOME": "/data"}
        super().__init__(
            Container(image=image or IMAGE, port=80, key_variable="API_KEY", environment=environment), wire
        )

    @property
    def kind(self) -> EngineKind:
        return EngineKind.TGI

    def check(self, options: EngineOptions, model: Model, *, gpu_count: int) -> None:
        check_options(options, model, kind=self.kind, gpu_count=gpu_count)
        shards = options.num_shard or gpu_count
        if model.architecture is not None and model.architecture.kv_heads % shards:
            raise refused(
                "num_shard",
                f"{model.label} has {model.architecture.kv_heads} key-value heads, which {shards} GPUs cannot share.",
            )
        if options.dtype is not None and options.quantization not in (Quantization.NONE, *BITSANDBYTES):
            raise refused("dtype", f"{options.quantization} decides the data type itself: leave one of the two empty.")
        if options.kv_cache_dtype is not None and options.kv_cache_dtype not in KV_CACHE_DTYPES:
            raise refused("kv_cache_dtype", f"TGI takes {' or '.join(KV_CACHE_DTYPES)}, or nothing.")
        folder = options.weights_cache_override
        if folder is not None and re.fullmatch(r"/data(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", folder) is None:
            raise refused("weights_cache_override", "This must be a folder on the disk for weights, such as `/data/x`.")

    def arguments(self, launch: Launch) -> Sequence[str]:
        """Raises InvalidInputError for what the image's entry point would cut into several words."""
        options = launch.options
        quantization = None if options.quantization is Quantization.NONE else options.quantization
        words = flags(
            {
                "model-id": launch.model,
                "revision": launch.revision,
                # Without it TGI counts the GPUs of `--gpus all` as one.
                "num-shard": options.num_shard or launch.gpu_count,
                "quantize": quantization,
                "dtype": options.dtype,
                "max-input-tokens": options.max_input_tokens,
                "max-total-tokens": options.max_total_tokens,
                "max-batch-prefill-tokens": options.max_batch_prefill_tokens,
                "max-concurrent-requests": options.max_concurrent_requests,
                "max-best-of": options.max_best_of,
                "max-stop-sequences": options.max_stop_sequences,
                "kv-cache-dtype": options.kv_cache_dtype,
                "weights-cache-override": options.weights_cache_override,
                "usage-stats": "off",
            }
        )
        words += ["--json-output", *(["--trust-remote-code"] if options.trust_remote_code else [])]
        if any(re.search(r"[\s*?\[\]\\]", word) for word in words):
            raise InvalidInputError("TGI takes no option with spaces or wildcards in it.")
        return words

    async def info(self, endpoint: Endpoint) -> EngineInfo:
        told = await self._get_object(endpoint, self.model_path)
        return EngineInfo(
            model=self._served(told),
            version=as_text(told.get("version")) or None,
            max_input_tokens=as_count(told.get("max_input_tokens")),
            max_total_tokens=as_count(told.get("max_total_tokens")),
            max_concurrent_requests=as_count(told.get("max_concurrent_requests")),
            max_stop_sequences=as_count(told.get("max_stop_sequences")),
        )

    def generate(self, to: Recipient, prompt: RedactedText, sampling: Sampling, *, stall_seconds: float) -> Events:
        body = {"inputs": prompt.text, "parameters": _parameters(sampling)}
        return answer(self._wire, to, "/generate_stream", body, GenerateReading(), stall_seconds=stall_seconds)

    def _chat_fields(self, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
        """A chat takes no repetition penalty, but adds 2 to the presence penalty and takes that for it (0.7)."""
        del messages  # it goes on with an answer by itself
        penalty = sampling.repetition_penalty
        return {} if penalty is None else {"presence_penalty": penalty - 2.0}

    def _tokenize_body(self, text: RedactedText, model: str) -> dict[str, Any]:
        del model
        return {"inputs": text.text}

    def _counted(self, told: object) -> int | None:
        tokens = as_object(told).get("tokenize_response", told)
        return len(cast("list[object]", tokens)) if isinstance(tokens, list) else None

    def _served(self, told: Mapping[str, Any]) -> str:
        return as_text(told.get("model_id"))

    def _name(self, model: str) -> str:
        del model
        return "tgi"  # any other name is taken for that of an adapter


def _parameters(sampling: Sampling) -> dict[str, Any]:
    """`do_sample` is said, since the engine's own choice depends on whether there are other parameters."""
    fields = {
        "max_new_tokens": sampling.max_tokens,
        "do_sample": sampling.temperature != 0,
        "temperature": sampling.temperature or None,
        "top_p": sampling.top_p if sampling.top_p != 1 else None,
        "repetition_penalty": sampling.repetition_penalty,
        "stop": list(sampling.stop),
        "seed": sampling.seed,
        "details": True,
    }
    return {name: value for name, value in fields.items() if value is not None}
