"""What can be rented, what can be run on it, and whether the one fits the other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class YesNo(StrEnum):
    """An answer that a source may leave open."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class EngineKind(StrEnum):
    TGI = "tgi"
    VLLM = "vllm"

    @property
    def label(self) -> str:
        """As people write it."""
        return {EngineKind.TGI: "TGI", EngineKind.VLLM: "vLLM"}[self]


class Quantization(StrEnum):
    """How weights are held in GPU memory. `NONE` runs them in `Dtype`; the rest are names that an engine takes."""

    NONE = "none"
    AWQ = "awq"
    GPTQ = "gptq"
    FP8 = "fp8"
    EETQ = "eetq"
    BITSANDBYTES = "bitsandbytes"
    BITSANDBYTES_NF4 = "bitsandbytes-nf4"


class Dtype(StrEnum):
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    name: str
    """As people say it: `RTX A4000`."""
    memory_gib: int
    compute_capability: tuple[int, int]
    """NVIDIA's: (8, 6) for Ampere's workstation cards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRate:
    """What a disk of one size costs, also while its machine is off."""

    size_gb: int
    usd_per_hour: Decimal
    usd_per_month: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a machine is installed with."""

    id: str
    label: str
    minimum_disk_gb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A machine type of a cloud. None and UNKNOWN stand for what no source tells; such an offer is still shown."""

    provider: str
    type: str
    """The cloud's own label, such as `A4000` or `A100-80Gx8`."""
    gpu: Gpu | None
    """None: the cloud lists a type that the price file does not know."""
    gpu_count: int
    vcpus: int | None
    ram_gib: int | None
    price_usd_per_hour: Decimal | None
    regions: Mapping[str, YesNo] = field(default_factory=dict[str, YesNo])
    """Region id -> whether the cloud has such a machine there now."""
    templates: tuple[Template, ...] = ()
    disks: tuple[DiskRate, ...] = ()
    has_nvlink: bool = False
    needs_approval: bool = False
    billed_while_off: YesNo = YesNo.UNKNOWN
    """Whether a stopped machine still costs its hourly price."""
    static_address_usd_per_hour: Decimal | None = None
    source: str = ""
    """Where specification and price were read."""
    as_of: str = ""
    """ISO date of that."""

    @property
    def gpu_memory_gib(self) -> int | None:
        """Of all its GPUs together."""
        return None if self.gpu is None else self.gpu.memory_gib * self.gpu_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The numbers of a model's config.json that decide how much memory it takes."""

    layers: int
    attention_heads: int
    kv_heads: int
    head_dim: int
    context_tokens: int | None
    quantization: Quantization = Quantization.NONE
    """How the published weights are packed already."""
    embedding_parameters: int | None = None
    """Those of the parameters that no quantisation packs: the table of words at the start, and at the end its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that can be chosen, with what is known of its size."""

    id: str
    """The Hugging Face id, `organisation/name`."""
    label: str
    engines: tuple[EngineKind, ...]
    """Which serve it, the preferred one first."""
    quantizations: tuple[Quantization, ...]
    """What may be asked for; the first is the default."""
    parameters: int | None
    weights_bytes: int | None
    """The files that an engine loads."""
    architecture: Architecture | None
    has_chat_template: bool = True
    is_gated: bool = False
    is_private: bool = False
    needs_conversion: bool = False
    """Published only as .bin files, which TGI writes to disk once more as safetensors."""
    revision: str | None = None
    checked_at: datetime | None = None
    """When the Hub last confirmed this; None: from the file that Prime brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How an engine is launched. None: the engine's own choice."""

    quantization: Quantization = Quantization.NONE
    dtype: Dtype | None = None
    max_input_tokens: int | None = None
    max_total_tokens: int | None = None
    max_concurrent_requests: int | None = None
    max_best_of: int | None = None
    max_stop_sequences: int | None = None
    max_batch_prefill_tokens: int | None = None
    kv_cache_dtype: str | None = None
    num_shard: int | None = None
    """How many GPUs share the model; None: all of the machine."""
    weights_cache_override: str | None = None
    trust_remote_code: bool = False


class Constraint(StrEnum):
    """What decides whether a model fits."""

    GPU_MEMORY = "GPU memory"
    COMPUTE_CAPABILITY = "compute capability"
    SHARDING = "sharding"
    DISK = "disk"
    CONTEXT = "context length"
    ENGINE = "engine"
    UNKNOWN = "unknown size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a model fits an offer, and what it comes down to."""

    fits: bool
    constraint: Constraint | None
    """The first that fails; None if it fits."""
    reason: str
    """One sentence for people, with the numbers."""
    needed_gib_per_gpu: float | None
    available_gib_per_gpu: float | None
    disk_needed_gb: int | None
    max_total_tokens: int | None = None
    """The longest context (for the asked concurrency) that the memory leaves room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An offer with its verdict, for lists of what would do."""

    offer: Offer
    region: str | None
    fit: Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOffer:
    """What a cloud tells of one machine type at this moment."""

    type: str
    templates: tuple[Template, ...]
    """Those that it can be installed with, as the cloud names them; empty if the cloud tells none."""
    regions: Mapping[str, YesNo]
    """Empty if the cloud tells none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What Prime's file knows of one cloud's machines: `machines.toml`."""

    provider: str
    regions: Mapping[str, str]
    """Region id -> its name."""
    offers: tuple[Offer, ...]
    """No live word in them: every region UNKNOWN."""
    without_gpu: frozenset[str]
    """Types that the cloud lists and that run no server."""
    templates: tuple[Template, ...]
    template_words: str
    """A template that is not listed here suits if its label holds these words."""
    disks: tuple[DiskRate, ...]
    billed_while_off: YesNo
    static_address_usd_per_hour: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What an engine option may be set to. `default` None: left to the engine."""

    option: str
    """The name of a field of EngineOptions."""
    label: str
    minimum: int
    maximum: int
    default: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """What an ADMIN put in place of a limit's numbers."""

    option: str
    minimum: int
    maximum: int
    default: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferChange:
    """What an ADMIN changed about an offer."""

    provider: str
    type: str
    usd_per_hour: Decimal | None = None
    """In place of the file's price; None: the file's."""
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """What the Hub holds of a model, as JSON, by other people: nothing in it is sure to be there or of its type."""

    info: Mapping[str, object]
    """`/api/models/{id}`, with the sizes of files."""
    config: Mapping[str, object] | None
    """config.json; None for a repository without one."""
    tokenizer: Mapping[str, object] | None
    """tokenizer_config.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedOffer:
    """An offer as admins see it."""

    offer: Offer
    is_hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of the catalogue for one cloud."""

    offers: Sequence[ListedOffer]
    hidden_templates: Collection[str]
    """Ids of those that new machines are not installed with any more."""
    models: Sequence[Model]
    limits: Sequence[Limit]
