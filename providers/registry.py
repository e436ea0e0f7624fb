"""Which clouds are installed: every entry point of the group `prime.providers`, Prime's own among them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

import structlog

from core.clock import Clock
from core.errors import NotFoundError
from core.servers.ports import Provider, Providers

GROUP = "prime.providers"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What a cloud's adapter is given besides the key."""

    base_url: str | None
    """Where the cloud's API is, if not where it usually is."""
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFactory:
    """What an entry point of the group leads to. The entry point's name is the cloud's type."""

    label: str
    """The cloud's name as people write it."""
    open: Callable[[str, ProviderSettings], Provider]
    """From one team's key. Calls nobody."""


class InstalledProviders(Providers):
    def __init__(
        self, factories: Mapping[str, ProviderFactory], *, clock: Clock, base_urls: Mapping[str, str] | None = None
    ) -> None:
        """`factories` as `find_factories()` gives them; `base_urls` by type, for those that a setting moves."""
        self._factories = dict(factories)
        self._clock = clock
        self._base_urls = dict(base_urls or {})

    def types(self) -> Sequence[str]:
        return sorted(self._factories)

    def label(self, type: str) -> str:  # noqa: A002 the port's word
        return self._factory(type).label

    def open(self, type: str, key: str) -> Provider:  # noqa: A002
        settings = ProviderSettings(base_url=self._base_urls.get(type), clock=self._clock)
        return self._factory(type).open(key, settings)

    def _factory(self, type_: str) -> ProviderFactory:
        if type_ not in self._factories:
            raise NotFoundError("No such cloud is installed with Prime. `/prime keys` lists those that are.")
        return self._factories[type_]


def find_factories() -> dict[str, ProviderFactory]:
    """By type. A package that cannot be used is told in the log and left out."""
    factories: dict[str, ProviderFactory] = {}
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist is not None else None
        try:
            factory = entry.load()
        # Somebody else's package runs here and may raise anything; Prime's own clouds shall work all the same.
        except Exception as error:  # noqa: BLE001
            _log.error("provider.unusable", provider=entry.name, package=package, error=type(error).__name__)
            continue
        if not isinstance(factory, ProviderFactory):
            _log.error("provider.not_a_factory", provider=entry.name, package=package)
        elif entry.name in factories:
            _log.error("provider.there_already", provider=entry.name, package=package)
        else:
            factories[entry.name] = factory
    return factories
