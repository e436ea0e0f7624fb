"""What admins changed in the catalogue, and what the Hub told, on their tables."""

from collections.abc import Collection, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.catalog.model import LimitChange, Model, OfferChange
from core.catalog.ports import CatalogStore
from db.models import CatalogLimitRow, CatalogModelRow, CatalogOfferRow, CatalogTemplateRow, HubModelRow

_MODEL = TypeAdapter(Model)


class PostgresCatalog(CatalogStore):
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def hub_model(self, model_id: str) -> Model | None:
        return (await self.hub_models([model_id])).get(model_id)

    async def hub_models(self, ids: Collection[str]) -> Mapping[str, Model]:
        kept = select(HubModelRow.id, HubModelRow.document).where(HubModelRow.id.in_(ids))
        models = {row.id: _model(row.document) for row in await self._connection.execute(kept)}
        return {model_id: model for model_id, model in models.items() if model is not None}

    async def put_hub_model(self, model: Model) -> None:
        row = upsert(HubModelRow).values(
            id=model.id, document=_MODEL.dump_json(model).decode(), checked_at=model.checked_at
        )
        newer = row.on_conflict_do_update(
            index_elements=[HubModelRow.id],
            set_={"document": row.excluded.document, "checked_at": row.excluded.checked_at},
            where=HubModelRow.checked_at < row.excluded.checked_at,
        )
        await self._connection.execute(newer)

    async def listings(self) -> Mapping[str, bool]:
        rows = await self._connection.execute(
            select(CatalogModelRow.id, CatalogModelRow.is_listed).order_by(CatalogModelRow.id)
        )
        return {row.id: row.is_listed for row in rows}

    async def put_listing(self, model_id: str, *, is_listed: bool) -> None:
        row = upsert(CatalogModelRow).values(id=model_id, is_listed=is_listed)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[CatalogModelRow.id], set_={"is_listed": row.excluded.is_listed})
        )

    async def remove_listing(self, model_id: str) -> None:
        await self._connection.execute(delete(CatalogModelRow).where(CatalogModelRow.id == model_id))

    async def offer_changes(self, provider: str) -> Sequence[OfferChange]:
        rows = await self._connection.execute(
            select(
                CatalogOfferRow.provider, CatalogOfferRow.type, CatalogOfferRow.usd_per_hour, CatalogOfferRow.is_hidden
            ).where(CatalogOfferRow.provider == provider)
        )
        return [
            OfferChange(provider=row.provider, type=row.type, usd_per_hour=row.usd_per_hour, is_hidden=row.is_hidden)
            for row in rows
        ]

    async def put_offer_change(self, change: OfferChange) -> None:
        table = CatalogOfferRow
        if change.usd_per_hour is None and not change.is_hidden:
            await self._connection.execute(
                delete(table).where(table.provider == change.provider, table.type == change.type)
            )
            return
        row = upsert(table).values(
            provider=change.provider,
            type=change.type,
            usd_per_hour=change.usd_per_hour,
            is_hidden=change.is_hidden,
        )
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[table.provider, table.type],
                set_={"usd_per_hour": row.excluded.usd_per_hour, "is_hidden": row.excluded.is_hidden},
            )
        )

    async def hidden_templates(self, provider: str) -> Collection[str]:
        table = CatalogTemplateRow
        rows = await self._connection.execute(select(table.id).where(table.provider == provider))
        return frozenset(rows.scalars())

    async def put_template(self, provider: str, template_id: str, *, is_hidden: bool) -> None:
        table = CatalogTemplateRow
        if is_hidden:
            row = upsert(table).values(provider=provider, id=template_id)
            await self._connection.execute(row.on_conflict_do_nothing())
        else:
            await self._connection.execute(delete(table).where(table.provider == provider, table.id == template_id))

    async def limit_changes(self) -> Sequence[LimitChange]:
        table = CatalogLimitRow
        rows = await self._connection.execute(select(table.option, table.minimum, table.maximum, table.default))
        return [
            LimitChange(option=row.option, minimum=row.minimum, maximum=row.maximum, default=row.default)
            for row in rows
        ]

    async def put_limit_change(self, change: LimitChange) -> None:
        row = upsert(CatalogLimitRow).values(
            option=change.option, minimum=change.minimum, maximum=change.maximum, default=change.default
        )
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[CatalogLimitRow.option],
                set_={
                    "minimum": row.excluded.minimum,
                    "maximum": row.excluded.maximum,
                    "default": row.excluded.default,
                },
            )
        )


def _model(document: str) -> Model | None:
    """None for what another version of Prime kept, which is asked for again."""
    try:
        return _MODEL.validate_json(document)
    except ValidationError:
        return None
