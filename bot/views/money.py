"""Amounts as people read them."""

from decimal import Decimal


def usd(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def per_hour(amount: Decimal | None) -> str:
    return "price unknown" if amount is None else f"{usd(amount)} per hour"
