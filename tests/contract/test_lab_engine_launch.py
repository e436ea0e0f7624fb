"""Which command lines the lab's engines take, and what their containers log."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.engine.launch import Flavour, Launch, LaunchError
from lab.engine.log import start_lines, written
from lab.engine.tokens import Finish, steps, tokens
from tests.engines import NOW, TGI, tgi, vllm

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
QWEN_SMALL = "Qwen/Qwen2.5-0.5B-Instruct"
"""Has 14 attention heads."""


def test_the_image_decides_which_engine_runs() -> None:
    assert tgi("Qwen/Qwen3-8B").flavour is Flavour.TGI
    assert vllm("Qwen/Qwen3-8B").flavour is Flavour.VLLM
    assert Launch.from_docker("vllm/vllm-openai:v0.11.0@sha256:abc", [], {}).version == "0.11.0"
    with pytest.raises(LaunchError, match="pull access denied"):
        Launch.from_docker("nginx:1.27", [], {})


def test_a_flag_wins_over_its_variable_and_both_over_the_default() -> None:
    assert tgi("Qwen/Qwen3-8B").settings.max_admitted == 128
    environment = {"MAX_CONCURRENT_REQUESTS": "8", "MODEL_ID": "Qwen/Qwen3-14B", "API_KEY": "k"}
    launch = Launch.from_docker(TGI, ["--model-id", "Qwen/Qwen3-8B"], environment)
    assert (launch.model_id, launch.settings.max_admitted, launch.api_key) == ("Qwen/Qwen3-8B", 8, "k")
    assert tgi("x/y", "--max-concurrent-requests=4", MAX_CONCURRENT_REQUESTS="8").settings.max_admitted == 4


def test_ports_are_those_of_the_images() -> None:
    assert tgi("Qwen/Qwen3-8B").container_port == 80
    assert vllm("Qwen/Qwen3-8B").container_port == 8000
    assert tgi("Qwen/Qwen3-8B", "--port", "8080").container_port == 8080


def test_limits_that_are_not_given_follow_the_models_window() -> None:
    automatic = tgi("Qwen/Qwen3-8B").settings
    assert (automatic.max_input_tokens, automatic.max_total_tokens) == (40959, 40960)
    asked = tgi("Qwen/Qwen3-8B", "--max-input-tokens", "1000", "--max-total-tokens", "1500").settings
    assert (asked.max_input_tokens, asked.max_total_tokens) == (1000, 1500)
    assert vllm("Qwen/Qwen3-8B", "--max-model-len", "8k").settings.max_total_tokens == 8000
    assert vllm("Qwen/Qwen3-8B", "--max_model_len=8K").settings.max_total_tokens == 8192


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--max-tokens", "5"], "unexpected argument '--max-tokens' found"),
        (["--quantize", "none"], "invalid value 'none' for '--quantize <QUANTIZE>'"),
        (["--dtype", "float32"], "invalid value 'float32'"),
        (["--num-shard", "two"], "invalid value 'two'"),
        (["--num-shard", "-1"], "invalid value '-1'"),
        (["--num-shard"], "a value is required for '--num-shard <NUM_SHARD>'"),
        (["--num-shard", "0"], "`num_shard` cannot be 0"),
        (["--trust-remote-code=true"], "unexpected argument"),
        (["--dtype", "float16", "--dtype", "float16"], "cannot be used multiple times"),
        (["--max-input-tokens", "5", "--max-input-length", "5"], "Both `max_input_tokens`"),
        (["--max-input-tokens", "2048", "--max-total-tokens", "2048"], "must be < `max_total_tokens`"),
        (["--max-input-tokens", "4096", "--max-batch-prefill-tokens", "2048"], "must be >= `max_input_tokens`"),
        (["--max-batch-prefill-tokens", "9", "--max-batch-total-tokens", "8"], "must be <= `max_batch_total_tokens`"),
        (["--max-total-tokens", "9", "--max-batch-total-tokens", "8"], "must be <= `max_batch_total_tokens`"),
        (["--sharded", "true", "--num-shard", "1"], "`sharded` is true"),
        (["--quantize", "exl2", "--num-shard", "2"], "not supported with `exl2`"),
        (["--validation-workers", "0"], "`validation_workers` must be > 0"),
        (["--dtype", "float16", "--quantize", "eetq"], "Shard"),
        (["--num-shard", "3"], "Shard"),
        (["--quantize", "awq"], "Shard"),
    ],
)
def test_tgi_refuses_what_its_launcher_refuses(arguments: list[str], text: str) -> None:
    with pytest.raises(LaunchError) as refused:
        tgi("Qwen/Qwen3-8B", *arguments)
    assert any(text in line for line in refused.value.log_lines)
    assert refused.value.exit_status in (1, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dtype", "float16", "--quantize", "bitsandbytes-nf4"],
        ["--num-shard", "2", "--sharded", "true"],
        ["--max-batch-prefill-tokens", "4096", "--max-input-tokens", "4095", "--max-total-tokens", "8192"],
        ["--kv-cache-dtype", "fp8_e5m2", "--weights-cache-override", "/data", "--trust-remote-code", "--json-output"],
    ],
)
def test_tgi_takes_what_its_launcher_takes(arguments: list[str]) -> None:
    assert tgi("Qwen/Qwen3-8B", *arguments).model_id == "Qwen/Qwen3-8B"


@pytest.mark.parametrize(
    ("model", "arguments", "text"),
    [
        (LLAMA, ["--max-total-tokens", "5"], "unrecognized arguments: --max-total-tokens"),
        (LLAMA, ["--quantization", "none"], "invalid choice: 'none'"),
        (LLAMA, ["--max-model-len", "many"], "invalid int value: 'many'"),
        (LLAMA, ["--max-model-len", "131073"], "greater than the derived max_model_len"),
        (LLAMA, ["--max-model-len", "0"], "greater than 0"),
        (LLAMA, ["--gpu-memory-utilization", "1.5"], "less than or equal to 1"),
        (LLAMA, ["--tensor-parallel-size", "0"], "greater than or equal to 1"),
        (LLAMA, ["--tensor-parallel-size"], "expected one argument"),
        (LLAMA, ["--max-num-batched-tokens", "8", "--max-num-seqs", "16"], "greater than or equal to max_num_seqs"),
        (LLAMA, ["--quantization", "awq"], "Cannot find the config file for awq"),
        (QWEN_SMALL, ["-tp", "4"], "(14) must be divisible by tensor parallel size (4)"),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", ["-q", "gptq"], "does not match"),
    ],
)
def test_vllm_refuses_what_its_server_refuses(model: str, arguments: list[str], text: str) -> None:
    with pytest.raises(LaunchError) as refused:
        vllm(model, *arguments, HF_TOKEN="hf_x")
    assert text in " ".join(str(refused.value).split())


def test_vllm_reads_no_flag_from_the_environment_but_the_key() -> None:
    launch = vllm("Qwen/Qwen3-8B", MAX_MODEL_LEN="5", API_KEY="other", VLLM_API_KEY="k")
    assert (launch.settings.max_total_tokens, launch.api_key) == (40960, "k")


@pytest.mark.parametrize("start", [tgi, vllm])
def test_gated_and_private_models_need_a_token_and_a_language_model(start: Callable[..., Launch]) -> None:
    assert start(LLAMA, HF_TOKEN="hf_x").model_id == LLAMA
    for model, text in (
        (LLAMA, "GatedRepoError"),
        ("acme-ai/support-llama-8b", "RepositoryNotFoundError"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "config.json"),
    ):
        with pytest.raises(LaunchError, match=text):
            start(model)


def test_an_unknown_model_is_served_with_the_numbers_of_a_known_one() -> None:
    assert tgi("somebody/something").settings.max_total_tokens == 131072


def test_the_first_line_of_tgis_log_holds_the_key_and_the_last_says_connected() -> None:
    launch = tgi("Qwen/Qwen3-8B", "--num-shard", "2", API_KEY="secret-key")
    lines = [line.text for line in start_lines(launch)]
    assert "secret-key" in lines[0]
    assert lines[-1] == "Connected"
    assert [line for line in lines if line.startswith("Download: [")][-1] == "Download: [4/4] -- ETA: 0:00:00"
    assert lines.count("Starting shard") == 2
    with pytest.raises(LaunchError) as refused:
        tgi("Qwen/Qwen3-8B", "--num-shard", "0", API_KEY="secret-key")
    assert "secret-key" in refused.value.log_lines[0]


def test_json_logs_of_tgi_have_two_shapes() -> None:
    launch = tgi("Qwen/Qwen3-8B", "--json-output")
    lines = [json.loads(written(line, launch, NOW)) for line in start_lines(launch)]
    assert lines[1]["fields"]["message"] == "Starting check and download process for Qwen/Qwen3-8B"
    assert lines[-1]["message"] == "Connected"
    assert all(line["level"] == "INFO" and line["timestamp"].endswith("Z") for line in lines)


def test_log_lines_are_in_the_order_of_their_times() -> None:
    for launch in (tgi("Qwen/Qwen3-32B"), vllm("Qwen/Qwen3-32B")):
        times = [line.at for line in start_lines(launch)]
        assert times == sorted(times)
        assert (times[0], times[-1]) == (0.0, 1.0)


@given(st.text())
def test_tokens_join_to_their_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


@given(st.text(min_size=1), st.integers(1, 20))
def test_a_generation_ends_once_and_within_its_limit(text: str, most: int) -> None:
    made = steps(text, most=most, stop=[], end="</s>")
    assert [step.finish for step in made[:-1]] == [None] * (len(made) - 1)
    assert made[-1].finish is (Finish.END if made[-1].token.special else Finish.LENGTH)
    assert len(made) <= most or made[-1].token.special


def test_a_character_of_several_tokens_comes_whole_with_the_last() -> None:
    assert [token.text for token in tokens("a 🦙")] == ["a", "", "", " 🦙"]
