"""What the catalogue needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from core.catalog.model import HubAnswer, LimitChange, Model, OfferChange


class ModelHub(Protocol):
    """Hugging Face, read over the network: never inside a transaction."""

    async def model(self, model_id: str) -> HubAnswer:
        """Of the newest revision. The id is a checked one.

        Raises NotFoundError: there is none, or it is private and our token does not open it; InvalidInputError: its
        files are gated and we have no access; UnavailableError."""
        ...

    async def organisation_models(self) -> Sequence[str]:
        """Ids of the models of our organisation that may write text, private ones included; none without a token and
        an organisation. Raises UnavailableError."""
        ...


class CatalogStore(Protocol):
    """What admins changed and what the Hub told, inside the caller's transaction."""

    async def hub_model(self, model_id: str) -> Model | None:
        """What the Hub told last; `checked_at` says when."""
        ...

    async def hub_models(self, ids: Collection[str]) -> Mapping[str, Model]: ...

    async def put_hub_model(self, model: Model) -> None:
        """As the Hub told it at `checked_at`, in place of an older word; a newer one stays."""
        ...

    async def listings(self) -> Mapping[str, bool]:
        """Model id -> True: listed beside the file's models; False: a model of the file that is not listed."""
        ...

    async def put_listing(self, model_id: str, *, is_listed: bool) -> None: ...

    async def remove_listing(self, model_id: str) -> None: ...

    async def offer_changes(self, provider: str) -> Sequence[OfferChange]: ...

    async def put_offer_change(self, change: OfferChange) -> None:
        """In place of the type's older one; one that changes nothing is forgotten."""
        ...

    async def hidden_templates(self, provider: str) -> Collection[str]: ...

    async def put_template(self, provider: str, template_id: str, *, is_hidden: bool) -> None: ...

    async def limit_changes(self) -> Sequence[LimitChange]: ...

    async def put_limit_change(self, change: LimitChange) -> None: ...
