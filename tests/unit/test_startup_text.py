"""The text that a cloud gets for a machine."""

import base64
import gzip

import pytest

from core.catalog.model import EngineKind, EngineOptions
from core.errors import ConfigurationError, InvalidInputError
from core.servers.model import Launch
from providers.engines.registry import InstalledEngines
from providers.startup.script import MAX_BYTES, Startup

KEY = "k3y-" + "x" * 39
TOKEN = "hf_tokenOfTheHub"


def test_the_key_and_the_token_are_not_in_the_script_without_secrets() -> None:
    with_secrets = unpacked(startup().build(launch(), key=KEY, hub_token=TOKEN))
    without = unpacked(startup().without_secrets(launch()))
    assert KEY in with_secrets
    assert TOKEN in with_secrets
    assert KEY not in without
    assert TOKEN not in without


def test_the_token_is_in_the_script_only_when_it_is_given() -> None:
    assert "hf_" not in unpacked(startup().build(launch(), key=KEY, hub_token=None))


def test_shows_a_firewall_no_shell_but_the_unpacking() -> None:
    text = startup().build(launch(), key=KEY, hub_token=TOKEN)
    for word in ("docker", "apt-get", "curl", "iptables", "nginx", "rm -", "/etc/", KEY):
        assert word not in text


def test_stays_far_below_what_clouds_take() -> None:
    options = EngineOptions(
        max_input_tokens=30_000, max_total_tokens=32_000, max_batch_prefill_tokens=30_000, max_stop_sequences=4
    )
    assert len(startup().build(launch(options=options), key=KEY, hub_token=TOKEN)) < MAX_BYTES / 2


def test_is_the_same_text_for_the_same_server() -> None:
    assert startup().build(launch(), key=KEY, hub_token=None) == startup().build(launch(), key=KEY, hub_token=None)


def test_refuses_what_would_be_longer_than_clouds_take() -> None:
    noise = base64.b85encode(bytes(range(256)) * 4 + b"".join(bytes([n * n % 251]) for n in range(20_000))).decode()
    noise = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(10_000)) + noise
    with pytest.raises(InvalidInputError, match="too long"):
        startup().without_secrets(launch(model=noise))


@pytest.mark.parametrize("word", ["a\0b", "\0"])
def test_refuses_a_nul_which_no_program_can_be_given(word: str) -> None:
    with pytest.raises(InvalidInputError):
        startup().without_secrets(launch(model=word))


@pytest.mark.parametrize("key", ["", "a b", 'a"b', "a\nAPI_KEY=b", "ключ", "a$b"])
def test_refuses_a_key_that_is_none(key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        startup().build(launch(), key=key, hub_token=None)


def test_refuses_a_token_that_is_none() -> None:
    with pytest.raises(ValueError, match="not a key"):
        startup().build(launch(), key=KEY, hub_token="hf_\nAPI_KEY=mine")


@pytest.mark.parametrize("port", [0, 65535])
def test_refuses_a_port_that_leaves_none_for_the_engine(port: int) -> None:
    with pytest.raises(ConfigurationError, match="TGI_PORT"):
        Startup(scheme="https", port=port, engines=InstalledEngines())


def startup() -> Startup:
    return Startup(scheme="https", port=8080, engines=InstalledEngines())


def launch(*, model: str = "Qwen/Qwen3-8B", options: EngineOptions | None = None) -> Launch:
    """For vLLM, which takes any word."""
    return Launch(engine=EngineKind.VLLM, model=model, revision=None, options=options or EngineOptions(), gpu_count=1)


def unpacked(text: str) -> str:
    packed = text.split("<<'PACKED' | gzip -d\n")[1].split("PACKED", maxsplit=1)[0]
    return gzip.decompress(base64.b64decode(packed)).decode()
