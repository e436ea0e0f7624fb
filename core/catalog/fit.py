"""Whether a model fits a machine, said before anybody pays for it.

GPU memory, in GiB on each of `shards` GPUs (`num_shard`, else all of the machine; the model is spread evenly):

    weights   = bytes of the weights / shards
    KV cache  = 2 × layers × KV heads on the GPU × head_dim × bytes per number × tokens
    overhead  = 2
    fits      : weights + KV cache + overhead <= memory of the GPU × the share that the engine takes

* Bytes of the weights: parameters × 2 in float16 and bfloat16; the files' size where they are published packed. Packed
  at load: `_BYTES_PER_PACKED` for each parameter but the embeddings, which stay at 2.
* KV heads on the GPU: KV heads / shards, at least 1. Bytes per number: 2, or 1 with an fp8 cache.
* Tokens: `max_total_tokens` (one sequence of full length) × `max_concurrent_requests` **if a number is asked for**, at
  least `max_batch_prefill_tokens`. Both engines page their cache and let requests wait when it is full, and TGI's own
  limit of 128 is how many it admits, not how many it promises to compute at once; so without a number, one sequence
  has to fit. Who asks for a number says how many answers must run at once, and is told if they cannot.
  Without `max_total_tokens` TGI takes what fits, so 4,096 tokens have to; vLLM insists on the model's whole context.
* The share: TGI takes all (`--cuda-memory-fraction` 1.0), vLLM 0.9 (`--gpu-memory-utilization`).
* Overstated for sliding windows, hybrid models and MLA, whose cache is smaller.

Disk, in GB of 2^30 bytes: the weights' files (twice where TGI converts .bin) + the engine's image + the operating
system + a margin, and not less than the smallest template asks.

Sources: tgi-api.md 5.1, 5.2, 7, 8 and 11 (formula, overhead, factors); docs.vllm.ai, engine arguments;
paperspace-api.md 7 (ML-in-a-Box takes 28 GB). What a GPU must be able to do stands in `core.catalog.kernels`.

Worked example: Llama 3.1 8B, bfloat16, 8,192 tokens, TGI on an RTX A5000 (24 GiB): 8,030,261,248 × 2 = 14.96 GiB;
2 × 32 × 8 × 128 × 2 = 128 KiB a token × 8,192 = 1 GiB; + 2 = 17.96 GiB: fits. On an RTX A4000 (16 GiB) it does not;
with bitsandbytes-nf4 it does: (8,030,261,248 - 1,050,673,152) × 0.5625 + 1,050,673,152 × 2 = 5.61 GiB; + 1 + 2 = 8.61.

Worked example: Llama 3.3 70B, bfloat16, 8,192 tokens, vLLM on 8 × A100 80 GB: 131.42 / 8 = 16.43;
2 × 80 × 1 × 128 × 2 = 40 KiB × 8,192 = 0.31 GiB; + 2 = 18.74 of 72 GiB: fits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from core.catalog.kernels import (
    compute_problem,
    effective_quantization,
    engine_problem,
    is_fp8_cache,
    sharding_problem,
)
from core.catalog.model import (
    Architecture,
    Choice,
    Constraint,
    EngineKind,
    EngineOptions,
    Fit,
    Model,
    Offer,
    Quantization,
    YesNo,
)

_GIB = 2**30
_HOURS_PER_MONTH = 730

_OVERHEAD_GIB = 2.0
_SHARE = {EngineKind.TGI: 1.0, EngineKind.VLLM: 0.9}
_BYTES_PER_PACKED = {
    Quantization.FP8: 1.0,
    Quantization.EETQ: 1.0,
    Quantization.BITSANDBYTES: 1.1,  # with its outlier columns; unconfirmed (tgi-api.md, 11)
    Quantization.BITSANDBYTES_NF4: 0.5625,  # 4 bits, and 32 for each block of 64 (its quantize_4bit)
}
_USUAL_EMBEDDINGS = 1 / 8
"""Their share of the parameters where it is not known; that of Llama 3.1 8B and Qwen 2.5 7B."""

_TOKENS_AT_LEAST = 4096

_SYSTEM_GB = 28
_IMAGE_GB = {EngineKind.TGI: 15, EngineKind.VLLM: 30}
"""Unpacked. vLLM: 28.6 GB for 0.12 (vllm-project/vllm pull request 22377). TGI: from memory, unconfirmed."""
_MARGIN_GB = 5


def fit(model: Model, offer: Offer, options: EngineOptions, *, engine: EngineKind, disk_gb: int | None = None) -> Fit:
    """Whether the model, launched like this, fits the offer. `disk_gb` None: on the largest of its disks."""
    shards = options.num_shard or offer.gpu_count
    need = _need(model, options, engine, shards)
    available = None if offer.gpu is None else offer.gpu.memory_gib * _SHARE[engine]
    disk_needed = _disk_needed(model, offer, engine)
    problems = (
        (Constraint.ENGINE, engine_problem(model, options, engine)),
        (Constraint.UNKNOWN, _unknown_gpu(offer)),
        (Constraint.COMPUTE_CAPABILITY, _compute(model, offer, options, engine)),
        (Constraint.UNKNOWN, _unknown_size(need, disk_needed)),
        (Constraint.SHARDING, _sharding(model, offer, engine, shards)),
        (Constraint.CONTEXT, _context(need)),
        (Constraint.GPU_MEMORY, _memory(need, available, shards)),
        (Constraint.DISK, _disk(offer, disk_gb, disk_needed)),
    )
    found = next(((constraint, reason) for constraint, reason in problems if reason), None)
    constraint, reason = (None, _summary(need, available, shards)) if found is None else found
    return Fit(
        fits=constraint is None,
        constraint=constraint,
        reason=reason,
        needed_gib_per_gpu=None if need is None else need.total,
        available_gib_per_gpu=available,
        disk_needed_gb=disk_needed,
        max_total_tokens=None if need is None or available is None else need.longest(available),
    )


def cheapest(
    model: Model,
    offers: Iterable[Offer],
    options: EngineOptions,
    *,
    engine: EngineKind,
    disk_gb: int | None = None,
) -> list[Choice]:
    """The offers that the model fits: those that a region has now, then those of which it is not known, then the rest;
    among them the cheapest first, those without a price last. `region` is None where none has it."""
    choices = [
        Choice(offer=offer, region=_region(offer), fit=verdict)
        for offer in offers
        if (verdict := fit(model, offer, options, engine=engine, disk_gb=disk_gb)).fits
    ]
    return sorted(choices, key=_rank)


def monthly(usd_per_hour: Decimal) -> Decimal:
    """730 hours, as clouds count."""
    return usd_per_hour * _HOURS_PER_MONTH


# --- what it needs -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """GiB on each GPU."""

    weights: float
    per_token: float
    total_tokens: int
    sequences: int
    held_tokens: int
    """For which the cache has to have room."""
    context: int | None

    @property
    def cache(self) -> float:
        return self.per_token * self.held_tokens

    @property
    def total(self) -> float:
        return self.weights + self.cache + _OVERHEAD_GIB

    def longest(self, available: float) -> int:
        """How many tokens each sequence could have."""
        room = max(0.0, available - self.weights - _OVERHEAD_GIB)
        tokens = int(room / self.per_token / self.sequences)
        return tokens if self.context is None else min(tokens, self.context)


def _need(model: Model, options: EngineOptions, engine: EngineKind, shards: int) -> _Need | None:
    weights, architecture = _weights_bytes(model, options), model.architecture
    if weights is None or architecture is None:
        return None
    total = _total_tokens(architecture, options, engine)
    sequences = options.max_concurrent_requests or 1
    bytes_per_number = 1 if is_fp8_cache(options) else 2
    kv_heads = max(1, architecture.kv_heads / shards)
    return _Need(
        weights=weights / shards / _GIB,
        per_token=2 * architecture.layers * kv_heads * architecture.head_dim * bytes_per_number / _GIB,
        total_tokens=total,
        sequences=sequences,
        held_tokens=max(total * sequences, options.max_batch_prefill_tokens or 0),
        context=architecture.context_tokens,
    )


def _weights_bytes(model: Model, options: EngineOptions) -> float | None:
    if model.architecture is not None and model.architecture.quantization is not Quantization.NONE:
        return model.weights_bytes
    if model.parameters is None:
        return model.weights_bytes
    per_packed = _BYTES_PER_PACKED.get(effective_quantization(model, options))
    if per_packed is None:
        return model.parameters * 2
    embeddings = None if model.architecture is None else model.architecture.embedding_parameters
    unpacked = model.parameters * _USUAL_EMBEDDINGS if embeddings is None else min(embeddings, model.parameters)
    return (model.parameters - unpacked) * per_packed + unpacked * 2


def _total_tokens(architecture: Architecture, options: EngineOptions, engine: EngineKind) -> int:
    if options.max_total_tokens is not None:
        return options.max_total_tokens
    context = architecture.context_tokens
    if engine is EngineKind.VLLM and context is not None:
        return context
    least = _TOKENS_AT_LEAST if context is None else min(_TOKENS_AT_LEAST, context)
    return max(least, (options.max_input_tokens or 0) + 1)


def _disk_needed(model: Model, offer: Offer, engine: EngineKind) -> int | None:
    if model.weights_bytes is None:
        return None
    copies = 2 if model.needs_conversion and engine is EngineKind.TGI else 1
    needed = ceil(model.weights_bytes * copies / _GIB) + _IMAGE_GB[engine] + _SYSTEM_GB + _MARGIN_GB
    return max(needed, min((template.minimum_disk_gb for template in offer.templates), default=0))


# --- what is wrong: a sentence, or None -----------------------------------------------------------


def _unknown_gpu(offer: Offer) -> str | None:
    return None if offer.gpu is not None else f"It is not known what GPU {offer.type} has."


def _compute(model: Model, offer: Offer, options: EngineOptions, engine: EngineKind) -> str | None:
    if offer.gpu is None:
        return None
    return compute_problem(offer.gpu, options, engine, effective_quantization(model, options))


def _unknown_size(need: _Need | None, disk_needed: int | None) -> str | None:
    return "The model does not tell its size." if need is None or disk_needed is None else None


def _sharding(model: Model, offer: Offer, engine: EngineKind, shards: int) -> str | None:
    if model.architecture is None:
        return None
    return sharding_problem(model.architecture, engine, shards=shards, gpu_count=offer.gpu_count)


def _context(need: _Need | None) -> str | None:
    if need is None or need.context is None or need.total_tokens <= need.context:
        return None
    return f"The model reads at most {need.context:,} tokens; {need.total_tokens:,} are asked for."


def _memory(need: _Need | None, available: float | None, shards: int) -> str | None:
    if need is None or available is None or need.total <= available:
        return None
    longest = need.longest(available)
    helps = _TOKENS_AT_LEAST <= longest < need.total_tokens
    way_out = f" With {longest:,} tokens it would fit." if helps else ""
    return f"There are {available:.1f} GiB of GPU memory{_each(shards)}, and it needs {_parts(need)}{way_out}"


def _disk(offer: Offer, disk_gb: int | None, needed: int | None) -> str | None:
    size = max((disk.size_gb for disk in offer.disks), default=None) if disk_gb is None else disk_gb
    if size is None or needed is None or needed <= size:
        return None
    return f"It needs a disk of at least {needed} GB, for the weights, the engine and the system; this one has {size}."


def _summary(need: _Need | None, available: float | None, shards: int) -> str:
    assert need is not None
    assert available is not None
    return f"Of {available:.1f} GiB of GPU memory{_each(shards)} it takes {_parts(need)}"


def _each(shards: int) -> str:
    return f" on each of {shards} GPUs" if shards > 1 else ""


def _parts(need: _Need) -> str:
    batch = f"{need.sequences} × " if need.sequences > 1 else ""
    return (
        f"{need.total:.1f}: {need.weights:.1f} for the weights, {need.cache:.1f} for {batch}{need.total_tokens:,} "
        f"tokens, {_OVERHEAD_GIB:.1f} for the engine."
    )


# --- which of several -----------------------------------------------------------------------------


def _region(offer: Offer) -> str | None:
    for wanted in (YesNo.YES, YesNo.UNKNOWN):
        for region, there in offer.regions.items():
            if there is wanted:
                return region
    return None


_ORDER = {YesNo.YES: 0, YesNo.UNKNOWN: 1, YesNo.NO: 2}


def _rank(choice: Choice) -> tuple[int, bool, Decimal, str]:
    offer = choice.offer
    there = YesNo.NO if choice.region is None else offer.regions[choice.region]
    price = offer.price_usd_per_hour
    return _ORDER[there], price is None, price or Decimal(0), offer.type
