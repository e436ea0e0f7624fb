"""The client of what the startup script puts in front of an engine: see `providers/startup/front.sh`."""

import hashlib
import hmac
import ipaddress
import json
from typing import Any, cast

from core.servers.errors import EngineUnreachableError, IdentityError
from core.servers.model import Endpoint, Progress, Stage
from core.servers.ports import MachineFront
from providers.pinned import get, pinned_client, unpinned_client

DETAIL_CHARACTERS = 200


class Front(MachineFront):
    def __init__(self, *, scheme: str, port: int) -> None:
        self._scheme = scheme
        self._port = port

    @property
    def scheme(self) -> str:
        return self._scheme

    def url(self, address: str) -> str:
        """Raises ValueError for what is no IP address."""
        ip = ipaddress.ip_address(address)
        return f"{self._scheme}://{f'[{ip}]' if ip.version == 6 else ip}:{self._port}"

    async def identify(self, address: str, *, key: str) -> str:
        async with unpinned_client(self.url(address)) as client:
            answer = await get(client, "/.prime/identity", token=_keyed_hash(key, "prime-identity-token"))
        if answer.status >= 500:
            raise EngineUnreachableError("The server does not say yet who it is.")
        claimed = _object(answer.body) if answer.status == 200 else {}
        proof = _keyed_hash(key, f"prime-identity:{answer.fingerprint}")
        # Of the certificate that was met, not of the one that is claimed: who stands between has his own.
        if (
            answer.fingerprint is None
            or claimed.get("fingerprint") != answer.fingerprint
            or not hmac.compare_digest(str(claimed.get("hmac")).encode(), proof.encode())
        ):
            raise IdentityError("What answers at this server's address could not prove that it is this server.")
        return answer.fingerprint

    async def progress(self, endpoint: Endpoint) -> Progress | None:
        if self._scheme == "http":
            return None
        async with pinned_client(endpoint) as client:
            answer = await get(client, "/.prime/progress", token=endpoint.key)
        if answer.status == 401:
            raise IdentityError("The server does not take its own key any more.")
        told = _object(answer.body) if answer.status == 200 else {}
        try:
            stage = Stage(told.get("stage", ""))
        except ValueError:
            return None
        detail = "".join(letter for letter in str(told.get("detail", "")) if letter.isprintable())
        return Progress(stage=stage, detail=detail[:DETAIL_CHARACTERS])


def _keyed_hash(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _object(body: bytes) -> dict[str, Any]:
    """Empty for what is no JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
