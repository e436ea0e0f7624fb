"""What stands between Prime and a service, and hands on its answers changed."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests.hostile.mangling import mangled
from tests.serving import served

BROKEN = [b"", b"{", b"null", b"[]", b'"text"', b"[" * 100_000, b"\xff\xfe", b"<html>", b"NaN", b"9" * 5000]
EVENT = b"data:"


@dataclass(slots=True)
class Relay:
    target: str
    session: aiohttp.ClientSession
    url: str = ""
    chance: random.Random | None = None
    """Whose luck it is; None: nothing is changed."""

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        body = await request.read()
        async with self.session.request(
            request.method, self.target + request.path_qs, data=body, headers=headers, allow_redirects=False
        ) as answer:
            said = await answer.read()
            kept = {
                name: value for name, value in answer.headers.items() if name in ("Link", "Location", "X-Error-Code")
            }
            return web.Response(
                status=answer.status, body=self._changed(said), content_type=answer.content_type, headers=kept
            )

    def _changed(self, body: bytes) -> bytes:
        chance = self.chance
        if chance is None or chance.random() < 0.3:
            return body
        if chance.random() < 0.1:
            return chance.choice(BROKEN)
        if not body.startswith(EVENT):
            return _mangled_json(body, chance)
        lines = body.split(b"\n")
        places = [place for place, line in enumerate(lines) if line.startswith(EVENT)]
        place = chance.choice(places)
        lines[place] = EVENT + b" " + _mangled_json(lines[place].removeprefix(EVENT), chance)
        return b"\n".join(lines)


@asynccontextmanager
async def open_relay(target: str) -> AsyncIterator[Relay]:
    async with aiohttp.ClientSession() as session:
        relay = Relay(target, session)
        async with served(web.route("*", "/{path:.*}", relay.handle)) as relay.url:
            yield relay


def _mangled_json(text: bytes, chance: random.Random) -> bytes:
    try:
        return json.dumps(mangled(json.loads(text), chance)).encode()
    except ValueError:
        return text[: chance.randrange(len(text) + 1)]
