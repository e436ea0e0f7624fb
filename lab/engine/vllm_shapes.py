"""What vLLM answers: the order of keys is that of the wire."""

from typing import Any

from lab.engine.launch import Launch
from lab.engine.meter import Run
from lab.engine.tokens import Finish

REASONS = {Finish.END: "stop", Finish.STOP: "stop", Finish.LENGTH: "length"}


def models(launch: Launch, *, created: int) -> dict[str, Any]:
    settings = launch.settings
    return {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": created,
                "owned_by": "vllm",
                "root": settings.model.id,
                "parent": None,
                "max_model_len": settings.max_total_tokens,
                "permission": [],
            }
            for name in settings.served_names
        ],
    }


def role_chunk(head: dict[str, Any]) -> dict[str, Any]:
    """The first of a chat."""
    delta = {"role": "assistant", "content": ""}
    return head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}


def chat_chunk(head: dict[str, Any], text: str, finish: Finish | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": _reason(finish)}
    return head | {"choices": [choice | ({"stop_reason": None} if finish else {})]}


def text_chunk(head: dict[str, Any], text: str, finish: Finish | None) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": _reason(finish), "stop_reason": None}
    return head | {"choices": [choice]}


def usage_chunk(head: dict[str, Any], run: Run) -> dict[str, Any]:
    return head | {"choices": [], "usage": usage(run)}


def chat(head: dict[str, Any], text: str, run: Run) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None, "tool_calls": []}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _reason(run.finish),
        "stop_reason": None,
    }
    return head | {"choices": [choice], "usage": usage(run), "prompt_logprobs": None}


def text(head: dict[str, Any], text: str, run: Run) -> dict[str, Any]:
    return text_chunk(head, text, run.finish) | {"usage": usage(run)}


def usage(run: Run) -> dict[str, int]:
    return {
        "prompt_tokens": run.prompt_tokens,
        "total_tokens": run.prompt_tokens + run.generated,
        "completion_tokens": run.generated,
    }


def error(text: str, *, kind: str, code: int, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": text, "type": kind, "param": param, "code": code}}


def _reason(finish: Finish | None) -> str | None:
    return None if finish is None else REASONS[finish]
