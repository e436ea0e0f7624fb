"""What engines count, under their own names."""

from dataclasses import dataclass
from typing import Protocol

from lab.engine.metrics import Metrics
from lab.engine.slots import Slots
from lab.engine.tokens import Finish

VLLM_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


@dataclass(slots=True, kw_only=True)
class Run:
    """One request's times, in seconds on the lab's clock, and sizes, in tokens."""

    asked_at: float
    prompt_tokens: int
    most: int
    started_at: float | None = None
    first_token_at: float | None = None
    ended_at: float | None = None
    generated: int = 0
    finish: Finish | None = None

    @property
    def total(self) -> float:
        return (self.ended_at or self.asked_at) - self.asked_at

    @property
    def queued(self) -> float:
        return (self.started_at or self.asked_at) - self.asked_at

    @property
    def inference(self) -> float:
        return self.total - self.queued

    @property
    def per_token(self) -> float:
        return self.inference / max(1, self.generated)


class Meter(Protocol):
    def requested(self) -> None: ...

    def failed(self, reason: str) -> None:
        """`reason` in TGI's words: overloaded, validation, generation, dropped, template."""
        ...

    def succeeded(self, run: Run) -> None: ...

    def text(self) -> str:
        """The body of `/metrics`."""
        ...


class TgiMeter:
    """A metric is absent until it is first touched."""

    def __init__(self, slots: Slots, *, max_total_tokens: int, max_batch_total_tokens: int) -> None:
        self._slots = slots
        self._metrics = Metrics()
        self._lengths = [max_total_tokens * step / 100 for step in range(1, 101)]
        self._most = max_total_tokens
        self._metrics.gauge("tgi_batch_max_total_tokens", max_batch_total_tokens)
        self._was_asked = False

    def requested(self) -> None:
        self._was_asked = True
        self._metrics.count("tgi_request_count")

    def failed(self, reason: str) -> None:
        self._metrics.count("tgi_request_failure", err=reason)

    def succeeded(self, run: Run) -> None:
        metrics = self._metrics
        metrics.count("tgi_request_success")
        metrics.observe("tgi_request_duration", run.total)
        metrics.observe("tgi_request_validation_duration", 0.0002)
        metrics.observe("tgi_request_queue_duration", run.queued)
        metrics.observe("tgi_request_inference_duration", run.inference)
        metrics.observe("tgi_request_mean_time_per_token_duration", run.per_token)
        metrics.observe("tgi_request_input_length", run.prompt_tokens, self._lengths)
        metrics.observe("tgi_request_max_new_tokens", run.most, self._lengths)
        metrics.observe("tgi_request_generated_tokens", run.generated, self._lengths)
        for method, times in (("prefill", 1), ("decode", run.generated - 1)):
            metrics.count("tgi_batch_inference_count", times, method=method)
            metrics.observe("tgi_batch_forward_duration", run.per_token, method=method)

    def text(self) -> str:
        if self._was_asked:
            running = self._slots.running
            self._metrics.gauge("tgi_queue_size", self._slots.waiting)
            self._metrics.gauge("tgi_batch_current_size", running)
            self._metrics.gauge("tgi_batch_current_max_tokens", running * self._most)
        return self._metrics.text()


class VllmMeter:
    """Counters stand at zero from the start."""

    REASONS = ("stop", "length", "abort", "error")

    def __init__(self, slots: Slots, *, model_name: str) -> None:
        self._slots = slots
        self._metrics = Metrics({"engine": "0", "model_name": model_name})
        self._metrics.count("vllm:prompt_tokens_total", 0)
        self._metrics.count("vllm:generation_tokens_total", 0)
        for reason in self.REASONS:
            self._metrics.count("vllm:request_success_total", 0, finished_reason=reason)

    def requested(self) -> None:
        """vLLM counts requests when they end."""

    def failed(self, reason: str) -> None:
        if reason in ("dropped", "generation"):
            ended = "abort" if reason == "dropped" else "error"
            self._metrics.count("vllm:request_success_total", finished_reason=ended)

    def succeeded(self, run: Run) -> None:
        metrics = self._metrics
        reason = "length" if run.finish is Finish.LENGTH else "stop"
        metrics.count("vllm:request_success_total", finished_reason=reason)
        metrics.count("vllm:prompt_tokens_total", run.prompt_tokens)
        metrics.count("vllm:generation_tokens_total", run.generated)
        first = (run.first_token_at or run.asked_at) - run.asked_at
        metrics.observe("vllm:time_to_first_token_seconds", first, VLLM_SECONDS)
        metrics.observe("vllm:inter_token_latency_seconds", run.per_token, VLLM_SECONDS)
        metrics.observe("vllm:e2e_request_latency_seconds", run.total, VLLM_SECONDS)
        metrics.observe("vllm:request_queue_time_seconds", run.queued, VLLM_SECONDS)

    def text(self) -> str:
        self._metrics.gauge("vllm:num_requests_running", self._slots.running)
        self._metrics.gauge("vllm:num_requests_waiting", self._slots.waiting)
        self._metrics.gauge("vllm:kv_cache_usage_perc", min(1.0, self._slots.running / 100))
        return self._metrics.text()
