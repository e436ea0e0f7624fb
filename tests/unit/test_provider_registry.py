"""Clouds are found by entry point, and the page that says how is true."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.errors import NotFoundError
from core.servers.errors import MachineNotFoundError
from core.servers.model import MachineState
from providers.paperspace.provider import factory
from providers.registry import GROUP, InstalledProviders, find_factories
from tests.canned import QuickClock, answer, canned_server

README = (Path(__file__).parents[2] / "providers" / "README.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages; what a test imports from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for package in tmp_path.glob("*.py"):
        sys.modules.pop(package.stem, None)


def install(site: Path, package: str, *, code: str, entry_points: dict[str, str]) -> None:
    module = package.replace("-", "_")
    (site / f"{module}.py").write_text(code)
    told = site / f"{module}-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"[{GROUP}]", *(f"{name} = {target}" for name, target in entry_points.items())]
    (told / "entry_points.txt").write_text("\n".join(lines))


async def test_the_package_of_the_readme_adds_a_cloud(site: Path) -> None:
    entry_points = tomllib.loads(block("toml"))["project"]["entry-points"][GROUP]
    install(site, "prime-hilbert", code=block("python"), entry_points=entry_points)

    async with canned_server() as server:
        installed = InstalledProviders(find_factories(), clock=QuickClock(), base_urls={"hilbert": server.url})
        assert "hilbert" in installed.types()
        assert installed.label("hilbert") == "Hilbert"

        room = {"id": "7", "name": "prime-7", "state": "up", "type": "single", "ip": "203.0.113.7"}
        server.lay("GET /rooms/7", answer(room))
        server.lay("GET /account", answer({"name": "Grand Hotel"}))
        cloud = installed.open("hilbert", "key")
        assert await cloud.check_credentials() == "Grand Hotel"
        assert (await cloud.get("7")).state is MachineState.RUNNING
        with pytest.raises(MachineNotFoundError):
            await cloud.get("8")
        await cloud.aclose()
        assert server.calls[0].headers["x-key"] == "key"


def test_a_package_that_cannot_be_used_is_named_in_the_log_and_left_out(site: Path) -> None:
    install(
        site, "prime-broken", code="raise RuntimeError('a secret')", entry_points={"broken": "prime_broken:factory"}
    )
    install(site, "prime-odd", code="factory = 7", entry_points={"odd": "prime_odd:factory"})
    code = "from providers.paperspace.provider import factory"
    install(site, "prime-one", code=code, entry_points={"one": "prime_one:factory"})
    install(site, "prime-two", code=code, entry_points={"one": "prime_two:factory"})

    with capture_logs() as logs:
        found = find_factories()

    assert found["one"] is factory
    assert not {"broken", "odd"} & found.keys()
    told = {(entry["event"], entry["provider"]): entry for entry in logs}
    assert told["provider.unusable", "broken"]["package"] == "prime-broken"
    assert told["provider.not_a_factory", "odd"]["package"] == "prime-odd"
    assert ("provider.there_already", "one") in told
    assert "a secret" not in str(logs)


async def test_a_type_that_is_not_installed_is_not_found() -> None:
    installed = InstalledProviders({"paperspace": factory}, clock=QuickClock())
    assert installed.types() == ["paperspace"]
    with pytest.raises(NotFoundError):
        installed.label("elsewhere")
    with pytest.raises(NotFoundError):
        installed.open("elsewhere", "key")
    assert installed.open("paperspace", "key").type == "paperspace"


def test_primes_own_cloud_is_declared_like_any_other() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == {"paperspace": "providers.paperspace.provider:factory"}
