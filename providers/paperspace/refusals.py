"""Why Paperspace did not do something. Its codes do not tell capacity from quota; only its words do, as far as they are
known: what is not recognised is a refusal that shows them."""

import re

from core.errors import PrimeError
from core.servers.errors import (
    MachineBusyError,
    NoCapacityError,
    OrderRefusedError,
    ProviderForbiddenError,
    ProviderUnavailableError,
    QuotaError,
)
from core.servers.model import MachineOrder
from providers.paperspace.client import NAME, RefusedError

_QUOTA = re.compile(r"quota|\blimits?\b|maximum number|too many machines", re.IGNORECASE)
_APPROVAL = re.compile(r"approv|request access|not (yet )?enabled|verif", re.IGNORECASE)
_BILLING = re.compile(r"payment|billing|credit card|suspended|unpaid|good standing", re.IGNORECASE)
_CAPACITY = re.compile(
    r"capacity|high demand|out of stock|sold out|(not|no longer) (currently )?available(?! for)|unavailable",
    re.IGNORECASE,
)

_FIREWALL = (
    "The firewall in front of Paperspace blocked the order, so nothing was ordered. "
    "Please try again; if it stays so, Paperspace's support can tell why."
)
_SHOWN = 160
"""Characters of the cloud's own words."""


def order_error(refusal: RefusedError, order: MachineOrder) -> PrimeError:
    """For a machine that was not ordered."""
    if refusal.is_html:
        return OrderRefusedError(_FIREWALL)
    known = _known_error(refusal.words, what=f"a machine of type {order.type}")
    if known is not None:
        return known
    if refusal.status == 403:
        return ProviderForbiddenError(
            "Paperspace does not let Prime's key order machines. An ADMIN can give another with `/prime keys`."
        )
    return OrderRefusedError(
        f"Paperspace does not take the order of a machine of type {order.type} in {order.region} with a disk of "
        f"{order.disk_gb} GB{_quoted(refusal.words)}. Nothing was ordered: choose another offer, disk or template."
    )


def script_error(refusal: RefusedError) -> PrimeError:
    """For a startup script that was not taken. Its words are not shown: they may quote the script."""
    if refusal.is_html:
        return OrderRefusedError(_FIREWALL)
    if refusal.status == 403:
        return ProviderForbiddenError(
            "Paperspace does not let Prime's key store startup scripts. An ADMIN can give another with `/prime keys`."
        )
    return OrderRefusedError(
        f"Paperspace does not take the startup script (status {refusal.status}), so nothing was ordered."
    )


def start_error(refusal: RefusedError) -> PrimeError:
    """For a machine that was not started."""
    known = None if refusal.is_html else _known_error(refusal.words, what="this machine")
    return known or change_error(refusal, "does not start the machine")


def change_error(refusal: RefusedError, what: str) -> PrimeError:
    """For any other change; `what` goes on after "Paperspace"."""
    if refusal.is_html:
        return ProviderUnavailableError(f"The firewall in front of {NAME} blocked the call. Prime asks again.")
    if refusal.status == 403:
        return ProviderForbiddenError(
            f"{NAME} does not let Prime's key do this. An ADMIN can give another with `/prime keys`."
        )
    return MachineBusyError(f"{NAME} {what} just now. Prime asks again.")


def _known_error(words: str, *, what: str) -> PrimeError | None:
    if _QUOTA.search(words):
        return QuotaError(
            "The Paperspace account has reached a limit of its own. Delete a machine that is not needed, or ask "
            "Paperspace to raise the limit."
        )
    if _APPROVAL.search(words):
        return OrderRefusedError(
            f"Paperspace wants to approve {what} for this account first, which takes a day or two: ask for it in its "
            "console. Nothing was ordered."
        )
    if _BILLING.search(words):
        return OrderRefusedError(
            "Paperspace takes no orders from this account until its billing is settled in its console."
        )
    if _CAPACITY.search(words):
        return NoCapacityError(
            f"Paperspace has no capacity for {what} just now. Try again later, or another offer or region."
        )
    return None


def _quoted(words: str) -> str:
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())[:_SHOWN]
    return f' ("{shown}")' if shown else ""
