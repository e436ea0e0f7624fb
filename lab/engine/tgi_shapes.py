"""What TGI 3 answers: the order of keys is that of the wire."""

from collections.abc import Sequence
from typing import Any

from lab.engine.launch import Launch
from lab.engine.meter import Run
from lab.engine.tokens import Finish, Step, Token

CHAT_REASONS = {Finish.END: "stop", Finish.LENGTH: "length", Finish.STOP: "stop_sequence"}
SEED = 18435558523380366744
"""A u64, beyond what a bigint or a JavaScript number holds."""


def info(launch: Launch) -> dict[str, Any]:
    settings = launch.settings
    return {
        "model_id": settings.model.id,
        "model_sha": settings.model.sha,
        "model_pipeline_tag": settings.model.pipeline_tag,
        "max_concurrent_requests": settings.max_admitted,
        "max_best_of": settings.max_best_of,
        "max_stop_sequences": settings.max_stop_sequences,
        "max_input_tokens": settings.max_input_tokens,
        "max_total_tokens": settings.max_total_tokens,
        "validation_workers": settings.given["validation_workers"],
        "max_client_batch_size": settings.max_client_batch_size,
        "router": "text-generation-router",
        "version": launch.version,
        "sha": "0000000000000000000000000000000000000000",
        "docker_label": "sha-0000000",
    }


def models(launch: Launch) -> dict[str, Any]:
    model = launch.model_id
    return {"object": "list", "data": [{"id": model, "object": "model", "created": 0, "owned_by": model}]}


def frame(step: Step, *, index: int, text: str, details: dict[str, Any] | None) -> dict[str, Any]:
    """One event of `/generate_stream`. `text` is the whole so far."""
    return {
        "index": index,
        "token": token(step.token),
        "generated_text": text if step.finish else None,
        "details": details if step.finish else None,
    }


def token(one: Token) -> dict[str, Any]:
    return {"id": one.id, "text": one.text, "logprob": one.logprob, "special": one.special}


def stream_details(run: Run, *, seed: int | None) -> dict[str, Any]:
    return {
        "finish_reason": run.finish,
        "generated_tokens": run.generated,
        "seed": seed,
        "input_length": run.prompt_tokens,
    }


def details(run: Run, made: Sequence[Step], *, seed: int | None) -> dict[str, Any]:
    return {
        "finish_reason": run.finish,
        "generated_tokens": run.generated,
        "seed": seed,
        "prefill": [],
        "tokens": [token(step.token) for step in made],
    }


def chat(launch: Launch, model: str, *, created: int, text: str, run: Run) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "object": "chat.completion",
        "id": "",
        "created": created,
        "model": model,
        "system_fingerprint": f"{launch.version}-native",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _chat_reason(run.finish)}],
        "usage": usage(run),
    }


def chat_chunk(launch: Launch, model: str, *, created: int, step: Step) -> dict[str, Any]:
    """`role` is in every delta; a special token comes as empty content."""
    delta = {"role": "assistant", "content": "" if step.token.special else step.token.text}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": _chat_reason(step.finish)}
    return _chunk(launch, model, created=created, choices=[choice], usage=None)


def chat_usage_chunk(launch: Launch, model: str, *, created: int, run: Run) -> dict[str, Any]:
    return _chunk(launch, model, created=created, choices=[], usage=usage(run))


def usage(run: Run) -> dict[str, int]:
    return {
        "prompt_tokens": run.prompt_tokens,
        "completion_tokens": run.generated,
        "total_tokens": run.prompt_tokens + run.generated,
    }


def timings(run: Run, *, characters: int) -> dict[str, str]:
    """Headers of an answer that is not streamed."""
    return {
        "x-compute-type": "gpu",
        "x-compute-time": f"{run.total:.9f}",
        "x-compute-characters": str(characters),
        "x-total-time": _milliseconds(run.total),
        "x-validation-time": "0",
        "x-queue-time": _milliseconds(run.queued),
        "x-inference-time": _milliseconds(run.inference),
        "x-time-per-token": _milliseconds(run.per_token),
        "x-prompt-tokens": str(run.prompt_tokens),
        "x-generated-tokens": str(run.generated),
    }


def _chunk(
    launch: Launch, model: str, *, created: int, choices: list[dict[str, Any]], usage: dict[str, int] | None
) -> dict[str, Any]:
    return {
        "object": "chat.completion.chunk",
        "id": "",
        "created": created,
        "model": model,
        "system_fingerprint": f"{launch.version}-native",
        "choices": choices,
        "usage": usage,
    }


def _chat_reason(finish: Finish | None) -> str | None:
    return None if finish is None else CHAT_REASONS[finish]


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
