"""The lab's Hub: real numbers of real models, and the Hub's ways of saying no."""

import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from lab.hub.faults import FaultName
from lab.hub.model import HubModel, Weights
from lab.hub.models import CURRENT, GIB, LLAMA_2_FAMILY, MODELS, ORG
from lab.hub.server import HubLab

TABLE = {
    "Qwen/Qwen2.5-0.5B-Instruct": (494_032_768, 0.9, 12),
    "meta-llama/Llama-3.2-1B-Instruct": (1_235_814_400, 2.3, 32),
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": (1_711_376_384, 3.2, 192),
    "meta-llama/Llama-3.2-3B-Instruct": (3_212_749_824, 6.0, 112),
    "Qwen/Qwen3-4B-Instruct-2507": (4_022_468_096, 7.5, 144),
    "mistralai/Mistral-7B-Instruct-v0.3": (7_248_023_552, 13.5, 128),
    "Qwen/Qwen2.5-7B-Instruct": (7_615_616_512, 14.2, 56),
    "meta-llama/Llama-3.1-8B-Instruct": (8_030_261_248, 15.0, 128),
    "Qwen/Qwen3-8B": (8_190_735_360, 15.3, 144),
    "microsoft/phi-4": (14_659_507_200, 27.3, 200),
    "Qwen/Qwen3-14B": (14_768_307_200, 27.5, 160),
    "Qwen/Qwen2.5-14B-Instruct": (14_770_033_664, 27.5, 192),
    "mistralai/Mistral-Small-24B-Instruct-2501": (23_572_403_200, 43.9, 160),
    "Qwen/Qwen3-30B-A3B": (30_532_122_624, 56.9, 96),
    "Qwen/Qwen3-32B": (32_762_123_264, 61.0, 256),
    "meta-llama/Llama-3.3-70B-Instruct": (70_553_706_496, 131.4, 320),
}
"""Model -> parameters, GiB in bf16, KiB of key-value cache a token, from `reference/tgi-api.md`, section 11."""


@pytest.fixture
async def hub() -> AsyncIterator[HubLab]:
    hub = HubLab()
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
async def anonymous(hub: HubLab) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=hub.url) as http:
        yield http


@pytest.fixture
async def member(hub: HubLab) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {hub.token}"}) as http:
        yield http


def file_url(hub: HubLab, model_id: str, path: str = "config.json", revision: str = "main") -> str:
    return f"{hub.url.removesuffix('/api')}/{model_id}/resolve/{revision}/{path}"


def counted(model: HubModel) -> int:
    """Its parameters, from nothing but its configuration."""
    numbers = model.config
    assert numbers is not None
    hidden, heads, kv_heads = (numbers[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads"))
    head_dim, kind = numbers.get("head_dim", hidden // heads), numbers["model_type"]
    attention = 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    attention += {"qwen2": (heads + 2 * kv_heads) * head_dim}.get(kind, 0)  # biases
    attention += 2 * head_dim if kind.startswith("qwen3") else 0  # norms of queries and keys
    if kind == "qwen3_moe":
        experts = numbers["num_experts"]
        mlp = experts * 3 * hidden * numbers["moe_intermediate_size"] + hidden * experts
    else:
        mlp = 3 * hidden * numbers["intermediate_size"]
    embeddings = numbers["vocab_size"] * hidden * (1 if numbers["tie_word_embeddings"] else 2)
    return embeddings + numbers["num_hidden_layers"] * (attention + mlp + 2 * hidden) + hidden


def test_the_table_of_the_reference_is_there() -> None:
    assert {model.id for model in CURRENT} == set(TABLE)


@pytest.mark.parametrize("model", CURRENT, ids=lambda model: model.id)
def test_counts_and_cache_are_those_of_the_reference(model: HubModel) -> None:
    parameters, gibibytes, kibibytes_a_token = TABLE[model.id]
    numbers = model.config
    assert numbers is not None
    head_dim = numbers.get("head_dim", numbers["hidden_size"] // numbers["num_attention_heads"])
    cache = 2 * numbers["num_hidden_layers"] * numbers["num_key_value_heads"] * head_dim * 2
    assert sum(model.parameters.values()) == parameters
    assert cache == kibibytes_a_token * 1024
    assert round(model.weights_bytes / GIB, 1) == gibibytes
    assert bool(model.gated) is model.id.startswith("meta-llama/")


@pytest.mark.parametrize("model", CURRENT + LLAMA_2_FAMILY, ids=lambda model: model.id)
def test_configurations_give_the_counts(model: HubModel) -> None:
    assert counted(model) == sum(model.parameters.values())


@pytest.mark.parametrize("model", [model for model in MODELS if model.config], ids=lambda model: model.id)
def test_weight_files_hold_the_weights_once_over_in_each_format(model: HubModel) -> None:
    formats = 2 if model.weights is Weights.BOTH else 1
    total = sum(model.weight_files.values())
    assert formats * model.weights_bytes < total < formats * (model.weights_bytes + 2**20 * len(model.weight_files))


def test_the_special_ones_are_there() -> None:
    by_id = {model.id: model for model in MODELS}
    assert {f"meta-llama/Llama-2-{size}{kind}-hf" for size in ("7b", "13b", "70b") for kind in ("", "-chat")} <= set(
        by_id
    )
    assert all(model.gated for model in LLAMA_2_FAMILY)
    assert {model.quantization for model in MODELS} == {None, "awq", "gptq"}
    assert [model.id for model in MODELS if model.weights is Weights.BIN] == ["lmsys/vicuna-7b-v1.5"]
    assert sum(model.is_private for model in MODELS if model.author == ORG) == 2
    assert not by_id["mistralai/Mistral-7B-v0.3"].has_chat_template


async def test_a_models_information(anonymous: httpx.AsyncClient) -> None:
    info = (await anonymous.get("models/Qwen/Qwen3-8B")).json()
    assert info["safetensors"] == {"parameters": {"BF16": 8_190_735_360}, "total": 8_190_735_360}
    assert (info["id"], info["private"], info["gated"], info["pipeline_tag"]) == (
        "Qwen/Qwen3-8B",
        False,
        False,
        "text-generation",
    )
    assert info["config"]["architectures"] == ["Qwen3ForCausalLM"]
    assert "chat_template" in info["config"]["tokenizer_config"]
    assert {"rfilename": "config.json"} in info["siblings"]
    assert all(set(sibling) == {"rfilename"} for sibling in info["siblings"])


async def test_sizes_come_with_blobs(anonymous: httpx.AsyncClient) -> None:
    info = (await anonymous.get("models/lab-samples/all-formats-1b", params={"blobs": "true"})).json()
    sizes = {sibling["rfilename"]: sibling["size"] for sibling in info["siblings"]}
    assert math.isclose(sizes["model.safetensors"], 2 * 1_235_814_400, rel_tol=0.001)
    assert math.isclose(sizes["pytorch_model.bin"], 2 * 1_235_814_400, rel_tol=0.001)
    assert {"original/consolidated.00.pth", "consolidated.safetensors", "onnx/model.onnx_data"} <= set(sizes)
    assert any(name.endswith(".gguf") for name in sizes)
    large = next(sibling for sibling in info["siblings"] if sibling["rfilename"] == "model.safetensors")
    assert large["lfs"]["size"] == large["size"]


async def test_expand_gives_only_what_was_asked(anonymous: httpx.AsyncClient) -> None:
    params = {"expand": ["safetensors", "gated"]}
    info = (await anonymous.get("models/meta-llama/Llama-3.1-8B-Instruct", params=params)).json()
    assert set(info) == {"_id", "id", "safetensors", "gated"}
    assert info["gated"] == "manual"
    assert (await anonymous.get("models/Qwen/Qwen3-8B?expand=nonsense")).status_code == 400


async def test_packed_weights_count_packed_integers(anonymous: httpx.AsyncClient) -> None:
    info = (await anonymous.get("models/Qwen/Qwen2.5-7B-Instruct-AWQ", params={"blobs": "true"})).json()
    assert set(info["safetensors"]["parameters"]) == {"I32", "F16"}
    assert info["safetensors"]["total"] < 2_000_000_000
    assert info["config"]["quantization_config"] == {"bits": 4, "quant_method": "awq"}
    weights = sum(item["size"] for item in info["siblings"] if item["rfilename"].endswith(".safetensors"))
    assert 5.5e9 < weights < 5.7e9  # about 0.56 byte for each of 7.6 billion, and the unpacked rest


async def test_only_bin_files_means_no_safetensors(anonymous: httpx.AsyncClient) -> None:
    info = (await anonymous.get("models/lmsys/vicuna-7b-v1.5")).json()
    assert "safetensors" not in info
    assert "chat_template" not in info["config"]["tokenizer_config"]


async def test_config_json_lies_in_the_hubs_own_cache(hub: HubLab, anonymous: httpx.AsyncClient) -> None:
    redirected = await anonymous.get(file_url(hub, "Qwen/Qwen3-8B"))
    assert redirected.status_code == 307
    assert redirected.headers["Location"].startswith("/api/resolve-cache/models/Qwen/Qwen3-8B/")
    answer = await anonymous.get(file_url(hub, "Qwen/Qwen3-8B"), follow_redirects=True)
    info = (await anonymous.get("models/Qwen/Qwen3-8B")).json()
    assert answer.headers["X-Repo-Commit"] == info["sha"]
    config: dict[str, Any] = answer.json()
    assert (config["num_hidden_layers"], config["num_key_value_heads"], config["head_dim"]) == (36, 8, 128)
    assert (await anonymous.get(file_url(hub, "Qwen/Qwen3-8B", revision=info["sha"]))).status_code == 307
    gemma = hub.models["google/gemma-3-4b-it"].config
    assert gemma is not None
    assert "num_hidden_layers" in gemma["text_config"]
    assert "num_hidden_layers" not in gemma


async def test_large_files_lie_on_another_host(hub: HubLab, anonymous: httpx.AsyncClient) -> None:
    name = next(iter(hub.models["qwen/qwen3-8b"].weight_files))
    answer = await anonymous.get(file_url(hub, "Qwen/Qwen3-8B", name))
    assert answer.status_code == 302
    assert httpx.URL(answer.headers["Location"]).host != "127.0.0.1"


async def test_what_is_not_there_says_what_is_missing(
    hub: HubLab, anonymous: httpx.AsyncClient, member: httpx.AsyncClient
) -> None:
    sdxl = "stabilityai/stable-diffusion-xl-base-1.0"
    for url, http, status, code in (
        ("models/no/such", anonymous, 401, "RepoNotFound"),
        ("models/no/such", member, 404, "RepoNotFound"),
        (f"models/{ORG}/support-llama-8b", anonymous, 401, "RepoNotFound"),
        (file_url(hub, "Qwen/Qwen3-8B", revision="v9"), anonymous, 404, "RevisionNotFound"),
        ("models/Qwen/Qwen3-8B/revision/v9", anonymous, 404, "RevisionNotFound"),
        (file_url(hub, sdxl), anonymous, 404, "EntryNotFound"),
    ):
        answer = await http.get(url)
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (status, code), url
        assert answer.json()["error"] == answer.headers["X-Error-Message"]


async def test_a_gated_models_files_need_an_accepted_token(
    hub: HubLab, anonymous: httpx.AsyncClient, member: httpx.AsyncClient
) -> None:
    llama, gemma = "meta-llama/Llama-3.1-8B-Instruct", "google/gemma-3-4b-it"
    assert (await anonymous.get(f"models/{llama}")).json()["gated"] == "manual"
    stranger, accepted, unaccepted = (
        await anonymous.get(file_url(hub, llama)),
        await member.get(file_url(hub, llama)),
        await member.get(file_url(hub, gemma)),
    )
    assert (stranger.status_code, accepted.status_code, unaccepted.status_code) == (401, 307, 403)
    assert stranger.headers["X-Error-Code"] == unaccepted.headers["X-Error-Code"] == "GatedRepo"


async def test_a_token_that_is_none_is_refused_everywhere(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("models/Qwen/Qwen3-8B", headers={"Authorization": "Bearer undefined"})
    assert (answer.status_code, "X-Error-Code" in answer.headers) == (401, False)


async def test_private_models_are_seen_by_members_only(
    hub: HubLab, anonymous: httpx.AsyncClient, member: httpx.AsyncClient
) -> None:
    params = {"author": hub.org}
    assert [model["id"] for model in (await anonymous.get("models", params=params)).json()] == [f"{ORG}/tiny-qwen"]
    seen = (await member.get("models", params=params)).json()
    assert [model["id"] for model in seen if model["private"]] == [f"{ORG}/support-llama-8b", f"{ORG}/tickets-qwen-7b"]
    assert (await member.get(f"models/{ORG}/support-llama-8b")).json()["private"] is True
    assert [org["name"] for org in (await member.get("whoami-v2")).json()["orgs"]] == [ORG]
    assert (await anonymous.get("whoami-v2")).status_code == 401


async def test_lists_are_searched_filtered_and_sorted(anonymous: httpx.AsyncClient) -> None:
    async def ids(**params: str) -> list[str]:
        return [model["id"] for model in (await anonymous.get("models", params=params)).json()]

    assert await ids(search="phi-4") == ["microsoft/phi-4"]
    assert await ids(filter="awq") == ["Qwen/Qwen2.5-7B-Instruct-AWQ"]
    assert await ids(pipeline_tag="text-to-image") == ["stabilityai/stable-diffusion-xl-base-1.0"]
    assert (await ids(author="Qwen", sort="downloads", direction="-1"))[0] == "Qwen/Qwen2.5-7B-Instruct"


async def test_lists_come_in_pages(anonymous: httpx.AsyncClient) -> None:
    following = "models?author=Qwen&limit=4&full=true"
    found: list[str] = []
    pages = 0
    while following:
        answer = await anonymous.get(following)
        found += [model["id"] for model in answer.json()]
        following = answer.links.get("next", {}).get("url", "")
        pages += 1
    assert found == [model.id for model in MODELS if model.author == "Qwen"]
    assert pages == math.ceil(len(found) / 4)


async def test_too_many_calls_are_told_when_to_come_back(hub: HubLab, anonymous: httpx.AsyncClient) -> None:
    hub.faults.switch(FaultName.RATE_LIMITS, seconds=30)
    answer = await anonymous.get("models/Qwen/Qwen3-8B")
    assert (answer.status_code, answer.headers["RateLimit"]) == (429, '"api";r=0;t=30')


async def test_a_hub_that_is_down_answers_for_people(hub: HubLab, anonymous: httpx.AsyncClient) -> None:
    hub.faults.switch(FaultName.DOWN)
    answer = await anonymous.get("models/Qwen/Qwen3-8B")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    hub.faults.switch(FaultName.DOWN, on=False)
    assert (await anonymous.get("models/Qwen/Qwen3-8B")).status_code == 200


async def test_what_came_is_noted(hub: HubLab, anonymous: httpx.AsyncClient, member: httpx.AsyncClient) -> None:
    await anonymous.get("models/Qwen/Qwen3-8B?blobs=true")
    await member.get("models")
    assert [(came.path, came.query, came.has_token) for came in hub.requests] == [
        ("/api/models/Qwen/Qwen3-8B", "blobs=true", False),
        ("/api/models", "", True),
    ]
