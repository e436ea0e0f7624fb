"""The second view of the create modal: how the engine is launched."""

from collections.abc import Sequence
from typing import Any

from bot.create_form import CreateForm, metadata_of
from bot.ids import Input, Modal
from bot.views.kit import Block, Option, checkbox, context, labelled, modal, number_input, option, select, text_input
from core.catalog.model import Dtype, EngineKind, EngineOptions, Limit, Model

ENGINES = {EngineKind.TGI: "TGI (text-generation-inference)", EngineKind.VLLM: "vLLM"}
KV_CACHE_DTYPES = ("fp8_e5m2", "fp8_e4m3fn", "fp8_e4m3", "fp8")
LABELS: dict[str, str] = {
    Input.ENGINE: "Engine",
    Input.DTYPE: "Data type",
    Input.KV_CACHE_DTYPE: "Data type of the KV cache",
    Input.WEIGHTS_CACHE_OVERRIDE: "Folder for weights",
    Input.TRUST_REMOTE_CODE: "Code of the model",
    Input.STATIC_ADDRESS: "Static address",
}
"""Those of the limits stand in the limits."""

PATH_LENGTH = 200


def build_advanced_modal(
    form: CreateForm, options: EngineOptions, model: Model | None, limits: Sequence[Limit]
) -> dict[str, Any]:
    """`options` are those that hold now."""
    blocks = [_engine(form, model)]
    blocks += [_number(limit, getattr(options, limit.option)) for limit in limits]
    blocks += [
        _words(Input.DTYPE, [str(one) for one in Dtype], options.dtype, hint="Goes with bitsandbytes at most."),
        _words(Input.KV_CACHE_DTYPE, KV_CACHE_DTYPES, options.kv_cache_dtype, hint="fp8 halves what a token takes."),
        labelled(
            LABELS[Input.WEIGHTS_CACHE_OVERRIDE],
            text_input(
                Input.WEIGHTS_CACHE_OVERRIDE, max_length=PATH_LENGTH, initial=options.weights_cache_override or None
            ),
            block_id=Input.WEIGHTS_CACHE_OVERRIDE,
            hint="Under /data on the machine's disk (weights_cache_override). TGI only.",
            optional=True,
        ),
        _box(Input.TRUST_REMOTE_CODE, "Run code that comes with the model", ticked=options.trust_remote_code),
        _box(Input.STATIC_ADDRESS, "Keep one public address over stops (costs)", ticked=form.static_address),
        context("What is left empty is the engine's own choice."),
    ]
    return modal(
        Modal.CREATE_ADVANCED, "Advanced", blocks, submit="Apply", close="Back", private_metadata=metadata_of(form)
    )


def label_of(name: str, limits: Sequence[Limit]) -> str | None:
    """What an input of this view is called; None for what is none."""
    return LABELS.get(name) or next((limit.label for limit in limits if limit.option == name), None)


def _engine(form: CreateForm, model: Model | None) -> Block:
    engines = model.engines if model is not None else tuple(EngineKind)
    options = [option(ENGINES[engine], engine) for engine in engines]
    initial = next((one for one in options if one["value"] == form.engine), options[0])
    return labelled(LABELS[Input.ENGINE], select(Input.ENGINE, options, initial=initial), block_id=Input.ENGINE)


def _number(limit: Limit, value: int | None) -> Block:
    return labelled(
        limit.label,
        number_input(limit.option, least=limit.minimum, most=limit.maximum, initial=value),
        block_id=limit.option,
        hint=f"{limit.minimum:,} to {limit.maximum:,}",
        optional=True,
    )


def _words(name: Input, words: Sequence[str], chosen: str | None, *, hint: str) -> Block:
    options: list[Option] = [option(word, word) for word in words]
    initial = next((one for one in options if one["value"] == chosen), None)
    element = select(name, options, placeholder="The engine's choice", initial=initial)
    return labelled(LABELS[name], element, block_id=name, hint=hint, optional=True)


def _box(name: Input, text: str, *, ticked: bool) -> Block:
    return labelled(LABELS[name], checkbox(name, text, ticked=ticked), block_id=name, optional=True)
