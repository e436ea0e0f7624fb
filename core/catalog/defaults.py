"""What Prime brings: the files beside this one, read once."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from core.catalog.model import (
    Architecture,
    DiskRate,
    EngineKind,
    Gpu,
    Limit,
    Model,
    Offer,
    PriceList,
    Quantization,
    Template,
    YesNo,
)


@cache
def price_list(provider: str) -> PriceList:
    """An empty one for a cloud that the file does not know."""
    document = _load("machines.toml")
    gpus = {name: _gpu(name, row) for name, row in document["gpus"].items()}
    table: dict[str, Any] = document.get(provider, {})
    templates = {row["id"]: _template(row) for row in table.get("templates", [])}
    suits = {row["id"]: frozenset[str](row["types"]) for row in table.get("templates", [])}
    disks = tuple(_disk(row) for row in table.get("disks", []))
    billed_while_off = YesNo(table.get("billed_while_off", YesNo.UNKNOWN))
    static_address = table.get("static_address_usd_per_hour")
    offers = tuple(
        Offer(
            provider=provider,
            type=type_,
            gpu=gpus[row["gpu"]],
            gpu_count=row.get("gpu_count", 1),
            vcpus=row.get("vcpus"),
            ram_gib=row.get("ram_gib"),
            price_usd_per_hour=row.get("usd_per_hour"),
            regions=dict.fromkeys(row["regions"], YesNo.UNKNOWN),
            templates=tuple(template for id_, template in templates.items() if type_ in suits[id_]),
            disks=disks,
            has_nvlink=row.get("has_nvlink", False),
            needs_approval=row.get("needs_approval", False),
            billed_while_off=billed_while_off,
            static_address_usd_per_hour=static_address,
            source=row["source"],
            as_of=row["as_of"],
        )
        for type_, row in table.get("machines", {}).items()
    )
    return PriceList(
        provider=provider,
        regions=table.get("regions", {}),
        offers=offers,
        without_gpu=frozenset(table.get("without_gpu", [])),
        templates=tuple(templates.values()),
        template_words=table.get("template_words", ""),
        disks=disks,
        billed_while_off=billed_while_off,
        static_address_usd_per_hour=static_address,
    )


@cache
def models() -> tuple[Model, ...]:
    return tuple(_model(id_, row) for id_, row in _load("models.toml")["models"].items())


@cache
def limits() -> tuple[Limit, ...]:
    return tuple(
        Limit(
            option=option,
            label=row["label"],
            minimum=row["minimum"],
            maximum=row["maximum"],
            default=row.get("default"),
        )
        for option, row in _load("limits.toml").items()
    )


@cache
def serving_engines() -> Mapping[str, tuple[EngineKind, ...]]:
    """Model class, as config.json names it -> engines that serve it, the preferred one first."""
    lists = _load("architectures.toml")
    order = (("tgi", EngineKind.TGI), ("vllm", EngineKind.VLLM), ("tgi_fallback", EngineKind.TGI))
    names = {name for list_ in lists.values() for name in list_}
    return {name: tuple(engine for list_, engine in order if name in lists[list_]) for name in names}


def _load(name: str) -> dict[str, Any]:
    text = (files("core.catalog") / name).read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def _gpu(name: str, row: Mapping[str, Any]) -> Gpu:
    major, minor = row["compute_capability"]
    return Gpu(name=name, memory_gib=row["memory_gib"], compute_capability=(major, minor))


def _disk(row: Mapping[str, Any]) -> DiskRate:
    return DiskRate(
        size_gb=row["size_gb"], usd_per_hour=row["usd_per_hour"], usd_per_month=Decimal(row["usd_per_month"])
    )


def _template(row: Mapping[str, Any]) -> Template:
    return Template(id=row["id"], label=row["label"], minimum_disk_gb=row["minimum_disk_gb"])


def _model(id_: str, row: Mapping[str, Any]) -> Model:
    return Model(
        id=id_,
        label=row["label"],
        engines=tuple(EngineKind(engine) for engine in row["engines"]),
        quantizations=tuple(Quantization(quantization) for quantization in row["quantizations"]),
        parameters=row["parameters"],
        weights_bytes=row["weights_bytes"],
        architecture=Architecture(
            layers=row["layers"],
            attention_heads=row["attention_heads"],
            kv_heads=row["kv_heads"],
            head_dim=row["head_dim"],
            context_tokens=row["context_tokens"],
            quantization=Quantization(row.get("published_as", Quantization.NONE)),
            embedding_parameters=row["embedding_parameters"],
        ),
        has_chat_template=row.get("has_chat_template", True),
        is_gated=row.get("is_gated", False),
    )
