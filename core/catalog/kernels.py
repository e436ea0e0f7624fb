"""Which engine runs what on which GPU. Tables of facts with their sources, and the questions asked of them."""

from core.catalog.model import Architecture, Dtype, EngineKind, EngineOptions, Gpu, Model, Quantization

_TGI, _VLLM = EngineKind.TGI, EngineKind.VLLM
_Q = Quantization

_NAMES = {_TGI: "TGI", _VLLM: "vLLM"}

_LEAST = {_TGI: (8, 0), _VLLM: (7, 0)}
"""Compute capability. TGI: its kernels are built for 8.0, 8.6 and 9.0 (Dockerfile; tgi-api.md, 7). vLLM: 7.0 or higher
(docs.vllm.ai, getting_started/installation, GPU)."""

_QUANTIZATIONS = {
    _TGI: frozenset(_Q),
    _VLLM: frozenset({_Q.NONE, _Q.AWQ, _Q.GPTQ, _Q.FP8, _Q.BITSANDBYTES_NF4}),
}
"""TGI: `--quantize` (tgi-api.md, 5.1). vLLM packs with bitsandbytes at load in 4 bits only, and has no EETQ
(docs.vllm.ai, features/quantization)."""

_LEAST_QUANTIZED = {
    (_VLLM, _Q.AWQ): (7, 5),
    (_VLLM, _Q.FP8): (8, 0),
}
"""Where a quantisation needs more than its engine. docs.vllm.ai, features/quantization, "Supported Hardware": AWQ from
Turing; FP8 natively from 8.9, below that as weight-only Marlin from 8.0 (in TGI too). AWQ and GPTQ use the faster
Marlin kernels from 8.0."""

_LEAST_BFLOAT16 = (8, 0)
"""CUDA C++ Programming Guide, compute capabilities: bfloat16 arithmetic from 8.0."""

_LEAST_FP8_CACHE = {_TGI: (8, 0), _VLLM: (8, 9)}
"""TGI: needs FlashInfer (layers/attention/kv_cache.py), which is built from 8.0. vLLM: docs.vllm.ai,
features/quantization/quantized_kvcache; fp8 conversions in hardware from 8.9."""

_PACKED_BEFORE = frozenset({_Q.AWQ, _Q.GPTQ})
"""Quantisations that an engine can only load, not make."""


def is_fp8_cache(options: EngineOptions) -> bool:
    return (options.kv_cache_dtype or "").startswith("fp8")


def effective_quantization(model: Model, options: EngineOptions) -> Quantization:
    """How the weights are held: as published where they are packed already (engines see that by themselves)."""
    published = _Q.NONE if model.architecture is None else model.architecture.quantization
    return published if options.quantization is _Q.NONE else options.quantization


def engine_problem(model: Model, options: EngineOptions, engine: EngineKind) -> str | None:
    """Why the engine does not take the model in this way; None if it does."""
    name, asked = _NAMES[engine], options.quantization
    published = _Q.NONE if model.architecture is None else model.architecture.quantization
    if engine not in model.engines:
        return f"{name} does not serve this model."
    if effective_quantization(model, options) not in _QUANTIZATIONS[engine]:
        return f"{name} does not know the quantisation {effective_quantization(model, options)}."
    if asked is _Q.NONE or asked is published:
        return None
    if published is not _Q.NONE:
        return f"Its weights are published as {published} already, so they cannot be made {asked}."
    if asked in _PACKED_BEFORE:
        return f"{asked} needs weights that were published so; these were not."
    return None


def compute_problem(gpu: Gpu, options: EngineOptions, engine: EngineKind, quantization: Quantization) -> str | None:
    """Why the GPU is too old; None if it is not."""
    demands = [(_LEAST[engine], f"{_NAMES[engine]}'s kernels need")]
    if (engine, quantization) in _LEAST_QUANTIZED:
        demands.append((_LEAST_QUANTIZED[engine, quantization], f"{_NAMES[engine]}'s kernels for {quantization} need"))
    if options.dtype is Dtype.BFLOAT16:
        demands.append((_LEAST_BFLOAT16, "bfloat16 needs"))
    if is_fp8_cache(options):
        demands.append((_LEAST_FP8_CACHE[engine], f"{_NAMES[engine]}'s fp8 KV cache needs"))
    for least, who in demands:
        if gpu.compute_capability < least:
            return (
                f"{who} compute capability {_dotted(least)} or newer; the {gpu.name} has "
                f"{_dotted(gpu.compute_capability)}."
            )
    return None


def sharding_problem(architecture: Architecture, engine: EngineKind, *, shards: int, gpu_count: int) -> str | None:
    """Why the model cannot be shared like this; None if it can."""
    if shards > gpu_count:
        return f"The machine has {gpu_count} GPU{'s' if gpu_count > 1 else ''}, not {shards}."
    if _divides(architecture, engine, shards):
        return None
    fewer = next(count for count in range(shards - 1, 0, -1) if _divides(architecture, engine, count))
    return (
        f"{shards} GPUs cannot share its {architecture.attention_heads} attention heads and "
        f"{architecture.kv_heads} key-value heads evenly; {fewer} can."
    )


def _divides(architecture: Architecture, engine: EngineKind, shards: int) -> bool:
    """TGI wants both kinds of heads divisible, but a single key-value head is copied (flash_llama_modeling.py and
    flash_rw_modeling.py); vLLM copies key-value heads wherever they are fewer (config/model.py, get_num_kv_heads)."""
    if architecture.attention_heads % shards:
        return False
    kv_heads = architecture.kv_heads
    if kv_heads % shards == 0 or kv_heads == 1:
        return True
    return engine is _VLLM and shards % kv_heads == 0


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
