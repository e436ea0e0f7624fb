"""What a model's publisher tells of it, made into a Model. Pure; the text is other people's and may hold anything."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from core.catalog.model import Architecture, EngineKind, HubAnswer, Model, Quantization
from core.errors import InvalidInputError

Json = Mapping[str, object]

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_MODEL_ID = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_SHA = re.compile(r"[0-9a-f]{40}")

_TASKS = frozenset({"text-generation", "image-text-to-text", "text2text-generation", "conversational"})
_BYTES_OF_DTYPE = {"float32": 4, "float16": 2, "bfloat16": 2}
_BYTES_OF_KIND = {"F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1, "F8_E4M3": 1, "F8_E5M2": 1}

_PUBLISHED_AS = {"awq": Quantization.AWQ, "gptq": Quantization.GPTQ, "fp8": Quantization.FP8}
_PACKED_AT_LOAD = (
    Quantization.NONE,
    Quantization.FP8,
    Quantization.EETQ,
    Quantization.BITSANDBYTES,
    Quantization.BITSANDBYTES_NF4,
)
_MOST = 10**15
"""No number of a model is larger; what is, is a mistake."""


def check_model_id(model_id: str) -> str:
    """The id without white space around it; safe as a part of a URL's path. Raises InvalidInputError."""
    model_id = model_id.strip()
    if not is_model_id(model_id):
        raise InvalidInputError(
            "Give a full Hugging Face id, organisation/name, such as `Qwen/Qwen2.5-7B-Instruct`.", field="model"
        )
    return model_id


def is_model_id(text: str) -> bool:
    """Hugging Face's own rules (huggingface_hub, validate_repo_id), with an organisation."""
    return _MODEL_ID.fullmatch(text) is not None and "--" not in text and ".." not in text


def writes_text(info: Json) -> bool:
    """Whether its task is one that an engine serves, or none is told."""
    task = _text(info, "pipeline_tag")
    return task is None or task in _TASKS


def revision_of(info: Json) -> str | None:
    """The commit that was described."""
    sha = _text(info, "sha")
    return sha if sha is not None and _SHA.fullmatch(sha) else None


def parse_model(answer: HubAnswer, *, serving: Mapping[str, tuple[EngineKind, ...]], now: datetime) -> Model:
    """`serving` as in `core.catalog.defaults.serving_engines`. What the publisher does not tell is None.

    Raises InvalidInputError for what no engine can serve."""
    info, config = answer.info, answer.config
    if not writes_text(info):
        raise _refused("This model does not write text. Choose one for text generation.")
    if config is None:
        raise _refused("This repository has no config.json, so no engine can load it.")
    published = _published_as(config)
    files = _sizes(info)
    weights, needs_conversion = _weight_files(files)
    weights_bytes = _sum_of(weights)
    model_id = _text(info, "id") or ""
    return Model(
        id=model_id,
        label=model_id,
        engines=_engines(answer, files, serving),
        quantizations=_PACKED_AT_LOAD if published is Quantization.NONE else (published,),
        parameters=_parameters(info, config, weights_bytes) if published is Quantization.NONE else None,
        weights_bytes=weights_bytes or _bytes_of_parameters(info),
        architecture=_architecture(config, published),
        has_chat_template=_template_in_json(answer, files) or "chat_template.jinja" in files,
        is_gated=info.get("gated") not in (None, False),
        is_private=info.get("private") is True,
        needs_conversion=needs_conversion,
        revision=revision_of(info),
        checked_at=now,
    )


# --- how it is published ----------------------------------------------------------------------------


def _published_as(config: Json) -> Quantization:
    packing = _inner(config, "quantization_config") or _inner(_of_text(config), "quantization_config")
    if packing is None:
        return Quantization.NONE
    known = _PUBLISHED_AS.get(str(packing.get("quant_method")))
    if known is None:
        raise _refused(
            "Its weights are packed in a way that Prime cannot launch. Choose AWQ, GPTQ, FP8 or unpacked ones."
        )
    return known


def _engines(
    answer: HubAnswer, files: Mapping[str, int | None], serving: Mapping[str, tuple[EngineKind, ...]]
) -> tuple[EngineKind, ...]:
    names = (answer.config or {}).get("architectures")
    classes = cast("list[object]", names) if isinstance(names, list) else []
    engines = next((serving[name] for name in classes if isinstance(name, str) and name in serving), ())
    if "chat_template.jinja" in files and not _template_in_json(answer, files):
        # TGI does not read that file, so it would serve the model without a chat (tgi-api.md, 6).
        engines = tuple(engine for engine in engines if engine is not EngineKind.TGI)
    if not engines:
        raise _refused("No engine that Prime launches serves this kind of model.")
    return engines


def _template_in_json(answer: HubAnswer, files: Mapping[str, int | None]) -> bool:
    return "chat_template.json" in files or bool((answer.tokenizer or {}).get("chat_template"))


# --- how large it is --------------------------------------------------------------------------------


def _sizes(info: Json) -> dict[str, int | None]:
    """The files at the top level; deeper ones are other copies."""
    siblings = info.get("siblings")
    files: dict[str, int | None] = {}
    for sibling in cast("list[object]", siblings) if isinstance(siblings, list) else []:
        if isinstance(sibling, dict):
            file = cast("Json", sibling)
            name = _text(file, "rfilename")
            if name is not None and "/" not in name:
                files[name] = _number(file, "size")
    return files


def _weight_files(files: Mapping[str, int | None]) -> tuple[list[int | None], bool]:
    """The sizes of the files that an engine loads, and whether they are .bin, which count only where there are no
    others. `consolidated*` is the same once more; adapters are no model. Raises InvalidInputError if there are none."""
    safetensors = [
        size
        for name, size in files.items()
        if name.endswith(".safetensors") and not name.startswith(("consolidated", "adapter"))
    ]
    bins = [size for name, size in files.items() if name.startswith("pytorch_model") and name.endswith(".bin")]
    if not safetensors and not bins:
        raise _refused("This repository holds no weights that an engine loads (.safetensors or .bin).")
    return (safetensors, False) if safetensors else (bins, True)


def _sum_of(sizes: list[int | None]) -> int | None:
    """None where one is not told."""
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _parameters(info: Json, config: Json, weights_bytes: int | None) -> int | None:
    """As counted by the Hub, else from the size."""
    counted = _number(_inner(info, "safetensors") or {}, "total")
    if counted is not None or weights_bytes is None:
        return counted
    dtype = config.get("torch_dtype") or config.get("dtype") or _of_text(config).get("torch_dtype")
    each = _BYTES_OF_DTYPE.get(str(dtype))
    return None if each is None else weights_bytes // each


def _bytes_of_parameters(info: Json) -> int | None:
    """Where the Hub counts numbers but tells no sizes."""
    counts = _inner(_inner(info, "safetensors") or {}, "parameters") or {}
    sizes = [
        None if each is None or count is None else each * count
        for each, count in ((_BYTES_OF_KIND.get(kind), _number(counts, kind)) for kind in counts)
    ]
    return _sum_of(sizes) or None


def _architecture(config: Json, published: Quantization) -> Architecture | None:
    """None if a number is missing without which the cache's size is unknown. Older classes have words of their own."""
    text = _of_text(config)
    layers = _number(text, "num_hidden_layers", "n_layer", "n_layers")
    heads = _number(text, "num_attention_heads", "n_head", "n_heads")
    hidden = _number(text, "hidden_size", "n_embd", "d_model")
    head_dim = _number(text, "head_dim") or (hidden // heads if hidden and heads else None)
    if layers is None or heads is None or not head_dim:
        return None
    one_for_all = text.get("multi_query") is True and text.get("new_decoder_architecture") is not True
    kv_heads = 1 if one_for_all else _number(text, "num_key_value_heads", "num_kv_heads") or heads
    return Architecture(
        layers=layers,
        attention_heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        context_tokens=_number(text, "max_position_embeddings", "n_positions", "seq_length"),
        quantization=published,
        embedding_parameters=_embeddings(config, text, hidden),
    )


def _embeddings(config: Json, text: Json, hidden: int | None) -> int | None:
    vocabulary = _number(text, "vocab_size")
    if vocabulary is None or hidden is None:
        return None
    is_tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings")) is True
    return vocabulary * hidden * (1 if is_tied else 2)


# --- careful reading --------------------------------------------------------------------------------


def _of_text(config: Json) -> Json:
    """Multimodal configs keep the numbers of their language model apart."""
    return _inner(config, "text_config") or config


def _inner(document: Json, key: str) -> Json | None:
    value = document.get(key)
    return cast("Json", value) if isinstance(value, dict) else None


def _number(document: Json, *keys: str) -> int | None:
    """The first of the keys that holds a whole number above 0."""
    for key in keys:
        value = document.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
            return value
    return None


def _text(document: Json, key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(message, field="model")
