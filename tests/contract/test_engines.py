"""Both engines against the lab's, which refuse what the real ones refuse."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from core.catalog.model import Architecture, Dtype, EngineKind, EngineOptions, Model, Quantization
from core.errors import InvalidInputError
from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint, Launch
from core.talk.model import EngineInfo
from core.watch.model import EngineLook
from lab.engine.launch import Launch as LabLaunch
from lab.engine.server import LabEngine
from providers.engines import container
from providers.engines.container import ContainerEngine
from providers.engines.registry import InstalledEngines
from providers.pinned import authorization, pinned_client
from tests.profiles import cases

KEY = "the-key-of-this-server"
MODEL = "Qwen/Qwen2.5-7B-Instruct"
PACKED = "Qwen/Qwen2.5-7B-Instruct-AWQ"
HEADS, KV_HEADS = 28, 4

TGI = InstalledEngines().of(EngineKind.TGI)
VLLM = InstalledEngines().of(EngineKind.VLLM)


@dataclass(frozen=True, slots=True)
class Running:
    engine: ContainerEngine
    lab: LabEngine

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(url=self.lab.url, key=KEY, fingerprint=None)


@pytest.fixture(params=list(EngineKind))
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    return InstalledEngines().of(request.param)


@pytest.fixture
async def running(engine: ContainerEngine) -> AsyncIterator[Running]:
    async with running_with(engine, EngineOptions()) as running:
        yield running


@asynccontextmanager
async def running_with(engine: ContainerEngine, options: EngineOptions) -> AsyncIterator[Running]:
    lab = LabEngine(lab_launch(engine, options), loading_seconds=0, tokens_per_second=1000)
    await lab.start()
    await lab.ready()
    yield Running(engine, lab)
    await lab.stop()


def lab_launch(engine: ContainerEngine, options: EngineOptions, *, gpu_count: int = 1, model: str = MODEL) -> LabLaunch:
    launch = Launch(engine=engine.kind, model=model, revision="main", options=options, gpu_count=gpu_count)
    environment = {**engine.container.environment, engine.container.key_variable: KEY}
    return LabLaunch.from_docker(engine.image, engine.arguments(launch), environment)


def model(*, packed: Quantization = Quantization.NONE) -> Model:
    return Model(
        id=PACKED if packed is not Quantization.NONE else MODEL,
        label="Qwen2.5 7B",
        engines=(EngineKind.VLLM, EngineKind.TGI),
        quantizations=tuple(Quantization),
        parameters=7_615_616_512,
        weights_bytes=15_231_233_024,
        architecture=Architecture(
            layers=28,
            attention_heads=HEADS,
            kv_heads=KV_HEADS,
            head_dim=128,
            context_tokens=32_768,
            quantization=packed,
        ),
    )


async def test_is_healthy_once_it_has_loaded(engine: ContainerEngine) -> None:
    lab = LabEngine(lab_launch(engine, EngineOptions()), loading_seconds=60)
    await lab.start()
    loading = Running(engine, lab)
    assert not await engine.is_healthy(loading.endpoint)
    lab.clock.jump(60)
    await lab.ready()
    assert await engine.is_healthy(loading.endpoint)
    await lab.stop()
    assert not await engine.is_healthy(loading.endpoint)


async def test_is_not_healthy_when_it_says_so(running: Running) -> None:
    running.lab.faults.switch("engine: unhealthy")
    assert not await running.engine.is_healthy(running.endpoint)


async def test_asks_for_health_without_the_key(running: Running) -> None:
    await running.engine.is_healthy(running.endpoint)
    assert [(request.path, request.has_key) for request in running.lab.requests] == [("/health", False)]


async def test_tells_what_it_serves() -> None:
    options = EngineOptions(max_total_tokens=4096, max_concurrent_requests=7)
    async with running_with(TGI, replace(options, max_input_tokens=4000)) as tgi:
        assert await tgi.engine.info(tgi.endpoint) == EngineInfo(
            model=MODEL,
            version="3.3.5",
            max_input_tokens=4000,
            max_total_tokens=4096,
            max_concurrent_requests=7,
            max_stop_sequences=4,
        )
    async with running_with(VLLM, options) as vllm:
        assert await vllm.engine.info(vllm.endpoint) == EngineInfo(
            model=MODEL,
            version="0.11.0",
            max_input_tokens=None,
            max_total_tokens=4096,
            max_concurrent_requests=None,
            max_stop_sequences=None,
        )


async def test_a_look_tells_what_it_serves_and_did(running: Running) -> None:
    before = await running.engine.look(running.endpoint)
    assert before == EngineLook(model=MODEL, queued=0, running=0, prompt_tokens=0, generated_tokens=0, requests_done=0)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}
    async with pinned_client(running.endpoint) as client:
        answer = await client.post("/v1/chat/completions", json=body, headers=authorization(KEY))
    usage = answer.json()["usage"]
    after = await running.engine.look(running.endpoint)
    assert (after.prompt_tokens, after.generated_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert (after.requests_done, after.running) == (1, 0)


async def test_a_look_shows_the_key_to_a_healthy_engine_only(running: Running) -> None:
    running.lab.faults.switch("engine: unhealthy")
    with pytest.raises(EngineUnreachableError):
        await running.engine.look(running.endpoint)
    assert [(request.path, request.has_key) for request in running.lab.requests] == [("/health", False)]


async def test_a_look_meets_a_stranger_where_the_key_is_not_taken(engine: ContainerEngine) -> None:
    async with listening(_refuse_the_key) as endpoint:
        with pytest.raises(IdentityError):
            await engine.look(endpoint)


async def test_a_look_takes_one_connection(engine: ContainerEngine) -> None:
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with listening(answer) as endpoint:
        assert (await engine.look(endpoint)).model == ""
    assert connections == 1


async def test_a_look_ends_soon_where_nothing_is_said(engine: ContainerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "LOOK_SECONDS", 0.1)
    async with listening(_say_nothing) as endpoint, asyncio.timeout(5):
        with pytest.raises(EngineUnreachableError):
            await engine.look(endpoint)


async def test_is_unreachable_when_it_is_away(engine: ContainerEngine) -> None:
    away = Endpoint(url="http://127.0.0.1:1", key=KEY, fingerprint=None)
    with pytest.raises(EngineUnreachableError):
        await engine.info(away)
    with pytest.raises(EngineUnreachableError):
        await engine.look(away)


async def test_is_unreachable_when_something_else_answers(engine: ContainerEngine) -> None:
    async with asyncio.timeout(10), listening(_say_hello) as endpoint:
        with pytest.raises(EngineUnreachableError):
            await engine.info(endpoint)
        with pytest.raises(EngineUnreachableError):
            await engine.look(endpoint)


class TestArguments:
    def test_of_tgi(self) -> None:
        options = EngineOptions(
            quantization=Quantization.BITSANDBYTES_NF4,
            dtype=Dtype.FLOAT16,
            max_input_tokens=1000,
            max_total_tokens=2000,
            max_concurrent_requests=64,
            max_best_of=3,
            max_stop_sequences=6,
            max_batch_prefill_tokens=1500,
            kv_cache_dtype="fp8_e5m2",
            num_shard=2,
            weights_cache_override="/data/own",
            trust_remote_code=True,
        )
        settings = lab_launch(TGI, options, gpu_count=4).settings
        given = {name: value for name, value in settings.given.items() if value is not None}
        assert settings.num_shard == 2
        assert (
            given
            | {
                "model_id": MODEL,
                "revision": "main",
                "quantize": "bitsandbytes-nf4",
                "dtype": "float16",
                "max_input_tokens": 1000,
                "max_total_tokens": 2000,
                "max_concurrent_requests": 64,
                "max_best_of": 3,
                "max_stop_sequences": 6,
                "max_batch_prefill_tokens": 1500,
                "kv_cache_dtype": "fp8_e5m2",
                "weights_cache_override": "/data/own",
                "trust_remote_code": True,
                "usage_stats": "off",
                "json_output": True,
                "api_key": KEY,
            }
            == given
        )

    def test_of_vllm(self) -> None:
        options = EngineOptions(
            quantization=Quantization.BITSANDBYTES_NF4,
            dtype=Dtype.BFLOAT16,
            max_total_tokens=2000,
            max_concurrent_requests=64,
            max_batch_prefill_tokens=1500,
            kv_cache_dtype="fp8",
            trust_remote_code=True,
        )
        settings = lab_launch(VLLM, options, gpu_count=4).settings
        assert settings.api_key == KEY
        given = {name: value for name, value in settings.given.items() if value is not None}
        assert (
            given
            | {
                "model": MODEL,
                "revision": "main",
                "quantization": "bitsandbytes",
                "dtype": "bfloat16",
                "max_model_len": 2000,
                "max_num_seqs": 64,
                "max_num_batched_tokens": 1500,
                "kv_cache_dtype": "fp8",
                "tensor_parallel_size": 4,
                "trust_remote_code": True,
            }
            == given
        )

    def test_show_no_key(self, engine: ContainerEngine) -> None:
        launch = Launch(engine=engine.kind, model=MODEL, revision=None, options=EngineOptions(), gpu_count=1)
        assert not any("key" in word for word in engine.arguments(launch))

    @pytest.mark.parametrize("word", ["a b", "a\nb", "a*", "[ab]"])
    def test_of_tgi_hold_nothing_that_its_image_would_cut_up(self, word: str) -> None:
        launch = Launch(engine=EngineKind.TGI, model=word, revision=None, options=EngineOptions(), gpu_count=1)
        with pytest.raises(InvalidInputError):
            TGI.arguments(launch)


class TestCheck:
    @pytest.mark.parametrize(
        ("field", "options"),
        [
            ("max_input_tokens", EngineOptions(max_input_tokens=2000, max_total_tokens=2000)),
            ("max_input_tokens", EngineOptions(max_input_tokens=32_768)),
            ("max_input_tokens", EngineOptions(max_input_tokens=0)),
            ("max_total_tokens", EngineOptions(max_total_tokens=32_769)),
            ("max_batch_prefill_tokens", EngineOptions(max_input_tokens=2000, max_batch_prefill_tokens=1999)),
            ("max_concurrent_requests", EngineOptions(max_concurrent_requests=0)),
            ("max_best_of", EngineOptions(max_best_of=2**31)),
            ("dtype", EngineOptions(dtype=Dtype.FLOAT16, quantization=Quantization.FP8)),
            ("quantization", EngineOptions(quantization=Quantization.AWQ)),
            ("num_shard", EngineOptions(num_shard=5)),
            ("num_shard", EngineOptions(num_shard=3)),
            ("num_shard", EngineOptions(num_shard=-1)),
            ("kv_cache_dtype", EngineOptions(kv_cache_dtype="fp8")),
            ("weights_cache_override", EngineOptions(weights_cache_override="/etc/x")),
            ("weights_cache_override", EngineOptions(weights_cache_override="/data/a b")),
            ("weights_cache_override", EngineOptions(weights_cache_override="/data/../etc")),
        ],
    )
    def test_tgi_refuses_on_the_very_field(self, field: str, options: EngineOptions) -> None:
        with pytest.raises(InvalidInputError) as caught:
            TGI.check(options, model(), gpu_count=4)
        assert caught.value.field == field

    @pytest.mark.parametrize(
        ("field", "options"),
        [
            ("max_total_tokens", EngineOptions(max_total_tokens=32_769)),
            ("max_input_tokens", EngineOptions(max_input_tokens=100)),
            ("max_best_of", EngineOptions(max_best_of=2)),
            ("max_stop_sequences", EngineOptions(max_stop_sequences=2)),
            ("weights_cache_override", EngineOptions(weights_cache_override="/data")),
            ("max_batch_prefill_tokens", EngineOptions(max_batch_prefill_tokens=99, max_concurrent_requests=100)),
            ("max_batch_prefill_tokens", EngineOptions(max_batch_prefill_tokens=255)),
            ("quantization", EngineOptions(quantization=Quantization.EETQ)),
            ("quantization", EngineOptions(quantization=Quantization.GPTQ)),
            ("num_shard", EngineOptions(num_shard=3)),
            ("kv_cache_dtype", EngineOptions(kv_cache_dtype="fp8_e4m3fn")),
        ],
    )
    def test_vllm_refuses_on_the_very_field(self, field: str, options: EngineOptions) -> None:
        with pytest.raises(InvalidInputError) as caught:
            VLLM.check(options, model(), gpu_count=4)
        assert caught.value.field == field

    def test_refuses_a_model_of_another_engine(self, engine: ContainerEngine) -> None:
        with pytest.raises(InvalidInputError) as caught:
            engine.check(EngineOptions(), replace(model(), engines=()), gpu_count=1)
        assert caught.value.field == "engine"

    @pytest.mark.parametrize("name", ["", "model", "a/b/c", "--trust/x", "a/b c", "a/$(b)", "a/b\n"])
    def test_refuses_what_is_no_name_of_a_model(self, engine: ContainerEngine, name: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            engine.check(EngineOptions(), replace(model(), id=name), gpu_count=1)
        assert caught.value.field == "model"

    def test_lets_packed_weights_be_as_they_are(self, engine: ContainerEngine) -> None:
        for quantization in (Quantization.NONE, Quantization.AWQ):
            engine.check(EngineOptions(quantization=quantization), model(packed=Quantization.AWQ), gpu_count=1)
        with pytest.raises(InvalidInputError):
            engine.check(EngineOptions(quantization=Quantization.FP8), model(packed=Quantization.AWQ), gpu_count=1)

    def test_lets_bitsandbytes_have_a_data_type(self) -> None:
        for quantization in (Quantization.BITSANDBYTES, Quantization.BITSANDBYTES_NF4):
            TGI.check(EngineOptions(quantization=quantization, dtype=Dtype.BFLOAT16), model(), gpu_count=1)

    def test_takes_a_model_of_which_little_is_known(self, engine: ContainerEngine) -> None:
        engine.check(EngineOptions(max_total_tokens=10**6), replace(model(), architecture=None), gpu_count=1)

    @settings(**cases(short=200, long=5000))
    @given(
        kind=st.sampled_from(EngineKind),
        packed=st.sampled_from([Quantization.NONE, Quantization.AWQ]),
        gpu_count=st.sampled_from([1, 2, 4, 8]),
        options=st.builds(
            EngineOptions,
            quantization=st.just(Quantization.NONE) | st.sampled_from(Quantization),
            dtype=st.none() | st.none() | st.sampled_from(Dtype),
            max_input_tokens=(tokens := st.none() | st.none() | st.sampled_from([1, 100, 4095, 4096, 32_767, 32_768])),
            max_total_tokens=tokens,
            max_batch_prefill_tokens=tokens,
            max_concurrent_requests=(few := st.none() | st.none() | st.sampled_from([0, 1, 2, 300])),
            max_best_of=few,
            max_stop_sequences=few,
            num_shard=st.none() | st.sampled_from([0, 1, 2, 4, 8]),
            kv_cache_dtype=st.none() | st.sampled_from(["fp8", "fp8_e4m3fn", "fp8_e5m2"]),
            weights_cache_override=st.none() | st.just("/data/x"),
            trust_remote_code=st.booleans(),
        ),
    )
    def test_what_it_lets_pass_the_engine_takes(
        self, *, kind: EngineKind, packed: Quantization, gpu_count: int, options: EngineOptions
    ) -> None:
        engine = InstalledEngines().of(kind)
        chosen = model(packed=packed)
        try:
            engine.check(options, chosen, gpu_count=gpu_count)
        except InvalidInputError as error:
            refused = error.field
        else:
            refused = None
            lab_launch(engine, options, gpu_count=gpu_count, model=chosen.id)
        event("taken" if refused is None else "refused")
        assert refused is None or hasattr(options, refused)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[Endpoint]:
    """Closes each connection when it is answered, and ends when all are."""
    answering: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.create_task(answer(reader, writer)))
        await asyncio.wait(answering)
        writer.close()

    listener = await asyncio.start_server(take, "127.0.0.1", 0)
    async with listener:
        yield Endpoint(url=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", key=KEY, fingerprint=None)
        await asyncio.wait(answering)
        await asyncio.sleep(0)


async def _say_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    await writer.drain()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await reader.read()


async def _refuse_the_key(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As the front does it."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            status = b"200 OK" if request.startswith(b"GET /health ") else b"401 Unauthorized"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
