"""Column types that refuse what must not be stored."""
# ruff: noqa: ARG002  the signatures are SQLAlchemy's

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, in and out; out in UTC. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise TypeError("a time without a zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value as it is stored; only `db.secrets` makes and opens it."""

    data: bytes


class SealedColumn(TypeDecorator[Sealed]):
    """Takes nothing but a Sealed value, so that nothing is stored in clear by mistake."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        # Types do not hold at run time, and plain text here would be a leak.
        if not isinstance(value, Sealed):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("a value that is not sealed")
        return value.data

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))
