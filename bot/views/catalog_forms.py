"""What an ADMIN fills in to change the catalogue."""

from decimal import Decimal
from typing import Any

from bot.ids import Input, Modal
from bot.mrkdwn import escape
from bot.views.catalog import Place
from bot.views.kit import context, labelled, modal, number_input, section, text_input
from bot.views.money import per_hour
from core.catalog.model import Limit
from core.catalog.rules import MOST

MODEL_LENGTH = 150
PRICE_LENGTH = 20


def build_add_model_form(place: Place) -> dict[str, Any]:
    return modal(
        Modal.ADD_MODEL,
        "Add model",
        [
            labelled(
                "Model",
                text_input(Input.MODEL, max_length=MODEL_LENGTH, placeholder="Qwen/Qwen2.5-7B-Instruct"),
                block_id=Input.MODEL,
                hint="A full Hugging Face id, organisation/name.",
            ),
            context("Hugging Face is asked whether it exists, may be read, and is one that an engine serves."),
        ],
        submit="Add model",
        close="Back",
        private_metadata=str(place),
    )


def build_price_form(
    offer_type: str, place: Place, *, listed: Decimal | None, changed: Decimal | None
) -> dict[str, Any]:
    """`listed` is the price file's, `changed` what stands in its place now."""
    return modal(
        Modal.SET_PRICE,
        "Set price",
        [
            section(f"*{escape(offer_type)}*: the price file says {per_hour(listed)}."),
            labelled(
                "Price per hour",
                text_input(
                    Input.PRICE,
                    max_length=PRICE_LENGTH,
                    placeholder="0.76",
                    initial=None if changed is None else f"{changed.normalize():f}",
                ),
                block_id=Input.PRICE,
                hint="US dollars. Left empty: the price file's again.",
                optional=True,
            ),
            context("It holds for servers that are created from now on."),
        ],
        submit="Set price",
        close="Back",
        private_metadata=f"{offer_type}|{place}",
    )


def build_limit_form(limit: Limit, place: Place) -> dict[str, Any]:
    return modal(
        Modal.CHANGE_LIMIT,
        "Change limit",
        [
            section(f"*{escape(limit.label)}*"),
            labelled("Minimum", _number(Input.MINIMUM, limit.minimum), block_id=Input.MINIMUM),
            labelled("Maximum", _number(Input.MAXIMUM, limit.maximum), block_id=Input.MAXIMUM),
            labelled(
                "Default",
                _number(Input.DEFAULT, limit.default),
                block_id=Input.DEFAULT,
                hint="What a form starts with. Left empty: the engine chooses.",
                optional=True,
            ),
        ],
        submit="Change limit",
        close="Back",
        private_metadata=f"{limit.option}|{place}",
    )


def _number(name: Input, initial: int | None) -> dict[str, Any]:
    return number_input(name, least=1, most=MOST, initial=initial)
