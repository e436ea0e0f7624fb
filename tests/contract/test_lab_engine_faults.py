"""What goes wrong with an engine when somebody asks for it."""

import asyncio

import httpx
import pytest

from lab.engine.faults import FaultName, engine_faults
from lab.engine.server import LabEngine, Launch
from lab.faults import Faults
from tests.engines import MODEL, chat, client, frames, running, tgi, until, vllm

BOTH = pytest.mark.parametrize("launch", [tgi(MODEL), vllm(MODEL)], ids=["tgi", "vllm"])
CHAT = "/v1/chat/completions"


async def test_tgi_says_in_its_stream_that_it_failed_after_a_few_tokens() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        engine.faults.switch(FaultName.ERROR_FRAME, after=2)
        generated = frames((await http.post("/generate_stream", json={"inputs": "hi"})).content)
        talked = frames((await http.post(CHAT, json=chat("hi", stream=True))).content)
        whole = await http.post(CHAT, json=chat("hi"))
    assert [event.get("index") for event in generated] == [1, 2, None]
    assert generated[-1]["error_type"] == "generation"
    assert talked[-2:] == [{"error": {"message": generated[-1]["error"], "http_status_code": 422}}, "[DONE]"]
    assert (whole.status_code, whole.json()) == (424, generated[-1])


async def test_vllm_says_in_its_stream_that_it_failed_after_a_few_tokens() -> None:
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        engine.faults.switch(FaultName.ERROR_FRAME, after=2)
        talked = frames((await http.post(CHAT, json=chat("hi", stream=True))).content)
        whole = await http.post(CHAT, json=chat("hi"))
    assert len(talked) == 5
    assert (talked[-2]["error"]["code"], talked[-1]) == (500, "[DONE]")
    assert (whole.status_code, whole.json()) == (500, talked[-2])


@BOTH
async def test_a_cut_stream_ends_without_an_end(launch: Launch) -> None:
    async with running(launch) as engine, client(engine) as http:
        engine.faults.switch(FaultName.CUT_STREAM, after=2)
        came = b""
        async with http.stream("POST", CHAT, json=chat("hi", stream=True)) as response:
            with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012 what came before counts
                async for chunk in response.aiter_raw():
                    came += chunk
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(CHAT, json=chat("hi"))
        assert engine.running == 0
    assert came.count(b'"content":"') == (2 if launch == tgi(MODEL) else 3)
    assert b"[DONE]" not in came


@BOTH
async def test_a_stalled_stream_stays_open_and_goes_on_later(launch: Launch) -> None:
    async with running(launch) as engine, client(engine) as http:
        engine.faults.switch(FaultName.STALL, after=1, seconds=600.0)
        asking = asyncio.create_task(http.post(CHAT, json=chat("hi", stream=True)))
        await until(lambda: engine.running == 1)
        engine.clock.jump(590)
        assert not asking.done()
        engine.clock.jump(11)
        assert frames((await asyncio.wait_for(asking, 5)).content)[-1] == "[DONE]"


async def test_a_stalled_engine_sends_no_comments_either() -> None:
    async with running(tgi(MODEL)) as engine, client(engine) as http:
        engine.faults.switch(FaultName.STALL, after=0, seconds=600.0)
        async with http.stream("POST", CHAT, json=chat("hi", stream=True)) as response:
            first = asyncio.ensure_future(anext(response.aiter_raw()))
            await until(lambda: engine.running == 1)
            for _ in range(4):
                engine.clock.jump(16)
                await http.get("/health")  # in the meantime it would have sent one
            engine.clock.jump(600)
            assert (await asyncio.wait_for(first, 5)).startswith(b"data: ")


@BOTH
async def test_characters_are_cut_between_chunks_and_whole_in_the_end(launch: Launch) -> None:
    async with running(launch) as engine, client(engine) as http:
        engine.faults.switch(FaultName.SPLIT_UTF8)
        async with http.stream("POST", CHAT, json=chat("hi", stream=True)) as response:
            chunks = [chunk async for chunk in response.aiter_raw()]
    contents = [event["choices"][0]["delta"]["content"] for event in frames(b"".join(chunks))[:-1]]
    assert "".join(contents).startswith("Žluťoučký kůň 語 🦙 Happy")
    with pytest.raises(UnicodeDecodeError):
        [chunk.decode() for chunk in chunks]


@BOTH
async def test_a_line_separator_comes_as_it_is_inside_a_frame(launch: Launch) -> None:
    async with running(launch) as engine, client(engine) as http:
        engine.faults.switch(FaultName.LINE_SEPARATOR)
        answer = await http.post(CHAT, json=chat("hi", stream=True))
    assert "\u2028".encode() in answer.content
    contents = [event["choices"][0]["delta"]["content"] for event in frames(answer.content)[:-1]]
    assert "".join(contents).startswith("One line\u2028another line. Happy")


@BOTH
async def test_an_overloaded_engine_refuses_all(launch: Launch) -> None:
    async with running(launch) as engine, client(engine) as http:
        engine.faults.switch(FaultName.OVERLOADED)
        assert (await http.post(CHAT, json=chat("hi"))).status_code in (429, 503)
        engine.faults.switch(FaultName.OVERLOADED, on=False)
        assert (await http.post(CHAT, json=chat("hi"))).status_code == 200


async def test_engines_can_share_their_faults() -> None:
    engines: list[LabEngine] = []

    def crash() -> None:
        for engine in engines:
            engine.crash()

    shared = Faults()
    shared.add(*engine_faults(crash))
    engines += [LabEngine(launch, loading_seconds=0, faults=shared) for launch in (tgi(MODEL), vllm(MODEL))]
    for engine in engines:
        await engine.start()
    shared.switch(FaultName.CRASH)
    assert all(engine.crashed.is_set() for engine in engines)
    for engine in engines:
        await engine.stop()
