"""The launcher of text-generation-inference 3.3: options, their rules, the words of its refusals."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.engine.flags import Flag, Kind, Parser
from lab.engine.repository import download
from lab.engine.settings import LaunchError, Settings
from lab.hub.model import HubModel

BITSANDBYTES = ("bitsandbytes", "bitsandbytes-nf4", "bitsandbytes-fp4")
PACKED = ("awq", "gptq")
"""Need weights that are stored in this way."""

FLAGS = (
    Flag("model-id", default="bigscience/bloom-560m"),
    Flag("revision"),
    Flag("validation-workers", Kind.WHOLE, 2),
    Flag("sharded", Kind.TRUTH),
    Flag("num-shard", Kind.WHOLE),
    Flag(
        "quantize",
        choices=("awq", "compressed-tensors", "eetq", "exl2", "gptq", "marlin", *BITSANDBYTES, "fp8"),
    ),
    Flag("speculate", Kind.WHOLE),
    Flag("dtype", choices=("float16", "bfloat16")),
    Flag("kv-cache-dtype", choices=("fp8_e4m3fn", "fp8_e5m2")),
    Flag("trust-remote-code", Kind.SWITCH, default=False),
    Flag("max-concurrent-requests", Kind.WHOLE, 128),
    Flag("max-best-of", Kind.WHOLE, 2),
    Flag("max-stop-sequences", Kind.WHOLE, 4),
    Flag("max-top-n-tokens", Kind.WHOLE, 5),
    Flag("max-input-tokens", Kind.WHOLE),
    Flag("max-input-length", Kind.WHOLE),
    Flag("max-total-tokens", Kind.WHOLE),
    Flag("waiting-served-ratio", Kind.NUMBER, 0.3),
    Flag("max-batch-prefill-tokens", Kind.WHOLE),
    Flag("max-batch-total-tokens", Kind.WHOLE),
    Flag("max-waiting-tokens", Kind.WHOLE, 20),
    Flag("max-batch-size", Kind.WHOLE),
    Flag("cuda-graphs"),
    Flag("hostname", default="0.0.0.0"),
    Flag("port", Kind.WHOLE, 3000),
    Flag("prometheus-port", Kind.WHOLE, 9000),
    Flag("shard-uds-path", default="/tmp/text-generation-server"),  # noqa: S108 the launcher's own default, only shown
    Flag("huggingface-hub-cache"),
    Flag("weights-cache-override"),
    Flag("disable-custom-kernels", Kind.SWITCH, default=False),
    Flag("cuda-memory-fraction", Kind.NUMBER, 1.0),
    Flag("rope-scaling", choices=("linear", "dynamic")),
    Flag("rope-factor", Kind.NUMBER),
    Flag("json-output", Kind.SWITCH, default=False),
    Flag("otlp-endpoint"),
    Flag("otlp-service-name", default="text-generation-inference.router"),
    Flag("cors-allow-origin"),
    Flag("api-key"),
    Flag("tokenizer-config-path"),
    Flag("disable-grammar-support", Kind.SWITCH, default=False),
    Flag("max-client-batch-size", Kind.WHOLE, 4),
    Flag("lora-adapters"),
    Flag("usage-stats", default="on", choices=("on", "off", "no-stack")),
    Flag("payload-limit", Kind.WHOLE, 2_000_000),
    Flag("enable-prefill-logprobs", Kind.SWITCH, default=False),
    Flag("graceful-termination-timeout", Kind.WHOLE, 90, short="t"),
)


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Raises LaunchError where the launcher, its download or its shards would fail."""
    values = Parser(FLAGS, _Clap()).values(arguments, {"PORT": "80"} | dict(environment))
    opening = arguments_line(values)
    try:
        shards = _shards(values, environment)
        _check_alone(values)
        model = download(values["model_id"], environment)
        _check_with_model(values, model, shards)
        return _settings(values, model, shards)
    except LaunchError as error:
        raise LaunchError(opening, *error.log_lines, exit_status=error.exit_status) from None


def arguments_line(values: Mapping[str, Any]) -> str:
    """The launcher's first log line. It holds the key, as the real one does."""
    shown = ", ".join(f"{name}: {_rust(value)}" for name, value in values.items())
    return f"Args {{ {shown} }}"


def _shards(values: Mapping[str, Any], environment: Mapping[str, str]) -> int:
    if values["num_shard"] is not None:
        count = values["num_shard"]
    else:
        visible = environment.get("CUDA_VISIBLE_DEVICES") or environment.get("NVIDIA_VISIBLE_DEVICES") or "0"
        count = len(visible.split(","))
    if count < 1:
        raise _refusal("`num_shard` cannot be 0" if count == 0 else "`num_shard` must be > 0")
    if values["sharded"] and count == 1:
        raise _refusal("`sharded` is true but only found 1 CUDA devices")
    return count


def _check_alone(values: Mapping[str, Any]) -> None:
    legacy, asked, total = values["max_input_length"], values["max_input_tokens"], values["max_total_tokens"]
    if legacy is not None and asked is not None:
        raise _refusal(
            f"Both `max_input_tokens` ({asked}) and `max_input_length` ({legacy}) are set. Please define only"
            " `max_input_tokens` as `max_input_length` is deprecated for naming consistency."
        )
    longest_input = asked if asked is not None else legacy
    if longest_input is not None and total is not None and longest_input >= total:
        raise _refusal("`max_input_tokens must be < `max_total_tokens`")
    prefill, batch = values["max_batch_prefill_tokens"], values["max_batch_total_tokens"]
    if prefill is not None and longest_input is not None and prefill < longest_input:
        raise _refusal(
            f"`max_batch_prefill_tokens` must be >= `max_input_tokens`. Given: {prefill} and {longest_input}"
        )
    if batch is not None and prefill is not None and prefill > batch:
        raise _refusal(f"`max_batch_prefill_tokens` must be <= `max_batch_total_tokens`. Given: {prefill} and {batch}")
    if batch is not None and total is not None and total > batch:
        raise _refusal(f"`max_total_tokens` must be <= `max_batch_total_tokens`. Given: {total} and {batch}")
    if values["validation_workers"] < 1:
        raise _refusal("`validation_workers` must be > 0")
    if values["quantize"] == "exl2" and (values["sharded"] or (values["num_shard"] or 1) > 1):
        raise _refusal("Sharding is currently not supported with `exl2` quantization")


def _check_with_model(values: Mapping[str, Any], model: HubModel, shards: int) -> None:
    quantize, heads = values["quantize"], model.text_config["num_attention_heads"]
    if values["dtype"] and quantize and quantize not in BITSANDBYTES:
        raise _crash(
            "RuntimeError: Only 1 can be set between `dtype` and `quantize`,"
            " as they both decide how goes the final model."
        )
    if heads % shards:
        raise _crash(
            "ValueError: `num_heads` must be divisible by `num_shards`"
            f" (got `num_heads`: {heads} and `num_shards`: {shards}"
        )
    if quantize in PACKED and model.quantization is None:
        raise _crash("RuntimeError: weight model.layers.0.self_attn.q_proj.qweight does not exist")


def _settings(values: Mapping[str, Any], model: HubModel, shards: int) -> Settings:
    asked = values["max_input_tokens"] if values["max_input_tokens"] is not None else values["max_input_length"]
    window = model.text_config["max_position_embeddings"]
    total = values["max_total_tokens"] or max(window, (asked or 0) + 1)
    return Settings(
        model=model,
        served_names=(values["model_id"],),
        api_key=values["api_key"],
        port=values["port"],
        max_input_tokens=asked or total - 1,
        max_total_tokens=total,
        max_admitted=values["max_concurrent_requests"],
        max_running=values["max_batch_size"],
        has_chat_template=model.has_chat_template or values["tokenizer_config_path"] is not None,
        num_shard=shards,
        max_batch_total_tokens=values["max_batch_total_tokens"] or 4 * total,
        max_best_of=values["max_best_of"],
        max_stop_sequences=values["max_stop_sequences"],
        max_top_n_tokens=values["max_top_n_tokens"],
        max_client_batch_size=values["max_client_batch_size"],
        payload_limit=values["payload_limit"],
        json_output=values["json_output"],
        given=values,
    )


def _refusal(text: str) -> LaunchError:
    return LaunchError(f"Error: ArgumentValidation({json.dumps(text)})")


def _crash(text: str) -> LaunchError:
    """What fails in a shard, after the download."""
    return LaunchError(
        f"Shard complete standard error output:\n\nTraceback (most recent call last):\n{text}",
        "Error: ShardCannotStart",
    )


def _rust(value: Any) -> str:
    """Rust's debug form."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "None"
    return json.dumps(value) if isinstance(value, str) else str(value)


class _Clap:
    """The parser of the launcher."""

    takes_underscores = False
    takes_repetition = False

    def unknown(self, word: str) -> LaunchError:
        name = word.partition("=")[0]
        return self._error(f"unexpected argument '{name}' found", "Usage: text-generation-launcher [OPTIONS]")

    def incomplete(self, flag: Flag) -> LaunchError:
        return self._error(f"a value is required for '{self._shown(flag)}' but none was supplied")

    def repeated(self, flag: Flag) -> LaunchError:
        return self._error(f"the argument '{self._shown(flag)}' cannot be used multiple times")

    def invalid(self, flag: Flag, value: str) -> LaunchError:
        hint = f"  [possible values: {', '.join(flag.choices)}]\n" if flag.choices else ""
        return self._error(f"invalid value '{value}' for '{self._shown(flag)}'\n{hint}")

    def _shown(self, flag: Flag) -> str:
        return f"--{flag.name}" + ("" if flag.kind is Kind.SWITCH else f" <{flag.key.upper()}>")

    def _error(self, text: str, *more: str) -> LaunchError:
        return LaunchError("\n\n".join((f"error: {text}", *more, "For more information, try '--help'.")), exit_status=2)
