"""The command line of vLLM's OpenAI server: options, their rules, the words of its refusals."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.engine.flags import Flag, Kind, Parser
from lab.engine.repository import download
from lab.engine.settings import LaunchError, Settings
from lab.hub.model import HubModel

FLAGS = (
    Flag("model", default="Qwen/Qwen3-0.6B"),
    Flag("served-model-name"),
    Flag("revision"),
    Flag("tokenizer"),
    Flag("tokenizer-mode", default="auto", choices=("auto", "hf", "slow", "mistral")),
    Flag("trust-remote-code", Kind.SWITCH, default=False),
    Flag("dtype", default="auto", choices=("auto", "half", "float16", "bfloat16", "float", "float32")),
    Flag("max-model-len", Kind.SIZE),
    Flag(
        "quantization",
        choices=(
            "awq",
            "awq_marlin",
            "gptq",
            "gptq_marlin",
            "fp8",
            "bitsandbytes",
            "compressed-tensors",
            "gguf",
            "mxfp4",
            "modelopt",
            "torchao",
            "experts_int8",
        ),
        short="q",
    ),
    Flag("kv-cache-dtype", default="auto", choices=("auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc")),
    Flag("tensor-parallel-size", Kind.WHOLE, 1, short="tp"),
    Flag("pipeline-parallel-size", Kind.WHOLE, 1, short="pp"),
    Flag("gpu-memory-utilization", Kind.NUMBER, 0.9),
    Flag("max-num-seqs", Kind.SIZE, 256),
    Flag("max-num-batched-tokens", Kind.SIZE),
    Flag("enable-chunked-prefill", Kind.SWITCH),
    Flag("no-enable-chunked-prefill", Kind.SWITCH),
    Flag("enable-prefix-caching", Kind.SWITCH),
    Flag("no-enable-prefix-caching", Kind.SWITCH),
    Flag("enforce-eager", Kind.SWITCH, default=False),
    Flag("download-dir"),
    Flag("load-format", default="auto"),
    Flag("generation-config", default="auto"),
    Flag("swap-space", Kind.NUMBER, 4.0),
    Flag("seed", Kind.WHOLE),
    Flag("host"),
    Flag("port", Kind.WHOLE, 8000),
    Flag("api-key"),
    Flag("chat-template"),
    Flag("max-logprobs", Kind.WHOLE, 20),
    Flag("uvicorn-log-level", default="info", choices=("debug", "info", "warning", "error", "critical", "trace")),
    Flag("disable-log-requests", Kind.SWITCH, default=False),
    Flag("enable-log-requests", Kind.SWITCH, default=False),
    Flag("disable-log-stats", Kind.SWITCH, default=False),
    Flag("disable-uvicorn-access-log", Kind.SWITCH, default=False),
)


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Raises LaunchError where the server would exit. Of the environment only the key and the Hub's token count."""
    words = list(arguments)
    if words[:1] == ["serve"]:
        words = words[1:]
    if words and not words[0].startswith("-"):
        words = ["--model", *words]
    values = Parser(FLAGS, _Argparse()).values(words, {})
    opening = arguments_line(values)
    try:
        _check_alone(values)
        model = download(values["model"], environment)
        window = _check_with_model(values, model, environment)
    except LaunchError as error:
        raise LaunchError(opening, *error.log_lines, exit_status=error.exit_status) from None
    return Settings(
        model=model,
        served_names=tuple((values["served_model_name"] or values["model"]).split()),
        api_key=values["api_key"] or environment.get("VLLM_API_KEY") or None,
        port=values["port"],
        max_input_tokens=window - 1,
        max_total_tokens=window,
        max_admitted=None,
        max_running=values["max_num_seqs"],
        has_chat_template=model.has_chat_template or values["chat_template"] is not None,
        num_shard=values["tensor_parallel_size"],
        max_batch_total_tokens=4 * window,
        given=values,
    )


def arguments_line(values: Mapping[str, Any]) -> str:
    """Shows the key if it came as an argument, as the real line does."""
    defaults = {flag.key: flag.default for flag in FLAGS}
    shown = {name: value for name, value in values.items() if value != defaults[name]}
    return f"non-default args: {shown}"


def _check_alone(values: Mapping[str, Any]) -> None:
    if values["max_model_len"] is not None and values["max_model_len"] < 1:
        raise _refusal("ModelConfig", "max_model_len", "Input should be greater than 0", values["max_model_len"])
    share = values["gpu_memory_utilization"]
    if not 0 < share <= 1:
        limit = "greater than 0" if share <= 0 else "less than or equal to 1"
        raise _refusal("CacheConfig", "gpu_memory_utilization", f"Input should be {limit}", share)
    if values["tensor_parallel_size"] < 1:
        raise _refusal(
            "ParallelConfig",
            "tensor_parallel_size",
            "Input should be greater than or equal to 1",
            values["tensor_parallel_size"],
        )
    batched, sequences = values["max_num_batched_tokens"], values["max_num_seqs"]
    if batched is not None and batched < sequences:
        raise LaunchError(
            f"ValueError: max_num_batched_tokens ({batched}) must be greater than or equal to max_num_seqs"
            f" ({sequences})."
        )


def _check_with_model(values: Mapping[str, Any], model: HubModel, environment: Mapping[str, str]) -> int:
    """The context that will be served, in tokens."""
    derived, asked = model.text_config["max_position_embeddings"], values["max_model_len"]
    if asked is not None and asked > derived and environment.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN") != "1":
        raise LaunchError(
            f"ValueError: User-specified max_model_len ({asked}) is greater than the derived max_model_len"
            f" (max_position_embeddings={derived} or model_max_length=None in model's config.json)."
        )
    heads, shards = model.text_config["num_attention_heads"], values["tensor_parallel_size"]
    if heads % shards:
        raise LaunchError(
            f"ValueError: Total number of attention heads ({heads}) must be divisible by tensor parallel"
            f" size ({shards})."
        )
    asked_method, method = values["quantization"], model.quantization
    if asked_method and method and asked_method.removesuffix("_marlin") != method:
        raise LaunchError(
            f"ValueError: Quantization method specified in the model config ({method}) does not match the quantization"
            f" method specified in the `quantization` argument ({asked_method})."
        )
    if asked_method and method is None and asked_method.removesuffix("_marlin") in ("awq", "gptq"):
        raise LaunchError(f"ValueError: Cannot find the config file for {asked_method}")
    return asked or derived


def _refusal(section: str, name: str, text: str, value: object) -> LaunchError:
    return LaunchError(
        f"pydantic_core._pydantic_core.ValidationError: 1 validation error for {section}\n{name}\n"
        f"  {text} [input_value={value}]"
    )


class _Argparse:
    """The parser of the server."""

    takes_underscores = True
    takes_repetition = True

    def unknown(self, word: str) -> LaunchError:
        return self._error(f"unrecognized arguments: {word}")

    def incomplete(self, flag: Flag) -> LaunchError:
        return self._error(f"argument {self._shown(flag)}: expected one argument")

    def repeated(self, flag: Flag) -> LaunchError:
        return self._error(f"argument {self._shown(flag)}: given twice")

    def invalid(self, flag: Flag, value: str) -> LaunchError:
        if flag.choices:
            chosen = ", ".join(f"'{choice}'" for choice in flag.choices)
            return self._error(f"argument {self._shown(flag)}: invalid choice: '{value}' (choose from {chosen})")
        kind = {Kind.NUMBER: "float"}.get(flag.kind, "int")
        return self._error(f"argument {self._shown(flag)}: invalid {kind} value: '{value}'")

    def _shown(self, flag: Flag) -> str:
        return f"--{flag.name}" + (f"/-{flag.short}" if flag.short else "")

    def _error(self, text: str) -> LaunchError:
        return LaunchError("usage: api_server.py [-h] [options]", f"api_server.py: error: {text}", exit_status=2)
