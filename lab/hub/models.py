"""The models of the lab's Hub. Counts and configurations are those of the public repositories of these names."""

from collections.abc import Mapping
from typing import Any

from lab.hub.model import HubModel, Weights

ORG = "acme-ai"
"""The team's own organisation."""

MIB = 1024 * 1024
GIB = 1024 * MIB


def find(model_id: str) -> HubModel | None:
    """Names are compared as the Hub does, without regard to case."""
    return _BY_ID.get(model_id.lower())


def config(
    architecture: str,
    model_type: str,
    *,
    hidden: int,
    inner: int,
    layers: int,
    heads: int,
    kv_heads: int,
    vocabulary: int,
    context: int,
    head_dim: int | None = None,
    tied: bool = False,
    dtype: str = "bfloat16",
    **more: Any,
) -> dict[str, Any]:
    """A config.json in the words of `transformers`."""
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "tie_word_embeddings": tied,
        "torch_dtype": dtype,
        **({} if head_dim is None else {"head_dim": head_dim}),
        **more,
    }


def llama(**numbers: Any) -> dict[str, Any]:
    return config("LlamaForCausalLM", "llama", **numbers)


def mistral(**numbers: Any) -> dict[str, Any]:
    return config("MistralForCausalLM", "mistral", head_dim=128, **numbers)


def qwen2(**numbers: Any) -> dict[str, Any]:
    return config("Qwen2ForCausalLM", "qwen2", **numbers)


def qwen3(**numbers: Any) -> dict[str, Any]:
    return config("Qwen3ForCausalLM", "qwen3", head_dim=128, vocabulary=151936, **numbers)


LLAMA_3_8B = llama(
    hidden=4096, inner=14336, layers=32, heads=32, kv_heads=8, vocabulary=128256, context=131072, head_dim=128
)
LLAMA_3_1B = llama(
    hidden=2048, inner=8192, layers=16, heads=32, kv_heads=8, vocabulary=128256, context=131072, head_dim=64, tied=True
)
MISTRAL_7B = mistral(hidden=4096, inner=14336, layers=32, heads=32, kv_heads=8, vocabulary=32768, context=32768)
QWEN_2_7B = qwen2(hidden=3584, inner=18944, layers=28, heads=28, kv_heads=4, vocabulary=152064, context=32768)
LLAMA_2 = {
    "7b": llama(
        hidden=4096, inner=11008, layers=32, heads=32, kv_heads=32, vocabulary=32000, context=4096, dtype="float16"
    ),
    "13b": llama(
        hidden=5120, inner=13824, layers=40, heads=40, kv_heads=40, vocabulary=32000, context=4096, dtype="float16"
    ),
    "70b": llama(
        hidden=8192, inner=28672, layers=80, heads=64, kv_heads=8, vocabulary=32000, context=4096, dtype="float16"
    ),
}
LLAMA_2_PARAMETERS = {"7b": 6_738_415_616, "13b": 13_015_864_320, "70b": 68_976_648_192}

GEMMA_3_4B: Mapping[str, Any] = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "torch_dtype": "bfloat16",
    "text_config": {
        "model_type": "gemma3_text",
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "num_hidden_layers": 34,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "vocab_size": 262208,
        "max_position_embeddings": 131072,
        "sliding_window": 1024,
    },
    "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152, "num_hidden_layers": 27},
}

CURRENT = (
    HubModel(
        id="Qwen/Qwen2.5-0.5B-Instruct",
        parameters={"BF16": 494_032_768},
        config=qwen2(
            hidden=896, inner=4864, layers=24, heads=14, kv_heads=2, vocabulary=151936, context=32768, tied=True
        ),
        downloads=2_300_000,
    ),
    HubModel(
        id="meta-llama/Llama-3.2-1B-Instruct",
        parameters={"BF16": 1_235_814_400},
        config=LLAMA_3_1B,
        extra_files={"original/consolidated.00.pth": 2_471_678_226, "original/params.json": 220},
        gated="manual",
        downloads=3_900_000,
    ),
    HubModel(
        id="HuggingFaceTB/SmolLM2-1.7B-Instruct",
        parameters={"BF16": 1_711_376_384},
        config=llama(
            hidden=2048, inner=8192, layers=24, heads=32, kv_heads=32, vocabulary=49152, context=8192, tied=True
        ),
        extra_files={"onnx/model.onnx": 350_000, "onnx/model.onnx_data": 6_845_000_000},
        downloads=91_000,
    ),
    HubModel(
        id="meta-llama/Llama-3.2-3B-Instruct",
        parameters={"BF16": 3_212_749_824},
        config=llama(
            hidden=3072,
            inner=8192,
            layers=28,
            heads=24,
            kv_heads=8,
            vocabulary=128256,
            context=131072,
            head_dim=128,
            tied=True,
        ),
        extra_files={"original/consolidated.00.pth": 6_425_585_114, "original/params.json": 220},
        gated="manual",
        downloads=2_100_000,
    ),
    HubModel(
        id="Qwen/Qwen3-4B-Instruct-2507",
        parameters={"BF16": 4_022_468_096},
        config=qwen3(hidden=2560, inner=9728, layers=36, heads=32, kv_heads=8, context=262144, tied=True),
        downloads=1_800_000,
    ),
    HubModel(
        id="mistralai/Mistral-7B-Instruct-v0.3",
        parameters={"BF16": 7_248_023_552},
        config=MISTRAL_7B,
        extra_files={"consolidated.safetensors": 14_496_078_512, "tokenizer.model.v3": 587_404},
        downloads=640_000,
    ),
    HubModel(id="Qwen/Qwen2.5-7B-Instruct", parameters={"BF16": 7_615_616_512}, config=QWEN_2_7B, downloads=7_200_000),
    HubModel(
        id="meta-llama/Llama-3.1-8B-Instruct",
        parameters={"BF16": 8_030_261_248},
        config=LLAMA_3_8B,
        extra_files={"original/consolidated.00.pth": 16_060_617_592, "original/params.json": 199},
        gated="manual",
        downloads=9_400_000,
    ),
    HubModel(
        id="Qwen/Qwen3-8B",
        parameters={"BF16": 8_190_735_360},
        config=qwen3(hidden=4096, inner=12288, layers=36, heads=32, kv_heads=8, context=40960),
        downloads=4_100_000,
    ),
    HubModel(
        id="microsoft/phi-4",
        parameters={"BF16": 14_659_507_200},
        config=config(
            "Phi3ForCausalLM",
            "phi3",
            hidden=5120,
            inner=17920,
            layers=40,
            heads=40,
            kv_heads=10,
            vocabulary=100352,
            context=16384,
        ),
        downloads=480_000,
    ),
    HubModel(
        id="Qwen/Qwen3-14B",
        parameters={"BF16": 14_768_307_200},
        config=qwen3(hidden=5120, inner=17408, layers=40, heads=40, kv_heads=8, context=40960),
        downloads=1_200_000,
    ),
    HubModel(
        id="Qwen/Qwen2.5-14B-Instruct",
        parameters={"BF16": 14_770_033_664},
        config=qwen2(hidden=5120, inner=13824, layers=48, heads=40, kv_heads=8, vocabulary=152064, context=32768),
        downloads=900_000,
    ),
    HubModel(
        id="mistralai/Mistral-Small-24B-Instruct-2501",
        parameters={"BF16": 23_572_403_200},
        config=mistral(hidden=5120, inner=32768, layers=40, heads=32, kv_heads=8, vocabulary=131072, context=32768),
        extra_files={"consolidated.safetensors": 47_144_846_736, "tekken.json": 14_801_330},
        downloads=310_000,
    ),
    HubModel(
        id="Qwen/Qwen3-30B-A3B",
        parameters={"BF16": 30_532_122_624},
        config=config(
            "Qwen3MoeForCausalLM",
            "qwen3_moe",
            hidden=2048,
            inner=6144,
            layers=48,
            heads=32,
            kv_heads=4,
            vocabulary=151936,
            context=40960,
            head_dim=128,
            moe_intermediate_size=768,
            num_experts=128,
            num_experts_per_tok=8,
        ),
        downloads=700_000,
    ),
    HubModel(
        id="Qwen/Qwen3-32B",
        parameters={"BF16": 32_762_123_264},
        config=qwen3(hidden=5120, inner=25600, layers=64, heads=64, kv_heads=8, context=40960),
        downloads=2_600_000,
    ),
    HubModel(
        id="meta-llama/Llama-3.3-70B-Instruct",
        parameters={"BF16": 70_553_706_496},
        config=llama(
            hidden=8192, inner=28672, layers=80, heads=64, kv_heads=8, vocabulary=128256, context=131072, head_dim=128
        ),
        extra_files={f"original/consolidated.{number:02}.pth": 17_640_000_000 for number in range(8)},
        gated="manual",
        downloads=560_000,
    ),
)
"""The table of `reference/tgi-api.md`, section 11."""

LLAMA_2_FAMILY = tuple(
    HubModel(
        id=f"meta-llama/Llama-2-{size}{kind}-hf",
        parameters={"F16": LLAMA_2_PARAMETERS[size]},
        config=LLAMA_2[size],
        weights=Weights.BOTH,
        has_chat_template=kind == "-chat",
        gated="manual",
        downloads=250_000,
    )
    for size in LLAMA_2
    for kind in ("", "-chat")
)

SPECIAL = (
    HubModel(
        id="lmsys/vicuna-7b-v1.5",
        parameters={"F16": LLAMA_2_PARAMETERS["7b"]},
        config=LLAMA_2["7b"],
        weights=Weights.BIN,
        has_chat_template=False,
        downloads=380_000,
    ),
    HubModel(
        id="lab-samples/all-formats-1b",
        parameters={"BF16": 1_235_814_400},
        config=LLAMA_3_1B,
        weights=Weights.BOTH,
        extra_files={
            "original/consolidated.00.pth": 2_471_678_226,
            "consolidated.safetensors": 2_471_645_608,
            "consolidated.00.pth": 2_471_678_226,
            "all-formats-1b-Q4_K_M.gguf": 807_694_464,
            "onnx/model.onnx": 350_000,
            "onnx/model.onnx_data": 4_943_000_000,
            "optimizer.bin": 9_886_515_200,
            "training_args.bin": 5_240,
        },
    ),
    HubModel(
        id="Qwen/Qwen2.5-7B-Instruct-AWQ",
        parameters={"I32": 822_033_408, "F16": 1_141_306_880},
        config=QWEN_2_7B
        | {
            "torch_dtype": "float16",
            "quantization_config": {
                "bits": 4,
                "group_size": 128,
                "modules_to_not_convert": None,
                "quant_method": "awq",
                "version": "gemm",
                "zero_point": True,
            },
        },
        downloads=420_000,
    ),
    HubModel(
        id="Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4",
        parameters={"I32": 823_165_952, "F16": 1_141_306_880},
        config=QWEN_2_7B
        | {
            "torch_dtype": "float16",
            "quantization_config": {
                "bits": 4,
                "damp_percent": 0.01,
                "desc_act": False,
                "group_size": 128,
                "quant_method": "gptq",
                "static_groups": False,
                "sym": True,
                "true_sequential": True,
            },
        },
        downloads=180_000,
    ),
    HubModel(
        id="mistralai/Mistral-7B-v0.3",
        parameters={"BF16": 7_248_023_552},
        config=MISTRAL_7B,
        extra_files={"consolidated.safetensors": 14_496_078_512},
        has_chat_template=False,
        downloads=270_000,
    ),
    HubModel(
        id="google/gemma-3-4b-it",
        parameters={"BF16": 4_300_079_472},
        config=GEMMA_3_4B,
        gated="manual",
        pipeline_tag="image-text-to-text",
        downloads=1_500_000,
    ),
    HubModel(
        id="stabilityai/stable-diffusion-xl-base-1.0",
        parameters={"F16": 3_469_000_000},
        config=None,
        extra_files={
            "model_index.json": 609,
            "unet/diffusion_pytorch_model.fp16.safetensors": 5_135_149_760,
            "sd_xl_base_1.0.safetensors": 6_938_078_334,
        },
        has_chat_template=False,
        pipeline_tag="text-to-image",
        library="diffusers",
        downloads=2_000_000,
    ),
)

ORGANISATION = (
    HubModel(id=f"{ORG}/support-llama-8b", parameters={"BF16": 8_030_261_248}, config=LLAMA_3_8B, is_private=True),
    HubModel(id=f"{ORG}/tickets-qwen-7b", parameters={"BF16": 7_615_616_512}, config=QWEN_2_7B, is_private=True),
    HubModel(id=f"{ORG}/tiny-qwen", parameters={"BF16": 494_032_768}, config=CURRENT[0].config, downloads=12),
)

MODELS = CURRENT + LLAMA_2_FAMILY + SPECIAL + ORGANISATION

_BY_ID = {model.id.lower(): model for model in MODELS}
