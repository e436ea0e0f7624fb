"""How the lab's engines start, report, guard themselves and end."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.clock import LabClock
from lab.engine.faults import FaultName
from lab.engine.server import LabEngine, Launch
from tests.engines import KEY, MODEL, chat, client, running, tgi, until, vllm

BOTH = pytest.mark.parametrize("launch", [tgi(MODEL, API_KEY=KEY), vllm(MODEL, VLLM_API_KEY=KEY)], ids=["tgi", "vllm"])


async def values(http: httpx.AsyncClient) -> dict[str, float]:
    """Every number of `/metrics` that is no histogram's bucket, summed over labels."""
    text = (await http.get("/metrics")).text
    list(text_string_to_metric_families(text))  # Prometheus' own reader takes it; it renames counters without _total
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line and not line.startswith("#") and "_bucket{" not in line:
            series, _, value = line.rpartition(" ")
            name = series.partition("{")[0]
            found[name] = found.get(name, 0) + float(value)
    return found


@BOTH
async def test_the_port_is_closed_until_the_model_is_loaded(launch: Launch) -> None:
    clock = LabClock()
    engine = LabEngine(launch, clock=clock, loading_seconds=300)
    await engine.start()
    async with client(engine) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")
        assert not any("onnected" in line or "startup complete" in line for line in engine.log_lines)
        clock.jump(301)
        await asyncio.wait_for(engine.ready(), 5)
        health = await http.get("/health")
    assert (health.status_code, health.content) == (200, b"")
    assert "Connected" in engine.log_lines[-1] or "startup complete" in engine.log_lines[-1]
    await engine.stop()


@BOTH
async def test_a_slow_load_keeps_the_port_closed_longer(launch: Launch) -> None:
    clock = LabClock()
    engine = LabEngine(launch, clock=clock, loading_seconds=1)
    engine.faults.switch(FaultName.SLOW_LOAD, seconds=600.0)
    await engine.start()
    clock.jump(599)
    async with client(engine) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")
    clock.jump(2)
    await asyncio.wait_for(engine.ready(), 5)
    await engine.stop()


@BOTH
async def test_an_unhealthy_engine_says_503_until_it_is_well(launch: Launch) -> None:
    async with running(launch) as engine, client(engine, key=None) as http:
        engine.faults.switch(FaultName.UNHEALTHY)
        assert (await http.get("/health")).status_code == 503
        engine.faults.switch(FaultName.UNHEALTHY, on=False)
        assert (await http.get("/health")).status_code == 200


@BOTH
async def test_a_crash_breaks_streams_closes_the_port_and_a_restart_opens_it_again(launch: Launch) -> None:
    async with running(launch, tokens_per_second=1) as engine, client(engine) as http:
        async with http.stream("POST", "/v1/chat/completions", json=chat("hi", stream=True)) as response:
            engine.faults.switch(FaultName.CRASH)
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await response.aread()
        assert engine.crashed.is_set()
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")
        port = httpx.URL(engine.url).port
        assert port is not None
        await engine.start("127.0.0.1", port)
        await engine.ready()
        assert (await http.get("/health")).status_code == 200
        assert engine.running == 0


async def test_tgi_guards_exactly_the_routes_that_the_real_one_guards() -> None:
    async with running(tgi(MODEL, API_KEY=KEY)) as engine, client(engine, key=None) as http:
        for path in ("/health", "/ping", "/", "/info", "/metrics", "/v1/models"):
            assert (await http.get(path)).status_code == 200, path
        assert (await http.post("/chat_tokenize", json=chat("hi"))).status_code == 200
        for path in ("/", "/generate", "/generate_stream", "/v1/chat/completions", "/tokenize"):
            refused = await http.post(path, json={})
            assert (refused.status_code, refused.content) == (401, b""), path
        body = {"inputs": "x"}
        for header, status in (
            (f"Bearer {KEY}", 200),
            (f"bearer {KEY.upper()}", 200),
            (KEY, 401),
            ("Bearer another", 401),
        ):
            answer = await http.post("/generate", json=body, headers={"Authorization": header})
            assert answer.status_code == status, header


async def test_vllm_guards_only_v1() -> None:
    async with running(vllm(MODEL, VLLM_API_KEY=KEY)) as engine, client(engine, key=None) as http:
        for path in ("/health", "/ping", "/metrics", "/version"):
            assert (await http.get(path)).status_code == 200, path
        assert (await http.post("/tokenize", json={"prompt": "hi"})).status_code == 200
        refused = await http.get("/v1/models")
        assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
        wrong_case = await http.get("/v1/models", headers={"Authorization": f"Bearer {KEY.upper()}"})
        assert wrong_case.status_code == 401
        assert (await http.get("/v1/models", headers={"Authorization": f"Bearer {KEY}"})).status_code == 200


async def test_without_a_key_everything_is_open() -> None:
    async with running(tgi(MODEL)) as engine, client(engine, key=None) as http:
        assert (await http.post("/generate", json={"inputs": "x"})).status_code == 200


async def test_info_tells_the_limits() -> None:
    launch = tgi(MODEL, "--max-total-tokens", "2048", "--max-input-tokens", "1024")
    async with running(launch) as engine, client(engine) as http:
        info, models = (await http.get("/info")).json(), (await http.get("/v1/models")).json()
    assert (info["max_input_tokens"], info["max_total_tokens"], info["version"]) == (1024, 2048, "3.3.5")
    assert (info["max_concurrent_requests"], info["model_id"]) == (128, MODEL)
    assert models == {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}]}


async def test_vllm_tells_its_limit_with_its_models() -> None:
    launch = vllm(MODEL, "--max-model-len", "2048", "--served-model-name", "house model")
    async with running(launch) as engine, client(engine) as http:
        models = (await http.get("/v1/models")).json()["data"]
    assert [(model["id"], model["root"], model["max_model_len"]) for model in models] == [
        ("house", MODEL, 2048),
        ("model", MODEL, 2048),
    ]


async def test_tgis_metrics_appear_when_they_are_first_touched_and_count_chats_twice() -> None:
    async with running(tgi(MODEL, API_KEY=KEY)) as engine, client(engine) as http:
        assert set(await values(http)) == {"tgi_batch_max_total_tokens"}
        answer = await http.post("/v1/chat/completions", json=chat("hi", max_tokens=7))
        await http.post("/generate", json={"inputs": "x", "parameters": {"top_p": 1.0}})
        found = await values(http)
    assert answer.json()["usage"]["completion_tokens"] == 7
    assert found["tgi_request_count"] == 2
    assert (found["tgi_request_success"], found["tgi_request_failure"]) == (1, 1)
    assert (found["tgi_queue_size"], found["tgi_batch_current_size"]) == (0, 0)
    assert found["tgi_request_generated_tokens_sum"] == 7
    assert found["tgi_request_duration_count"] == 1


async def test_vllms_metrics_stand_at_zero_and_count_tokens() -> None:
    async with running(vllm(MODEL, VLLM_API_KEY=KEY)) as engine, client(engine) as http:
        before = await values(http)
        await http.post("/v1/chat/completions", json=chat("hi", max_tokens=7))
        after = await values(http)
    assert (before["vllm:generation_tokens_total"], after["vllm:generation_tokens_total"]) == (0, 7)
    assert (before["vllm:request_success_total"], after["vllm:request_success_total"]) == (0, 1)
    assert (after["vllm:num_requests_running"], after["vllm:num_requests_waiting"]) == (0, 0)
    assert after["vllm:time_to_first_token_seconds_count"] == 1


@BOTH
async def test_what_came_is_noted(launch: Launch) -> None:
    async with running(launch) as engine:
        async with client(engine) as http:
            await http.post("/v1/chat/completions", json=chat("secret?"))
        async with client(engine, key=None) as http:
            await http.get("/metrics")
    asked, measured = engine.requests
    assert (asked.method, asked.path, asked.has_key) == ("POST", "/v1/chat/completions", True)
    assert asked.body["messages"][0]["content"] == "secret?"
    assert (measured.path, measured.has_key, measured.body) == ("/metrics", False, None)


async def test_what_is_running_and_what_waits_shows_in_the_metrics() -> None:
    launch = vllm(MODEL, "--max-num-seqs", "1", VLLM_API_KEY=KEY)
    async with running(launch, tokens_per_second=0.001) as engine, client(engine) as http:
        body = chat("hi", stream=True)
        asking = [asyncio.create_task(http.post("/v1/chat/completions", json=body)) for _ in range(3)]
        await until(lambda: engine.waiting == 2)
        found = await values(http)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        await until(lambda: engine.running + engine.waiting == 0)
    assert (found["vllm:num_requests_running"], found["vllm:num_requests_waiting"]) == (1, 2)
    assert engine.dropped == 3
