"""What Prime reads from the Hub, against the lab's Hub and a few rude ones."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from aiohttp import web

from core.catalog.defaults import models, serving_engines
from core.catalog.model import EngineKind, Model, Quantization
from core.catalog.published import parse_model
from core.errors import InvalidInputError, NotFoundError, UnavailableError
from lab.hub.model import HubModel
from lab.hub.server import HubLab
from providers.hub import MOST_PAGES, PAGE, HuggingFace
from tests.serving import served

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OPEN = "Qwen/Qwen2.5-7B-Instruct"
GATED = "meta-llama/Llama-3.1-8B-Instruct"


class NoWaiting:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        pass


@pytest.fixture
async def lab() -> AsyncIterator[HubLab]:
    lab = HubLab()
    await lab.start()
    yield lab
    await lab.stop()


@asynccontextmanager
async def opened(url: str, *, token: str | None = None, organisation: str | None = None) -> AsyncIterator[HuggingFace]:
    hub = HuggingFace(api_url=url, token=token, organisation=organisation, clock=NoWaiting())
    try:
        yield hub
    finally:
        await hub.aclose()


@pytest.fixture
async def stranger(lab: HubLab) -> AsyncIterator[HuggingFace]:
    async with opened(lab.url) as hub:
        yield hub


@pytest.fixture
async def member(lab: HubLab) -> AsyncIterator[HuggingFace]:
    async with opened(lab.url, token=lab.token, organisation=lab.org) as hub:
        yield hub


async def read(hub: HuggingFace, model_id: str) -> Model:
    return parse_model(await hub.model(model_id), serving=serving_engines(), now=NOW)


# --- models -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", models(), ids=lambda row: row.id)
async def test_the_file_says_of_each_model_what_the_hub_says(member: HuggingFace, row: Model) -> None:
    told = await read(member, row.id)

    assert told.architecture == row.architecture
    assert told.weights_bytes is not None
    assert row.weights_bytes is not None
    assert told.weights_bytes == pytest.approx(row.weights_bytes, rel=0.001)
    if told.parameters is not None:
        assert told.parameters == row.parameters
    assert set(told.engines) == set(row.engines)
    assert told.engines[0] is row.engines[0]
    assert set(row.quantizations) <= set(told.quantizations)
    assert (told.is_gated, told.has_chat_template) == (row.is_gated, row.has_chat_template)


async def test_a_model_is_pinned_to_the_revision_that_was_described(member: HuggingFace, lab: HubLab) -> None:
    told = await read(member, OPEN)

    assert told.revision == lab.models[OPEN.lower()].sha
    assert told.checked_at == NOW


async def test_without_a_token_no_authorization_is_sent(stranger: HuggingFace, lab: HubLab) -> None:
    await stranger.model(OPEN)

    assert lab.requests
    assert not any(request.has_token for request in lab.requests)


async def test_only_one_copy_of_the_weights_counts(stranger: HuggingFace) -> None:
    told = await read(stranger, "lab-samples/all-formats-1b")

    assert told.weights_bytes == pytest.approx(1_235_814_400 * 2, rel=0.001)
    assert not told.needs_conversion


async def test_bin_files_count_where_there_are_no_others(stranger: HuggingFace) -> None:
    told = await read(stranger, "lmsys/vicuna-7b-v1.5")

    assert told.weights_bytes == pytest.approx(6_738_415_616 * 2, rel=0.001)
    assert told.parameters == pytest.approx(6_738_415_616, rel=0.001)
    assert told.needs_conversion
    assert not told.has_chat_template


@pytest.mark.parametrize(("ending", "packing"), [("AWQ", Quantization.AWQ), ("GPTQ-Int4", Quantization.GPTQ)])
async def test_packed_weights_are_seen(stranger: HuggingFace, ending: str, packing: Quantization) -> None:
    told = await read(stranger, f"{OPEN}-{ending}")

    assert told.architecture is not None
    assert told.architecture.quantization is packing
    assert told.quantizations == (packing,)
    assert told.parameters is None, "packed integers are no parameters"
    assert told.weights_bytes == pytest.approx(5_570_000_000, rel=0.01)


async def test_the_numbers_of_a_multimodal_model_are_those_of_its_text_part(lab: HubLab) -> None:
    lab.accepted.add("google")
    async with opened(lab.url, token=lab.token) as hub:
        told = await read(hub, "google/gemma-3-4b-it")

    assert told.architecture is not None
    assert (told.architecture.layers, told.architecture.kv_heads, told.architecture.head_dim) == (34, 4, 256)
    assert EngineKind.TGI in told.engines


async def test_a_gated_model_needs_a_token_that_was_let_in(
    stranger: HuggingFace, member: HuggingFace, lab: HubLab
) -> None:
    with pytest.raises(InvalidInputError, match="set HF_TOKEN") as refused:
        await stranger.model(GATED)
    assert refused.value.field == "model"
    with pytest.raises(InvalidInputError, match="has to be accepted on Hugging Face by the holder of HF_TOKEN"):
        await member.model("google/gemma-3-4b-it")
    assert (await read(member, GATED)).is_gated


async def test_a_private_model_is_there_for_its_organisation_alone(
    stranger: HuggingFace, member: HuggingFace, lab: HubLab
) -> None:
    private = f"{lab.org}/support-llama-8b"
    assert (await read(member, private)).is_private
    with pytest.raises(NotFoundError, match="private"):
        await stranger.model(private)


async def test_a_missing_model_is_not_found(stranger: HuggingFace, member: HuggingFace) -> None:
    for hub in (stranger, member):
        with pytest.raises(NotFoundError, match="no such model"):
            await hub.model("nobody/nothing")


async def test_what_does_not_write_text_is_refused(stranger: HuggingFace) -> None:
    with pytest.raises(InvalidInputError, match="does not write text"):
        await read(stranger, "stabilityai/stable-diffusion-xl-base-1.0")


async def test_a_wrong_token_is_told_apart_from_a_missing_model(lab: HubLab) -> None:
    async with opened(lab.url, token="hf_other") as hub:
        with pytest.raises(UnavailableError, match="does not take HF_TOKEN"):
            await hub.model(OPEN)


@pytest.mark.parametrize("fault", ["hub: down", "hub: 429s"])
async def test_a_hub_that_is_away_or_asks_to_wait_is_unavailable(
    stranger: HuggingFace, member: HuggingFace, lab: HubLab, fault: str
) -> None:
    lab.faults.switch(fault)
    with pytest.raises(UnavailableError):
        await stranger.model(OPEN)
    with pytest.raises(UnavailableError):
        await member.organisation_models()


async def test_a_hub_that_asks_to_wait_is_not_asked_again_meanwhile(stranger: HuggingFace, lab: HubLab) -> None:
    lab.faults.switch("hub: 429s")
    with pytest.raises(UnavailableError):
        await stranger.model(OPEN)
    assert len(lab.requests) == 1


@pytest.mark.parametrize("model_id", ["gpt2", "../../etc/passwd", "a/b/c", "a/..", "a/b?x=1", "a/b%2f", "a/b\n", "ä/b"])
async def test_an_id_that_would_bend_the_path_is_never_asked_for(
    stranger: HuggingFace, lab: HubLab, model_id: str
) -> None:
    if model_id != "a/b\n":  # white space around an id is forgiven
        with pytest.raises(InvalidInputError):
            await stranger.model(model_id)
        assert lab.requests == []


# --- the organisation's -----------------------------------------------------------------------------


async def test_the_organisations_models_are_listed_with_the_private_ones(member: HuggingFace, lab: HubLab) -> None:
    listed = await member.organisation_models()
    assert set(listed) == {f"{lab.org}/{name}" for name in ("support-llama-8b", "tickets-qwen-7b", "tiny-qwen")}


async def test_without_token_or_organisation_nothing_is_listed(stranger: HuggingFace, lab: HubLab) -> None:
    assert await stranger.organisation_models() == ()
    async with opened(lab.url, token=lab.token) as hub:
        assert await hub.organisation_models() == ()
    assert lab.requests == []


async def test_all_pages_are_read_up_to_a_bound() -> None:
    def published(number: int, task: str = "text-generation") -> HubModel:
        return HubModel(id=f"acme-ai/m{number:05}", parameters={}, config=None, pipeline_tag=task)

    lab = HubLab(models=[published(number) for number in range(PAGE * 2 + 1)] + [published(99999, "text-to-image")])
    await lab.start()
    async with opened(lab.url, token=lab.token, organisation=lab.org) as hub:
        assert len(await hub.organisation_models()) == PAGE * 2 + 1
        lab.models |= {f"acme-ai/n{number}": published(10_000 + number) for number in range(PAGE * MOST_PAGES)}
        lab.requests.clear()
        assert len(await hub.organisation_models()) <= PAGE * MOST_PAGES
        assert len(lab.requests) == MOST_PAGES
    await lab.stop()


# --- a Hub that is not to be trusted ----------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def rude_hub(handler: Handler) -> AsyncIterator[str]:
    async with served(web.get("/{path:.*}", handler)) as url:
        yield f"{url}/api"


async def test_a_small_file_is_followed_to_the_hubs_own_cache() -> None:
    cache = f"/api/resolve-cache/models/acme/m/{'a' * 40}/config.json"

    async def handler(request: web.Request) -> web.Response:
        if request.path.startswith("/api/models"):
            return web.json_response({"id": "acme/m", "sha": "a" * 40, "config": {"tokenizer_config": {}}})
        if request.path == cache and dict(request.query) == {"etag": '"x"'}:
            return web.json_response({"model_type": "llama"})
        return web.Response(status=307, headers={"Location": f"{cache}?etag=%22x%22"})

    async with rude_hub(handler) as url, opened(url) as hub:
        answer = await hub.model("acme/m")

    assert answer.config == {"model_type": "llama"}
    assert answer.tokenizer == {}


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/api/resolve-cache/models/x",
        "//elsewhere.example/api/resolve-cache/models/x",
        "/api/resolve-cache/models/../../../secrets",
        "/api/whoami-v2",
        "http://[",
        "",
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    came: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        came.append(f"{request.host} {request.path}")
        if request.path.startswith("/api/models"):
            return web.json_response({"id": "acme/m", "config": {"tokenizer_config": {}}})
        return web.Response(status=302, headers={"Location": location.format(port=request.url.port)})

    async with rude_hub(handler) as url, opened(url, token="hf_secret") as hub:
        with pytest.raises(UnavailableError):
            await hub.model("acme/m")

    assert [one.partition(" ")[2] for one in came] == ["/api/models/acme/m", "/acme/m/resolve/main/config.json"]
    assert all(one.startswith("127.0.0.1:") for one in came)


@pytest.mark.parametrize("body", ["<html>", "[]", "[" * 100_000, '"text"', "", "{"])
async def test_an_answer_of_another_shape_is_unavailable(body: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=body)

    async with rude_hub(handler) as url, opened(url) as hub:
        with pytest.raises(UnavailableError):
            await hub.model("acme/m")


async def test_an_answer_without_end_is_cut_off() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 1_000_000)
        return response

    async with rude_hub(handler) as url, opened(url) as hub:
        with pytest.raises(UnavailableError):
            await hub.model("acme/m")


async def test_a_link_to_another_host_is_only_read_for_its_cursor() -> None:
    came: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        came.append(request.query_string)
        link = {"Link": '<https://elsewhere.example/api/models?cursor=c%2F1&author=x>; rel="next"'}
        return web.json_response([{"id": "acme/m"}, {"id": "../x"}, 7], headers=link if len(came) == 1 else {})

    async with rude_hub(handler) as url, opened(url, token="t", organisation="acme") as hub:
        assert await hub.organisation_models() == ["acme/m"]

    assert came == ["author=acme&limit=100", "author=acme&limit=100&cursor=c/1"]
