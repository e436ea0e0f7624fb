"""What the Hub's API tells about a repository."""

from collections.abc import Sequence
from hashlib import md5, sha1, sha256
from typing import Any

from lab.hub.model import HubModel, Weights

PUBLISHED = "2025-01-15T09:30:00.000Z"
ALWAYS = ("_id", "id")
LISTED = (*ALWAYS, "modelId", "private", "likes", "downloads", "tags", "pipeline_tag", "library_name", "createdAt")
LISTED_IN_FULL = (*LISTED, "author", "sha", "lastModified", "gated", "disabled", "siblings")
DETAILS = (*LISTED_IN_FULL, "config", "safetensors", "usedStorage")
LFS_ABOVE = 10_000_000
"""Larger files are kept elsewhere; the repository holds a pointer."""


def fields(model: HubModel, names: Sequence[str], *, with_sizes: bool = False) -> dict[str, Any]:
    """Those of `names` that this repository has."""
    known = _fields(model, with_sizes=with_sizes)
    return {name: known[name] for name in dict.fromkeys(names) if name in known}


def _fields(model: HubModel, *, with_sizes: bool) -> dict[str, Any]:
    known: dict[str, Any] = {
        "_id": md5(model.id.encode(), usedforsecurity=False).hexdigest()[:24],
        "id": model.id,
        "modelId": model.id,
        "author": model.author,
        "sha": model.sha,
        "lastModified": PUBLISHED,
        "createdAt": PUBLISHED,
        "private": model.is_private,
        "gated": model.gated or False,
        "disabled": False,
        "likes": model.downloads // 1000,
        "downloads": model.downloads,
        "tags": model.tags,
        "pipeline_tag": model.pipeline_tag,
        "library_name": model.library,
        "siblings": [_sibling(model, name, size, with_sizes=with_sizes) for name, size in model.files.items()],
        "usedStorage": sum(model.files.values()),
    }
    if model.config is not None:
        known["config"] = _config(model)
        if model.weights is not Weights.BIN:
            known["safetensors"] = {"parameters": dict(model.parameters), "total": sum(model.parameters.values())}
    return known


def _config(model: HubModel) -> dict[str, Any]:
    """A small part of config.json, with the tokenizer's."""
    assert model.config is not None
    small = {name: model.config[name] for name in ("architectures", "model_type")}
    if model.quantization:
        small["quantization_config"] = {
            name: model.config["quantization_config"][name] for name in ("bits", "quant_method")
        }
    return small | {"tokenizer_config": model.tokenizer_config}


def _sibling(model: HubModel, name: str, size: int, *, with_sizes: bool) -> dict[str, Any]:
    if not with_sizes:
        return {"rfilename": name}
    content = f"{model.id}/{name}".encode()
    blob = {"rfilename": name, "blobId": sha1(content, usedforsecurity=False).hexdigest(), "size": size}
    if size > LFS_ABOVE:
        blob["lfs"] = {"sha256": sha256(content).hexdigest(), "size": size, "pointerSize": 135}
    return blob
