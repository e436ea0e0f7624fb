"""What an engine writes to its container's log while it starts: which lines, and when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.engine import tgi_launcher, vllm_launcher
from lab.engine.launch import Flavour, Launch

LAUNCHER = "text_generation_launcher"
ROUTER = "text_generation_router"


@dataclass(frozen=True, slots=True)
class Line:
    at: float
    """When, as a share of the whole loading time."""
    text: str
    target: str = LAUNCHER
    """The part of the program that writes it."""


def start_lines(launch: Launch) -> list[Line]:
    """In the order of their times."""
    return _tgi(launch) if launch.flavour is Flavour.TGI else _vllm(launch)


def written(line: Line, launch: Launch, now: datetime) -> str:
    """The line as the log holds it."""
    if launch.flavour is Flavour.VLLM:
        return f"INFO {now:%m-%d %H:%M:%S} [{line.target}] {line.text}"
    time = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if not launch.settings.json_output:
        return f"\x1b[2m{time}\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2m{line.target}\x1b[0m\x1b[2m:\x1b[0m {line.text}"
    if line.target == LAUNCHER:
        shown = {"timestamp": time, "level": "INFO", "fields": {"message": line.text}, "target": line.target}
    else:  # the router's own logger has its message at the top
        place = {"filename": "backends/v3/src/main.rs", "line_number": 213}
        shown = {"timestamp": time, "level": "INFO", "message": line.text, "target": line.target} | place
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _tgi(launch: Launch) -> list[Line]:
    settings, model = launch.settings, launch.settings.model
    files = list(model.weight_files)
    downloads: list[Line] = []
    for number, name in enumerate(files, start=1):
        at = 0.1 + 0.4 * number / len(files)
        left = f"0:00:{len(files) - number:02}"
        downloads.append(Line(at, f"Downloaded /data/hub/{name} in 0:00:01."))
        downloads.append(Line(at, f"Download: [{number}/{len(files)}] -- ETA: {left}"))
    return [
        Line(0.0, tgi_launcher.arguments_line(settings.given)),
        Line(0.05, f"Starting check and download process for {model.id}"),
        Line(0.1, f"Download file: {files[0]}"),
        *downloads,
        Line(0.52, f"Successfully downloaded weights for {model.id}"),
        *(Line(0.55, "Starting shard") for _ in range(settings.num_shard)),
        Line(0.65, "Waiting for shard to be ready..."),
        *(Line(0.8, "Shard ready in 1.5s") for _ in range(settings.num_shard)),
        Line(0.82, "Starting Webserver"),
        Line(0.85, "Warming up model", ROUTER),
        Line(0.95, f"Setting max batch total tokens to {settings.max_batch_total_tokens}", ROUTER),
        Line(0.96, "Using backend V3", ROUTER),
        Line(1.0, "Connected", ROUTER),
    ]


def _vllm(launch: Launch) -> list[Line]:
    settings, model = launch.settings, launch.settings.model
    shards = _progress(list(model.weight_files))
    return [
        Line(0.0, f"vLLM API server version {launch.version}", "api_server.py:1839"),
        Line(0.0, vllm_launcher.arguments_line(settings.given), "utils.py:233"),
        Line(0.05, f"Using max model len {settings.max_total_tokens}", "model.py:1510"),
        Line(0.1, f"Starting to load model {model.id}...", "gpu_model_runner.py:2602"),
        *(Line(0.2 + 0.5 * share, text, "weight_utils.py:392") for share, text in shards),
        Line(0.75, f"Model loading took {model.weights_bytes / 2**30:.4f} GiB", "gpu_model_runner.py:2653"),
        Line(0.85, f"GPU KV cache size: {settings.max_batch_total_tokens:,} tokens", "kv_cache_utils.py:1087"),
        Line(0.95, "Graph capturing finished in 2 secs", "gpu_model_runner.py:3480"),
        Line(0.98, f"Starting vLLM API server 0 on http://0.0.0.0:{settings.port}", "api_server.py:1912"),
        Line(1.0, "Application startup complete.", "on.py:62"),
    ]


def _progress(files: Sequence[str]) -> list[tuple[float, str]]:
    total = len(files)
    return [
        (done / total, f"Loading safetensors checkpoint shards: {100 * done // total:3}% Completed | {done}/{total}")
        for done in range(total + 1)
    ]
