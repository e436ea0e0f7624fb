"""What holds for the options of every engine. Each error names the option that it is about."""

import re

from core.catalog.model import EngineKind, EngineOptions, Model, Quantization
from core.errors import InvalidInputError

PACKED = (Quantization.AWQ, Quantization.GPTQ)
"""Need weights that were published in this way; the others are made while loading."""

_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def check_options(options: EngineOptions, model: Model, *, kind: EngineKind, gpu_count: int) -> None:
    """Raises InvalidInputError."""
    if _MODEL_ID.fullmatch(model.id) is None:
        raise refused("model", "A model is named like `organisation/name`.")
    if kind not in model.engines:
        raise refused("engine", f"{model.label} is not served by this engine.")
    _check_numbers(options)
    _check_tokens(options, model)
    _check_quantization(options, model)
    _check_shards(options, model, gpu_count)


def refused(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(message, field=field)


def _check_numbers(options: EngineOptions) -> None:
    for name in (
        "max_input_tokens",
        "max_total_tokens",
        "max_concurrent_requests",
        "max_best_of",
        "max_stop_sequences",
        "max_batch_prefill_tokens",
        "num_shard",
    ):
        value: int | None = getattr(options, name)
        if value is not None and not 1 <= value < 2**31:
            raise refused(name, "This must be at least 1, and a number that an engine can hold.")


def _check_tokens(options: EngineOptions, model: Model) -> None:
    asked, total, prefill = options.max_input_tokens, options.max_total_tokens, options.max_batch_prefill_tokens
    window = model.architecture.context_tokens if model.architecture else None
    if window is not None and total is not None and total > window:
        raise refused("max_total_tokens", f"{model.label} reads at most {window:,} tokens.")
    if window is not None and asked is not None and asked >= window:
        raise refused("max_input_tokens", f"{model.label} reads at most {window:,} tokens, with the answer.")
    if asked is not None and total is not None and asked >= total:
        raise refused("max_input_tokens", f"The input must be shorter than input and answer together ({total:,}).")
    if asked is not None and prefill is not None and prefill < asked:
        raise refused("max_batch_prefill_tokens", f"This must be at least the longest input ({asked:,}).")


def _check_quantization(options: EngineOptions, model: Model) -> None:
    if model.architecture is None or options.quantization is Quantization.NONE:
        return
    stored = model.architecture.quantization
    if stored is not Quantization.NONE and options.quantization is not stored:
        raise refused("quantization", f"The weights of {model.label} are published as {stored} and run only so.")
    if stored is Quantization.NONE and options.quantization in PACKED:
        raise refused(
            "quantization", f"{options.quantization} needs weights published that way, which {model.label} has not."
        )


def _check_shards(options: EngineOptions, model: Model, gpu_count: int) -> None:
    shards = options.num_shard or gpu_count
    if shards > gpu_count:
        raise refused("num_shard", f"This machine has {gpu_count} GPU{'s' if gpu_count > 1 else ''}.")
    if model.architecture is not None and model.architecture.attention_heads % shards:
        heads = model.architecture.attention_heads
        raise refused(
            "num_shard", f"{model.label} has {heads} attention heads, which {shards} GPUs cannot share evenly."
        )
